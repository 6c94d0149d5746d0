"""The past as it is known in a month: windows that are over, with features and what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from portrait_assets.core.months import next_month
from portrait_assets.stages.predictions.asked import Asked
from portrait_assets.stages.predictions.learning.labels import (
    INPUTS,
    features_step,
    labels_step,
)
from portrait_assets.stages.predictions.rule import RULE
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Scope

Bases = tuple[str, ...]


@dataclass
class Past:
    """What is known in a month, each thing read once for all targets.

    Args:
        engine: on the connection of the warehouse.
        month: what happened until its end is known.
        customers: customers of the feature matrix by month, up to this one.
        asked: all targets of the month.
        known_months: the months of which it is stored what happened in windows that they close.
    """

    engine: Engine
    month: str
    customers: Mapping[str, int]
    asked: Sequence[Asked]
    known_months: frozenset[str]
    _features: dict[tuple[Bases, bool], pl.DataFrame] = field(default_factory=dict, init=False)
    _labels: dict[tuple[Bases, int, str | None], pl.DataFrame] = field(
        default_factory=dict, init=False
    )

    def closed(self, horizon: int) -> Bases:
        """The base months whose windows of this length are over, the newest last."""
        last = next_month(self.month, -horizon)
        first = next_month(last, 1 - RULE.most_windows)
        return tuple(
            base
            for base in self.customers
            if first <= base <= last and next_month(base, horizon) in self.known_months
        )

    def learned_from(self, horizon: int) -> Bases:
        """Those of which all was known before the newest one began: a model is fitted on them."""
        closed = self.closed(horizon)
        return tuple(b for b in closed if next_month(b, horizon) <= closed[-1])

    def recent(self, horizon: int) -> Bases:
        """The newest of the closed ones."""
        return self.closed(horizon)[-RULE.recent_windows :]

    def rows(self, bases: Bases) -> int:
        """Customers of these months together."""
        return sum(self.customers[base] for base in bases)

    def known(
        self,
        asked: Asked,
        bases: Bases,
        *,
        only_baselines: bool = False,
        all_rows: bool = False,
    ) -> pl.DataFrame:
        """Customers of these months who are asked about a target, and whether it happened.

        Args:
            asked: one of the targets.
            bases: the base months, whose windows are over.
            only_baselines: only the features that baselines of targets rest on.
            all_rows: all of them, and not at most `RULE.most_rows`.

        Returns:
            `base_month`, `customer_id`, `hit` and the features.
        """
        if not bases:
            return pl.DataFrame(schema={"base_month": pl.String, "hit": pl.Boolean})
        share = 1.0 if all_rows else self._share(bases)
        features = self._read_features(bases, only_baselines, share)
        rows = self._happened(asked, bases, share).join(
            features, on=["base_month", "customer_id"], how="inner", maintain_order="right"
        )
        return rows if all_rows else rows.head(RULE.most_rows)

    def happened(self, asked: Asked, base: str) -> pl.DataFrame:
        """`customer_id` of a month whom a target asks about, and `hit`, whether it happened."""
        return self._happened(asked, (base,), 1.0).drop("base_month")

    def with_baselines(self, rows: pl.DataFrame, base: str) -> pl.DataFrame:
        """Rows of customers of a month, with the features that baselines of targets rest on."""
        features = self._read_features((base,), True, 1.0).drop("base_month")
        return rows.join(features, on="customer_id", how="inner", maintain_order="left")

    def _happened(self, asked: Asked, bases: Bases, share: float) -> pl.DataFrame:
        closed = self.closed(asked.horizon)
        # Of few customers a statement costs more than rows that are not asked for.
        is_few = self.rows(closed) <= RULE.read_together and set(bases) <= set(closed)
        read, share = (closed, 1.0) if is_few else (bases, share)
        own = asked.code if _is_alone(asked) else None
        key = (read, asked.horizon, own)
        if key not in self._labels:
            together = [
                each
                for each in self.asked
                if each is asked
                or (own is None and each.horizon == asked.horizon and not _is_alone(each))
            ]
            step = labels_step(together, self.month, read, share)
            self._labels[key] = self.engine.frame(step, Scope(self.month))
        return (
            self._labels[key]
            .filter(pl.col("base_month").is_in(bases))
            .select("base_month", "customer_id", pl.col(asked.code).alias("hit"))
            .drop_nulls("hit")
        )

    def _read_features(self, bases: Bases, only_baselines: bool, share: float) -> pl.DataFrame:
        for wider in (False, only_baselines):
            if (bases, wider) in self._features:
                return self._features[bases, wider]
        columns = baseline_features(self.asked) if only_baselines else INPUTS
        step = features_step(self.month, bases, columns, share)
        self._features[bases, only_baselines] = self.engine.frame(step, Scope(self.month))
        return self._features[bases, only_baselines]

    def _share(self, bases: Bases) -> float:
        """The part that is drawn: a little less than there is room for, as chance may add some."""
        return min(1.0, 0.99 * RULE.most_rows / max(self.rows(bases), 1))


def _is_alone(asked: Asked) -> bool:
    """Whether its labels are read by themselves: of one kind, or by comparing all customers."""
    return asked.outcome.by is not None or bool(asked.outcome.compared)


def baseline_features(asked: Sequence[Asked]) -> tuple[str, ...]:
    """The features that the targets' baselines rest on."""
    return tuple(sorted({rule.feature for each in asked for rule in each.baselines}))
