"""Symbol (符号), continued: how much of their credit customers use, and how they pay it back.

What a lender reads of a borrower: use of the limits now and over a year, and over two years how
often a payment fell past due, how late the worst was, and how long ago. A payment that stays past
due for three months has fallen past due once.
"""

from __future__ import annotations

from typing import Any

from portrait_assets.schema.table import Type
from portrait_assets.stages.features.declared import needs
from portrait_assets.stages.features.declared.expressions import ratio, shrunk_share
from portrait_assets.stages.features.declared.feature import NEVER_NULL, SHARE, Element, Feature

CONDUCT_MONTHS = 24
"""How far back a borrower's payments are looked at."""
PRIOR_MONTHS = 12
"""Months on time that the base's rate counts for."""
_NO_LIMIT = "no credit limit in the window"
_NO_PAYMENT = "no account with days past due in the window"


def _credit(name: str, en: str, zh: str, formula: str, sql: str, **more: Any) -> Feature:
    more = {"type": Type.NUMBER, "window_months": CONDUCT_MONTHS, **more}
    return Feature(name, Element.SYMBOL, en=en, zh=zh, formula=formula, sql=sql, **more)


def _use(name: str, en: str, zh: str, formula: str, sql: str, **more: Any) -> Feature:
    more = {
        "needs": (needs.CREDIT_LIMIT, needs.OWED),
        "null_means": _NO_LIMIT,
        "unit": "times",
        **more,
    }
    return _credit(name, en, zh, formula, sql, **more)


def _conduct(name: str, en: str, zh: str, formula: str, sql: str, **more: Any) -> Feature:
    more = {"needs": (needs.DAYS_PAST_DUE,), "null_means": _NO_PAYMENT, **more}
    return _credit(name, en, zh, formula, sql, **more)


_LATELY = "CAST(p.owed_3m AS DOUBLE) / CAST(p.limits_3m AS DOUBLE)"
_BEFORE = "CAST(p.owed_before AS DOUBLE) / CAST(p.limits_before AS DOUBLE)"

FEATURES: tuple[Feature, ...] = (
    _use(
        "highest_utilisation",
        "Highest utilisation of an account",
        "单账户最高额度使用率",
        "largest balance owed / credit limit over accounts, last month with a limit",
        "CASE WHEN d.highest_utilisation IS NOT NULL THEN greatest(d.highest_utilisation, 0) END",
        window_months=3,
        null_means="no credit limit within three months",
    ),
    _use(
        "average_utilisation_12m",
        "Average credit utilisation",
        "平均额度使用率",
        "balances owed / credit limits, both summed over months",
        ratio("greatest(p.owed_12m, 0)", "p.limits_12m"),
        window_months=12,
    ),
    _use(
        "utilisation_change_3m",
        "Change of credit utilisation",
        "额度使用率变动",
        "balances owed / credit limits of 3 months - of the 3 before",
        "CASE WHEN p.limits_3m > 0 AND p.limits_before > 0 "
        f"THEN round({_LATELY} - {_BEFORE}, 6) END",
        window_months=6,
        unit="times, signed",
        null_means="no credit limit in one of the two quarters",
    ),
    _conduct(
        "worst_days_past_due_24m",
        "Worst days past due",
        "近24月最长逾期天数",
        "largest days past due at a month's last balances",
        "p.worst",
        type=Type.INTEGER,
        unit="days",
    ),
    _conduct(
        "past_due_spells_24m",
        "Times fallen past due",
        "近24月逾期发生次数",
        "months past due after one that was not",
        "p.spells",
        type=Type.INTEGER,
        unit="times",
    ),
    _conduct(
        "past_due_rate_24m",
        "Rate of falling past due, shrunk to the base",
        "近24月逾期发生率（收缩）",
        "times fallen past due / months that followed none past due, the base's share counting for "
        f"{PRIOR_MONTHS} months",
        shrunk_share("p.spells", "p.on_time", "p.on_time", "bp.spells", "bp.on_time", PRIOR_MONTHS),
        unit=SHARE,
        evidence="credit_months_24m",
    ),
    _conduct(
        "months_since_past_due",
        "Months since past due",
        "距上次逾期月数",
        "months from the last month whose last balances were past due",
        "p.since",
        type=Type.INTEGER,
        unit="months ago",
        null_means=f"not past due within {CONDUCT_MONTHS} months",
    ),
    _conduct(
        "credit_months_24m",
        "Months on record with days past due",
        "近24月有还款记录的月数",
        "months with an account whose days past due are known",
        "coalesce(p.months, 0)",
        type=Type.INTEGER,
        unit="months on record",
        null_means=NEVER_NULL,
    ),
)
