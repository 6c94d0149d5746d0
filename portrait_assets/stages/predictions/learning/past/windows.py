"""Customers of past months, and what happened to them in windows that are over.

What is read of a window is the same in whatever later month it is asked for, so that it is read
once for all months that are materialized together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl

from portrait_assets.core.arrays import Floats
from portrait_assets.core.months import next_month
from portrait_assets.methods.prediction.model import PredictionModel, Scorer
from portrait_assets.methods.prediction.together import margins
from portrait_assets.stages.predictions.asked import Asked
from portrait_assets.stages.predictions.learning.past.labels import (
    INPUT_TYPES,
    INPUTS,
    LOT,
    LOTS,
    features_step,
    labels_step,
)
from portrait_assets.stages.predictions.rule import RULE
from portrait_assets.stages.targets.declared.outcome import LONGEST_HORIZON
from portrait_assets.stages.targets.declared.permitted import PROFILING
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Scope

Bases = tuple[str, ...]
Lots = Mapping[str, int]
"""By base month the lot below which a customer is drawn; all are below `LOTS`."""


@dataclass
class Windows:
    """Customers drawn of each base month, at most `RULE.window_rows`, and what happened to them.

    Args:
        engine: on the connection of the warehouse.
        until: the last month that is asked about; what happened until its end is read.
        customers: customers of the feature matrix by month, up to that one, in order.
        known_months: the months of which it is stored what happened in windows that they close.
    """

    engine: Engine
    until: str
    customers: Mapping[str, int]
    known_months: frozenset[str]
    _drawn: dict[str, pl.DataFrame] = field(default_factory=dict, init=False)
    _hits: dict[tuple[str, int, str, str | None], pl.Series] = field(
        default_factory=dict, init=False
    )
    _margins: dict[str, list[tuple[Scorer, Floats]]] = field(default_factory=dict, init=False)
    _features: dict[tuple[Bases, int], pl.DataFrame] = field(default_factory=dict, init=False)
    _kept: dict[str, pl.DataFrame] = field(default_factory=dict, init=False)

    def closed(self, horizon: int, month: str) -> Bases:
        """The base months whose windows of this length are over by a month, the newest last."""
        last = next_month(month, -horizon)
        first = next_month(last, 1 - RULE.most_windows)
        return tuple(
            base
            for base in self.customers
            if first <= base <= last and next_month(base, horizon) in self.known_months
        )

    def lots(self, bases: Iterable[str], most: int = LOTS) -> Lots:
        """The lots below which customers are drawn, fewer than `most` of all `LOTS`.

        A little fewer than there is room for, as chance may add some.
        """
        room = {base: 0.99 * RULE.window_rows / max(self.customers[base], 1) for base in bases}
        return {base: min(most, int(min(1.0, share) * LOTS)) for base, share in room.items()}

    def has_all(self, base: str) -> bool:
        """Whether no customer of the month is left out."""
        return self.lots((base,))[base] == LOTS

    def drawn(self, bases: Bases, features: Sequence[str]) -> list[pl.DataFrame]:
        """`customer_id`, in order, `lot` and some features of the customers drawn of each month."""
        missing = [
            base
            for base in bases
            if base not in self._drawn or not set(features) <= set(self._drawn[base].columns)
        ]
        if missing:
            self._read_drawn(missing, features)
        return [self._drawn[base] for base in bases]

    def hits(
        self, asked: Asked, bases: Bases, month: str, together: Sequence[Asked]
    ) -> list[pl.Series]:
        """Whether it happened to each of the customers drawn; null of whom it is not asked.

        Args:
            asked: a target.
            bases: base months whose windows are over.
            month: the month as of which it has to be allowed to know of it.
            together: all targets of the month.
        """
        as_of = None if asked.outcome.purpose == PROFILING else month
        keys = [(base, asked.horizon, asked.code, as_of) for base in bases]
        missing = [key[0] for key in keys if key not in self._hits]
        if missing:
            self._read_hits(asked, missing, month, together)
        return [self._hits[key] for key in keys]

    def margin(self, model: PredictionModel, bases: Bases) -> Floats:
        """The scores of the customers drawn of these months by a model, before calibration."""
        missing = tuple(base for base in bases if self._known_margin(model, base) is None)
        # Of few customers a score of all costs what one of a month does.
        for together in [missing] if self._are_kept else [(base,) for base in missing]:
            self.score([model], together)
        found = [self._known_margin(model, base) for base in bases]
        return np.concatenate([each for each in found if each is not None])

    def score(self, models: Sequence[PredictionModel], bases: Bases) -> None:
        """Score the customers drawn of these months by those of the models that have not yet."""
        missing = {
            id(model.scorer): model
            for model in models
            if any(self._known_margin(model, base) is None for base in bases)
        }
        if not missing:
            return
        ends = np.cumsum([drawn.height for drawn in self.drawn(bases, ())])
        found = margins([*missing.values()], self.features(bases))
        for model, margin in zip(missing.values(), found, strict=True):
            for base, own in zip(bases, np.split(margin, ends[:-1]), strict=True):
                self._margins.setdefault(base, []).append((model.scorer, own))

    def _known_margin(self, model: PredictionModel, base: str) -> Floats | None:
        known = self._margins.get(base, [])
        return next((found for scorer, found in known if scorer is model.scorer), None)

    def features(self, bases: Bases, most: int = LOTS) -> pl.DataFrame:
        """All inputs of the customers drawn of these months with a lot below `most`, in order."""
        if (bases, most) not in self._features:
            self._features[bases, most] = self._inputs(bases, most)
        return self._features[bases, most]

    def features_once(self, base: str) -> pl.DataFrame:
        """The same of all customers drawn of a month, for who asks for them once."""
        known = self._features.get(((base,), LOTS))
        return self._inputs((base,), LOTS) if known is None else known

    def release(self) -> None:
        """Let go of features, which take much room; inputs are read again if none are kept."""
        self._features.clear()

    def forget(self, month: str, active: Collection[Scorer] = ()) -> None:
        """Forget what no later month asks for.

        That is what was allowed as of the month, features, and scores by models that are active no
        more, or of months before all recent windows.
        """
        self.release()
        for key in [key for key in self._hits if key[-1] == month]:
            del self._hits[key]
        oldest = next_month(month, 1 - LONGEST_HORIZON - RULE.recent_windows)
        self._margins = {
            base: [each for each in scored if any(each[0] is scorer for scorer in active)]
            for base, scored in self._margins.items()
            if base >= oldest
        }

    @property
    def fitted_at_once(self) -> int:
        """How many models there is room to fit at a time: of many rows each takes two threads."""
        return RULE.fitted_at_once if self._are_kept else 1

    # -- reading ---------------------------------------------------------------------------

    @cached_property
    def _is_few(self) -> bool:
        return sum(self.customers.values()) <= RULE.read_together

    @cached_property
    def _are_kept(self) -> bool:
        """Whether there is room for the inputs of all months."""
        rows = sum(min(count, RULE.window_rows) for count in self.customers.values())
        return rows <= RULE.kept_rows

    def _inputs(self, bases: Bases, most: int) -> pl.DataFrame:
        if not self._are_kept:
            return _completed(self._read_inputs(bases, most))
        if missing := [base for base in bases if base not in self._kept]:
            self._keep(tuple(self.customers) if self._is_few else tuple(missing))
        known = [self._kept[base] for base in bases]
        if most < LOTS:
            known = [each.filter(pl.col(LOT) < most) for each in known]
        return _completed(pl.concat(known, how="diagonal", rechunk=True))

    def _keep(self, bases: Bases) -> None:
        rows = self._read_inputs(bases, LOTS)
        found = dict(_by_base(rows))
        self._kept |= {base: found.get(base, rows.clear().drop("base_month")) for base in bases}

    def _read_inputs(self, bases: Bases, most: int) -> pl.DataFrame:
        """The inputs of which something is known, and `lot`."""
        step = features_step(self.until, self.lots(bases, most), INPUTS)
        rows = self.engine.frame(step, Scope(self.until)).drop("customer_id")
        return rows.drop(name for name in INPUTS if rows[name].null_count() == rows.height)

    def _read_drawn(self, missing: Sequence[str], features: Sequence[str]) -> None:
        bases = tuple(self.customers) if self._is_few else missing
        step = features_step(self.until, self.lots(bases), features)
        rows = self.engine.frame(step, Scope(self.until))
        found = dict(_by_base(rows))
        for base in bases:
            self._drawn[base] = found.get(base, rows.clear().drop("base_month"))

    def _read_hits(
        self, asked: Asked, missing: Sequence[str], month: str, together: Sequence[Asked]
    ) -> None:
        """With other targets of its length."""
        targets = read_with(asked, together)
        as_of = None if asked.outcome.purpose == PROFILING else month
        until = as_of or self.until
        bases = self.closed(asked.horizon, until) if self._is_few else tuple(missing)
        step = labels_step(targets, until, self.lots(bases))
        rows = dict(_by_base(self.engine.frame(step, Scope(until))))
        for base, drawn in zip(bases, self.drawn(bases, ()), strict=True):
            customers = drawn.select("customer_id")
            known = rows.get(base, customers.clear())
            hits = customers.join(known, on="customer_id", how="left", maintain_order="left")
            for each in targets:
                hit = pl.lit(None, pl.Boolean) if each.code not in known.columns else each.code
                key = (base, each.horizon, each.code, as_of)
                self._hits[key] = hits.select(hit).to_series()


def _completed(known: pl.DataFrame) -> pl.DataFrame:
    """All inputs, of which those that are not known are null: as one value, not one of each row."""
    unknown = [name for name in INPUTS if name not in known.columns]
    nothing = (pl.lit(None, INPUT_TYPES[name]).alias(name) for name in unknown)
    return known.with_columns(nothing).select(INPUTS)


def read_with(asked: Asked, among: Iterable[Asked]) -> list[Asked]:
    """The targets of which it is read with one statement what happened."""
    return [each for each in among if _is_like(each, asked)]


def _is_like(one: Asked, other: Asked) -> bool:
    if one is other:
        return True
    return one.horizon == other.horizon and not (_is_alone(one) or _is_alone(other))


def _is_alone(asked: Asked) -> bool:
    """Whether its labels are read by themselves: of one kind, or by comparing all customers."""
    return asked.outcome.by is not None or bool(asked.outcome.compared)


def _by_base(rows: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    for (base,), own in rows.group_by("base_month", maintain_order=True):
        yield str(base), own.drop("base_month")
