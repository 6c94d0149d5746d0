"""On how many customers a row rests that names none, and so what becomes of it on an erasure.

A number of many says nothing of one of them, and stays. A number of few may be that of somebody who
is erased: it is counted again from those who are left, unless there cannot be one.
"""

from __future__ import annotations

from enum import StrEnum

from portrait_assets.schema.sensitivity import DECLARED, IS_KNOWN, ROWS, STATISTIC
from portrait_assets.schema.table import Table

COUNT = "customers"
"""The column of a table that says how many customers a row counts."""


class Resting(StrEnum):
    """What a row rests on, of a table that names no customer."""

    NAMED = "named"
    """It names a customer, by an identifier, a number or the line it came from, and goes."""
    NOBODY = "nobody"
    """What is declared, how many lines files had, what a source gives at all."""
    EVERYBODY = "everybody"
    """All customers of a month, or of the months that it was fitted on."""
    ENOUGH = "enough"
    """`core.cells.SMALLEST_CELL` customers at least, by how it is made; the contract is checked."""
    COUNTED = "counted"
    """Any number: rows of few are counted again without who is erased."""


_BY_OPERATION = {
    DECLARED: Resting.NOBODY,
    IS_KNOWN: Resting.NOBODY,
    ROWS: Resting.NOBODY,
    STATISTIC: Resting.EVERYBODY,
}


def resting_of(table: Table) -> Resting | None:
    """What the rows of a table rest on; None where its contract does not tell.

    It follows from columns that name somebody, from `Table.resting`, from a column of customers
    that are counted, and last from the operation that gives all columns.
    """
    columns = table.stored.all_columns
    if any(column.identifies or column.numbers or column.traces for column in columns):
        return Resting.NAMED
    if table.resting:
        return Resting(table.resting)
    if any(column.name == COUNT for column in columns):
        return Resting.COUNTED
    return _BY_OPERATION.get(table.operation) if table.operation else None


def counts_of(table: Table) -> tuple[str, ...]:
    """The columns of how many customers, or months of theirs, a row rests on."""
    return table.counts or tuple(c.name for c in table.stored.all_columns if c.name == COUNT)
