"""The past as it is known in a month: windows that are over, with features and what happened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import polars as pl

from portrait_assets.core.arrays import Floats
from portrait_assets.core.cells import rows_of_enough
from portrait_assets.core.months import next_month
from portrait_assets.methods.prediction.families.encoding import Encoding, fit_encoding
from portrait_assets.methods.prediction.model import PredictionModel
from portrait_assets.stages.predictions.asked import Asked
from portrait_assets.stages.predictions.learning.past.labels import (
    LOT,
    LOTS,
    features_step,
    labels_step,
    objecting_step,
)
from portrait_assets.stages.predictions.learning.past.windows import Bases, Windows, read_with
from portrait_assets.stages.predictions.rule import RULE
from portrait_assets.storage.steps import Scope


@dataclass
class Past:
    """What is known in a month.

    Who may not be profiled as of the month is in none of it, nor who could not at a window's end.

    Args:
        windows: of the months that are materialized together.
        month: what happened until its end is known.
        asked: all targets of the month.
    """

    windows: Windows
    month: str
    asked: Sequence[Asked]
    _encodings: dict[int, Encoding] = field(default_factory=dict, init=False)
    _used: dict[tuple[Bases, int], pl.Series] = field(default_factory=dict, init=False)
    _rows_of: dict[Asked, dict[tuple[Bases, int], pl.DataFrame]] = field(
        default_factory=dict, init=False
    )
    _happened: dict[tuple[str, Asked], pl.DataFrame] = field(default_factory=dict, init=False)
    _features: dict[tuple[str, tuple[str, ...]], pl.DataFrame] = field(
        default_factory=dict, init=False
    )

    @cached_property
    def customers(self) -> Mapping[str, int]:
        """Customers of the feature matrix by month, up to this one."""
        return {m: count for m, count in self.windows.customers.items() if m <= self.month}

    def closed(self, horizon: int) -> Bases:
        """The base months whose windows of this length are over, the newest last."""
        return self.windows.closed(horizon, self.month)

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

    # -- customers drawn -------------------------------------------------------------------

    def known(self, asked: Asked, bases: Bases) -> pl.DataFrame:
        """Customers drawn of months whose windows are over, whom a target asks about.

        `base_month`, `customer_id`, the features that baselines of targets rest on, and `hit`:
        whether it happened.
        """
        return self._rows(asked, bases).drop_nulls("hit")

    def newest_inputs(self, asked: Asked) -> pl.DataFrame:
        """The same of the newest closed window, with all inputs."""
        return self._with_inputs(asked, self.closed(asked.horizon)[-1:], LOTS)

    def learned(self, asked: Asked) -> pl.DataFrame:
        """Those that a model is fitted on, at most `RULE.most_rows`, with all inputs."""
        bases = self.learned_from(asked.horizon)
        return self._with_inputs(asked, bases, self._most(bases)).head(RULE.most_rows)

    def with_all_events(self, asked: Asked, others: int) -> pl.DataFrame:
        """Those of all closed windows to whom the rarer outcome happened, and some to whom not.

        Args:
            asked: a target.
            others: how many of these for each of those, drawn by lot.

        Returns:
            `base_month`, `customer_id` and `hit`, with all inputs.
        """
        bases = self.closed(asked.horizon)
        hits = pl.concat(self.known(asked, (base,))["hit"] for base in bases)
        is_hit_rare = 2 * hits.sum() <= len(hits)
        events = int((hits == is_hit_rare).sum())
        share = min(1.0, others * events / max(len(hits) - events, 1))
        found = []
        for base in bases:
            rows = self._rows(asked, (base,)).select("base_month", "customer_id", "hit", LOT)
            inputs = self.windows.features_once(base).filter(self._are_used((base,)))
            below = int(share * self.windows.lots((base,))[base])
            is_taken = (pl.col("hit") == is_hit_rare) | (pl.col(LOT) < below)
            rows = _beside(rows, inputs).drop_nulls("hit")
            found.append(rows.filter(is_taken).drop(LOT))
        return pl.concat(found)

    def margin(self, model: PredictionModel, asked: Asked) -> Floats:
        """The scores of the recent rows of `known` by a model, before calibration."""
        bases = self.recent(asked.horizon)
        margins = self.windows.margin(model, bases)
        is_known = self._rows(asked, bases)["hit"].is_not_null().to_numpy()
        found: Floats = margins[self._are_used(bases)][is_known]
        return found

    def score(self, models: Iterable[tuple[Asked, PredictionModel]]) -> None:
        """Score the recent windows by the models of these targets, each window once."""
        of: dict[str, list[PredictionModel]] = {}
        for asked, model in models:
            for base in self.recent(asked.horizon):
                of.setdefault(base, []).append(model)
        for base, several in sorted(of.items()):
            self.windows.score(several, (base,))
            self.windows.release()

    def encoding(self, horizon: int) -> Encoding:
        """How features become numbers: fitted to all customers of whom models of this length learn.

        One for all targets, so that their models share columns.
        """
        if horizon not in self._encodings:
            bases = self.learned_from(horizon)
            inputs = self.windows.features(bases, self._most(bases))
            # A customer is there once a month at most.
            enough = rows_of_enough(len(bases))
            self._encodings[horizon] = fit_encoding(inputs, enough=enough)
        return self._encodings[horizon]

    def _with_inputs(self, asked: Asked, bases: Bases, most: int) -> pl.DataFrame:
        rows = self._rows(asked, bases, most)
        if not bases:
            return rows
        inputs = self._used_of(self.windows.features(bases, most), bases, most)
        rows = rows.select("base_month", "customer_id", "hit")
        return _beside(rows, inputs).drop_nulls("hit")

    def _rows(self, asked: Asked, bases: Bases, most: int = LOTS) -> pl.DataFrame:
        """The rows of `known`, and those whom the target does not ask about."""
        if not bases:
            return pl.DataFrame(schema={"base_month": pl.String, "hit": pl.Boolean})
        if asked not in self._rows_of:
            # Targets come one after another.
            self._rows_of = {asked: {}}
        known = self._rows_of[asked]
        if (bases, most) not in known:
            hits = self.windows.hits(asked, bases, self.month, self.asked)
            rows = pl.concat(
                drawn.with_columns(pl.lit(base).alias("base_month"), hit.alias("hit"))
                for base, drawn, hit in zip(bases, self._drawn(bases), hits, strict=True)
            )
            if most < LOTS:
                rows = rows.filter(pl.col(LOT) < most)
            known[bases, most] = self._used_of(rows, bases, most)
        return known[bases, most]

    def _used_of(self, rows: pl.DataFrame, bases: Bases, most: int) -> pl.DataFrame:
        """Of rows of all customers drawn those who may be profiled as of the month."""
        used = self._are_used(bases, most)
        return rows if used.all() else rows.filter(used)

    def _are_used(self, bases: Bases, most: int = LOTS) -> pl.Series:
        """Which of the customers drawn may be profiled as of the month."""
        if (bases, most) not in self._used:
            customers = pl.concat(
                each.filter(pl.col(LOT) < most)["customer_id"] for each in self._drawn(bases)
            )
            self._used[bases, most] = ~customers.is_in(self._objecting)
        return self._used[bases, most]

    def _drawn(self, bases: Bases) -> list[pl.DataFrame]:
        return self.windows.drawn(bases, baseline_features(self.asked))

    def _most(self, bases: Bases) -> int:
        """The lot below which customers are drawn that a model is fitted on.

        A little less than there is room for, as chance may add some.
        """
        return int(min(1.0, 0.99 * RULE.most_rows / max(self.rows(bases), 1)) * LOTS)

    @cached_property
    def _objecting(self) -> pl.Series:
        step = objecting_step()
        return self.windows.engine.frame(step, Scope(self.month))["customer_id"].implode()

    # -- all customers ---------------------------------------------------------------------

    def happened(self, asked: Asked, base: str) -> pl.DataFrame:
        """`customer_id` of a month whom a target asks about, and `hit`, whether it happened."""
        if self.windows.has_all(base):
            return self.known(asked, (base,)).select("customer_id", "hit")
        key = (base, asked)
        if key not in self._happened:
            targets = read_with(asked, self.asked)
            step = labels_step(targets, self.month, {base: LOTS})
            rows = self.windows.engine.frame(step, Scope(self.month)).filter(
                ~pl.col("customer_id").is_in(self._objecting)
            )
            for each in targets:
                own = rows.select("customer_id", pl.col(each.code).alias("hit"))
                self._happened[base, each] = own.drop_nulls("hit")
        return self._happened[key]

    def with_features(
        self, rows: pl.DataFrame, base: str, features: Sequence[str] = ()
    ) -> pl.DataFrame:
        """Rows of customers of a month, with features; by default those that baselines rest on."""
        features = features or baseline_features(self.asked)
        if self.windows.has_all(base):
            (known,) = self.windows.drawn((base,), features)
        else:
            known = self._of_all(base, tuple(features))
        known = known.select("customer_id", *features)
        return rows.join(known, on="customer_id", how="inner", maintain_order="left")

    def _of_all(self, base: str, features: tuple[str, ...]) -> pl.DataFrame:
        if (base, features) not in self._features:
            step = features_step(self.month, {base: LOTS}, features)
            self._features[base, features] = self.windows.engine.frame(step, Scope(self.month))
        return self._features[base, features]


def _beside(rows: pl.DataFrame, inputs: pl.DataFrame) -> pl.DataFrame:
    """With inputs of the same rows; `hstack` would write out those of which nothing is known."""
    return pl.concat([rows, inputs], how="horizontal")


def baseline_features(asked: Sequence[Asked]) -> tuple[str, ...]:
    """The features that the targets' baselines rest on."""
    return tuple(sorted({rule.feature for each in asked for rule in each.baselines}))
