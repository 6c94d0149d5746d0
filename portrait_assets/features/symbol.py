"""Symbol (符号): what the customer does, and how that changes."""

from __future__ import annotations

from datetime import date

import polars as pl

from portrait_assets.features.feature import Element, Feature
from portrait_assets.features.inputs import Inputs, ratio, share
from portrait_assets.months import next_month
from portrait_assets.warehouse.contract import POLARS_TYPES, Type

WINDOWS = (1, 3, 6, 12)
_MONEY = "currency of the source"
_NEVER = "no purchase in the window"


def _symbol(name: str, type_: Type, en: str, zh: str, formula: str, **more: object) -> Feature:
    more = {"null_means": "never zero-filled: the customer has no purchase", **more}
    return Feature(name, Element.SYMBOL, type_, en, zh, formula, **more)  # type: ignore[arg-type]


def _windowed(months: int) -> tuple[Feature, ...]:
    span = f"last {months} months" if months > 1 else "last month"
    shared = {"window_months": months, "null_means": "never null"}
    return (
        _symbol(
            f"purchases_{months}m",
            Type.INTEGER,
            f"Frequency, {span}",
            f"近{months}月购买次数",
            f"distinct purchases (baskets) in the {span}",
            unit="purchases",
            **shared,
        ),
        _symbol(
            f"spend_{months}m",
            Type.MONEY,
            f"Monetary, {span}",
            f"近{months}月消费金额",
            f"sum of amount in the {span}",
            unit=_MONEY,
            **shared,
        ),
    )


_RATES = (
    _symbol(
        "recency_days",
        Type.INTEGER,
        "Recency",
        "距上次购买天数",
        "days from the last purchase to as_of",
        unit="days",
        null_means="never purchased",
    ),
    _symbol(
        "average_ticket_12m",
        Type.NUMBER,
        "Average ticket",
        "平均客单价",
        "spend_12m / purchases_12m",
        unit=_MONEY,
        window_months=12,
        null_means=_NEVER,
    ),
    _symbol(
        "active_month_share_12m",
        Type.NUMBER,
        "Share of active months",
        "活跃月占比",
        "months with a purchase / months since the first purchase, both within 12 months",
        unit="share",
        window_months=12,
        null_means=_NEVER,
    ),
    _symbol(
        "spend_trend_3m",
        Type.NUMBER,
        "Spend trend",
        "消费趋势",
        "(last 3 months - the 3 before) / (their sum)",
        unit="-1 to 1",
        window_months=6,
        null_means="no spend in 6 months",
    ),
    _symbol(
        "weekend_spend_share_12m",
        Type.NUMBER,
        "Weekend share of spend",
        "周末消费占比",
        "spend on Saturday and Sunday / spend_12m",
        unit="share",
        window_months=12,
        null_means=_NEVER,
    ),
    _symbol(
        "evening_spend_share_12m",
        Type.NUMBER,
        "Evening share of spend",
        "晚间消费占比",
        "spend from 18:00 on / spend_12m",
        unit="share",
        window_months=12,
        null_means=_NEVER,
    ),
)
_BALANCES = (
    _symbol(
        "total_balance",
        Type.MONEY,
        "Total balance",
        "账户总余额",
        "sum over accounts of the last balance by as_of",
        unit=_MONEY,
        needs=("balances",),
        null_means="no account known",
    ),
    _symbol(
        "max_days_past_due",
        Type.INTEGER,
        "Most days past due",
        "最长逾期天数",
        "largest days past due over accounts, last balance by as_of",
        unit="days",
        needs=("balances",),
        null_means="no account known",
    ),
)
FEATURES: tuple[Feature, ...] = (
    *_RATES,
    *(feature for months in WINDOWS for feature in _windowed(months)),
    *_BALANCES,
)


def _since(as_of: date, months: int) -> pl.Expr:
    first = next_month(f"{as_of:%Y-%m}", 1 - months)
    return pl.col("month") >= first


def _total(column: str, as_of: date, months: int) -> pl.Expr:
    return pl.col(column).filter(_since(as_of, months)).sum()


def compute(inputs: Inputs, as_of: date) -> pl.LazyFrame:
    """The symbol features, one row per customer with a transaction or a balance."""
    windows = [
        _total(column, as_of, months).cast(POLARS_TYPES[kind]).alias(f"{name}_{months}m")
        for months in WINDOWS
        for column, name, kind in (
            ("purchases", "purchases", Type.INTEGER),
            ("amount", "spend", Type.MONEY),
        )
    ]
    index = pl.col("month").str.slice(0, 4).cast(pl.Int64) * 12 + pl.col("month").str.slice(
        5, 2
    ).cast(pl.Int64)
    within = _since(as_of, 12) & (pl.col("purchases") > 0)
    activity = inputs.customer_month.group_by("customer_id").agg(
        *windows,
        (pl.lit(as_of) - pl.col("last_at").max().dt.date()).dt.total_days().alias("recency_days"),
        pl.col("month").filter(within).n_unique().alias("active_months"),
        (as_of.year * 12 + as_of.month - index.filter(within).min() + 1).alias("months_since"),
        _total("weekend_amount", as_of, 12).alias("weekend"),
        _total("evening_amount", as_of, 12).alias("evening"),
    )
    recent, both = pl.col("spend_3m"), pl.col("spend_6m")
    rates = activity.with_columns(
        ratio("spend_12m", "purchases_12m").alias("average_ticket_12m"),
        share("active_months", "months_since").alias("active_month_share_12m"),
        ratio(recent * 2 - both, both).clip(-1, 1).alias("spend_trend_3m"),
        share("weekend", "spend_12m").alias("weekend_spend_share_12m"),
        share("evening", "spend_12m").alias("evening_spend_share_12m"),
    )
    return rates.join(
        _balances(inputs.balances), on="customer_id", how="full", coalesce=True
    ).select("customer_id", *(feature.name for feature in FEATURES))


def _balances(balances: pl.LazyFrame) -> pl.LazyFrame:
    last = (
        balances.sort("balance_on", "source_row")
        .group_by("customer_id", "account_id", "product_id")
        .agg(pl.col("balance", "days_past_due").last())
    )
    return last.group_by("customer_id").agg(
        pl.col("balance").sum().cast(POLARS_TYPES[Type.MONEY]).alias("total_balance"),
        pl.col("days_past_due").max().alias("max_days_past_due"),
    )
