"""How months select rows of a table in SQL, and what is counted of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import duckdb

from portrait_assets.core.months import last_day
from portrait_assets.schema.table import PartitionBy, Table
from portrait_assets.storage.duckdb.connection import literal, literals, qualified, quote

WHOLE = ""  # The month under which a table that is not partitioned is recorded.


def partition_value(table: Table, month: str) -> str | date:
    """What the table's partition column holds for a month."""
    return last_day(month) if table.partition_by is PartitionBy.AS_OF else month


def partition_column(table: Table) -> str:
    """The name of the partition column; empty for a table that is not partitioned."""
    return table.partition_by.value if table.partition_by else ""


def select_sql(table: Table, months: Sequence[str] | None) -> str:
    """The SELECT of these months of the table, or of the whole of it."""
    return (
        f"SELECT {columns_sql(table)} FROM {qualified(table.full_name)}{where_sql(table, months)}"
    )


def columns_sql(table: Table) -> str:
    """All columns of the contract, in its order."""
    return ", ".join(quote(name) for name in table.column_names)


def where_sql(
    table: Table,
    months: Sequence[str] | None,
    within: Sequence[tuple[str, ...]] | None = None,
) -> str:
    """The WHERE clause of these months; empty where all rows are meant.

    Args:
        table: the table.
        months: None for all of them, or for a table that is not partitioned.
        within: only rows whose first columns of the key have one of these values.
    """
    conditions = []
    if within is not None:
        columns = [name for name in table.key if name != partition_column(table)][: len(within[0])]
        rows = ", ".join(f"({literals(values)})" for values in within)
        conditions.append(f"({', '.join(map(quote, columns))}) IN ({rows})")
    if table.partition_by is not None and months is not None:
        values = literals(partition_value(table, month) for month in months)
        conditions.append(f"{quote(table.partition_by)} IN ({values})")
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def count_rows(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    months: Sequence[str] | None,
    within: Sequence[tuple[str, ...]] | None = None,
) -> dict[str, int]:
    """Rows of these months, or of the whole under `WHOLE`; `within` as of `where_sql`."""
    name = qualified(table.full_name)
    if table.partition_by is None or months is None:
        found = con.execute(f"SELECT count(*) FROM {name}").fetchone()
        return {WHOLE: int(found[0]) if found else 0}
    column = quote(table.partition_by)
    counted = dict(
        con.execute(
            f"SELECT {column}, count(*) FROM {name}{where_sql(table, months, within)} GROUP BY ALL"
        ).fetchall()
    )
    return {month: counted.get(partition_value(table, month), 0) for month in months}


def fingerprints(
    con: duckdb.DuckDBPyConnection, table: Table, months: Sequence[str]
) -> dict[str, tuple[int, int | None]]:
    """A fingerprint of each month's rows, or of the whole's under `WHOLE`, whatever their order.

    Compared within a transaction and never stored: DuckDB's hash may differ between versions.
    """
    if not months:
        return {}
    names = ", ".join(map(quote, table.stored.column_names))
    column = quote(table.partition_by) if table.partition_by else literal(WHOLE)
    found = con.execute(
        f"SELECT {column}, count(*), sum(hash({names})) FROM {qualified(table.stored.full_name)}"
        f"{where_sql(table, None if WHOLE in months else months)} GROUP BY ALL"
    ).fetchall()
    by_value = {value: (rows, content) for value, rows, content in found}
    return {
        month: by_value.get(partition_value(table, month) if month else WHOLE, (0, None))
        for month in months
    }
