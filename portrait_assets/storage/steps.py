"""Steps: what each reads, gives and is computed for, declared once; `storage.engine` runs them.

What has to be there before a step, which months of it, and what is of all customers or of each, is
derived from the declarations.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

import polars as pl

from portrait_assets.core.months import last_day, next_month
from portrait_assets.schema.table import Table
from portrait_assets.storage.duckdb.connection import literal, qualified, quote
from portrait_assets.storage.duckdb.partitions import partition_value


class Grain(StrEnum):
    """Whom a row of a step is about."""

    CUSTOMER = "customer"  # one customer: a population can be computed by itself
    PARTIAL = "partial"  # a population: rows of several add up to those of all customers
    ALL = "all"  # all customers together


@dataclass(frozen=True)
class Scope:
    """What a step is computed for: a month, and whom of its customers.

    `population` is an SQL condition on `customer_id`.
    """

    month: str
    population: str = "true"

    @property
    def as_of(self) -> date:
        """The month's last day."""
        return last_day(self.month)

    @property
    def day(self) -> str:
        """`as_of` as an SQL date."""
        return f"DATE {literal(self.as_of)}"

    @property
    def everyone(self) -> Scope:
        """The same for all customers."""
        return replace(self, population="true")


@dataclass(frozen=True)
class Span:
    """The months that are read: from so many months before the step's own, to so many."""

    first: int | None
    """None is from the beginning."""
    last: int = 0

    def condition(self, table: Table, month: str) -> str:
        """The SQL condition on the table's partition column."""
        if table.partition_by is None:
            return "true"
        column = quote(table.partition_by)
        until = literal(partition_value(table, next_month(month, -self.last)))
        if self.first is None:
            return f"{column} <= {until}"
        if self.first == self.last:
            return f"{column} = {until}"
        since = literal(partition_value(table, next_month(month, -self.first)))
        return f"{column} BETWEEN {since} AND {until}"

    def months(self, known: Iterable[str], month: str) -> list[str]:
        """Those of the known months that are read for the month."""
        until = next_month(month, -self.last)
        since = "" if self.first is None else next_month(month, -self.first)
        return [each for each in known if since <= each <= until]


THE_MONTH = Span(0)
EVER = Span(None)
BEFORE = Span(None, 1)


def window(months: int, ago: int = 0) -> Span:
    """So many months that end with the step's own, or with one so long ago."""
    return Span(ago + months - 1, ago)


@dataclass(frozen=True)
class Read:
    """A stored table as a step reads it: the months of `span`, in SQL under `name`."""

    table: Table
    span: Span
    name: str

    def sql(self, scope: Scope) -> str:
        """The SELECT of its rows."""
        condition = self.span.condition(self.table, scope.month)
        return f"SELECT * FROM {qualified(self.table.full_name)} WHERE {condition}"


def read(table: Table, span: Span, name: str | None = None) -> Read:
    """The table as it is read, under its own name unless another is given."""
    return Read(table, span, name or table.name)


Sql = str | Callable[[Scope], str]
SqlOfRow = Callable[[Scope, Mapping[str, object] | None], str | None]


def text_of(sql: Sql, scope: Scope) -> str:
    """The SQL for the scope."""
    return sql if isinstance(sql, str) else sql(scope)


@dataclass(frozen=True, eq=False)
class Step:
    """A table that is computed from others; its SQL names what it reads, and nothing else.

    Args:
        name: its name in the SQL of steps that read it.
        reads: stored tables and other steps.
        sql: the SELECT that gives its rows, of the scope where they depend on it.
        compute: gives its rows from the scope and a frame for each of `reads`: a frame, or
            several one after the other where all at once would take too much memory.
        grain: whom its rows are about.
        writes: the contract of the table that its rows are written to, if any.
        in_table: whether its rows stand in a table for its readers: True of what reads much and
            gives little, False of what only looks at tables, so that to look again costs nothing;
            by default, where more than one statement reads it.
        in_parts_of: one of `reads` with all customers, of whom some are computed at a time.
        simpler: a step, and what makes of its first row, None if it has none, the simpler SQL that
            gives the same rows, if there is one: DuckDB plans what the row rules out, too, which
            may take longer than to run it.
    """

    name: str
    reads: tuple[Read | Step, ...]
    sql: Sql = ""
    compute: Callable[..., pl.DataFrame | Iterator[pl.DataFrame]] | None = None
    grain: Grain = Grain.CUSTOMER
    writes: Table | None = None
    in_table: bool | None = None
    in_parts_of: Step | None = None
    simpler: tuple[Step, SqlOfRow] | None = None

    def __post_init__(self) -> None:
        if self.in_parts_of and self.in_parts_of not in self.reads:
            raise ValueError(f"{self} does not read what it is computed in parts of.")

    def __repr__(self) -> str:
        return f"Step({self.name})"


Source = Read | Step


def if_empty(step: Step, sql: Sql) -> tuple[Step, SqlOfRow]:
    """The simpler SQL of a step, for when another has no row."""
    return step, lambda scope, row: text_of(sql, scope) if row is None else None


def upstream(*steps: Source, given: Container[Source] = ()) -> list[Source]:
    """All that the steps read and is not given, and they themselves, in an order of computing."""
    found: dict[Source, None] = {}

    def visit(source: Source) -> None:
        if source not in found and source not in given:
            for each in source.reads if isinstance(source, Step) else ():
                visit(each)
            found[source] = None

    for step in steps:
        visit(step)
    return list(found)


def spans_read(*steps: Source) -> dict[Table, list[Span]]:
    """The stored tables that the steps read, directly or not, and the months of each."""
    found: dict[Table, list[Span]] = {}
    for source in upstream(*steps):
        if isinstance(source, Read) and source.span not in found.setdefault(source.table, []):
            found[source.table].append(source.span)
    return found
