"""Symbol (符号), continued: how much of their credit customers use, and how they pay it back.

What a lender reads of a borrower: use of the limits now and over a year, and over two years how
often a payment fell past due, how late the worst was, and how long ago. A payment that stays past
due for three months has fallen past due once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from portrait_assets.schema.table import Type
from portrait_assets.stages.features.declared import needs
from portrait_assets.stages.features.declared.expressions import DIGITS, ratio
from portrait_assets.stages.features.declared.feature import NEVER_NULL, SHARE, Element, Feature

CONDUCT_MONTHS = 24
"""How far back a borrower's payments are looked at."""
USE_BANDS = 10
"""Tenths of revolving limits in use, by which borrowers are alike; who has none is one more."""


class Stage(NamedTuple):
    """Days past due above `low`, up to `high`; None for any number more."""

    low: int
    high: int | None

    def holds(self, days: str) -> str:
        """SQL of whether these days past due are within it."""
        above = f"{days} > {self.low}"
        return above if self.high is None else f"{above} AND {days} <= {self.high}"


LATE_STAGES = (Stage(0, 30), Stage(30, 60), Stage(60, 90), Stage(90, None))
"""How late a payment is, by the month, as roll rates have it."""
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


def _of_band(name: str) -> str:
    """SQL of a sum over all borrowers in the band of the customer's."""
    bands = ", ".join(f"bp.{name}_{band}" for band in range(USE_BANDS + 1))
    return f"coalesce([{bands}][p.use_band + 1], 0)"


def _still_late(at: int) -> str:
    """SQL of the share of months so late after which a payment was still past due.

    Drawn to the share of all that were late as if one more was so late (B. Cestnik 1990,
    "Estimating probabilities: a crucial task in machine learning").
    """
    stayed, followed = (
        f"({' + '.join(f'bp.{name}_{n}' for n in range(len(LATE_STAGES)))})"
        for name in ("stayed", "followed")
    )
    return (
        f"CASE WHEN {followed} > 0 THEN round((bp.stayed_{at} + CAST({stayed} AS DOUBLE) / "
        f"{followed}) / (bp.followed_{at} + 1), {DIGITS}) END"
    )


# Of months on time, for one in which a payment fell past due.
_BASE_WAIT = "CAST(bp.on_time AS DOUBLE) / bp.spells"
_ALIKE_WAIT = f"({_of_band('on_time')} + {_BASE_WAIT}) / ({_of_band('spells')} + 1)"
_LATE_NOW = " ".join(
    f"WHEN {stage.holds('d.days_past_due')} THEN {_still_late(at)}"
    for at, stage in enumerate(LATE_STAGES)
)
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
        "revolving_utilisation_12m",
        "Average utilisation of revolving credit",
        "循环授信平均使用率",
        "balances owed / credit limits of accounts whose product has no term, both summed over "
        "months",
        ratio("greatest(p.revolving_owed_12m, 0)", "p.revolving_limit_12m"),
        needs=(needs.CREDIT_LIMIT, needs.OWED, needs.HELD_PRODUCT, needs.TERM),
        window_months=12,
        null_means="no revolving credit limit in the window",
    ),
    _use(
        "utilisation_change_3m",
        "Change of credit utilisation",
        "额度使用率变动",
        "balances owed / credit limits of 3 months - of the 3 before",
        "CASE WHEN p.limits_3m > 0 AND p.limits_before > 0 "
        f"THEN round({_LATELY} - {_BEFORE}, {DIGITS}) END",
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
        "Rate of falling past due, shrunk to borrowers alike",
        "近24月逾期发生率（按相似客户收缩）",
        "(times fallen past due + 1) / (months that followed none past due + the months that "
        "borrowers with a like share of their revolving limits in use have for one)",
        "CASE WHEN p.on_time > 0 THEN CASE WHEN bp.spells > 0 THEN "
        f"round((p.spells + 1) / (p.on_time + {_ALIKE_WAIT}), {DIGITS}) ELSE 0 END END",
        unit=SHARE,
        evidence="credit_months_24m",
    ),
    _conduct(
        "past_due_probability_1m",
        "Probability of being past due a month on",
        "下月处于逾期的概率",
        "of who is past due the share of months as late after which a payment still was, of all; "
        "of others past_due_rate_24m",
        f"CASE {_LATE_NOW} WHEN d.days_past_due IS NOT NULL THEN past_due_rate_24m END",
        unit=SHARE,
        null_means="no account with days past due within three months, or one past due where no "
        "month past due has a month after it",
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
