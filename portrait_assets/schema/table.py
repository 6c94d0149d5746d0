"""What a table is: one declaration that every other description of the table is made from.

A `Table` gives the DuckDB types and comments (`storage.duckdb.tables`), the pandera schema
(`schema.pandera_schema`), Dagster's column schema and the data dictionary (`schema.describe`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property, partial
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from portrait_assets.schema.sensitivity import Operation

MONEY_SCALE = 2
"""Digits after the decimal point of amounts of money."""


class Type(StrEnum):
    """A column's type; the value is its DuckDB name."""

    TEXT = "VARCHAR"
    INTEGER = "BIGINT"
    NUMBER = "DOUBLE"
    MONEY = f"DECIMAL(18,{MONEY_SCALE})"
    QUANTITY = "DECIMAL(18,3)"
    SQUARE = f"DECIMAL(38,{2 * MONEY_SCALE})"  # of MONEY, or sums of them
    DATE = "DATE"
    TIMESTAMP = "TIMESTAMP"
    BOOLEAN = "BOOLEAN"
    TEXTS = "VARCHAR[]"
    COUNTER = "UINTEGER"  # numbers rows from 1, where half the room of INTEGER matters


MONEY_FACTOR = f"DECIMAL(20,{MONEY_SCALE})"
"""The SQL type of an amount that is multiplied by one of the type MONEY, to give a SQUARE."""

POLARS_TYPES: dict[Type, pl.DataType] = {
    Type.TEXT: pl.String(),
    Type.INTEGER: pl.Int64(),
    Type.NUMBER: pl.Float64(),
    Type.MONEY: pl.Decimal(18, MONEY_SCALE),
    Type.QUANTITY: pl.Decimal(18, 3),
    Type.SQUARE: pl.Decimal(38, 2 * MONEY_SCALE),
    Type.DATE: pl.Date(),
    Type.TIMESTAMP: pl.Datetime("us"),
    Type.BOOLEAN: pl.Boolean(),
    Type.TEXTS: pl.List(pl.String()),
    Type.COUNTER: pl.UInt32(),
}


class Sensitivity(StrEnum):
    """How much harm a leak would do, as classed in JR/T 0171-2020 (C1 low to C3 high)."""

    C1 = "C1"
    C2 = "C2"
    C3 = "C3"


class Severity(StrEnum):
    """What a rule that a value breaks does to its row."""

    ROW = "row"  # the row is set aside
    VALUE = "value"  # the value becomes null and the row is kept
    NOTE = "note"  # both are kept
    MERGED = "merged"  # the row equals another one, which is kept
    UNPLACED = "unplaced"  # the line is in no month: it is no row, or its date cannot be read


class PartitionBy(StrEnum):
    """The column with the month that a row belongs to; the value is the column's name."""

    MONTH = "month"  # text such as 2017-03: the month in which the row's event fell
    AS_OF = "as_of"  # date: the last day of the month whose knowledge the row holds


