"""Backtests in time (时间外回测): what was predicted at a month's end against what happened after.

Month M judges the predictions of one, two and three months before by what has happened since. It
reads nothing later than M, so a backtest never changes once its month is over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from portrait_assets.core.months import last_day, next_month
from portrait_assets.methods.statistics import resampling, scores
from portrait_assets.methods.statistics.resampling import GROUPS, Interval
from portrait_assets.methods.statistics.scores import Counts, Measure
from portrait_assets.schema.table import Table
from portrait_assets.stages.targets.windows import Window, closed_by
from portrait_assets.stages.validation.claims import CLAIMS, Claim
from portrait_assets.stages.validation.contract import BACKTEST, BACKTEST_BUCKET, Verdict
from portrait_assets.stages.validation.counting import BINS, SUMS, count_outcomes
from portrait_assets.storage.duckdb.store import Warehouse

FEWEST = 20  # Hits, and customers without one; with fewer an interval is meaningless.
CHANCE = 0.5
LARGEST_CALIBRATION_ERROR = 0.05
LAST_MONTH = "last month repeated"
BASE_RATE = "base rate"


@dataclass(frozen=True)
class _Judged:
    """One test of one month: cells of shape (sums, groups, buckets), the lowest score first."""

    claim: Claim
    outcome: str
    window: Window
    buckets: list[str]
    counts: Counts
    baseline: Counts | None


def backtest(
    warehouse: Warehouse, matrix: Table, months: Sequence[str], claims: Sequence[Claim] = CLAIMS
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows of BACKTEST and of BACKTEST_BUCKET for these months."""
    materialized = warehouse.materialized(matrix)
    windows = [w for month in months for w in closed_by(month) if w.base_month in materialized]
    # Values without an order are put in the order of their rates in the window that ended with the
    # base month.
    learning = [
        Window(before, window.horizon)
        for window in windows
        if (before := next_month(window.base_month, -window.horizon)) in materialized
    ]
    counted = count_outcomes(warehouse, matrix, claims, sorted({*windows, *learning}))
    rows: list[dict[str, object]] = []
    buckets: list[dict[str, object]] = []
    for judged in _judged(counted, claims, frozenset(windows)):
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
    sides: dict[str, dict[_Key, pl.DataFrame]] = {"tag": {}, "baseline": {}}
    keys = ("base_month", "horizon", "test", "outcome", "side")
    for (base_month, horizon, test, outcome, side), frame in counted.partition_by(
        keys, as_dict=True
    ).items():
        sides[side][base_month, horizon, test, outcome] = frame
    for (base_month, horizon, test, outcome), tag in sides["tag"].items():
        window = Window(base_month, horizon)
        if window not in windows:
            continue
        claim = by_name[test]
        before = sides["tag"].get((next_month(base_month, -horizon), horizon, test, outcome))
        order = _bucket_order(claim, tag, before)
        if order is not None:
            counts = _counts(tag, order)
            rows = sides["baseline"][base_month, horizon, test, outcome]
            baseline = _baseline_counts(claim, rows, counts)
            yield _Judged(claim, outcome, window, order, counts, baseline)


def _bucket_order(claim: Claim, tag: pl.DataFrame, before: pl.DataFrame | None) -> list[str] | None:
    """The buckets, the lowest score first; None without a window to learn the order from."""
    present = set(tag["bucket"])
    if claim.order:
        return [value for value in reversed(claim.order) if value in present]
    if not claim.learned:
        return sorted(present, key=float, reverse=claim.falls)
    if before is None:
        return None
    by_bucket = before.group_by("bucket").agg(
        (pl.col("hits").sum() / pl.col("customers").sum()).alias("rate")
    )
    rates = dict(by_bucket.iter_rows())
    middle = float(np.mean(list(rates.values())))
    return sorted(present, key=lambda value: (rates.get(value, middle), value))


