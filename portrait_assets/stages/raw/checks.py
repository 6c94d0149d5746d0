"""Checks of the raw room: every row of the files is in a month or in raw.unplaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from portrait_assets.schema.table import Table
from portrait_assets.stages.raw.contract import CANONICAL, RECEIPTS, UNPLACED
from portrait_assets.storage.dagster.checks import WARN, Finding, Subject, TableCheck


def _all_received(subject: Subject) -> Finding:
    """Of every table: lines in the file = placed in months + unplaced, and the month's are
    stored.
    """
    unplaced = subject.warehouse.read(UNPLACED, [subject.month])
    rows = subject.warehouse.materialized
    stored = pl.DataFrame(
        [
            (c.name, rows(c.raw_table())[subject.month] + unplaced.filter(table_name=c.name).height)
            for c in CANONICAL
        ],
        schema={"table_name": pl.String, "stored": pl.Int64},
        orient="row",
    )
    erased = pl.col("rows_erased").fill_null(0)
    receipts = subject.rows.with_columns(erased)
    balance = receipts.join(stored, on="table_name").with_columns(
        lost=(pl.col("rows_in_file") - pl.col("rows_placed") - pl.col("rows_unplaced")).abs(),
        astray=(pl.col("rows_received") - pl.col("rows_erased") - pl.col("stored")).abs(),
    )
    wrong = balance.filter((pl.col("lost") > 0) | (pl.col("astray") > 0))
    sentences = wrong.select(
        pl.format(
            "{}: {} lines in the file, {} placed in months and {} unplaced; of the {} of this "
            "month {} erased and {} stored",
            *("table_name", "rows_in_file", "rows_placed", "rows_unplaced"),
            *("rows_received", "rows_erased", "stored"),
        )
    )
    received = balance["rows_received"].sum()
    gone = balance["rows_erased"].sum()
    but = f" but {gone} that were erased" if gone else ""
    balanced = f"all {received} lines of {balance.height} tables{but} are stored"
    return Finding(
        int(balance.select(pl.col("lost", "astray").sum()).sum_horizontal().item()),
        "; ".join(sentences.to_series()) or balanced,
    )


def _none_unplaced(subject: Subject) -> Finding:
    """Every row has a readable date within the source's months."""
    return Finding(subject.rows.height, f"{subject.rows.height} rows belong to no month")


ALL_RECEIVED = TableCheck("all_received", _all_received, blocking=True)
NONE_UNPLACED = TableCheck("none_unplaced", _none_unplaced, severity=WARN)


CHECKS: Mapping[Table, Sequence[TableCheck]] = {
    RECEIPTS: (ALL_RECEIVED,),
    UNPLACED: (NONE_UNPLACED,),
}