@dataclass(frozen=True)
class Column:
    """One column: its type, what it means in both languages, and what it may hold.

    `allowed`, `minimum` and `maximum` are the domain that the value check holds it to, and
    `sentinels` the codes, in lower case, that sources write for a value that is not known.
    A column that `identifies` holds who a row is about: a customer, as the source names them. One
    with `numbers` counts customers within the month in the order of these identifiers, in the
    table of that full name; one that `traces` says which row of the source's file a row came from,
    which stand in that order more often than not. One that `is_category` is meant to hold words
    that many customers share, and no free text. `operation` is what lowers its sensitivity class
    below that of what it is computed from.
    """

    name: str
    type: Type
    en: str
    zh: str
    nullable: bool = True
    unit: str | None = None
    allowed: tuple[str, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None
    sensitivity: Sensitivity = Sensitivity.C1
    sentinels: tuple[str, ...] = ()
    identifies: bool = False
    numbers: str = ""
    traces: bool = False
    is_category: bool = False
    operation: Operation | None = None

    @property
    def polars_type(self) -> pl.DataType:
        """The polars type that holds the column exactly."""
        return POLARS_TYPES[self.type]

    @property
    def comment(self) -> str:
        """The COMMENT that the column carries in DuckDB: both languages, and the unit."""
        unit = f" [{self.unit}]" if self.unit else ""
        return f"{self.en}{unit} / {self.zh}"


MONTH = Column(
    "month", Type.TEXT, "Month in which the event fell, as YYYY-MM", "事件所属月份", nullable=False
)
AS_OF = Column(
    "as_of",
    Type.DATE,
    "Last day of the month whose knowledge the row holds",
    "观察截止日（月末）",
    nullable=False,
)
CUSTOMER_ID = Column(
    "customer_id", Type.TEXT, "Customer", "客户编号", nullable=False, identifies=True
)
PARTITION_COLUMNS = {PartitionBy.MONTH: MONTH, PartitionBy.AS_OF: AS_OF}


@dataclass(frozen=True)
class EmptyRows:
    """Rows of nulls that a table has in the published file and not in the warehouse.

    Args:
        of: the table with a row for each of them, by the same partition column.
        select: the SELECT of their columns that are not null, without FROM.
        where: the condition on the rows that count.
    """

    of: Table
    select: str
    where: str


@dataclass(frozen=True)
class Table:
    """One table: asset key [schema, name] and DuckDB table schema.name.

    `key` are the columns that identify a row within the table. The partition column is added
    by `all_columns`; a table without `partition_by` is replaced whole. With `types_as_received`
    the stored types are those of the source's files, and `Column.type` is what a value is
    meant to become. `private` names the columns that never leave the warehouse.

    A table that would take much room as it is read has its rows in the narrower `stored_as` and
    is itself the view `view_sql`; what is written to it has the columns of `stored_as`. With
    `published_as_enums` the text columns whose values are `allowed` ones are ENUMs in the
    published file, which are smaller and quicker to filter. With `keeps_former_columns` a column
    that the contract no longer has stays in the warehouse with what it holds, and is not read.
    Without `makes_stale` a change of the table makes nothing stale that reads it. `operation` is
    that of all columns that declare none. `empty_rows` are added to it in the published file.
    `resting` is what a row rests on where neither columns nor operation tell (`schema.resting`);
    `counts` are the columns of how many customers, or months of theirs, that is, by default the
    one of the name `customers`.
    """

    schema: str
    name: str
    en: str
    zh: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    partition_by: PartitionBy | None = PartitionBy.MONTH
    types_as_received: bool = False
    published: bool = False
    private: tuple[str, ...] = ()
    stored_as: Table | None = None
    view_sql: str = ""
    published_as_enums: bool = False
    keeps_former_columns: bool = False
    makes_stale: bool = True
    operation: Operation | None = None
    empty_rows: EmptyRows | None = None
    resting: str = ""
    counts: tuple[str, ...] = ()

    def __hash__(self) -> int:
        """Of the name: that of all columns would take long at each look-up of a step's tables."""
        return hash((self.schema, self.name))

    @property
    def stored(self) -> Table:
        """The table that holds the rows: this one, or the one that it is a view of."""
        return self.stored_as or self

    @property
    def full_name(self) -> str:
        """The name in SQL, such as cleaned.transactions."""
        return f"{self.schema}.{self.name}"

    @cached_property
    def all_columns(self) -> tuple[Column, ...]:
        """The partition column, where there is one, and then the declared columns."""
        if self.partition_by is None:
            return self.columns
        return (PARTITION_COLUMNS[self.partition_by], *self.columns)

    @cached_property
    def column_names(self) -> tuple[str, ...]:
        """The names of all columns, in order."""
        return tuple(column.name for column in self.all_columns)

    @property
    def comment(self) -> str:
        """The COMMENT that the table carries in DuckDB."""
        return f"{self.en} / {self.zh}"

    @cached_property
    def polars_schema(self) -> pl.Schema:
        """Names and polars types of all columns, in order."""
        return pl.Schema({column.name: column.polars_type for column in self.all_columns})

    def column(self, name: str) -> Column:
        """The column of that name; KeyError where there is none."""
        if name not in self._by_name:
            raise KeyError(f"{self.full_name} has no column {name}")
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.all_columns}

    def empty(self) -> pl.DataFrame:
        """A frame with the table's columns and no row."""
        return pl.DataFrame(schema=self.polars_schema)

    def without(self, *names: str) -> Table:
        """The same table without these columns."""
        return replace(self, columns=tuple(c for c in self.columns if c.name not in names))


month_end_table = partial(Table, partition_by=PartitionBy.AS_OF, published=True)
"""A table of what is known at a month's end, which the published file has."""
