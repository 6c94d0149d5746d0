"""Symbol and principle, continued: the latest month beside the customer's own usual.

A level tells who the customer is; how the last month departs from the months before it tells what
is about to change. Each customer is compared with nobody but himself.
"""

from __future__ import annotations

from portrait_assets.schema.table import Type
from portrait_assets.stages.features.declared import needs
from portrait_assets.stages.features.declared.feature import NEVER_NULL, Element, Feature
from portrait_assets.stages.features.declared.needs import Need

LEAST_MONTHS = 3
"""Earlier months that a usual rests on."""
DEMAND_LATELY = (1, 2)
"""The last months whose balance on demand is compared with the months before."""
_TOO_FEW = f"fewer than {LEAST_MONTHS} earlier months with balances, or overdrawn"
_NOT_BOTH = "no balance in one of the two months, or overdrawn"
_AT_RISK = "sum of balance x (risk grade - 1)"
_GRADED = (needs.RISK_GRADE, needs.HELD_PRODUCT)


def _purchases_against_usual(months: int, en: str) -> Feature:
    """Of few purchases one more or less is chance: one added to both sides draws them to 1."""
    lately = f"coalesce(b.purchases_{months}m, 0)"
    earlier = f"(b.oldest - {months - 1})"
    usual = f"greatest(coalesce(b.purchases, 0) - {lately}, 0) / {earlier}"
    span = f"each of the last {months} months" if months > 1 else "the last month"
    return Feature(
        f"purchases_against_usual_{months}m",
        Element.SYMBOL,
        Type.NUMBER,
        en,
        f"近{months}月购买与自身常态之比",
        f"(purchases in {span} + 1) / (purchases in a month before since the first of the window "
        "+ 1)",
        f"fewer than {LEAST_MONTHS} months from the first purchase in the window until then",
        f"CASE WHEN b.oldest >= {LEAST_MONTHS + months - 1} "
        f"THEN round(({lately} / {months} + 1) / ({usual} + 1), 6) END",
        window_months=12,
        unit="times",
    )


def _demand_against_usual(months: int) -> Feature:
    """Money is drawn from where it can be drawn before an account is closed."""
    lately, known = f"d.demand_balance_{months}m", f"d.demand_months_{months}m"
    span = f"the last {months} months" if months > 1 else "the last month"
    now = f"(CAST({lately} AS DOUBLE) / {known})"
    usual = f"(CAST(d.demand_balance - {lately} AS DOUBLE) / (d.demand_months - {known}))"
    return _balance(
        f"demand_balance_against_usual_{months}m",
        f"Balance on demand of {span} against the usual",
        f"近{months}月活期余额偏离自身常态",
        f"(mean of {span} - mean of the earlier months of the window) / (their sum), of accounts "
        "whose product has no term, no credit limit and no risk grade above the lowest",
        f"CASE WHEN {known} > 0 AND d.demand_months - {known} >= {LEAST_MONTHS} AND {lately} >= 0 "
        f"AND d.demand_balance >= {lately} AND d.demand_balance > 0 "
        f"THEN round(({now} - {usual}) / ({now} + {usual}), 6) END",
        f"nothing held on demand in {span}, or {_TOO_FEW}",
        12,
        *(needs.DEPOSITS, *_GRADED, needs.TERM),
    )


def _contacts(months: int) -> Feature:
    span = f"last {months} months" if months > 1 else "last month"
    return Feature(
        f"contacts_{months}m",
        Element.PRINCIPLE,
        Type.INTEGER,
        f"Campaign contacts, {span}",
        f"近{months}月活动触达次数",
        "contacts that were not held out as control",
        NEVER_NULL,
        f"coalesce(g.contacts_{months}m, 0)",
        needs=(needs.CONTACTS,),
        window_months=months,
        unit="contacts",
    )


def _against_usual(of_month: str, months: str) -> str:
    """(last month - usual) / (their sum); the usual is the mean of the earlier months."""
    usual = f"(CAST({months} - {of_month} AS DOUBLE) / (d.months - 1))"
    return (
        f"CASE WHEN d.months > {LEAST_MONTHS} AND {of_month} >= 0 AND {months} >= {of_month} "
        f"AND {months} > 0 THEN round((CAST({of_month} AS DOUBLE) - {usual}) "
        f"/ (CAST({of_month} AS DOUBLE) + {usual}), 6) END"
    )


def _change(name: str) -> str:
    """(the month - the month before) / (their sum)."""
    now, before = f"d.{name}_0", f"d.{name}_1"
    return (
        f"CASE WHEN {now} >= 0 AND {before} >= 0 AND {now} + {before} > 0 "
        f"THEN round(CAST({now} - {before} AS DOUBLE) / CAST({now} + {before} AS DOUBLE), 6) END"
    )


def _balance(
    name: str, en: str, zh: str, formula: str, sql: str, null_means: str, months: int, *need: Need
) -> Feature:
    return Feature(
        name,
        Element.SYMBOL,
        Type.NUMBER,
        en,
        zh,
        formula,
        null_means,
        sql,
        needs=need,
        window_months=months,
        unit="-1 to 1",
    )


FEATURES: tuple[Feature, ...] = (
    _purchases_against_usual(1, "Purchases of the month against the usual"),
    _purchases_against_usual(2, "Purchases of 2 months against the usual"),
    _purchases_against_usual(3, "Purchases of 3 months against the usual"),
    _balance(
        "balance_against_usual_1m",
        "Balance against the usual",
        "余额偏离自身常态",
        "(total_balance - mean of the earlier months of the window) / (their sum)",
        _against_usual("d.balance", "d.balance_months"),
        _TOO_FEW,
        12,
        needs.DEPOSITS,
    ),
    _balance(
        "balance_change_1m",
        "Change of balance in a month",
        "近1月余额变动",
        "(balance of accounts without a credit limit at the month's end - a month before) "
        "/ (their sum)",
        _change("balance"),
        _NOT_BOTH,
        2,
        needs.DEPOSITS,
    ),
    _balance(
        "risk_balance_against_usual_1m",
        "Balance at risk against the usual",
        "风险资产偏离自身常态",
        f"({_AT_RISK}, last month with balances - mean of the earlier months of the window) "
        "/ (their sum)",
        _against_usual("d.balance_at_risk", "d.balance_at_risk_months"),
        f"nothing held above the lowest risk grade, or {_TOO_FEW}",
        12,
        *_GRADED,
    ),
    _balance(
        "risk_balance_change_1m",
        "Change of balance at risk in a month",
        "近1月风险资产变动",
        f"({_AT_RISK} at the month's end - a month before) / (their sum)",
        _change("balance_at_risk"),
        f"nothing held above the lowest risk grade, or {_NOT_BOTH}",
        2,
        *_GRADED,
    ),
    *(_demand_against_usual(months) for months in DEMAND_LATELY),
    _contacts(1),
    _contacts(3),
)
