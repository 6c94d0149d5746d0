"""Competitors' indicators beside the own ones, what moved, and how own demand went along."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from portrait_assets.core.months import month_range
from portrait_assets.methods.market.correlation import Correlation, correlation_of_changes
from portrait_assets.methods.market.departures import ALARM, Departure, departures
from portrait_assets.methods.statistics.multiplicity import false_discovery_rate
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.market.columns import CATEGORY, DIGITS, EVERYONE, HOLDINGS, PRODUCT
from portrait_assets.stages.market.competitors.contract import COMPETITOR
from portrait_assets.stages.market.demand.contract import ITEM_MONTH
from portrait_assets.storage.steps import Grain, Scope, Step, read, window

MONTHS = 60
_OF = ("indicator", "product_class", "product_id")
Key = tuple[str, str, str, str]

INDICATOR = Step(
    "indicator_month",
    (read(CLEANED["market"], window(MONTHS)),),
    """
    SELECT month, indicator, coalesce(product_class, '') AS product_class,
        coalesce(product_id, '') AS product_id, competitor,
        arg_max(value, {'on': observed_on, 'value': value}) AS value
    FROM market WHERE indicator IN (SELECT indicator FROM market WHERE competitor IS NOT NULL)
    GROUP BY ALL
    """,
    grain=Grain.ALL,
)
"""The newest value of each month of what is known of competitors; competitor null for the own."""

OWN_DEMAND = Step(
    "own_demand",
    (read(ITEM_MONTH, window(MONTHS), "items"),),
    f"""
    SELECT month, measure, item_kind, item, amount FROM items
    WHERE segment_id = {EVERYONE} AND item_kind IN ('{CATEGORY}', '{PRODUCT}')
    """,
    grain=Grain.ALL,
)


@dataclass(frozen=True)
class _Compared:
    """One competitor's indicator up to the month, and what is found of it."""

    key: Key
    values: Sequence[float | None]
    own: Sequence[float | None]
    departure: Departure | None
    correlation: Correlation | None


def competitor_rows(scope: Scope, indicators: pl.DataFrame, demand: pl.DataFrame) -> pl.DataFrame:
    """The rows of `market.competitor`: competitors with a value in the month.

    A gap to the own value is judged by the gaps of the months before, so that what moves all alike
    is no move. Own demand is that of the product or else of the class, held or else bought.

    Args:
        scope: of the month.
        indicators: as of INDICATOR.
        demand: as of OWN_DEMAND.
    """
    found = [each for each in _compared(scope, indicators, demand) if each.values[-1] is not None]
    rows = pl.DataFrame(
        [_row(scope, each, found) for each in found], schema=COMPETITOR.polars_schema
    )
    return (
        rows.with_columns(
            false_discovery_rate(pl.col("p_value")).alias("q_value"),
            false_discovery_rate(pl.col("correlation_q_value")).alias("correlation_q_value"),
        )
        .with_columns((pl.col("q_value") <= ALARM).alias("is_move"))
        .sort(*_OF, "competitor")
    )


COMPARED = Step(
    "competitor",
    (INDICATOR, OWN_DEMAND),
    compute=competitor_rows,
    grain=Grain.ALL,
    writes=COMPETITOR,
)


def _compared(scope: Scope, indicators: pl.DataFrame, demand: pl.DataFrame) -> Iterator[_Compared]:
    if indicators.is_empty():
        return
    months = month_range(str(indicators["month"].min()), scope.month)
    series: dict[tuple[str | None, ...], dict[str, float]] = {}
    for month, *of_row, value in indicators.select(
        "month", *_OF, "competitor", "value"
    ).iter_rows():
        series.setdefault(tuple(of_row), {})[month] = value
    amounts = _amounts(demand, months)
    for key in sorted(each for each in series if each[-1] is not None):
        of, values = key[:-1], [series[key].get(month) for month in months]
        own = [series.get((*of, None), {}).get(month) for month in months]
        gaps = [None if a is None or b is None else a - b for a, b in zip(values, own, strict=True)]
        sold = amounts.get(key[2] or key[1] or "")
        yield _Compared(
            (str(key[0]), str(key[1]), str(key[2]), str(key[3])),
            values,
            own,
            departures(gaps)[-1],
            correlation_of_changes(_floats(gaps), sold) if sold is not None else None,
        )


def _floats(values: Sequence[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values])


def _amounts(demand: pl.DataFrame, months: Sequence[str]) -> Mapping[str, np.ndarray]:
    """Amounts by month of each category and product: held, or else bought."""
    found: dict[str, dict[str, float]] = {}
    known = demand.with_columns((pl.col("measure") == HOLDINGS).alias("is_held"))
    # Held before bought and categories before products, so that the first of a name counts.
    ordered = known.sort("is_held", "item_kind", "item", "month", descending=[True, *[False] * 3])
    taken: dict[str, tuple[str, str]] = {}
    for measure, kind, item, month, amount in ordered.select(
        "measure", "item_kind", "item", "month", "amount"
    ).iter_rows():
        if taken.setdefault(item, (measure, kind)) == (measure, kind) and amount is not None:
            found.setdefault(item, {})[month] = float(amount)
    return {item: _floats([own.get(month) for month in months]) for item, own in found.items()}


def _row(scope: Scope, each: _Compared, all_: Sequence[_Compared]) -> dict[str, object]:
    value, own = each.values[-1], each.own[-1]
    peers = [e.values[-1] for e in all_ if e.key[:-1] == each.key[:-1]]
    usual, link = each.departure, each.correlation
    row: dict[str, object] = dict(zip((*_OF, "competitor"), each.key, strict=True))
    row |= {"as_of": scope.as_of, "value": value, "own_value": own, "competitors": len(peers)}
    if own is not None and value is not None:
        row["gap"] = round(value - own, DIGITS)
        row["higher_than_own"] = sum(peer > own for peer in peers if peer is not None)
    if usual is not None:
        row |= {
            "usual_gap": round(usual.usual, DIGITS),
            "usual_gap_low": round(usual.low, DIGITS),
            "usual_gap_high": round(usual.high, DIGITS),
            "p_value": usual.p_value,
        }
    if link is not None:
        row |= {
            "correlation": round(link.value, DIGITS),
            "correlation_low": round(link.low, DIGITS),
            "correlation_high": round(link.high, DIGITS),
            "correlation_q_value": link.p_value,
            "correlation_months": link.months,
        }
    return row
