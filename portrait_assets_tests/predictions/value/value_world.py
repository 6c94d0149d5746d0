"""Customers who buy at a rate of their own until they lapse, as a warehouse with their months."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from portrait_assets.core.months import last_day, month_range, next_month
from portrait_assets.schema.table import Table
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.features.contract import CUSTOMER_MONTH, FEATURE_MATRIX, UNPROFILED
from portrait_assets.stages.features.monthly import steps as monthly
from portrait_assets.stages.identity.contract import CUSTOMER_ALIAS, IDENTITY_MAP
from portrait_assets.stages.predictions.value.assets import Values
from portrait_assets.stages.predictions.value.contract import (
    CUSTOMER_VALUE,
    VALUE_MODEL,
    VALUE_PARAMETER,
)
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Scope, spans_read
from portrait_assets.testing.steps import SmallWarehouse
from portrait_assets.testing.worlds.features import cleaned

FIRST = "2024-01"


@dataclass
class ValueWorld:
    """A warehouse with what made-up customers bought.

    Args:
        folder: where the warehouse is written.
        customers: how many.
        months: how many, from 2024-01 on.
        seed: of all that is drawn.
        leaves: customers who object to profiling, with the month.
        comes_back: whether anybody buys on a second day.
    """

    folder: Path
    customers: int = 250
    months: int = 8
    seed: int = 5
    leaves: dict[str, str] = field(default_factory=dict)
    comes_back: bool = True

    def __post_init__(self) -> None:
        self.month_names = month_range(FIRST, next_month(FIRST, self.months - 1))
        self.warehouse = SmallWarehouse(self.folder / "w.duckdb", "world", "run")
        self._write_months()

    @cached_property
    def sales(self) -> pl.DataFrame:
        """All that is bought in a year: `customer_id`, `occurred_at`, `amount`."""
        rng = np.random.default_rng(self.seed)
        start = datetime(2024, 1, 1, 10)
        rows = []
        for number in range(self.customers):
            begun = int(rng.integers(0, 80))
            gap = rng.gamma(4, 8.0)
            ticket = round(float(rng.gamma(6, 5.0)) + 1, 2)
            lapses = begun + rng.exponential(300)
            at = float(begun)
            while at < min(lapses, 366):
                rows.append((f"c{number:04d}", start + timedelta(days=int(at)), ticket))
                if not self.comes_back:
                    break
                at += max(rng.exponential(gap), 1.0)
        return pl.DataFrame(rows, ["customer_id", "occurred_at", "amount"], orient="row")

    def of_month(self, month: str) -> pl.DataFrame:
        """The sales of one month."""
        return self.sales.filter(pl.col("occurred_at").dt.strftime("%Y-%m") == month)

    def until(self, month: str) -> pl.DataFrame:
        """The sales up to a month's end."""
        return self.sales.filter(pl.col("occurred_at").dt.date() <= last_day(month))

    def _write_months(self) -> None:
        step = monthly.CUSTOMER_MONTH
        months = self.month_names
        for table in (*spans_read(step), IDENTITY_MAP, CUSTOMER_ALIAS):
            if table is not CLEANED["transactions"]:
                self.warehouse.write(table, months, table.empty())
        sales = [
            cleaned("transactions", self.of_month(month).to_dicts(), month) for month in months
        ]
        self.warehouse.write(CLEANED["transactions"], months, pl.concat(sales))
        for month in months:
            with Engine(self.warehouse.con).rows(step, Scope(month)) as found:
                self.warehouse.write(CUSTOMER_MONTH, [month], found)
        self.write(FEATURE_MATRIX, months, pl.concat(map(self._matrix, months)))
        gone = [
            {"customer_id": who, "as_of": last_day(month), "because": "objection"}
            for month in months
            for who in self._gone(month)
        ]
        self.write(UNPROFILED, months, pl.DataFrame(gone))

    def _gone(self, month: str) -> list[str]:
        return [who for who, since in self.leaves.items() if since <= month]

    def _matrix(self, month: str) -> pl.DataFrame:
        end = last_day(month)
        bought = self.until(month).group_by("customer_id").agg(last=pl.col("occurred_at").max())
        days = (pl.lit(end) - pl.col("last").dt.date()).dt.total_days()
        matrix = bought.select("customer_id", recency_days=days, as_of=pl.lit(end))
        return matrix.filter(~pl.col("customer_id").is_in(self._gone(month)))

    def write(self, table: Table, months: Sequence[str], rows: pl.DataFrame) -> None:
        """The rows with all columns of the contract, nothing in those not given."""
        table = replace(table, columns=tuple(replace(c, nullable=True) for c in table.columns))
        given = {
            name: pl.col(name).cast(kind)
            if name in rows.columns
            else pl.lit(None, kind).alias(name)
            for name, kind in table.polars_schema.items()
        }
        full = rows.select(given.values()) if rows.width else table.empty()
        self.warehouse.write(table, months, full)

    def value(self, months: Sequence[str] | None = None) -> None:
        """Materialize the values of these months, all by default, in one run."""
        months = list(months or self.month_names)
        run = Values(self.warehouse, months, "EUR")
        self.warehouse.write(CUSTOMER_VALUE, months, run.values())
        self.warehouse.write(VALUE_MODEL, months, run.models)
        self.warehouse.write(VALUE_PARAMETER, months, run.parameters)

    def rows(self, table: Table, month: str) -> pl.DataFrame:
        """What is stored of a month."""
        return self.warehouse.read(table, [month])

    def first_day(self) -> date:
        """The day of the first of all sales."""
        return self.sales["occurred_at"].dt.date().min()  # type: ignore[return-value]
