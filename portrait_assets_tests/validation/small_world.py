"""A warehouse of the tables that backtests read: months of customers, written directly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime, time
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl

from portrait_assets.core.months import last_day
from portrait_assets.schema.table import Column, PartitionBy, Table, Type
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.features.contract import CUSTOMER_MONTH, FEATURE_MATRIX, UNPROFILED
from portrait_assets.stages.targets.adding import target_steps
from portrait_assets.stages.targets.declared.outcomes import packaged_targets
from portrait_assets.stages.validation.backtests.cells import SUMS, Key, Sides
from portrait_assets.storage.duckdb.rows import Query
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Scope
from portrait_assets.testing.steps import SmallWarehouse

Columns = Mapping[str, Any]
"""Values of each customer by name, or one for all of them."""


def matrix_of(*columns: Column) -> Table:
    """A portrait matrix of the segment and these tags."""
    own = (
        Column("customer_id", Type.TEXT, "", ""),
        Column("segment_id", Type.INTEGER, "", ""),
        *columns,
    )
    return Table("tags", "portrait_matrix", "Matrix", "矩阵", own, partition_by=PartitionBy.AS_OF)


def filled(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with the table's other columns: nothing, or what stands for it."""
    full = pl.concat([table.empty(), rows], how="diagonal_relaxed")
    wanted = [column for column in table.all_columns if not column.nullable]
    return full.with_columns(
        pl.col(column.name).fill_null(pl.lit([], dtype=pl.List(pl.String)))
        if column.type is Type.TEXTS
        else pl.col(column.name).fill_null(0)
        for column in wanted
        if column.type is Type.TEXTS or full.schema[column.name].is_numeric()
    )


class SmallWorld:
    """Months of customers with features, tags, what they did and what the source reports."""

    def __init__(self, folder: Path, matrix: Table, customers: int) -> None:
        """An empty world of so many customers."""
        self._warehouse = SmallWarehouse(folder / "w.duckdb", "small", "one")
        self.matrix, self.customers = matrix, [f"C{i:05d}" for i in range(customers)]
        self.months: list[str] = []
        self._added: dict[Table, dict[str, pl.DataFrame]] = {}

    @property
    def warehouse(self) -> Warehouse:
        """The warehouse, into which what was added is written when it is asked for."""
        for table, by_month in self._added.items():
            self._warehouse.write(table, list(by_month), pl.concat(by_month.values()))
        self._added.clear()
        return self._warehouse

    def add(
        self,
        month: str,
        tags: Columns,
        features: Columns | None = None,
        did: Columns | None = None,
        outcomes: Mapping[str, np.ndarray] | None = None,
        objected: Sequence[str] = (),
    ) -> None:
        """A month: what is known at its end, what was done in it, and outcomes observed in it."""
        refused = [
            {"as_of": last_day(month), "customer_id": who, "because": "objection"}
            for who in objected
        ]
        unprofiled = [{**row, "keeps_row": True} for row in refused]
        rows = pl.DataFrame(unprofiled, schema=UNPROFILED.polars_schema)
        self._write(UNPROFILED, month, rows)
        known = {"as_of": last_day(month), "customer_id": self.customers}
        self._write(self.matrix, month, pl.DataFrame({**known, "segment_id": 1} | dict(tags)))
        self._write(FEATURE_MATRIX, month, pl.DataFrame({**known, **(features or {})}))
        active = {"month": month, "customer_id": self.customers, **(did or {"purchases": 1})}
        self._write(CUSTOMER_MONTH, month, pl.DataFrame(active))
        observed = [
            pl.DataFrame(
                {
                    "month": month,
                    "customer_id": self.customers,
                    "outcome": name,
                    "observed_on": last_day(month),
                    "value": values.astype(float),
                    "source_file": "f",
                }
            ).with_row_index("source_row", offset=1)
            for name, values in (outcomes or {}).items()
        ]
        empty = CLEANED["outcomes"].empty()
        rows = pl.concat([empty, *observed], how="diagonal_relaxed")
        self._write(CLEANED["outcomes"], month, rows)
        transaction = {"transaction_id": "T1", "customer_id": "C00000", "source_file": "f"}
        day = {"occurred_at": datetime.combine(last_day(month), time.min)}
        one = pl.DataFrame([{"month": month, **transaction, **day}])
        self._write(CLEANED["transactions"], month, one)
        self.months.append(month)

    def close(self) -> Warehouse:
        """The warehouse with the targets of all months."""
        warehouse = self.warehouse
        renew_targets(warehouse, self.months)
        return warehouse

    def _write(self, table: Table, month: str, rows: pl.DataFrame) -> None:
        self._added.setdefault(table, {})[month] = filled(table, rows)


def renew_targets(warehouse: Warehouse, months: Sequence[str]) -> None:
    """Compute what was done, and what the source reported, in the windows of these months."""
    for step in target_steps(packaged_targets())[:2]:
        assert step.writes is not None
        with ExitStack() as stack:
            of_months = [Engine(warehouse.con).rows(step, Scope(month)) for month in months]
            rows = [stack.enter_context(each) for each in of_months]
            assert all(isinstance(each, Query) for each in rows)
            warehouse.write(step.writes, months, cast(list[Query], rows))


def rows_of(found: Iterable[Mapping[Key, Sides]]) -> pl.DataFrame:
    """The cells as rows: `base_month`, `horizon`, `test`, `outcome`, `side`, `bucket` and SUMS."""
    rows = [
        {"base_month": window.base_month, "horizon": window.horizon}
        | {"test": test, "outcome": outcome, "side": side, "bucket": bucket}
        | dict(zip(SUMS, sums, strict=True))
        for month in found
        for (window, test, outcome), sides in month.items()
        for side, cells in sides.items()
        for bucket, sums in zip(cells.buckets, cells.sums.sum(axis=1).T.tolist(), strict=True)
    ]
    names = ("base_month", "test", "outcome", "side", "bucket")
    schema = {name: pl.String() for name in names} | {"horizon": pl.Int64()}
    return pl.DataFrame(rows, schema=schema | {name: pl.Float64() for name in SUMS})
