"""The market that the synthetic bank lives in: rates, prices and an index, once a month."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from portrait_assets.synthetic.common.columns import canonical, dates
from portrait_assets.synthetic.common.randomness import Draws, Floats
from portrait_assets.synthetic.common.seasons import Calendar
from portrait_assets.synthetic.holdings.products import FUNDS, GRADE, PRODUCT_IDS, introduced_month

FUND_DRIFT = (0.0, 0.0015, 0.0022, 0.003, 0.004, 0.005)
FUND_SHARE_OF_INDEX = (0.0, 0.0, 0.08, 0.4, 0.9, 1.2)
"""Monthly drift, and share of the index's return that a fund takes part in, by risk grade."""


@dataclass(frozen=True)
class Market:
    """Monthly series, each of shape (months,); rates in per cent a year, returns as shares."""

    calendar: Calendar
    deposit_rate: Floats
    loan_rate: Floats
    consumer_prices: Floats
    stock_index: Floats
    index_return: Floats
    gold_price: Floats
    net_value: Floats
    """Net value of every product by month, shape (months, products); 1 for what is no fund."""

    @property
    def return_before(self) -> Floats:
        """Return of the index in the month before, 0 for the first."""
        return np.concatenate([[0.0], self.index_return[:-1]])


def make_market(seed: int, calendar: Calendar) -> Market:
    """Random walks with the usual volatilities."""
    months = np.arange(calendar.count)
    draws = Draws.of(seed, "market", months)
    returns = 0.004 + 0.045 * draws.normal("index")

    def level(start: float, growth: Floats) -> Floats:
        return np.round(start * np.cumprod(growth), 2)

    step = np.where(draws.chance("rate moves", 0.25), -0.1 + 0.05 * draws.normal("rate"), 0.0)
    deposit = np.clip(1.9 + np.cumsum(step), 0.6, 4.0).round(2)
    grade = GRADE[None, :]
    shocks = np.stack([draws.normal(f"net value {product}") for product in PRODUCT_IDS], axis=1)
    change = (
        np.array(FUND_DRIFT)[grade]
        + np.array(FUND_SHARE_OF_INDEX)[grade] * returns[:, None]
        + 0.002 * grade * shocks
    )
    is_fund = np.isin(np.arange(len(PRODUCT_IDS)), FUNDS)
    return Market(
        calendar=calendar,
        deposit_rate=deposit,
        loan_rate=(deposit + 2.1).round(2),
        consumer_prices=level(100, 1.0008 + 0.003 * draws.normal("prices")),
        stock_index=level(3000, 1 + returns),
        index_return=returns,
        gold_price=level(450, 1.006 + 0.03 * draws.normal("gold")),
        net_value=np.where(is_fund[None, :], np.cumprod(1 + change, axis=0), 1.0).round(4),
    )


def market_table(market: Market) -> pa.Table:
    """The canonical `market`: every indicator on the last day of each month.

    Units: rates in per cent a year, prices and index as levels, gold in CNY per gram, net value
    in CNY per unit of the product.
    """
    series: list[tuple[str, str | None, int, Floats]] = [
        ("deposit_rate_1y", None, -1, market.deposit_rate),
        ("loan_rate_1y", None, -1, market.loan_rate),
        ("consumer_price_index", None, -1, market.consumer_prices),
        ("stock_index", None, -1, market.stock_index),
        ("gold_price", None, -1, market.gold_price),
    ]
    for fund in FUNDS:
        since = introduced_month(fund, market.calendar)
        series.append(("net_value", PRODUCT_IDS[fund], since, market.net_value[:, fund]))
    ends = market.calendar.starts[1:] - 1
    rows = [
        (name, int(ends[month]), float(values[month]), product)
        for month in range(market.calendar.count)
        for name, product, since, values in series
        if month >= since
    ]
    return canonical(
        "market",
        {
            "indicator": pa.array([row[0] for row in rows], pa.string()),
            "observed_on": dates(np.array([row[1] for row in rows])),
            "value": pa.array([row[2] for row in rows], pa.float64()),
            "product_id": pa.array([row[3] for row in rows], pa.string()),
        },
        len(rows),
    )
