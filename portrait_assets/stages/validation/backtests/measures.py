"""What is measured of one backtest: the rows of its measures and of its buckets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from portrait_assets.core.arrays import Floats
from portrait_assets.core.months import last_day
from portrait_assets.methods.statistics import resampling
from portrait_assets.methods.statistics.discrimination import scores
from portrait_assets.methods.statistics.discrimination.roc import auc_gain, auc_intervals
from portrait_assets.methods.statistics.discrimination.scores import Counts, Measure
from portrait_assets.methods.statistics.resampling import Interval
from portrait_assets.privacy.cells import are_pooled, pooled_name
from portrait_assets.schema.probability import rounded
from portrait_assets.stages.targets.windows import Window
from portrait_assets.stages.validation.backtests.buckets import BINS
from portrait_assets.stages.validation.backtests.claims import Buckets, Claim
from portrait_assets.stages.validation.backtests.orders import Order
from portrait_assets.stages.validation.contract import Verdict

FEWEST = 20  # Hits, and customers without one; with fewer an interval is meaningless.
CHANCE = 0.5
LARGEST_CALIBRATION_ERROR = 0.05
BASE_RATE = "base rate"
CALIBRATED = "calibrated"


@dataclass(frozen=True)
class Judged:
    """One test of one month.

    `cells` are of shape (sums, groups, buckets), the lowest score first, and so are those of the
    baseline, None where that is the base rate; `by_value` are those of the tag's values, where the
    calibrated score is compared in their place. `is_found` is false of a tag that is one of many
    tested on an outcome of the source and may be among those that chance finds.
    """

    claim: Claim
    outcome: str
    window: Window
    order: Order
    cells: Floats
    baseline: str = BASE_RATE
    baseline_cells: Floats | None = None
    is_found: bool = True
    by_value: Floats | None = None

    @property
    def is_of_one_value(self) -> bool:
        """Whether all customers have one value, which ranks nobody."""
        present = np.flatnonzero(self.cells[0].any(axis=0)).tolist()
        if self.by_value is not None:
            return len(present) < 2
        return len({self.order.value_of(bucket) for bucket in present}) < 2

    @cached_property
    def counts(self) -> Counts:
        """The counts with their redraws."""
        return _resampled(self.cells)

    @cached_property
    def baseline_counts(self) -> Counts | None:
        """The same of the baseline."""
        return None if self.baseline_cells is None else _resampled(self.baseline_cells)


def measure_rows(judged: Judged) -> Iterator[dict[str, object]]:
    """The rows of BACKTEST."""
    counts = judged.counts
    yield area_row(judged)
    yield _metric(judged, "lift of the top tenth", scores.lift_of_top, 1.0)
    if judged.claim.outcome.amount is not None:
        measure = scores.amount_of_top
        yield _metric(judged, "share of the top tenth", measure, scores.TOP)
    if judged.claim.is_probability:
        yield _calibration(judged)
        error_of_tag, error_of_base = scores.brier(counts), scores.brier_of_base_rate(counts)
        # A smaller score is better, so the gain is by how much the base rate is worse.
        gain = resampling.interval(error_of_base - error_of_tag)
        verdict = _verdict(judged, gain, Interval(1, 1, 1), 0.0)
        yield _row(
            judged,
            "Brier score",
            resampling.interval(error_of_tag),
            float(error_of_base[0]),
            gain,
            BASE_RATE,
            verdict,
        )


def area_row(judged: Judged) -> dict[str, object]:
    """The row of BACKTEST of the area under the curve, the scores compared as they are."""
    area, low, high = (float(each[0]) for each in auc_intervals(*sides_of(judged.cells)))
    if judged.is_of_one_value:
        area = low = high = np.nan
    value = Interval(area, low, high)
    compared, gain = CHANCE, Interval(area - CHANCE, low - CHANCE, high - CHANCE)
    if judged.baseline_cells is not None:
        compared = float(auc_intervals(*sides_of(judged.baseline_cells))[0][0])
        gain = auc_gain(judged.cells[:2], judged.baseline_cells[:2])
    verdict = _verdict(judged, gain, value, CHANCE)
    return _row(judged, "auc", value, compared, gain, judged.baseline, verdict)


def _metric(judged: Judged, name: str, measure: Measure, by_chance: float) -> dict[str, object]:
    measured = measure(judged.counts)
    compared = np.full(len(measured), by_chance)
    if judged.baseline_counts is not None:
        compared = measure(judged.baseline_counts)
    value = resampling.interval(measured)
    gain = resampling.interval(measured - compared)
    verdict = _verdict(judged, gain, value, by_chance)
    return _row(judged, name, value, float(compared[0]), gain, judged.baseline, verdict)


def _too_few(counts: Counts) -> bool:
    hits, everyone = counts.hits[0].sum(), counts.customers[0].sum()
    return bool(min(hits, everyone - hits) < FEWEST)


def _verdict(judged: Judged, gain: Interval, value: Interval, by_chance: float) -> Verdict:
    """Fail what is surely worse than the baseline; warn of what is not surely better.

    Where all customers have one value there is nothing to judge.
    """
    is_open = judged.is_of_one_value or _too_few(judged.counts)
    if is_open or not np.isfinite([gain.low, value.low]).all():
        return Verdict.NOT_JUDGED
    if gain.high < 0 or value.high <= by_chance:
        return Verdict.FAIL
    is_better = gain.low > 0 and value.low > by_chance
    return Verdict.PASS if is_better and judged.is_found else Verdict.WARN


def _calibration(judged: Judged) -> dict[str, object]:
    """The calibration error beside what a calibrated probability would give by chance."""
    counts = judged.counts
    error = float(scores.calibration_error(counts)[0])
    by_chance = scores.calibration_error_by_chance(counts)
    low, high = np.quantile(by_chance, [0.025, 0.975])
    expected = float(by_chance.mean())
    beyond = Interval(error - expected, error - float(high), error - float(low))
    verdict = Verdict.PASS
    if _too_few(counts):
        verdict = Verdict.NOT_JUDGED
    elif beyond.low > 0 and error > LARGEST_CALIBRATION_ERROR:
        verdict = Verdict.WARN
    value = Interval(error, np.nan, np.nan)
    return _row(judged, "calibration error", value, expected, beyond, CALIBRATED, verdict)


def _row(
    judged: Judged,
    metric: str,
    value: Interval,
    baseline_value: float | None,
    gain: Interval | None,
    baseline: str,
    verdict: Verdict,
) -> dict[str, object]:
    outcome = judged.outcome
    return {
        "as_of": last_day(judged.window.month),
        "test": _test_name(judged),
        "tag_code": judged.claim.tag,
        "outcome": outcome,
        "horizon_months": judged.window.horizon,
        "said_as_of": last_day(judged.window.base_month),
        "metric": metric,
        "customers": int(judged.counts.customers[0].sum()),
        "hits": int(judged.counts.hits[0].sum()),
        "value": rounded(value.value),
        "low": rounded(value.low),
        "high": rounded(value.high),
        "baseline": baseline,
        "baseline_value": rounded(baseline_value),
        "gain_low": rounded(gain.low if gain else None),
        "gain_high": rounded(gain.high if gain else None),
        "verdict": str(verdict),
    }


def _test_name(judged: Judged) -> str:
    return f"{judged.claim.tag} / {judged.outcome}"


def bucket_rows(judged: Judged, smallest: int) -> Iterator[dict[str, object]]:
    """The buckets from the highest score down; twentieths of a number go together by tenths.

    Buckets of fewer than `smallest` customers are pooled, and come last.
    """
    names: Sequence[str] = judged.order.buckets
    counts = judged.counts if judged.by_value is None else _resampled(judged.by_value)
    if judged.order.values:
        counts, names = counts.merged(judged.order.values), judged.order.names
    if judged.claim.counted_by is Buckets.BINS:
        counts, names = _by_tenths(counts, names)
    counts, names = _with_pooled(counts, names, smallest)
    everyone, hits = counts.customers[0].sum(), counts.hits[0].sum()
    amount = counts.amount[0].sum()
    size, rates = counts.customers, counts.rates
    low, high = resampling.bounds(rates)
    caught = 0.0
    for position, index in enumerate(reversed(range(len(names))), start=1):
        rate, hit = float(rates[0, index]), float(counts.hits[0, index])
        caught += hit
        predicted = float(counts.predicted[0, index] / size[0, index])
        yield {
            "as_of": last_day(judged.window.month),
            "test": _test_name(judged),
            "horizon_months": judged.window.horizon,
            "bucket": names[index],
            "position": position,
            "said_as_of": last_day(judged.window.base_month),
            "customers": int(size[0, index]),
            "hits": int(hit),
            "rate": rounded(rate),
            "low": rounded(low[index]),
            "high": rounded(high[index]),
            "predicted": rounded(predicted) if judged.claim.is_probability else None,
            "lift": rounded(rate * everyone / hits) if hits else None,
            "gain": rounded(caught / hits) if hits else None,
            "amount_share": rounded(float(counts.amount[0, index] / amount)) if amount else None,
        }


def _with_pooled(
    counts: Counts, names: Sequence[str], smallest: int
) -> tuple[Counts, Sequence[str]]:
    if counts.customers[0].min(initial=smallest) >= smallest:
        return counts, names
    sizes = pl.DataFrame({"customers": counts.customers[0]})
    is_pooled = are_pooled(sizes, "customers", smallest).to_list()
    few = sum(is_pooled)
    if not few:
        return counts, names
    kept = [name for name, pooled in zip(names, is_pooled, strict=True) if not pooled]
    place = iter(range(1, len(names)))
    merged = counts.merged([0 if pooled else next(place) for pooled in is_pooled])
    return merged, [pooled_name(few), *kept]


def _by_tenths(counts: Counts, names: Sequence[str]) -> tuple[Counts, Sequence[str]]:
    tenth = [int(float(name)) * 10 // BINS for name in names]
    kept = list(dict.fromkeys(tenth))
    merged = counts.merged([kept.index(each) for each in tenth])
    return merged, [f"tenth {each + 1}" for each in kept]


def _resampled(cells: Floats) -> Counts:
    return scores.resampled(cells, np.flatnonzero(cells[0].sum(axis=1)))


def sides_of(cells: Floats) -> tuple[Floats, Floats]:
    """Hits and other customers by bucket, each of shape (1, buckets)."""
    customers, hits = cells[:2].sum(axis=1)
    return hits[None], (customers - hits)[None]
