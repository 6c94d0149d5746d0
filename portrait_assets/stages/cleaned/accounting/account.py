"""What became of the lines that a source's files hold: each is counted once."""

from __future__ import annotations

import duckdb
import polars as pl

from portrait_assets.core.months import last_day
from portrait_assets.schema.table import Severity
from portrait_assets.stages.cleaned.contract import CLEANED, REJECTS
from portrait_assets.stages.raw.contract import RECEIPTS, UNPLACED
from portrait_assets.storage.duckdb.connection import literal
from portrait_assets.storage.duckdb.store import Warehouse

PARTS = ("kept", "set_aside", "merged", "unplaced", "erased")
_OF = ("month", "table_name")


def account(
    receipts: pl.DataFrame, kept: pl.DataFrame, unplaced: pl.DataFrame, rejects: pl.DataFrame
) -> pl.DataFrame:
    """Of each month and table, the lines received and what became of them.

    Args:
        receipts: rows of `raw.receipts`.
        kept: what `kept_rows` gives for these months.
        unplaced: the rows of `raw.unplaced` of these months.
        rejects: the rows of `cleaned.rejects` of these months.

    Returns:
        `month`, `table_name`, `is_provided`, `received`, the `PARTS` that these are in, and
        `lost`: lines received that are in no part or in two, and lines of the whole files that
        were neither placed in a month nor unplaced.
    """
    line = pl.struct("source_file", "source_row")
    gone = rejects.group_by(_OF).agg(
        line.filter(severity=str(Severity.ROW)).n_unique().alias("set_aside"),
        line.filter(severity=str(Severity.MERGED)).n_unique().alias("merged"),
    )
    strays = unplaced.group_by(_OF).agg(pl.len().alias("unplaced"))
    balance = kept
    read = receipts.rename({"rows_received": "received", "rows_erased": "erased"})
    for part in (read, gone, strays):
        balance = balance.join(part, on=_OF, how="left", maintain_order="left")
    balance = balance.with_columns(
        pl.col("received", *PARTS, "^rows_.*$").fill_null(0).cast(pl.Int64),
        pl.col("is_provided").fill_null(False),
    )
    unread = pl.col("rows_in_file") - pl.col("rows_placed") - pl.col("rows_unplaced")
    missing = pl.col("received") - pl.sum_horizontal(PARTS)
    return balance.with_columns(lost=missing.abs() + unread.abs()).select(
        *_OF, "is_provided", "received", *PARTS, "lost"
    )


def account_of(warehouse: Warehouse, month: str) -> pl.DataFrame:
    """The account of a month as the warehouse holds it."""
    receipts, unplaced, rejects = (
        warehouse.read(table, [month]) for table in (RECEIPTS, UNPLACED, REJECTS)
    )
    return account(receipts, kept_rows(warehouse, month), unplaced, rejects)


def kept_rows(warehouse: Warehouse, month: str) -> pl.DataFrame:
    """`month`, `table_name` and `kept`: the rows of the month in each cleaned table."""
    return pl.DataFrame(
        [(month, name, warehouse.materialized(table)[month]) for name, table in CLEANED.items()],
        schema={"month": pl.String, "table_name": pl.String, "kept": pl.Int64},
        orient="row",
    )


def kept_so_far(warehouse: Warehouse, month: str) -> dict[str, int]:
    """By table the rows of the cleaned one up to the month."""
    return {
        name: sum(rows for of, rows in warehouse.materialized(table).items() if of <= month)
        for name, table in CLEANED.items()
    }


def has_joined(con: duckdb.DuckDBPyConnection, month: str) -> bool:
    """Whether a cleaned row of a month up to this one says that a customer had joined by then."""
    found = con.execute(
        f"SELECT 1 FROM {CLEANED['customers'].full_name} WHERE month <= {literal(month)} "
        f"AND joined_on <= {literal(last_day(month).isoformat())} LIMIT 1"
    )
    return found.fetchone() is not None
