"""Backtests in time (时间外回测): what was predicted at a month's end against what happened after.

Month M judges the predictions of one, two and three months before by what has happened since. It
reads nothing later than M, so a backtest never changes once its month is over. What a tag is
compared with is the one of its outcome's baselines that was best in the window which ended with the
base month: known when the prediction was, and not chosen by what is judged.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import polars as pl

from portrait_assets.core.months import next_month
from portrait_assets.methods.statistics.discrimination.roc import auc_p_values
from portrait_assets.methods.statistics.multiplicity import false_discovery_rate
from portrait_assets.privacy.cells import EVERY_CELL
from portrait_assets.schema.table import Table
from portrait_assets.stages.targets.declared.outcomes import OUTCOMES, Targets
from portrait_assets.stages.targets.windows import Window, closed_by
from portrait_assets.stages.validation.backtests.cells import SCORE, TAG, Key, Sides
from portrait_assets.stages.validation.backtests.claims import Claim, claims_of
from portrait_assets.stages.validation.backtests.counting import count_outcomes
from portrait_assets.stages.validation.backtests.measures import (
    Judged,
    area_row,
    bucket_rows,
    measure_rows,
    sides_of,
)
from portrait_assets.stages.validation.backtests.orders import best_baseline, bucket_order
from portrait_assets.stages.validation.contract import BACKTEST, BACKTEST_BUCKET
from portrait_assets.storage.duckdb.store import Warehouse

_NEXT_MONTH = 1
FALSE_FINDS = 0.05  # Of the tags that tell an outcome of the source apart, by chance.


class Backtests(NamedTuple):
    """The rows of BACKTEST and of BACKTEST_BUCKET, and the areas that proposals rest on."""

    tests: pl.DataFrame
    buckets: pl.DataFrame
    areas: pl.DataFrame


def backtest(
    warehouse: Warehouse,
    matrix: Table,
    months: Sequence[str],
    claims: Sequence[Claim] | None = None,
    smallest: int = EVERY_CELL,
    targets: Targets | None = None,
    areas_of: Collection[str] = (),
) -> Backtests:
    """What was predicted of the windows that these months close, judged.

    Args:
        warehouse: nothing later than each month is read.
        matrix: the contract of the portrait matrix.
        months: the months that judge.
        claims: what is tested; all claims about the declared outcomes when None.
        smallest: fewest customers of a test or a bucket that is listed by itself.
        targets: those of the source; the package's when None.
        areas_of: months, these or others, of which `areas` has the areas under the curve one month
            on, with the columns of BACKTEST, of any number of customers: of the tags that are
            compared with a baseline, or are tuned.
    """
    claims = claims_of(OUTCOMES, matrix) if claims is None else claims
    materialized = warehouse.materialized(matrix)
    horizons = sorted({months for claim in claims for months in claim.outcome.horizons})
    listed = {window for month in months for window in closed_by(month, horizons)}
    compared = {window for month in areas_of for window in closed_by(month, [_NEXT_MONTH])}
    windows = [w for w in sorted(listed | compared) if w.base_month in materialized]
    # Values without an order are put in the order of their rates in the window that ended with the
    # base month, and the baseline is chosen there.
    learning = [
        Window(before, window.horizon)
        for window in windows
        if (before := next_month(window.base_month, -window.horizon)) in materialized
    ]
    counted = count_outcomes(warehouse, matrix, claims, sorted({*windows, *learning}), targets)
    rows: list[dict[str, object]] = []
    buckets: list[dict[str, object]] = []
    areas: list[dict[str, object]] = []
    for judged in _judged(counted, claims, frozenset(windows)):
        for test in _beyond_chance(judged):
            if test.window in compared and (test.claim.baselines or test.claim.is_tunable):
                areas.append(area_row(test))
            if test.window in listed and test.counts.customers[0].sum() >= smallest:
                rows += measure_rows(test)
                buckets += bucket_rows(test, smallest)
    return Backtests(
        pl.DataFrame(rows, schema=BACKTEST.polars_schema).sort(BACKTEST.key),
        pl.DataFrame(buckets, schema=BACKTEST_BUCKET.polars_schema).sort(BACKTEST_BUCKET.key),
        pl.DataFrame(areas, schema=BACKTEST.polars_schema).sort(BACKTEST.key),
    )


def _judged(
    counted: Iterable[Mapping[Key, Sides]], claims: Sequence[Claim], windows: frozenset[Window]
) -> Iterator[list[Judged]]:
    """The tests of each window; `counted` has the earlier base months first."""
    by_name = {claim.name: claim for claim in claims}
    sides: dict[Key, Sides] = {}
    longest = max((window.horizon for window in windows), default=0)
    for new in counted:
        sides |= new
        for window in sorted({window for window, _, _ in new} & windows):
            yield [
                _test(by_name[test], outcome, window, found, sides)
                for (of, test, outcome), found in new.items()
                if of == window
            ]
        newest = max((window.base_month for window, _, _ in sides), default="")
        sides = {k: v for k, v in sides.items() if k[0].base_month > next_month(newest, -longest)}


def _test(
    claim: Claim, outcome: str, window: Window, found: Sides, sides: Mapping[Key, Sides]
) -> Judged:
    earlier = Window(next_month(window.base_month, -window.horizon), window.horizon)
    before = sides.get((earlier, claim.name, outcome), {})
    order, tag = bucket_order(claim, found[TAG], before.get(TAG))
    judged = Judged(claim, outcome, window, order, tag.ordered(order.buckets))
    if (score := found.get(SCORE)) is not None:
        rising = score.ordered(sorted(score.buckets, key=float))
        judged = replace(judged, cells=rising, by_value=judged.cells)
    if not claim.baselines:
        return judged
    rule = best_baseline(claim, before)
    cells = found[rule.name]
    of_rule = cells.ordered(sorted(cells.buckets, key=float))
    return replace(judged, baseline=rule.name, baseline_cells=of_rule)


def _beyond_chance(tests: list[Judged]) -> list[Judged]:
    """With `is_found` by the false discovery rate among the tags tested on an outcome."""
    learned = [test for test in tests if test.claim.outcome.is_named_by_source]
    if not learned:
        return tests
    family = pl.DataFrame(
        {
            "window": [f"{test.window.base_month} {test.window.horizon}" for test in learned],
            "outcome": [test.outcome for test in learned],
            "p": [float(auc_p_values(*sides_of(test.cells))[0]) for test in learned],
        }
    ).with_columns(pl.col("p").fill_nan(None))
    q_values = family.select(false_discovery_rate(pl.col("p")).over("window", "outcome"))
    found = (q_values.to_series() <= FALSE_FINDS).fill_null(False).to_list()
    by_test = {id(test): is_found for test, is_found in zip(learned, found, strict=True)}
    return [replace(test, is_found=by_test.get(id(test), True)) for test in tests]
