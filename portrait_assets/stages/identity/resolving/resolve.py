"""Which records are one customer: as of each month, with ids that stay."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from portrait_assets.methods.linkage.resolving import SAME, persons_of
from portrait_assets.methods.typing.text import as_text
from portrait_assets.privacy.tombstones import MARK
from portrait_assets.stages.identity.contract import CUSTOMER_ALIAS, IDENTITY_MAP
from portrait_assets.stages.identity.lookup import as_known, first_day

EVIDENCE = "same identifier in the source"
PROBABLE = "probable match"
REVIEWED = "decided by a reviewer"
_BY_KEY, _KNOWN = SAME / 10, SAME / 2
_PAIR = ("record_1", "record_2")
_NO_PAIRS = pl.DataFrame(schema=dict.fromkeys(_PAIR, pl.String) | {"match_probability": pl.Float64})


def first_seen(tables: Iterable[pl.LazyFrame], known: pl.DataFrame) -> pl.DataFrame:
    """The identifiers of `tables` that are not in the map yet, with the month of the first.

    Args:
        tables: raw tables with `month` and `customer_id`, of the months to be mapped.
        known: the identity map of all months before those.

    Returns:
        `source_customer_id` and `month`.
    """
    seen = [
        table.select("month", as_text("customer_id").alias("source_customer_id"))
        .group_by("source_customer_id")
        .agg(pl.col("month").min())
        for table in tables
    ]
    return (
        pl.concat(seen)
        .drop_nulls("source_customer_id")
        .filter(~pl.col("source_customer_id").str.starts_with(MARK))
        .group_by("source_customer_id")
        .agg(pl.col("month").min())
        .join(known.lazy(), on="source_customer_id", how="anti")
        .sort("month", "source_customer_id")
        .collect(engine="streaming")
    )


def on_their_own(seen: pl.DataFrame) -> pl.DataFrame:
    """Identifiers seen for the first time as customers of their own, in identity_map's columns."""
    return seen.with_columns(
        pl.col("source_customer_id").alias("customer_id"),
        first_day().alias("valid_from"),
        pl.lit(1.0).alias("match_probability"),
        pl.lit(EVIDENCE).alias("evidence"),
    ).select(IDENTITY_MAP.column_names)


def new_identities(tables: Iterable[pl.LazyFrame], known: pl.DataFrame) -> pl.DataFrame:
    """The identifiers seen for the first time, each a customer, in the month of the first."""
    return on_their_own(first_seen(tables, known))


@dataclass(frozen=True)
class Resolved:
    """What one month adds to the identity map and to the aliases."""

    identity_map: pl.DataFrame
    aliases: pl.DataFrame


def key_pairs(records: pl.DataFrame, keys: Iterable[tuple[str, ...]]) -> pl.DataFrame:
    """Pairs of records that agree in all columns of a key, with that as evidence.

    Args:
        records: `record_id` and the columns of the keys, typed.
        keys: columns that only one person's records share.

    Returns:
        `record_1` < `record_2` and `evidence`; records that share a value are all paired with
        the first of them.
    """
    found = [pl.DataFrame(schema={**dict.fromkeys(_PAIR, pl.String), "evidence": pl.String})]
    for key in keys:
        if not set(key) <= set(records.columns):
            continue
        complete = records.drop_nulls(list(key))
        first = pl.col("record_id").min().over(list(key))
        pairs = complete.with_columns(first.alias("record_1")).filter(
            pl.col("record_1") != pl.col("record_id")
        )
        found.append(
            pairs.select(
                "record_1",
                pl.col("record_id").alias("record_2"),
                pl.lit(f"same {' and '.join(key)}").alias("evidence"),
            )
        )
    return pl.concat(found).unique(list(_PAIR), keep="first", maintain_order=True)


