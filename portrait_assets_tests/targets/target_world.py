"""Customers with events, and the targets of the windows that are over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from portrait_assets.core.months import last_day, next_month
from portrait_assets.stages.features.contract import FEATURE_MATRIX, UNPROFILED
from portrait_assets.stages.targets.adding import target_steps
from portrait_assets.stages.targets.declared.outcome import Outcome
from portrait_assets.stages.targets.declared.outcomes import Targets, packaged_targets
from portrait_assets.stages.targets.labels import label_step
from portrait_assets.storage.duckdb.rows import Query
from portrait_assets.storage.duckdb.tables import column_types, create_table_sql
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Scope
from portrait_assets.testing.worlds.features import World

Label = tuple[bool, bool | None, float | None]
"""Whether a customer is eligible, whether it happened, and the amount."""


class TargetWorld:
    """A world whose customers are all in the feature matrix of each month.

    Args:
        months: in which there is a feature matrix, and whose windows are added up.
        customers: who is in it.
        targets: the package's when None.
        consent_default: as of `World`.
        tables: rows of cleaned tables.
    """

    def __init__(
        self,
        months: list[str],
        customers: list[str],
        targets: Targets | None = None,
        consent_default: Mapping[str, bool] | None = None,
        **tables: list[dict[str, Any]],
    ) -> None:
        self.world = World(months[-1], "2024-01", (), consent_default, **tables)
        self.con, self.months = self.world.con, months
        self.targets = targets or packaged_targets()
        self.con.execute("CREATE TABLE features.feature_matrix (as_of DATE, customer_id VARCHAR)")
        days = pl.DataFrame({"as_of": [last_day(month) for month in months]})
        self._insert(FEATURE_MATRIX.full_name, days.join(of(customers), how="cross"))
        self.con.execute("CREATE SCHEMA targets")
        for step in target_steps(self.targets):
            assert step.writes is not None
            self.con.execute(create_table_sql(step.writes, column_types(step.writes)))
            for month in months:
                with Engine(self.con).rows(step, Scope(month)) as rows:
                    assert isinstance(rows, Query)
                    self.con.execute(f"INSERT INTO {step.writes.full_name} BY NAME {rows.sql}")

    def object_in(self, month: str, customer: str) -> None:
        """The customer may not be profiled as of the month."""
        self._insert(
            UNPROFILED.full_name,
            of([customer]).with_columns(
                as_of=pl.lit(last_day(month)), because=pl.lit("objection"), keeps_row=True
            ),
        )

    def _insert(self, table: str, frame: pl.DataFrame) -> None:
        self.con.register("incoming", frame)
        self.con.execute(f"INSERT INTO {table} BY NAME SELECT * FROM incoming")

    def stored(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        """Rows of a table of targets: base month, horizon, customer and these columns."""
        listed = ", ".join(("base_month", "horizon", "customer_id", *columns))
        return self.con.execute(f"SELECT {listed} FROM targets.{table} ORDER BY ALL").fetchall()

    def labels(self, outcome: Outcome, base_month: str) -> dict[str, Label]:
        """The labels of a base month, as of the month that closes the window."""
        assert outcome.prediction_horizon is not None
        month = next_month(base_month, outcome.prediction_horizon)
        rows = Engine(self.con).frame(label_step(outcome, [base_month], month), Scope(month))
        return {row[1]: row[2:] for row in rows.iter_rows()}


def of(customers: list[str]) -> pl.DataFrame:
    """A frame of these customers."""
    return pl.DataFrame({"customer_id": customers})
