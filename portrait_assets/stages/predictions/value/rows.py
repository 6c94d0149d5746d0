"""Values, methods and parameters as rows of their tables, and methods from their rows again."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import polars as pl

from portrait_assets.core.months import last_day
from portrait_assets.methods.lifetime.backtest import Score
from portrait_assets.methods.lifetime.candidates import ORDER
from portrait_assets.methods.lifetime.intervals import Spread
from portrait_assets.methods.lifetime.models import gamma_gamma
from portrait_assets.methods.lifetime.models.fitting import Fit
from portrait_assets.schema.table import MONEY_SCALE
from portrait_assets.stages.predictions.value.comparing import HORIZON_MONTHS, Judged, Kept
from portrait_assets.stages.predictions.value.contract import CUSTOMER_VALUE, VALUE_MODEL

DIGITS = 6
_FIT, *_INTERVALS = ("fit", "interval of purchases", "interval of spend")
_LOG_LIKELIHOOD, _CUSTOMERS = "log-likelihood", "customers"
_MONEY = ("expected_spend", "spend_low", "spend_high")
Row = dict[str, object]

_IN_CHINESE = {
    "it is degenerate": "参数趋于边界（退化）",
    "it did not converge": "拟合未收敛",
    "the history is too short": "历史过短，无从学习",
}


def value_rows(values: pl.DataFrame, method: str, month: str, unit: str | None) -> pl.DataFrame:
    """The rows of `predictions.customer_value`.

    Args:
        values: as `methods.lifetime.values.values_of` gives them.
        method: that gave them.
        month: as of whose end they are.
        unit: the currency of the amounts, where the source declares it.
    """
    return values.with_columns(
        pl.lit(last_day(month)).alias("as_of"),
        pl.lit(method).alias("method"),
        pl.lit(HORIZON_MONTHS, pl.UInt32).alias("horizon"),
        pl.lit("purchases").alias("basis"),
        pl.lit(unit, pl.String).alias("unit"),
        pl.col("expected_purchases", "p_alive").round(DIGITS),
        pl.col("low", "high").cast(pl.Int64),
        *(
            pl.col(name).round(MONEY_SCALE).cast(CUSTOMER_VALUE.column(name).polars_type)
            for name in _MONEY
        ),
    ).select(CUSTOMER_VALUE.column_names)


def model_rows(kept: Kept, method: str, month: str, valued: int) -> Iterator[Row]:
    """The rows of `predictions.value_model`, one of each method.

    Args:
        kept: what was compared, and when.
        method: that gave the values of the month.
        month: the month.
        valued: customers with a value.
    """
    for name in ORDER:
        judged, fitted = kept.judged[name], kept.fits.get(name)
        season = judged.season
        status, en, zh = _reason(kept, name)
        yield {
            "as_of": last_day(month),
            "method": name,
            "status": status,
            "reason_en": en,
            "reason_zh": zh,
            "compared_in": kept.compared_in,
            "log_likelihood": _known(fitted.log_likelihood) if fitted else None,
            "converged": fitted.is_usable if fitted else None,
            "fitted_on": fitted.customers if fitted else None,
            "judged_after": judged.judged_after,
            "judged": judged.customers,
            "mean_absolute_error": _known(judged.newest.mean_absolute_error),
            "total_bias": _known(judged.newest.bias),
            "spend_bias": _known(judged.newest.spend_bias),
            "season_error": _known(season.mean_absolute_error) if season else None,
            "season_bias": _known(season.bias) if season else None,
            "valued": valued if name == method else 0,
        }


def without_values(month: str, en: str, zh: str) -> Iterator[Row]:
    """The rows of `predictions.value_model` of a month without values, and why there are none."""
    for name in ORDER:
        row: Row = dict.fromkeys(VALUE_MODEL.column_names)
        yield row | {
            "as_of": last_day(month),
            "method": name,
            "status": "not judged",
            "reason_en": en,
            "reason_zh": zh,
            "valued": 0,
        }


def parameter_rows(kept: Kept, month: str) -> Iterator[Row]:
    """The rows of `predictions.value_parameter`, from which `kept_from` has the method again."""
    head: Row = {"as_of": last_day(month), "problem": None}
    for fitted in kept.fits.values():
        of: Row = head | {"method": fitted.name, "part": _FIT, "problem": fitted.problem or None}
        numbers = fitted.parameters | {
            _LOG_LIKELIHOOD: fitted.log_likelihood,
            _CUSTOMERS: float(fitted.customers),
        }
        for place, (key, value) in enumerate(numbers.items()):
            yield of | {"key": key, "position": place, "value": _known(value)}
    for part, spread in zip(_INTERVALS, kept.spreads or (), strict=False):
        numbers_of = {
            "ends": spread.ends,
            "low": spread.low,
            "high": spread.high,
            "floor": np.array([spread.floor]),
        }
        for key, values in numbers_of.items():
            for place, value in enumerate(values):
                yield head | {
                    "method": kept.method,
                    "part": part,
                    "key": key,
                    "position": place,
                    "value": float(value),
                }


def kept_from(models: pl.DataFrame, parameters: pl.DataFrame) -> Kept | None:
    """What was chosen, from the rows of one month of both tables; None where nothing was.

    A method that this version does not know is none.
    """
    compared = models.drop_nulls("compared_in").sort("method")
    chosen = compared.filter(pl.col("status") == "chosen")["method"].to_list()
    if chosen not in [[name] for name in ORDER] or set(compared["method"]) != set(ORDER):
        return None
    rows = parameters.sort("method", "part", "key", "position")
    found = (
        _fit(rows.filter((pl.col("part") == _FIT) & (pl.col("method") == name)))
        for name in (*ORDER, gamma_gamma.NAME)
    )
    spreads = [_spread(rows.filter(pl.col("part") == part)) for part in _INTERVALS]
    return Kept(
        chosen[0],
        compared["compared_in"][0],
        {each.name: each for each in found if each},
        None if None in spreads else (spreads[0], spreads[1]),  # type: ignore[arg-type]
        {row["method"]: _judged(row) for row in compared.iter_rows(named=True)},
    )


def _fit(rows: pl.DataFrame) -> Fit | None:
    if rows.is_empty():
        return None
    ordered = rows.sort("position")
    numbers = {
        key: float("nan") if value is None else value
        for key, value in zip(ordered["key"], ordered["value"], strict=True)
    }
    log_likelihood, customers = numbers.pop(_LOG_LIKELIHOOD), numbers.pop(_CUSTOMERS)
    return Fit(rows["method"][0], numbers, log_likelihood, int(customers), rows["problem"][0] or "")


def _spread(rows: pl.DataFrame) -> Spread | None:
    if rows.is_empty():
        return None
    ends, low, high, floor = (
        rows.filter(pl.col("key") == key).sort("position")["value"].to_numpy()
        for key in ("ends", "low", "high", "floor")
    )
    return Spread(ends, low, high, float(floor[0]))


def _judged(row: Row) -> Judged:
    def score(error: str, bias: str, spend_bias: str = "") -> Score:
        numbers = (_number(row[name]) if name else math.nan for name in (error, bias, spend_bias))
        absolute, total, spend = numbers
        return Score(str(row["method"]), absolute, math.nan, total, spend, _problem_of(row))

    has_season = row["season_error"] is not None
    return Judged(
        score("mean_absolute_error", "total_bias", "spend_bias"),
        score("season_error", "season_bias") if has_season else None,
        str(row["judged_after"]),
        int(str(row["judged"])),
    )


def _number(value: object) -> float:
    return math.nan if value is None else float(str(value))


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


_UNUSABLE = "It cannot be used: "


def _problem_of(row: Row) -> str:
    """The problem that the sentence of a row states."""
    reason = str(row["reason_en"])
    return reason.removeprefix(_UNUSABLE).removesuffix(".") if _UNUSABLE in reason else ""


def _reason(kept: Kept, name: str) -> tuple[str, str, str]:
    """Whether a method was chosen, and why, in English and Chinese."""
    judged, fitted = kept.judged[name], kept.fits.get(name)
    problem = judged.newest.problem or (fitted.problem if fitted else "")
    if name == kept.method:
        return (
            "chosen",
            f"In {kept.compared_in} it was the first method that was not surely worse than the one "
            "of least squared error.",
            f"{kept.compared_in}比较时，按次序为首个不显著劣于均方误差最小者的方法。",
        )
    if problem:
        zh = next((zh for en, zh in _IN_CHINESE.items() if problem.startswith(en)), "可学客户过少")
        return "unusable", f"{_UNUSABLE}{problem}.", f"不可用：{zh}。"
    return (
        "not chosen",
        f"In {kept.compared_in} {kept.method} came before it, or had surely the smaller squared "
        "error.",
        f"{kept.compared_in}比较时，{kept.method}次序在前或均方误差显著更小。",
    )
