"""What was predicted at a month's end, beside what happened in the window that is over now.

Scores are those stored then, of the model that was active then; the baseline beside them is the one
that was best before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.stats import rankdata

from portrait_assets.core.arrays import Bools, Floats
from portrait_assets.core.months import last_day
from portrait_assets.methods.statistics.discrimination import scores
from portrait_assets.methods.statistics.discrimination.paired import auc, auc_gain, auc_interval
from portrait_assets.methods.statistics.distributions.stability import psi, smoothed_shares
from portrait_assets.methods.statistics.intervals import wilson
from portrait_assets.methods.statistics.rates import events_of
from portrait_assets.methods.statistics.resampling import Interval
from portrait_assets.schema.probability import rounded
from portrait_assets.stages.predictions.asked import Asked
from portrait_assets.stages.predictions.learning.active import Bin, places
from portrait_assets.stages.predictions.learning.baseline import Steps
from portrait_assets.stages.predictions.rule import RULE

Integers = npt.NDArray[np.int64]
FEWEST = 20
"""Of either outcome; with fewer an interval is meaningless, and shuffling leaves much to chance."""
DIGITS = 6
TENTHS = 10
PLACEBO_DISTANCE = 0.02
"""How far from 0.5 the area of shuffled outcomes may be."""
PLACEBO_SPREAD = 0.005
"""The standard deviation that the area of shuffled outcomes has by chance, or less."""
MOST_PLACEBOS = 200
"""Times that outcomes are shuffled at most: enough for 20 events."""


@dataclass(frozen=True)
class Closed:
    """A target's window that a month closes.

    Args:
        asked: the target.
        month: the month that closes the window.
        base_month: the one at whose end it was predicted.
        rows: of the customers of whom the outcome is known: `hit`, the stored `score`, `rank`,
            `band`, `model_version` and `basis`, and the features of baselines.
        bins: those of the scores when they were given.
        baseline: the one that was best before, with the rates of then; without rates where no
            window was over.
    """

    asked: Asked
    month: str
    base_month: str
    rows: pl.DataFrame
    bins: tuple[Bin, ...]
    baseline: Steps

    @cached_property
    def hit(self) -> Bools:
        """Whether it happened."""
        return self.rows["hit"].to_numpy()

    @cached_property
    def order(self) -> Floats:
        """By which they were ranked, the likeliest highest."""
        return -self.rows["rank"].to_numpy().astype(np.float64)

    @cached_property
    def probability(self) -> Floats:
        """What was predicted."""
        return self.rows["score"].to_numpy()

    @cached_property
    def baseline_order(self) -> Floats:
        """By which the baseline would have ranked them."""
        return self.baseline.order(self.rows)

    @cached_property
    def baseline_probability(self) -> Floats:
        """What the baseline would have predicted; NaN where no rate was known."""
        return self.baseline.probability(self.rows)

    @cached_property
    def tenths(self) -> Integers:
        """The tenth of each customer, 0 is the likeliest; equal ranks are in one."""
        ranks = self.rows["rank"].rank("average").to_numpy()
        return np.minimum(((ranks - 0.5) / len(ranks) * TENTHS).astype(np.int64), TENTHS - 1)

    def key(self) -> dict[str, object]:
        """The columns that name it."""
        return {
            "as_of": last_day(self.month),
            "target": self.asked.code,
            "horizon": self.asked.horizon,
            "base_month": self.base_month,
            "model_version": self.rows["model_version"][0],
            "basis": self.rows["basis"][0],
        }


def backtest_row(closed: Closed) -> dict[str, object]:
    """The row of `predictions.prediction_backtest`."""
    hit, probability = closed.hit, closed.probability
    area = auc_interval(closed.order, hit)
    order = closed.baseline_order
    is_judged = events_of(hit) > 0
    gain = auc_gain(closed.order, order, hit) if is_judged else Interval(*[float("nan")] * 3)
    rate, expected = float(hit.mean()), float(probability.mean())
    return closed.key() | {
        "customers": len(hit),
        "hits": int(hit.sum()),
        "auc": rounded(area.value),
        "auc_low": rounded(area.low),
        "auc_high": rounded(area.high),
        "baseline": closed.baseline.name,
        "baseline_auc": rounded(auc(order, hit)),
        "gain_low": rounded(gain.low),
        "gain_high": rounded(gain.high),
        "lift": rounded(_lift(closed.order, hit)),
        "baseline_lift": rounded(_lift(order, hit)),
        "brier": rounded(_brier(probability, hit)),
        "baseline_brier": rounded(_brier(closed.baseline_probability, hit)),
        "base_brier": rounded(rate * (1 - rate)),
        "predicted_rate": rounded(expected),
        "rate": rounded(rate),
        "calibration": rounded(expected / rate) if rate else None,
        "calibration_error": rounded(_calibration_error(closed)),
        "placebo_auc": rounded(_placebo(closed)),
        "psi": rounded(_shift(closed)),
        "verdict": _verdict(hit, gain),
    }


def calibration_rows(closed: Closed, smallest: int) -> Iterator[dict[str, object]]:
    """The rows of `predictions.prediction_calibration`.

    Tenths of fewer than `smallest` customers go with the next ones.
    """
    for place, members in enumerate(_large_enough(closed.tenths, smallest), start=1):
        hit, probability = closed.hit[members], closed.probability[members]
        low, high = wilson(np.array([hit.sum()]), np.array([len(hit)]))
        yield closed.key() | {
            "tenth": place,
            "customers": len(hit),
            "hits": int(hit.sum()),
            "predicted_rate": rounded(float(probability.mean())),
            "baseline_predicted_rate": rounded(float(closed.baseline_probability[members].mean())),
            "rate": rounded(float(hit.mean())),
            "low": rounded(float(low[0])),
            "high": rounded(float(high[0])),
        }


def _large_enough(tenths: Integers, smallest: int) -> list[Bools]:
    """The customers of each tenth, with what is too small added to the next, the last to before."""
    found: list[Bools] = []
    waiting = np.zeros(len(tenths), dtype=bool)
    for tenth in range(TENTHS):
        waiting = waiting | (tenths == tenth)
        if waiting.sum() >= max(smallest, 1):
            found.append(waiting)
            waiting = np.zeros(len(tenths), dtype=bool)
    if waiting.any() and found:
        found[-1] = found[-1] | waiting
    return found


def _lift(order: Floats, hit: Bools) -> float:
    _, places = np.unique(order, return_inverse=True)
    cells = np.stack([np.bincount(places), np.bincount(places, weights=hit)], dtype=np.float64)
    return float(scores.lift_of_top(scores.sampled(cells[:, None, :]))[0])


def _brier(probability: Floats, hit: Bools) -> float:
    """Mean squared error of the probability (G. Brier 1950)."""
    return float(((probability - hit) ** 2).mean())


def _calibration_error(closed: Closed) -> float:
    apart = np.bincount(closed.tenths, weights=closed.probability - closed.hit, minlength=TENTHS)
    return float(np.abs(apart).sum() / len(closed.hit))


def _placebo(closed: Closed) -> float:
    """The mean area of shuffled outcomes, shuffled so often that chance moves it hardly."""
    hits, others = int(closed.hit.sum()), int((~closed.hit).sum())
    if not hits or not others:
        return float("nan")
    # The variance of an area where nothing is predicted: H. Mann, D. Whitney (1947).
    variance = (hits + others + 1) / (12 * hits * others)
    times = max(RULE.placebos, min(int(np.ceil(variance / PLACEBO_SPREAD**2)), MOST_PLACEBOS))
    # In the order of the customers, so that it is the same however rows come.
    ranks = rankdata(closed.order)
    rng = np.random.default_rng(0)
    sums = [ranks[rng.permutation(closed.hit)].sum() for _ in range(times)]
    return float((np.mean(sums) - hits * (hits + 1) / 2) / (hits * others))


def _shift(closed: Closed) -> float:
    if not closed.bins:
        return float("nan")
    now = np.bincount(places(closed.bins, closed.probability), minlength=len(closed.bins))
    bins = pl.DataFrame({"then": [each.customers for each in closed.bins], "now": now})
    then, of_now = (smoothed_shares(pl.col(name)) for name in ("then", "now"))
    return float(bins.select(psi(then, of_now)).item())


def _verdict(hit: Bools, gain: Interval) -> str:
    if events_of(hit) < FEWEST or np.isnan(gain.low):
        return "not judged"
    if gain.low > 0:
        return "better"
    return "worse" if gain.high < 0 else "not surely better"
