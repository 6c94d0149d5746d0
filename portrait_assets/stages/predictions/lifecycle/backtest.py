"""How well the stages of a month's end predicted the window after it, beside stages by rules alone.

Both give each customer the rates of their stage in the window that ended with the base month, so
that nothing is taken from what is judged: of silence, of a purchase, and of spend among the top.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.core.arrays import Floats
from portrait_assets.core.months import last_day
from portrait_assets.methods.statistics.discrimination.paired import auc, auc_gain, mean_gain
from portrait_assets.methods.statistics.rates import events_of
from portrait_assets.methods.statistics.resampling import Interval

Integers = npt.NDArray[np.int64]
SILENT, BOUGHT, SPENT_MUCH = range(3)
OUTCOMES = 3
PRIOR = 10.0
"""Customers at the rates of all that join each stage, so that few have no rate of 0 or 1."""
FEWEST = 20
"""Of either outcome; with fewer an interval is meaningless."""
DIGITS = 6


def outcomes_of(labels: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """What customers did in a window: `customer_id` and `outcome`, of whom both are known.

    Args:
        labels: `customer_id` and `hit` of the targets silence and spend.
    """
    silent, spent = (
        labels[name].select("customer_id", pl.col("hit").alias(name)).drop_nulls()
        for name in ("silence", "spend")
    )
    outcome = pl.when("silence").then(SILENT).when("spend").then(SPENT_MUCH).otherwise(BOUGHT)
    both = silent.join(spent, on="customer_id", how="inner")
    return both.select("customer_id", outcome.cast(pl.Int64).alias("outcome")).sort("customer_id")


def rates_by_stage(rows: pl.DataFrame, stage: str) -> dict[str | None, Floats]:
    """Rates of the outcomes by stage, and under None those of all. Shape (OUTCOMES,) each.

    Args:
        rows: of an earlier window, with `outcome` and the stages.
        stage: the column of the stages.
    """
    of_all = _counts(rows) / max(rows.height, 1)
    rates: dict[str | None, Floats] = {None: of_all}
    for (name,), own in rows.group_by(stage, maintain_order=True):
        rates[str(name)] = (_counts(own) + PRIOR * of_all) / (own.height + PRIOR)
    return rates


def _counts(rows: pl.DataFrame) -> Floats:
    return np.bincount(rows["outcome"].to_numpy(), minlength=OUTCOMES).astype(np.float64)


def backtest_rows(
    learned: pl.DataFrame, judged: pl.DataFrame, month: str, base_month: str
) -> Iterator[dict[str, object]]:
    """The rows of LIFECYCLE_BACKTEST of a window.

    Args:
        learned: of the window that ended with the base month: `stage`, `rule_stage`, `outcome`.
        judged: the same of the window after the base month.
        month: the month that closes it.
        base_month: the month at whose end customers were in the stages.
    """
    outcome = judged["outcome"].to_numpy()
    silent = outcome == SILENT
    ours, theirs = (_rates(learned, judged, stage) for stage in ("stage", "rule_stage"))
    loss, rule_loss = (_log_loss(rates, outcome) for rates in (ours, theirs))
    score, rule_score = ours[:, SILENT], theirs[:, SILENT]
    less, more = Interval(*[np.nan] * 3), Interval(*[np.nan] * 3)
    if events_of(silent) >= FEWEST:
        less, more = mean_gain(loss, rule_loss), auc_gain(score, rule_score, silent)
    measured = (
        ("log loss", float(loss.mean()), float(rule_loss.mean()), less),
        ("auc", auc(score, silent), auc(rule_score, silent), more),
    )
    for name, value, rule_value, gain in measured:
        yield {
            "as_of": last_day(month),
            "measure": name,
            "base_month": base_month,
            "customers": judged.height,
            "silent": int(silent.sum()),
            "value": _rounded(value),
            "rule_value": _rounded(rule_value),
            "gain": _rounded(gain.value),
            "gain_low": _rounded(gain.low),
            "gain_high": _rounded(gain.high),
            "verdict": _verdict(gain),
        }


def _rates(learned: pl.DataFrame, judged: pl.DataFrame, stage: str) -> Floats:
    """The rates of each judged customer's stage, shape (rows, OUTCOMES)."""
    rates = rates_by_stage(learned, stage)
    names: Sequence[str] = judged[stage].to_list()
    return np.array([rates.get(name, rates[None]) for name in names]).reshape(-1, OUTCOMES)


def _log_loss(rates: Floats, outcome: Integers) -> Floats:
    of_outcome = rates[np.arange(len(outcome)), outcome]
    # What never happened before has a rate of 0, and a loss without end.
    return -np.log(np.maximum(of_outcome, 1 / (PRIOR * len(outcome))))


def _verdict(gain: Interval) -> str:
    if not np.isfinite([gain.low, gain.high]).all():
        return "not judged"
    low, high = (round(end, DIGITS) for end in (gain.low, gain.high))
    if high < 0:
        return "worse"
    return "better" if low > 0 else "not surely better"


def _rounded(value: float) -> float | None:
    return round(value, DIGITS) + 0.0 if np.isfinite(value) else None
