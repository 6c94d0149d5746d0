"""Symbol (符号): what the customer does, and how that changes: how recently, often and much."""

from __future__ import annotations

from typing import Any

from portrait_assets.schema.table import Type
from portrait_assets.stages.features.declared import needs
from portrait_assets.stages.features.declared.expressions import ratio, share, spread
from portrait_assets.stages.features.declared.feature import (
    MONEY,
    NEVER_NULL,
    SHARE,
    Element,
    Feature,
)
from portrait_assets.stages.features.window import AGO, WINDOW_MONTHS

WINDOWS = (1, 3, 6, 12)
"""Months over which frequency and spend are features."""
_NEVER = "no purchase in the window"


def _symbol(
    name: str, type_: Type, en: str, zh: str, formula: str, sql: str, **more: Any
) -> Feature:
    more = {"window_months": 12, "null_means": _NEVER, **more}
    return Feature(name, Element.SYMBOL, type_, en, zh, formula, sql=sql, **more)


def _windowed(months: int) -> tuple[Feature, ...]:
    span = f"last {months} months" if months > 1 else "last month"
    over = "" if months == WINDOW_MONTHS else f"_{months}m"
    return (
        _symbol(
            f"purchases_{months}m",
            Type.INTEGER,
            f"Frequency, {span}",
            f"近{months}月购买次数",
            f"distinct purchases in the {span}, net of those cancelled by then",
            f"coalesce(b.purchases{over}, 0)",
            unit="purchases",
            window_months=months,
            null_means=NEVER_NULL,
        ),
        _symbol(
            f"spend_{months}m",
            Type.MONEY,
            f"Monetary, {span}",
            f"近{months}月消费金额",
            f"sum of amount in the {span}",
            f"coalesce(b.amount{over}, 0)",
            unit=MONEY,
            window_months=months,
            needs=(needs.AMOUNT,),
            null_means=NEVER_NULL,
        ),
    )


# Sums over the months since the first purchase of the window, the month itself being 0.
_INDEX_SUM = "(b.oldest * (b.oldest + 1) / 2.0)"
_INDEX_SQUARES = "(b.oldest * (b.oldest + 1) * (2 * b.oldest + 1) / 6.0)"
_SLOPE = (
    f"-((b.oldest + 1) * ({' + '.join(f'{ago} * CAST(b.spend_{ago} AS DOUBLE)' for ago in AGO)})"
    f" - {_INDEX_SUM} * CAST(b.amount AS DOUBLE))"
    f" / ((b.oldest + 1) * {_INDEX_SQUARES} - pow({_INDEX_SUM}, 2))"
    " / (CAST(b.amount AS DOUBLE) / (b.oldest + 1))"
)
_SPEND_SQUARES = " + ".join(f"b.spend_{ago} * b.spend_{ago}" for ago in AGO)
_RECENT = "b.spend_0 + b.spend_1 + b.spend_2"
_BOTH = f"({_RECENT} + b.spend_3 + b.spend_4 + b.spend_5)"

FEATURES: tuple[Feature, ...] = (
    _symbol(
        "recency_days",
        Type.INTEGER,
        "Recency",
        "距上次购买天数",
        "days from the last purchase, of those not cancelled, to as_of",
        "{as_of} - h.last_on",
        unit="days",
        window_months=None,
        null_means="never purchased",
    ),
    _symbol(
        "average_ticket_12m",
        Type.NUMBER,
        "Average ticket",
        "平均单笔金额",
        "amount of purchases / purchases, net of what was cancelled",
        ratio("b.ticket_amount", "b.tickets"),
        unit=MONEY,
        needs=(needs.AMOUNT,),
    ),
    _symbol(
        "ticket_spread_12m",
        Type.NUMBER,
        "Spread of tickets",
        "单笔金额离散度",
        "standard deviation of purchases / average_ticket_12m",
        spread("b.tickets", "b.ticket_amount", "b.ticket_squares"),
        unit="times",
        null_means="fewer than two purchases, or no spend, in the window",
        needs=(needs.AMOUNT,),
    ),
    _symbol(
        "largest_ticket_12m",
        Type.MONEY,
        "Largest ticket",
        "最大单笔金额",
        "largest purchase",
        "b.largest_ticket",
        unit=MONEY,
        needs=(needs.AMOUNT,),
    ),
    _symbol(
        "active_month_share_12m",
        Type.NUMBER,
        "Share of active months",
        "活跃月占比",
        "months with a purchase / months since the first purchase, both within 12 months",
        share("b.active_months", "(b.oldest + 1)"),
        unit=SHARE,
    ),
    _symbol(
        "purchase_days_12m",
        Type.INTEGER,
        "Days with a purchase",
        "购买天数",
        "distinct days with a purchase",
        "coalesce(b.purchase_days, 0)",
        unit="days",
        null_means=NEVER_NULL,
    ),
    _symbol(
        "days_between_purchases_12m",
        Type.NUMBER,
        "Days between purchases",
        "平均购买间隔天数",
        "days from the first to the last purchase / (days with a purchase - 1)",
        ratio("(b.last_in_window - b.first_in_window)", "(b.purchase_days - 1)"),
        unit="days",
        null_means="fewer than two days with a purchase in the window",
    ),
    _symbol(
        "spend_trend_3m",
        Type.NUMBER,
        "Spend trend",
        "消费趋势",
        "(last 3 months - the 3 before) / (their sum)",
        f"CASE WHEN observed_months >= 6 AND {_BOTH} > 0 "
        f"THEN round(least(greatest(CAST(2 * ({_RECENT}) - {_BOTH} AS DOUBLE)"
        f" / CAST({_BOTH} AS DOUBLE), -1), 1), 6) END",
        unit="-1 to 1",
        window_months=6,
        null_means="no spend in 6 months, or they are not all on record",
        needs=(needs.AMOUNT,),
    ),
    _symbol(
        "spend_slope_12m",
        Type.NUMBER,
        "Slope of spend",
        "月消费斜率",
        "least-squares change of spend per month / mean spend per month, since the first purchase",
        f"CASE WHEN b.oldest >= 2 AND b.amount > 0 THEN round({_SLOPE}, 6) END",
        unit="per month",
        null_means="fewer than three months since the first purchase, or no spend",
        needs=(needs.AMOUNT,),
    ),
    _symbol(
        "spend_spread_12m",
        Type.NUMBER,
        "Spread of monthly spend",
        "月消费离散度",
        "standard deviation / mean of monthly spend since the first purchase",
        spread("(b.oldest + 1)", "b.amount", f"({_SPEND_SQUARES})"),
        unit="times",
        null_means="fewer than two months since the first purchase, or no spend",
        needs=(needs.AMOUNT,),
    ),
    *(feature for months in WINDOWS for feature in _windowed(months)),
)