def resolve(
    month: str,
    seen: pl.DataFrame,
    known: pl.DataFrame,
    by_key: pl.DataFrame,
    probable: pl.DataFrame,
    review: pl.DataFrame,
    threshold: float,
) -> Resolved:
    """Who the records of a month are, given who the earlier ones were.

    A customer has the identifier of the record of his that was seen first, so that what a later
    month adds never renumbers: of two customers who turn out to be one the older id stays and
    the other becomes its alias. Only a reviewer takes records apart again.

    Args:
        month: the month.
        seen: identifiers first seen in it, `source_customer_id` and `month`.
        known: the identity map of the months before.
        by_key: what `key_pairs` gives.
        probable: `record_1`, `record_2`, `match_probability`.
        review: the active decisions, `record_1`, `record_2`, `weight`.
        threshold: the least probability that joins.
    """
    before = as_known(known)
    ages = pl.concat(
        [known.select("source_customer_id", "month"), seen.select("source_customer_id", "month")]
    )
    ages = ages.group_by("source_customer_id").agg(pl.col("month").min().alias("since"))
    present = ages["source_customer_id"]
    decided = pl.concat(
        [
            review.select(*_PAIR, "weight"),
            _together(before).with_columns(pl.lit(_KNOWN).alias("weight")),
            by_key.select(*_PAIR, pl.lit(_BY_KEY).alias("weight")),
        ]
    ).filter(pl.col(side).is_in(present.implode()) for side in _PAIR)
    probable = probable if probable.height else _NO_PAIRS
    persons = persons_of(probable, threshold, decided)
    now = (
        ages.join(persons, left_on="source_customer_id", right_on="record_id", how="left")
        .with_columns(pl.coalesce("person", "source_customer_id").alias("person"))
        .sort("since", "source_customer_id")
        .with_columns(pl.col("source_customer_id").first().over("person").alias("customer_id"))
        .join(
            before.select("source_customer_id", pl.col("customer_id").alias("was")),
            on="source_customer_id",
            how="left",
            maintain_order="left",
        )
    )
    changed = now.filter(pl.col("was").is_null() | (pl.col("was") != pl.col("customer_id")))
    mapped = _evidence(changed, now, by_key, probable, review).with_columns(
        pl.lit(month).alias("month")
    )
    mapped = mapped.with_columns(first_day().alias("valid_from"))
    aliases = (
        mapped.filter(pl.col("was") == pl.col("source_customer_id"))
        .select("month", pl.col("was").alias("alias_id"), "customer_id", "valid_from", "evidence")
        .sort("alias_id")
    )
    return Resolved(
        mapped.select(IDENTITY_MAP.column_names).sort("source_customer_id"),
        aliases.select(CUSTOMER_ALIAS.column_names),
    )


def _together(before: pl.DataFrame) -> pl.DataFrame:
    """The records that are with another one's customer already, paired with it."""
    moved = before.filter(pl.col("source_customer_id") != pl.col("customer_id"))
    return moved.select(
        pl.min_horizontal("source_customer_id", "customer_id").alias("record_1"),
        pl.max_horizontal("source_customer_id", "customer_id").alias("record_2"),
    )


def _evidence(
    changed: pl.DataFrame,
    now: pl.DataFrame,
    by_key: pl.DataFrame,
    probable: pl.DataFrame,
    review: pl.DataFrame,
) -> pl.DataFrame:
    """The changed records with why: a reviewer, a key, a probability, or the identifier alone."""
    pairs = pl.concat(
        [
            review.filter(pl.col("weight") > 0).select(
                *_PAIR, pl.lit(REVIEWED).alias("evidence"), pl.lit(1.0).alias("match_probability")
            ),
            by_key.select(*_PAIR, "evidence", pl.lit(1.0).alias("match_probability")),
            probable.select(*_PAIR, pl.lit(PROBABLE).alias("evidence"), "match_probability"),
        ]
    ).with_row_index("rank")
    both = pl.concat(
        [
            pairs.rename({"record_1": "source_customer_id", "record_2": "other"}),
            pairs.rename({"record_2": "source_customer_id", "record_1": "other"}),
        ],
        how="diagonal",
    )
    persons = now.select("source_customer_id", "customer_id")
    best = (
        both.join(persons, on="source_customer_id")
        .join(persons.rename({"source_customer_id": "other", "customer_id": "with"}), on="other")
        .filter(pl.col("customer_id") == pl.col("with"))
        .sort("rank")
        .unique("source_customer_id", keep="first", maintain_order=True)
        .select("source_customer_id", "evidence", "match_probability")
    )
    return changed.join(best, on="source_customer_id", how="left").with_columns(
        pl.col("evidence").fill_null(EVIDENCE), pl.col("match_probability").fill_null(1.0)
    )
