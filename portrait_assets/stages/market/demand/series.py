"""Seasons and trends of what all customers together bought and hold, item by item."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.core.months import month_range
from portrait_assets.methods.market.seasons import Seasons, seasons_of
from portrait_assets.methods.market.trend import Trend, trend_of
from portrait_assets.methods.statistics.multiplicity import false_discovery_rate
from portrait_assets.stages.market.columns import DIGITS, FALSE_DISCOVERIES, HOLDINGS, PRODUCT
from portrait_assets.stages.market.demand.contract import SEASON, TREND
from portrait_assets.storage.steps import Scope

MONTHS = 60
"""Months that seasons are computed from at most: five years."""
TREND_MONTHS = 24
KEYS = ("measure", "item_kind", "item")
Key = tuple[str, str, str]
Row = dict[str, object]


@dataclass(frozen=True)
class Series:
    """An item's amounts of the newest months without a gap, and the season in them.

    `seasons` is None of fewer than two whole years; `is_seasonal` is whether they surely differ.
    """

    values: npt.NDArray[np.float64]
    seasons: Seasons | None
    q_value: float | None = None

    @property
    def is_seasonal(self) -> bool:
        """Whether there surely is a season."""
        return self.q_value is not None and self.q_value <= FALSE_DISCOVERIES

    @property
    def index_of_last(self) -> float | None:
        """The seasonal index of the newest month, where there surely is a season."""
        if self.seasons is None or not self.is_seasonal:
            return None
        return float(self.seasons.index[-1])

    @property
    def trend(self) -> Trend | None:
        """Of up to `TREND_MONTHS`, less the season where there surely is one."""
        values = self.values
        if self.seasons is not None and self.is_seasonal:
            whole = len(values) // 12 * 12
            values = self.seasons.adjusted(values[-whole:])
        return trend_of(values[-TREND_MONTHS:])


def series_of(history: pl.DataFrame, month: str) -> dict[Key, Series]:
    """The series of each item that was bought or held within the months, up to the month.

    A month without a row is one in which nothing was bought, from the first with one on. Products
    bought are listed in some months only, and have no series.

    Args:
        history: rows of `market.item_month` of all customers.
        month: the newest.
    """
    has_series = (pl.col("item_kind") != PRODUCT) | (pl.col("measure") == HOLDINGS)
    rows = history.filter(has_series, pl.col("amount").is_not_null()).sort(*KEYS, "month")
    if rows.is_empty():
        return {}
    months = month_range(str(rows["month"].min()), month)
    place = rows["month"].replace_strict(months, range(len(months)), return_dtype=pl.Int64)
    item = rows.select(pl.struct(KEYS).rle_id()).to_series()
    # One array for all: a frame for each item takes longer than its season.
    amounts = np.zeros((int(item[-1]) + 1, len(months)))
    amounts[item.to_numpy(), place.to_numpy()] = rows["amount"].cast(pl.Float64).to_numpy()
    firsts = rows.select(*KEYS, place.alias("place")).group_by(KEYS, maintain_order=True).first()
    found: dict[Key, Series] = {}
    for own, (measure, kind, name, first) in zip(amounts, firsts.iter_rows(), strict=True):
        found[measure, kind, name] = Series(own[first:], seasons_of(own[first:]))
    q_values = q_values_of({k: s.seasons.p_value for k, s in found.items() if s.seasons})
    return {k: Series(s.values, s.seasons, q_values.get(k)) for k, s in found.items()}


def q_values_of(p_values: Mapping[Key, float]) -> dict[Key, float]:
    """The false discovery rate of each test among them all."""
    frame = pl.DataFrame({"p": [*p_values.values()]}, schema={"p": pl.Float64})
    return dict(zip(p_values, frame.select(false_discovery_rate(pl.col("p")))["p"], strict=True))


def seasons(scope: Scope, series: Mapping[Key, Series]) -> pl.DataFrame:
    """The rows of `market.season`."""
    return _frame(SEASON.polars_schema, _season_rows(scope, series))


def trends(scope: Scope, series: Mapping[Key, Series]) -> pl.DataFrame:
    """The rows of `market.trend`; of too few months the direction is unknown."""
    found = {key: own.trend for key, own in series.items()}
    q_values = q_values_of({key: trend.p_value for key, trend in found.items() if trend})
    rows = (
        dict(zip(KEYS, key, strict=True))
        | {"as_of": scope.as_of, "months": min(len(series[key].values), TREND_MONTHS)}
        | _trend(trend, series[key], q_values.get(key))
        for key, trend in found.items()
    )
    return _frame(TREND.polars_schema, rows)


def _trend(trend: Trend | None, of: Series, q_value: float | None) -> Row:
    level = float(np.median(of.values[-TREND_MONTHS:]))
    if trend is None or level <= 0:
        return {"direction": "unknown"}
    is_sure = q_value is not None and q_value <= FALSE_DISCOVERIES
    shares = (trend.slope, trend.low, trend.high)
    names = ("trend", "trend_low", "trend_high")
    return {
        "direction": ("rising" if trend.slope > 0 else "falling") if is_sure else "none is sure",
        **{name: round(value / level, DIGITS) for name, value in zip(names, shares, strict=True)},
        "p_value": trend.p_value,
        "q_value": q_value,
        "is_adjusted": of.is_seasonal,
    }


def _season_rows(scope: Scope, series: Mapping[Key, Series]) -> Iterator[Row]:
    for key, own in series.items():
        if own.seasons is None:
            continue
        for place in range(12):
            yield dict(zip(KEYS, key, strict=True)) | {
                "as_of": scope.as_of,
                # The newest month is the last of the twelve.
                "month_of_year": (scope.as_of.month + place) % 12 + 1,
                "index": round(float(own.seasons.index[place]), DIGITS),
                "index_low": round(float(own.seasons.low[place]), DIGITS),
                "index_high": round(float(own.seasons.high[place]), DIGITS),
                "p_value": own.seasons.p_value,
                "q_value": own.q_value,
                "is_seasonal": own.is_seasonal,
                "months": len(own.values) // 12 * 12,
            }


def _frame(schema: pl.Schema, rows: Iterator[Row]) -> pl.DataFrame:
    frame = pl.DataFrame(list(rows), schema=schema)
    return frame.sort(*KEYS, *(["month_of_year"] if "month_of_year" in schema else []))