def _baseline_counts(claim: Claim, rows: pl.DataFrame, counts: Counts) -> Counts | None:
    """The baseline's buckets; None where the baseline is the base rate.

    Where a tag has but a few values, the last month is cut into groups of the same sizes, so that
    it does not win by being finer. A tag that only describes is compared with the base rate.
    """
    order = sorted(set(rows["bucket"]), key=float)
    if len(order) < 2 or claim.learned:
        return None
    baseline = _counts(rows, order)
    if not claim.order:
        return baseline
    return baseline.as_coarse_as(counts)


def _counts(frame: pl.DataFrame, order: list[str]) -> Counts:
    # A value that the claim does not list goes into a last bucket, which is dropped.
    place = {value: position for position, value in enumerate(order)}
    width = len(order) + 1
    column = frame["bucket"].replace_strict(place, default=len(order), return_dtype=pl.Int64)
    cell = frame["grp"].to_numpy() * width + column.to_numpy()
    cells = np.stack(
        [np.bincount(cell, frame[name].to_numpy(), GROUPS * width) for name in SUMS],
        dtype=np.float64,
    ).reshape(len(SUMS), GROUPS, width)
    cells = cells[:, :, :-1]
    return scores.resampled(cells, np.flatnonzero(cells[0].sum(axis=1)))


# -- from cells to rows --------------------------------------------------------------------


def _rows(judged: _Judged) -> Iterator[dict[str, object]]:
    counts = judged.counts
    yield _metric(judged, "auc", scores.auc, CHANCE)
    yield _metric(judged, "lift of the top tenth", scores.lift_of_top, 1.0)
    if judged.claim.outcome.amount is not None:
        measure = scores.amount_of_top
        yield _metric(judged, "share of the top tenth", measure, scores.TOP)
    if judged.claim.is_probability:
        error = resampling.interval(scores.calibration_error(counts))
        yield _row(judged, "calibration error", error, None, None, "", _calibrated(judged, error))
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


def _metric(judged: _Judged, name: str, measure: Measure, by_chance: float) -> dict[str, object]:
    measured = measure(judged.counts)
    compared, baseline = np.full(len(measured), by_chance), BASE_RATE
    if judged.baseline is not None:
        compared, baseline = measure(judged.baseline), LAST_MONTH
    value = resampling.interval(measured)
    gain = resampling.interval(measured - compared)
    verdict = _verdict(judged, gain, value, by_chance)
    return _row(judged, name, value, float(compared[0]), gain, baseline, verdict)


def _too_few(counts: Counts) -> bool:
    hits, everyone = counts.hits[0].sum(), counts.customers[0].sum()
    return bool(min(hits, everyone - hits) < FEWEST)


def _verdict(judged: _Judged, gain: Interval, value: Interval, by_chance: float) -> Verdict:
    """Fail what is surely worse than the baseline; warn of what is not surely better."""
    if _too_few(judged.counts) or not np.isfinite([gain.low, value.low]).all():
        return Verdict.NOT_JUDGED
    if gain.high < 0 or value.high <= by_chance:
        return Verdict.FAIL
    return Verdict.PASS if gain.low > 0 and value.low > by_chance else Verdict.WARN


def _calibrated(judged: _Judged, error: Interval) -> Verdict:
    if _too_few(judged.counts):
        return Verdict.NOT_JUDGED
    return Verdict.WARN if error.low > LARGEST_CALIBRATION_ERROR else Verdict.PASS


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
        "baseline": baseline or "none",
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
    counts, names = judged.counts, judged.buckets
    if not judged.claim.order and not judged.claim.learned:
        counts, names = _by_tenths(counts, names, judged.claim.falls)
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


def _by_tenths(counts: Counts, names: list[str], falls: bool) -> tuple[Counts, list[str]]:
    tenth = [int(float(name)) * 10 // BINS for name in names]
    kept = sorted(set(tenth), reverse=falls)
    merged = counts.merged([kept.index(each) for each in tenth])
    return merged, [f"tenth {each + 1}" for each in kept]
