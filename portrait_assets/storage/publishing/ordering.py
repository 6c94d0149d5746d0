"""The order of a table's rows in a published file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from portrait_assets.schema.table import Table
from portrait_assets.storage.duckdb.connection import quote


def order_of(
    table: Table, months: Sequence[str] = (), instead: Mapping[str, str] | None = None
) -> list[str]:
    """SQL of what the rows are sorted by: the month first, then the rest of the key.

    Args:
        table: its contract.
        months: those of the rows, if it is known; a single one need not be compared.
        instead: by column what has the same order and is compared faster.
    """
    first = [table.partition_by.value] if table.partition_by else []
    names = [*first, *(name for name in table.key if name not in first)]
    # Where a column of the key stays behind, rows equal in the others are in no order yet.
    if not names or not set(names) <= set(table.column_names):
        return ["ALL"]
    if len(months) == 1 and len(names) > len(first):
        names = names[len(first) :]
    return [(instead or {}).get(name, quote(name)) for name in names]
