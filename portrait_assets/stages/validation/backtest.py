"""Backtests in time (时间外回测): what was predicted at a month's end against what happened after.

Month M judges the predictions of one, two and three months before by what has happened since. It
reads nothing later than M, so a backtest never changes once its month is over. What a tag is
compared with is the one of its outcome's baselines that was best in the window which ended with the
base month: known when the prediction was, and not chosen by what is judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from portrait_assets.core.months import next_month
from portrait_assets.methods.statistics.multiplicity import false_discovery_rate
from portrait_assets.methods.statistics.resampling import GROUPS, Floats
from portrait_assets.methods.statistics.roc import auc_p_values
from portrait_assets.schema.table import Table
from portrait_assets.stages.targets.outcomes import OUTCOMES
from portrait_assets.stages.targets.windows import Window, closed_by
from portrait_assets.stages.validation.claims import Claim, claims_of
from portrait_assets.stages.validation.contract import BACKTEST, BACKTEST_BUCKET
from portrait_assets.stages.validation.counting import SUMS, count_outcomes
from portrait_assets.stages.validation.measures import (
    Judged,
    bucket_rows,
    measure_rows,
    sides_of,
)
from portrait_assets.stages.validation.orders import best_baseline, bucket_order
from portrait_assets.storage.duckdb.store import Warehouse

FALSE_FINDS = 0.05  # Of the tags that tell an outcome of the source apart, by chance.


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
        rows += measure_rows(judged)
        buckets += bucket_rows(judged)
    return (
        pl.DataFrame(rows, schema=BACKTEST.polars_schema).sort(BACKTEST.key),
        pl.DataFrame(buckets, schema=BACKTEST_BUCKET.polars_schema).sort(BACKTEST_BUCKET.key),
    )


# -- from counts to cells ------------------------------------------------------------------


_Key = tuple[str, int, str, str]


def _judged(
    counted: pl.DataFrame, claims: Sequence[Claim], windows: frozenset[Window]
) -> Iterator[Judged]:
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
        judged = Judged(claim, outcome, window, order, _cells(tag, order.buckets))
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
