"""Symbol (符号), continued: what the customer holds and owes, where there are balances.

An account counts as long as it is reported: a customer's holdings are those of the last month
with balances, not older than three months.
"""

from __future__ import annotations

from typing import Any

from portrait_assets.schema.table import Type
from portrait_assets.stages.features.declared import needs
from portrait_assets.stages.features.declared.expressions import ratio
from portrait_assets.stages.features.declared.feature import MONEY, Element, Feature

_NONE = "no balance within three months"


def _holding(
    name: str, type_: Type, en: str, zh: str, formula: str, sql: str, **more: Any
) -> Feature:
    more = {"null_means": _NONE, "window_months": 3, "needs": (needs.BALANCES,), **more}
    return Feature(name, Element.SYMBOL, type_, en, zh, formula, sql=sql, **more)


_BEFORE = "(d.balance_before * d.months_3m)"
_RECENT = "(d.balance_3m * d.months_before)"

FEATURES: tuple[Feature, ...] = (
    _holding(
        "total_balance",
        Type.MONEY,
        "Total balance",
        "账户总余额",
        "sum over accounts without a credit limit, last month with balances",
        "d.balance",
        unit=MONEY,
        needs=(needs.DEPOSITS,),
    ),
    _holding(
        "owed_balance",
        Type.MONEY,
        "Balance owed",
        "负债总额",
        "sum over accounts with a credit limit, last month with balances",
        "d.owed",
        unit=MONEY,
        needs=(needs.CREDIT_LIMIT, needs.OWED),
    ),
    _holding(
        "credit_utilisation",
        Type.NUMBER,
        "Credit utilisation",
        "额度使用率",
        "owed_balance / credit limits",
        ratio("greatest(d.owed, 0)", "d.credit_limit"),
        unit="times",
        needs=(needs.CREDIT_LIMIT, needs.OWED),
        null_means="no credit limit within three months",
    ),
    _holding(
        "max_days_past_due",
        Type.INTEGER,
        "Most days past due",
        "最长逾期天数",
        "largest days past due over accounts, last month with balances",
        "d.days_past_due",
        unit="days",
        needs=(needs.DAYS_PAST_DUE,),
        null_means="no account with days past due within three months",
    ),
    _holding(
        "past_due_months_12m",
        Type.INTEGER,
        "Months past due",
        "逾期月数",
        "months at whose last balances a payment was past due",
        "d.months_past_due",
        unit="months",
        needs=(needs.DAYS_PAST_DUE,),
        window_months=12,
        null_means="no balance within twelve months",
    ),
    _holding(
        "accounts_held",
        Type.INTEGER,
        "Accounts",
        "账户数",
        "accounts in the last month with balances",
        "d.accounts",
        unit="accounts",
    ),
    _holding(
        "products_held",
        Type.INTEGER,
        "Products held",
        "持有产品数",
        "different products in the last month with balances",
        "d.products",
        unit="products",
        needs=(needs.HELD_PRODUCT,),
    ),
    _holding(
        "average_balance_12m",
        Type.NUMBER,
        "Average balance",
        "平均余额",
        "mean over months of the balance of accounts without a credit limit",
        "CASE WHEN d.months > 0 THEN round(CAST(d.balance_months AS DOUBLE) / d.months, 6) END",
        unit=MONEY,
        needs=(needs.DEPOSITS,),
        window_months=12,
        null_means="no balance within twelve months",
    ),
    _holding(
        "balance_trend_3m",
        Type.NUMBER,
        "Balance trend",
        "余额趋势",
        "(mean balance of 3 months - of the 3 before) / (their sum)",
        f"CASE WHEN d.balance_3m >= 0 AND d.balance_before >= 0 AND {_BEFORE} + {_RECENT} > 0 "
        f"THEN round(CAST({_RECENT} - {_BEFORE} AS DOUBLE) "
        f"/ CAST({_RECENT} + {_BEFORE} AS DOUBLE), 6) END",
        unit="-1 to 1",
        needs=(needs.DEPOSITS,),
        window_months=6,
        null_means="balances of fewer than two quarters, or overdrawn",
    ),
)
