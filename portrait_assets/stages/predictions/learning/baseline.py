"""The best baseline with a probability: the order of one feature, and the rate of each step of it.

It stands in the place of a model where there is too little history to learn from, or the model is
not surely better.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from sklearn.isotonic import IsotonicRegression

from portrait_assets.core.arrays import Bools, Floats
from portrait_assets.methods.disclosure.holders import apart, holders_of, names_in
from portrait_assets.methods.prediction.rows import Row, part, to_frame
from portrait_assets.methods.statistics.discrimination.paired import auc
from portrait_assets.methods.statistics.intervals import Counts
from portrait_assets.methods.statistics.rates import shrunk_to_all
from portrait_assets.stages.targets.declared.outcome import Baseline

BASE_RATE = "base rate"
"""The name of the baseline of a target that declares none: the rate of all."""
_END = float(np.finfo(np.float64).max)
"""The place of those of whom the feature is not known; infinity is no value of a table."""


@dataclass(frozen=True)
class Steps:
    """A baseline as a function of steps: the rate of the customers from each threshold on.

    `rates` rise with `thresholds`, of which the first is the lowest number there is. Without
    steps the baseline orders customers, and nothing is known of any rate.
    """

    rule: Baseline | None
    thresholds: tuple[float, ...] = ()
    rates: tuple[float, ...] = ()
    rows_behind: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """The baseline's name."""
        return self.rule.name if self.rule else BASE_RATE

    def order(self, frame: pl.DataFrame) -> Floats:
        """The number of which more means likelier, shape (rows,)."""
        return ordered_by(self.rule, frame)

    def probability(self, frame: pl.DataFrame) -> Floats:
        """The rate of the step that each row is on; NaN where there is none. Shape (rows,)."""
        if not self.rates:
            return np.full(frame.height, np.nan)
        places = np.searchsorted(self.thresholds, self.order(frame), side="right") - 1
        return np.asarray(self.rates)[np.maximum(places, 0)]

    def rows(self) -> pl.DataFrame:
        """The baseline as rows of a model."""
        rows = [Row("baseline", 0, key="name", text=self.name)]
        if self.rule:
            rows += [
                Row("baseline", 1, self.rule.feature, key="falls", value=float(self.rule.falls)),
                Row(
                    "baseline",
                    2,
                    self.rule.feature,
                    key="unknown_is_likely",
                    value=float(self.rule.unknown_is_likely),
                ),
            ]
        steps = zip(self.thresholds, self.rates, self.rows_behind, strict=True)
        rows += [
            Row("step", at, value=rate, threshold=threshold, rows=behind)
            for at, (threshold, rate, behind) in enumerate(steps)
        ]
        return to_frame(rows)

    @classmethod
    def from_rows(cls, rows: pl.DataFrame) -> Steps:
        """The baseline that `rows` wrote."""
        head = {row.key: row for row in part(rows, "baseline")}
        rule = None
        if "falls" in head:
            rule = Baseline(
                str(head["name"].text),
                str(head["falls"].feature),
                falls=bool(head["falls"].value),
                unknown_is_likely=bool(head["unknown_is_likely"].value),
            )
        steps = part(rows, "step")
        return cls(
            rule,
            tuple(float(row.threshold or 0.0) for row in steps),
            tuple(float(row.value or 0.0) for row in steps),
            tuple(int(row.rows or 0) for row in steps),
        )


def ordered_by(rule: Baseline | None, frame: pl.DataFrame) -> Floats:
    """The number of a baseline of which more means likelier, shape (rows,), without a gap."""
    if rule is None:
        return np.zeros(frame.height)
    numbers = frame[rule.feature].cast(pl.Float64).to_numpy()
    numbers = 0.0 - numbers if rule.falls else numbers  # A zero without a sign is stored as it is.
    return np.where(np.isnan(numbers), _END if rule.unknown_is_likely else -_END, numbers)


def best_of(rules: Sequence[Baseline], frame: pl.DataFrame) -> Baseline | None:
    """The rule with the largest area; the first declared of equal ones, or where there is none.

    Args:
        rules: the declared ones.
        frame: their features, and `hit`.
    """
    if frame.is_empty() or not rules:
        return rules[0] if rules else None
    areas = _areas(rules, frame)
    return max(rules, key=lambda rule: areas[rule.name])


def fitted_steps(rule: Baseline | None, frame: pl.DataFrame) -> Steps:
    """The rates of a baseline, which rise with it: isotonic regression (R. Barlow and others 1972).

    Each is drawn to the rate of all, so that none is 0 or 1 (`methods.statistics.rates`).

    Args:
        rule: the baseline; None for the rate of all.
        frame: its feature, `hit` and `customer_id`; of few customers nothing is known of rates,
            and no step is of few.
    """
    holders = holders_of(names_in(frame))
    if holders.are_few_of(frame.height):
        return Steps(rule)
    order, hit = ordered_by(rule, frame), frame["hit"].to_numpy()
    values, places, counts = np.unique(order, return_inverse=True, return_counts=True)
    shares = np.bincount(places, weights=hit, minlength=len(values)) / counts
    _, firsts, _ = _rising(shares, counts)
    step = np.searchsorted(firsts, np.arange(len(values)), side="right") - 1
    groups = apart(step[places], len(firsts), holders)
    firsts = firsts[[group[0] for group in groups]]
    behind, events = (np.add.reduceat(each, firsts) for each in (counts, shares * counts))
    # A step of fewer rows is drawn further than its neighbours, and may come to lie below them.
    rates, kept, behind = _rising(shrunk_to_all(np.rint(events), behind), behind)
    thresholds = values[firsts[kept]]
    thresholds[0] = -_END
    return Steps(
        rule,
        tuple(thresholds.tolist()),
        tuple(np.round(rates, 9).tolist()),
        tuple(behind.tolist()),
    )


def _rising(rates: Floats, rows: Counts) -> tuple[Floats, Counts, Counts]:
    """Levels that rise, by pooling neighbours: rate, place of the first, and rows behind each."""
    fitted = IsotonicRegression().fit_transform(np.arange(len(rates)), rates, sample_weight=rows)
    firsts = np.flatnonzero(np.diff(fitted, prepend=-1.0) > 0)
    return fitted[firsts], firsts, np.add.reduceat(rows, firsts)


def _areas(rules: Sequence[Baseline], frame: pl.DataFrame) -> Mapping[str, float]:
    hit: Bools = frame["hit"].to_numpy()
    areas = {rule.name: auc(ordered_by(rule, frame), hit) for rule in rules}
    return {name: -1.0 if np.isnan(found) else found for name, found in areas.items()}
