"""The rows of a stored table that are declared to be read, as a frame."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.steps import Read


def scan(warehouse: Warehouse, source: Read, months: Sequence[str]) -> pl.LazyFrame:
    """The rows that are read for any of these months, streamed when collected."""
    materialized = warehouse.materialized(source.table)
    wanted = {read for month in months for read in source.span.months(materialized, month)}
    return warehouse.scan(source.table, sorted(wanted))
