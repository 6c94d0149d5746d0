"""Backtests in time (时间外回测): what was predicted at a month's end against what happened after.

Month M judges the predictions of one, two and three months before by what has happened since. It
reads nothing later than M, so a backtest never changes once its month is over. What a tag is
compared with is the one of its outcome's baselines that was best in the window which ended with the
base month: known when the prediction was, and not chosen by what is judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl

from portrait_assets.core.months import last_day, next_month
from portrait_assets.methods.statistics import resampling, scores
from portrait_assets.methods.statistics.multiplicity import false_discovery_rate
from portrait_assets.methods.statistics.resampling import GROUPS, Floats, Interval
from portrait_assets.methods.statistics.roc import auc_gain, auc_intervals, auc_p_values
from portrait_assets.methods.statistics.scores import Counts, Measure
from portrait_assets.schema.table import Table
from portrait_assets.stages.targets.outcomes import OUTCOMES
from portrait_assets.stages.targets.windows import Window, closed_by
from portrait_assets.stages.validation.claims import Buckets, Claim, claims_of
from portrait_assets.stages.validation.contract import BACKTEST, BACKTEST_BUCKET, Verdict
from portrait_assets.stages.validation.counting import BINS, SUMS, count_outcomes
from portrait_assets.stages.validation.orders import Order, best_baseline, bucket_order
from portrait_assets.storage.duckdb.store import Warehouse

FEWEST = 20  # Hits, and customers without one; with fewer an interval is meaningless.
CHANCE = 0.5
LARGEST_CALIBRATION_ERROR = 0.05
FALSE_FINDS = 0.05  # Of the tags that tell an outcome of the source apart, by chance.
BASE_RATE = "base rate"
CALIBRATED = "calibrated"


@dataclass(frozen=True)
class _Judged:
    """One test of one month.

    `cells` are of shape (sums, groups, buckets), the lowest score first, and so are those of the
    baseline, None where that is the base rate. `is_found` is false of a tag that is one of many
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

    @property
    def is_of_one_value(self) -> bool:
        """Whether all customers have one value, which ranks nobody."""
        present = np.flatnonzero(self.cells[0].any(axis=0)).tolist()
        return len({self.order.value_of(bucket) for bucket in present}) < 2

    @cached_property
    def counts(self) -> Counts:
        """The counts with their redraws."""
        return _resampled(self.cells)

    @cached_property
    def baseline_counts(self) -> Counts | None:
        """The same of the baseline."""
        return None if self.baseline_cells is None else _resampled(self.baseline_cells)


