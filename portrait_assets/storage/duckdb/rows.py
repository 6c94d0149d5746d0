"""What a table can be given to hold: frames, lazy frames, queries, or parts of these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl

from portrait_assets.core.errors import WarehouseError
from portrait_assets.schema.table import Table
from portrait_assets.storage.duckdb.connection import first_line


@dataclass(frozen=True)
class Query:
    """Rows that DuckDB itself selects: with the types as received, and the files they are from."""

    sql: str
    types: Mapping[str, str] = field(default_factory=dict)
    origin: str = ""


@dataclass(frozen=True)
class Written:
    """What a step has written by itself, several tables in one transaction: rows by month."""

    counts: Mapping[str, int]


Rows = pl.DataFrame | pl.LazyFrame | Query | Iterable[pl.DataFrame | Query]


def parts_of(table: Table, rows: Rows, most: int) -> Iterable[pl.DataFrame | Query]:
    """The rows in parts of at most `most` where they come lazily, each conforming to the contract.

    Raises:
        WarehouseError: as `conform`.
    """
    if isinstance(rows, Query):
        yield rows
        return
    if isinstance(rows, pl.LazyFrame):
        parts: Iterable[pl.DataFrame | Query] = rows.collect_batches(
            chunk_size=most, maintain_order=True
        )
    elif isinstance(rows, pl.DataFrame):
        parts = [rows]
    else:
        parts = rows
    for part in parts:
        yield part if isinstance(part, Query) else conform(table, part)


def conform(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with exactly the contract's columns, order and types.

    Raises:
        WarehouseError: when a column is missing or unknown, or a value does not fit its type.
    """
    given = frame.columns
    unknown = [name for name in given if name not in table.column_names]
    missing = [name for name in table.column_names if name not in given]
    if unknown or missing:
        what = f"unknown column {unknown[0]}" if unknown else f"no column {missing[0]}"
        raise WarehouseError(
            f"The frame for {table.full_name} has {what}; "
            f"make it match the contract in {table.schema}/contract.py."
        )
    if table.types_as_received:
        return frame.select(table.column_names)
    if frame.schema == table.polars_schema:
        return frame
    try:
        return frame.select(table.column_names).cast(table.polars_schema)
    except pl.exceptions.PolarsError as error:
        raise WarehouseError(
            f"A value for {table.full_name} does not fit its type: {first_line(error)}"
        ) from None
