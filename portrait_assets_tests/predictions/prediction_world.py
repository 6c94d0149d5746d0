"""Customers whose habit shows in one feature, and less well in the baselines: as a warehouse."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from portrait_assets.core.months import last_day, month_range, next_month
from portrait_assets.schema.table import Table, Type
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.features.contract import CUSTOMER_MONTH, FEATURE_MATRIX, UNPROFILED
from portrait_assets.stages.identity.contract import CUSTOMER_ALIAS, IDENTITY_MAP
from portrait_assets.stages.predictions.assets import Run
from portrait_assets.stages.predictions.backtests.closed import backtests
from portrait_assets.stages.predictions.contract import (
    PREDICTION,
    PREDICTION_DECISION,
    PREDICTION_MODEL,
)
from portrait_assets.stages.predictions.governance.approvals import (
    Action,
    Approvals,
    Kind,
    PredictionApproval,
)
from portrait_assets.stages.targets.assets import TABLES as TARGET_TABLES
from portrait_assets.stages.targets.contract import TARGET
from portrait_assets.stages.targets.declared.outcomes import Targets, outcome
from portrait_assets.storage.dagster.checks import Finding, Subject, TableCheck
from portrait_assets.testing.steps import SmallWarehouse

SILENCE = Targets((outcome("silence"),))


@dataclass
class PredictionWorld:
    """A warehouse with features and targets of made-up customers, who buy by a lasting habit.

    Args:
        folder: where the warehouse is written.
        customers: how many.
        months: how many, from 2024-01 on.
        seed: of all that is drawn.
        clue: how well a feature that no baseline rests on shows the habit, 0 to 1.
        clue_in: that feature, or several; a text has one of two words.
        fades_from: the month from which on the clue says nothing any more.
        targets: what is predicted.
        leaves: customers who object to profiling, with the month; c0008 is then found in March
            to be c0007.
    """

    folder: Path
    customers: int = 300
    months: int = 5
    seed: int = 7
    clue: float = 0.95
    clue_in: tuple[str, ...] = ("digital_share_12m",)
    fades_from: str = "9999-12"
    targets: Targets = SILENCE
    leaves: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.month_names = month_range("2024-01", next_month("2024-01", self.months - 1))
        self.warehouse = SmallWarehouse(self.folder / "w.duckdb", "world", "run")
        rng = np.random.default_rng(self.seed)
        names = [f"c{number:04d}" for number in range(self.customers)]
        habit = rng.uniform(0.05, 0.95, self.customers)
        bought = rng.random((self.months, self.customers)) < habit
        self.bought = pl.DataFrame(
            [
                (month, name, bool(did))
                for month, row in zip(self.month_names, bought, strict=True)
                for name, did in zip(names, row, strict=True)
            ],
            schema=["month", "customer_id", "did"],
            orient="row",
        )
        noise = rng.random((self.months, self.customers))
        rows: dict[Table, list[pl.DataFrame]] = {}
        for at, month in enumerate(self.month_names):
            clue = self.clue if month < self.fades_from else 0.0
            shown = clue * habit + (1 - clue) * noise[at]
            for table, of_month in self._of_month(month, at, names, bought, shown):
                rows.setdefault(table, []).append(of_month)
        empty = pl.DataFrame(schema={"customer_id": pl.String})
        for table, frames in ({table: [empty] for table in TARGET_TABLES} | rows).items():
            self._write(table, self.month_names, pl.concat(frames))

    def _of_month(
        self,
        month: str,
        at: int,
        names: Sequence[str],
        bought: np.ndarray,
        shown: np.ndarray,
    ) -> Iterator[tuple[Table, pl.DataFrame]]:
        """Each table with what it holds of the month, without the columns that are null."""
        gone = [who for who, since in self.leaves.items() if since <= month]
        last = [
            next((ago for ago in range(at + 1) if bought[at - ago, who]), None)
            for who in range(self.customers)
        ]
        matrix = pl.DataFrame(
            {
                "customer_id": names,
                "recency_days": [None if ago is None else 30 * ago + 5 for ago in last],
                "purchases_12m": [0 if ago is None else 1 for ago in last],
                "purchases_1m": bought[at].astype(int),
            }
            | {name: _as_feature(name, shown) for name in self.clue_in}
        ).with_columns(as_of=pl.lit(last_day(month)), profiling_allowed=pl.lit(True))
        yield FEATURE_MATRIX, self._matrix(matrix).filter(~pl.col("customer_id").is_in(gone))
        unprofiled = pl.DataFrame(
            {"customer_id": gone}, schema={"customer_id": pl.String}
        ).with_columns(
            as_of=pl.lit(last_day(month)), because=pl.lit("objection"), keeps_row=pl.lit(True)
        )
        yield UNPROFILED, unprofiled
        aliases = pl.DataFrame({"month": [month], "alias_id": ["c0008"], "customer_id": ["c0007"]})
        merged = aliases if at == 2 and self.leaves else aliases.clear()
        yield CUSTOMER_ALIAS, merged
        yield IDENTITY_MAP, merged.rename({"alias_id": "source_customer_id"})
        buyers = [name for name, did in zip(names, bought[at], strict=True) if did]
        yield (
            CUSTOMER_MONTH,
            pl.DataFrame({"month": month, "customer_id": buyers, "purchases": 1}),
        )
        yield (
            CLEANED["transactions"],
            pl.DataFrame({"month": [month], "customer_id": [names[0]]}),
        )
        if at > 0:
            yield (
                TARGET,
                pl.DataFrame({"customer_id": buyers}).with_columns(
                    month=pl.lit(month),
                    base_month=pl.lit(self.month_names[at - 1]),
                    horizon=pl.lit(1),
                    purchases=pl.lit(1),
                    active_months=pl.lit(1),
                ),
            )

    def _matrix(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The feature matrix with what else a kind of world knows."""
        return rows

    def _write(self, table: Table, months: Sequence[str], rows: pl.DataFrame) -> None:
        """The rows with all columns of the contract, nothing in those not given."""
        table = replace(table, columns=tuple(replace(c, nullable=True) for c in table.columns))
        given = {
            name: pl.col(name).cast(kind)
            if name in rows.columns
            else pl.lit(None, kind).alias(name)
            for name, kind in table.polars_schema.items()
        }
        self.warehouse.write(table, months, rows.select(given.values()))

    def predict(self, months: Sequence[str] | None = None, approvals: Approvals = ()) -> None:
        """Materialize predictions and backtests of these months, all by default, in one run."""
        months = list(months or self.month_names)
        run = Run(self.warehouse, self.targets, approvals, months)
        self.warehouse.write(PREDICTION, months, run.scores())
        self.warehouse.write(PREDICTION_MODEL, months, run.models)
        self.warehouse.write(PREDICTION_DECISION, months, run.decisions)
        for table, rows in backtests(self.warehouse, self.targets, months, 1).items():
            self.warehouse.write(table, months, rows)

    def rows(self, table: Table, month: str | None = None) -> pl.DataFrame:
        """What is stored, of one month or of all."""
        return self.warehouse.read(table, [month] if month else self.month_names)

    def found(self, check: TableCheck, table: Table, rows: pl.DataFrame | None = None) -> Finding:
        """What a check finds in the last month as it is stored, or in other rows of it."""
        month = self.month_names[-1]
        stored = self.rows(table, month) if rows is None else rows
        return check.find(Subject(self.warehouse, table, month, lambda: stored))

    def decision(self, month: str) -> dict[str, object]:
        """The decision on silence in a month."""
        return self.rows(PREDICTION_DECISION, month).row(0, named=True)

    def silent_after(self, month: str) -> dict[str, bool]:
        """Who bought nothing in the month after."""
        after = self.bought.filter(pl.col("month") == next_month(month))
        return {name: not did for _, name, did in after.iter_rows()}


def decided(
    action: Action, month: str, version: str | None = None, kind: Kind | None = None
) -> PredictionApproval:
    """A decision on the model of silence from a month on, or on its card."""
    return PredictionApproval(
        target="silence",
        kind=kind,
        action=action,
        model_version=version,
        effective_from=month,
        by="Li Na",
        reason="agreed with sales",
        on=date(2024, 1, 1),
    )


def _as_feature(name: str, shown: np.ndarray) -> np.ndarray:
    if FEATURE_MATRIX.column(name).type is Type.TEXT:
        return np.where(shown > 0.5, "married", "single")
    return shown.round(4)