def backtest(
    warehouse: Warehouse,
    matrix: Table,
    months: Sequence[str],
    claims: Sequence[Claim] | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows of BACKTEST and of BACKTEST_BUCKET for these months.

    Args:
        warehouse: nothing later than each month is read.
        matrix: the contract of the portrait matrix.
        months: the months that judge.
        claims: what is tested; all claims about the declared outcomes when None.
    """
    claims = claims_of(OUTCOMES, matrix) if claims is None else claims
    materialized = warehouse.materialized(matrix)
    windows = [w for month in months for w in closed_by(month) if w.base_month in materialized]
    # Values without an order are put in the order of their rates in the window that ended with the
    # base month, and the baseline is chosen there.
    learning = [
        Window(before, window.horizon)
        for window in windows
        if (before := next_month(window.base_month, -window.horizon)) in materialized
    ]
    counted = count_outcomes(warehouse, matrix, claims, sorted({*windows, *learning}))
    rows: list[dict[str, object]] = []
    buckets: list[dict[str, object]] = []
    for judged in _beyond_chance(list(_judged(counted, claims, frozenset(windows)))):
        rows += _rows(judged)
        buckets += _bucket_rows(judged)
    return (
        pl.DataFrame(rows, schema=BACKTEST.polars_schema).sort(BACKTEST.key),
        pl.DataFrame(buckets, schema=BACKTEST_BUCKET.polars_schema).sort(BACKTEST_BUCKET.key),
    )


# -- from counts to cells ------------------------------------------------------------------


_Key = tuple[str, int, str, str]


def _judged(
    counted: pl.DataFrame, claims: Sequence[Claim], windows: frozenset[Window]
) -> Iterator[_Judged]:
    by_name = {claim.name: claim for claim in claims}
    sides: dict[_Key, dict[str, pl.DataFrame]] = {}
    keys = ("base_month", "horizon", "test", "outcome", "side")
    for (base_month, horizon, test, outcome, side), frame in counted.partition_by(
        keys, as_dict=True
    ).items():
        sides.setdefault((base_month, horizon, test, outcome), {})[side] = frame
    for (base_month, horizon, test, outcome), found in sides.items():
        window = Window(base_month, horizon)
        if window not in windows:
            continue
        claim = by_name[test]
        before = sides.get((next_month(base_month, -horizon), horizon, test, outcome), {})
        order, tag = bucket_order(claim, found["tag"], before.get("tag"))
        judged = _Judged(claim, outcome, window, order, _cells(tag, order.buckets))
        if claim.baselines:
            rule = best_baseline(claim, before)
            rows = found[rule.name]
            baseline = _cells(rows, sorted(set(rows["bucket"]), key=float))
            judged = replace(judged, baseline=rule.name, baseline_cells=baseline)
        yield judged


def _cells(frame: pl.DataFrame, order: Sequence[str]) -> Floats:
    # A value that the claim does not list goes into a last bucket, which is dropped.
    place = {value: position for position, value in enumerate(order)}
    width = len(order) + 1
    column = frame["bucket"].replace_strict(place, default=len(order), return_dtype=pl.Int64)
    cell = frame["grp"].to_numpy() * width + column.to_numpy()
    cells = np.stack(
        [np.bincount(cell, frame[name].to_numpy(), GROUPS * width) for name in SUMS],
        dtype=np.float64,
    ).reshape(len(SUMS), GROUPS, width)
    return cells[:, :, :-1]


def _resampled(cells: Floats) -> Counts:
    return scores.resampled(cells, np.flatnonzero(cells[0].sum(axis=1)))


def _beyond_chance(tests: list[_Judged]) -> list[_Judged]:
    """With `is_found` by the false discovery rate among the tags tested on an outcome."""
    learned = [test for test in tests if test.claim.outcome.is_named_by_source]
    if not learned:
        return tests
    family = pl.DataFrame(
        {
            "window": [f"{test.window.base_month} {test.window.horizon}" for test in learned],
            "outcome": [test.outcome for test in learned],
            "p": [float(auc_p_values(*_sides(test.cells))[0]) for test in learned],
        }
    ).with_columns(pl.col("p").fill_nan(None))
    q_values = family.select(false_discovery_rate(pl.col("p")).over("window", "outcome"))
    found = (q_values.to_series() <= FALSE_FINDS).fill_null(False).to_list()
    by_test = {id(test): is_found for test, is_found in zip(learned, found, strict=True)}
    return [replace(test, is_found=by_test.get(id(test), True)) for test in tests]


def _sides(cells: Floats) -> tuple[Floats, Floats]:
    """Hits and other customers by bucket, each of shape (1, buckets)."""
    customers, hits = cells[:2].sum(axis=1)
    return hits[None], (customers - hits)[None]


# -- from cells to rows --------------------------------------------------------------------


def _rows(judged: _Judged) -> Iterator[dict[str, object]]:
    counts = judged.counts
    yield _area(judged)
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


def _area(judged: _Judged) -> dict[str, object]:
    """The area under the curve, the scores compared as they are."""
    area, low, high = (float(each[0]) for each in auc_intervals(*_sides(judged.cells)))
    if judged.is_of_one_value:
        area = low = high = np.nan
    value = Interval(area, low, high)
    compared, gain = CHANCE, Interval(area - CHANCE, low - CHANCE, high - CHANCE)
    if judged.baseline_cells is not None:
        compared = float(auc_intervals(*_sides(judged.baseline_cells))[0][0])
        gain = auc_gain(judged.cells[:2], judged.baseline_cells[:2])
    verdict = _verdict(judged, gain, value, CHANCE)
    return _row(judged, "auc", value, compared, gain, judged.baseline, verdict)


def _metric(judged: _Judged, name: str, measure: Measure, by_chance: float) -> dict[str, object]:
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


def _verdict(judged: _Judged, gain: Interval, value: Interval, by_chance: float) -> Verdict:
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


def _calibration(judged: _Judged) -> dict[str, object]:
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
    judged: _Judged,
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
        "value": _rounded(value.value),
        "low": _rounded(value.low),
        "high": _rounded(value.high),
        "baseline": baseline,
        "baseline_value": _rounded(baseline_value),
        "gain_low": _rounded(gain.low if gain else None),
        "gain_high": _rounded(gain.high if gain else None),
        "verdict": str(verdict),
    }


def _test_name(judged: _Judged) -> str:
    return f"{judged.claim.tag} / {judged.outcome}"


def _rounded(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else round(value, 6)


def _bucket_rows(judged: _Judged) -> Iterator[dict[str, object]]:
    """The buckets from the highest score down; twentieths of a number go together by tenths."""
    names: Sequence[str] = judged.order.buckets
    counts = judged.counts
    if judged.order.values:
        counts, names = counts.merged(judged.order.values), judged.order.names
    if judged.claim.counted_by is Buckets.BINS:
        counts, names = _by_tenths(counts, names)
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
            "rate": _rounded(rate),
            "low": _rounded(low[index]),
            "high": _rounded(high[index]),
            "predicted": _rounded(predicted) if judged.claim.is_probability else None,
            "lift": _rounded(rate * everyone / hits) if hits else None,
            "gain": _rounded(caught / hits) if hits else None,
            "amount_share": _rounded(float(counts.amount[0, index] / amount)) if amount else None,
        }


def _by_tenths(counts: Counts, names: Sequence[str]) -> tuple[Counts, Sequence[str]]:
    tenth = [int(float(name)) * 10 // BINS for name in names]
    kept = list(dict.fromkeys(tenth))
    merged = counts.merged([kept.index(each) for each in tenth])
    return merged, [f"tenth {each + 1}" for each in kept]
