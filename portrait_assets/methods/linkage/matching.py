"""Which of new records are of persons that are known already, and which are listed twice."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from portrait_assets.methods.linkage.model import (
    UNIQUE_ID,
    LinkageModel,
    LinkageSettings,
    compared,
    score,
    without_empty_columns,
)
from portrait_assets.methods.linkage.training import train

FEWEST_RECORDS = 100
"""So many records are needed to learn how records of one person differ."""
MATCHES = {"id": pl.String, "matched": pl.String, "is_known": pl.Boolean}
_SCORED = MATCHES | {"match_probability": pl.Float64}
_NEW, _KNOWN = "new ", "known "


def match(
    new: pl.DataFrame,
    known: pl.DataFrame,
    keys: Sequence[tuple[str, ...]],
    model: LinkageModel | None,
    settings: LinkageSettings,
    *,
    is_trained: bool = True,
) -> pl.DataFrame:
    """The records that new ones are of the same person as.

    By a key, or where they are probably of one person. Without a model one is learned from all of
    these records, if there are enough.

    Args:
        new: `id`, each once, and columns about persons (`person_columns.NAMES`).
        known: the same of persons that are known; an `id` may have several records.
        keys: columns that say the same of one person only; those that a side lacks are left out.
        model: of such records.
        settings: with the threshold of the match probability.
        is_trained: whether probable matches count; otherwise only those by a key.

    Returns:
        `id`, `matched` and `is_known`: a row for each new record that is also a known person's,
        with the most probable one, or that repeats another new record of a lesser `id`.

    Raises:
        PortraitError: when the tables have too few known columns.
    """
    pairs = [_by_key(new, known, keys)]
    if is_trained:
        pairs.append(_probable(new, known, model, settings))
    return (
        pl.concat(pairs)
        .sort("is_known", "match_probability", "matched", descending=[True, True, False])
        .unique("id", keep="first", maintain_order=True)
        .select(*MATCHES)
        .sort("id")
    )


def _by_key(
    new: pl.DataFrame, known: pl.DataFrame, keys: Sequence[tuple[str, ...]]
) -> pl.DataFrame:
    shared = set(new.columns) & set(known.columns)
    found = [pl.DataFrame(schema=_SCORED)]
    for key in keys:
        if not set(key) <= shared:
            continue
        mine, theirs = (part.select("id", *key).drop_nulls() for part in (new, known))
        for others, is_known in ((theirs, True), (mine, False)):
            pairs = mine.join(others.rename({"id": "matched"}), on=list(key))
            if not is_known:
                pairs = pairs.filter(pl.col("matched") < pl.col("id"))
            found.append(
                pairs.select(
                    "id",
                    "matched",
                    pl.lit(is_known).alias("is_known"),
                    pl.lit(1.0).alias("match_probability"),
                )
            )
    return pl.concat(found)


def _probable(
    new: pl.DataFrame, known: pl.DataFrame, model: LinkageModel | None, settings: LinkageSettings
) -> pl.DataFrame:
    nobody = pl.DataFrame(schema=_SCORED)
    if model is None and new.height + known.height < FEWEST_RECORDS:
        return nobody
    ids = known["id"]
    # Records of one customer have the same id, and a record its own number.
    texts = [
        _texts(new.with_columns(pl.format(_NEW + "{}", "id").alias("id"))),
        _texts(known.with_columns(pl.format(_KNOWN + "{}", pl.int_range(pl.len())).alias("id"))),
    ]
    if model is None:
        trained = train(without_empty_columns(pl.concat(texts, how="diagonal")), settings)
        if trained is None:
            return nobody
        _, pairs = trained
    else:
        pairs = score(model, texts[0], texts[1] if known.height else None, settings)
    pairs = pairs.filter(pl.col("match_probability") >= settings.threshold)
    # `known ` comes before `new `, and of two new ones the lesser identifier first.
    pairs = pairs.filter(pl.col("record_2").str.starts_with(_NEW))
    is_known = pairs["record_1"].str.starts_with(_KNOWN)
    places = pairs["record_1"].filter(is_known).str.strip_prefix(_KNOWN).cast(pl.Int64)
    of_known = pairs.filter(is_known).with_columns(matched=ids.gather(places))
    of_new = pairs.filter(~is_known).with_columns(matched=pl.col("record_1").str.strip_prefix(_NEW))
    return pl.concat(
        part.select(
            pl.col("record_2").str.strip_prefix(_NEW).alias("id"),
            "matched",
            pl.lit(flag).alias("is_known"),
            "match_probability",
        )
        for part, flag in ((of_known, True), (of_new, False))
    )


def _texts(records: pl.DataFrame) -> pl.DataFrame:
    return compared(records, "id").cast({UNIQUE_ID: pl.String})
