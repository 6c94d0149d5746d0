"""What people have decided of pairs of records: a small file in the source's folder."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from portrait_assets.core.errors import SourceError
from portrait_assets.core.files import replace_files
from portrait_assets.core.months import parse_month
from portrait_assets.core.source_folder import source_file
from portrait_assets.methods.linkage.resolving import DIFFERENT, SAME
from portrait_assets.schema.csv_text import neutralized, restored

REVIEW_FILE = "identity_review.csv"
COLUMNS = ("record_1", "record_2", "verdict", "from_month")
"""`verdict` is same or different; it is active from a month on, or always where that is empty."""
_WEIGHTS = {"same": SAME, "different": DIFFERENT}


def read_review(folder: Path) -> pl.DataFrame:
    """The decided pairs: record_1 < record_2, weight and from_month ('' for always).

    Raises:
        SourceError: when the file lacks a column or a line has neither same nor different.
    """
    path = source_file(folder, REVIEW_FILE)
    if not path.is_file():
        return pl.DataFrame(
            schema=dict.fromkeys(("record_1", "record_2", "from_month"), pl.String)
            | {"weight": pl.Float64}
        )
    rows = restored(pl.read_csv(path, infer_schema=False))
    if missing := [name for name in COLUMNS if name not in rows.columns]:
        raise SourceError(
            f"{folder.name}/{REVIEW_FILE} has no column {missing[0]}; its columns are "
            f"{', '.join(COLUMNS)}."
        )
    for line, row in enumerate(rows.iter_rows(named=True), 2):
        if row["verdict"] not in _WEIGHTS or not row["record_1"] or not row["record_2"]:
            raise SourceError(
                f"{folder.name}/{REVIEW_FILE}, line {line}: name two records and say same or "
                "different of them."
            )
        if row["from_month"]:
            parse_month(row["from_month"])
    # The last decision on a pair counts.
    return rows.select(
        pl.min_horizontal("record_1", "record_2").alias("record_1"),
        pl.max_horizontal("record_1", "record_2").alias("record_2"),
        pl.col("from_month").fill_null(""),
        pl.col("verdict").replace_strict(_WEIGHTS, return_dtype=pl.Float64).alias("weight"),
    )


def active_decisions(review: pl.DataFrame, month: str) -> pl.DataFrame:
    """The decisions that are active in a month, the last one of each pair."""
    return review.filter(pl.col("from_month") <= month).unique(
        ["record_1", "record_2"], keep="last", maintain_order=True
    )


def append_same(folder: Path, merges: pl.DataFrame, from_month: str) -> None:
    """Add pairs (alias_id, customer_id) to the file as the same from a month on, once each."""
    known = source_file(folder, REVIEW_FILE)
    added = merges.select(
        pl.min_horizontal("alias_id", "customer_id").alias("record_1"),
        pl.max_horizontal("alias_id", "customer_id").alias("record_2"),
        pl.lit("same").alias("verdict"),
        pl.lit(from_month).alias("from_month"),
    )
    if known.is_file():
        existing = restored(pl.read_csv(known, infer_schema=False))
        # Columns that reviewers keep for themselves stay.
        added = pl.concat([existing, added.join(existing, on=COLUMNS, how="anti")], how="diagonal")
    # Decisions that people made are not to be lost to a full disk or a kill.
    replace_files({folder / REVIEW_FILE: neutralized(added).write_csv().encode()})
