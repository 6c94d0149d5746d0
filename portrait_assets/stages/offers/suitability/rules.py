"""The rules by which a product suits a customer, in the order in which they are asked.

A pair of a product and a customer is refused by the first rule that it breaks; what breaks none
suits. Where a rule cannot be decided, for something is not known, it refuses: nothing is offered
that may not suit. Source: 金融机构产品适当性管理办法 (National Financial Regulatory Administration,
order 2025/7), which holds from 2026-02-01 on; decision 080 tells what was chosen where it leaves a
choice.
"""

from __future__ import annotations

from dataclasses import dataclass

from portrait_assets.storage.duckdb.connection import literal

ELDER_AGE = 65
"""Years from which on R4 and R5 need extra care: 65周岁以上, which includes the day (Civil Code,
article 1259)."""
OF_AGE = 18
HIGH_LEVEL = 4
LOWEST_LEVEL = 1
VALID_MONTHS = 12
"""Months for which an assessment counts whose expiry is not recorded."""
SUITABLE = "suitable"


@dataclass(frozen=True)
class Rule:
    """A rule: its code, what it says of a refusal, and the SQL of whether a pair breaks it.

    The SQL reads `c`, a customer as `subjects.SUBJECT` gives it, and `p`, a product as
    `terms.TERMS` does. `of_personal_only`: it is no rule where what is known of a customer decides
    nothing else.
    """

    code: str
    en: str
    zh: str
    sql: str
    of_personal_only: bool = False


_LEVEL = "coalesce(p.level, 0)"
_ASKS_TOLERANCE = "p.asks_tolerance AND NOT c.is_professional"
_ASKS_AMOUNT = "p.is_bought AND p.minimum_amount > 0"

RULES: tuple[Rule, ...] = (
    Rule(
        "not_on_sale",
        "It is not on sale at the month's end.",
        "月末未在售。",
        "NOT p.is_on_sale",
    ),
    Rule(
        "not_personalisable",
        "What is known of a customer may not decide to whom it is offered.",
        "该产品不得作个性化推荐。",
        "NOT p.is_personalisable",
        of_personal_only=True,
    ),
    Rule(
        "grade_unknown",
        "Its risk grade is not known, and it is not known to need none.",
        "产品风险等级未知，且未注明无需评估。",
        "p.is_financial AND p.is_ungraded",
    ),
    Rule(
        "minor",
        f"The customer is under {OF_AGE}, and it is no product of the lowest risk.",
        f"客户未满{OF_AGE}周岁，产品不属于无需测评的R1级产品。",
        f"p.is_financial AND c.age_least < {OF_AGE} "
        f"AND ({_LEVEL} <> {LOWEST_LEVEL} OR p.asks_tolerance OR p.is_insurance)",
    ),
    Rule(
        "need_not_assessed",
        "No assessment of the customer's insurance needs is recorded.",
        "未登记保险需求评估。",
        "p.is_insurance AND NOT c.has_need",
    ),
    Rule(
        "elder_without_care",
        f"The customer is {ELDER_AGE} or older, no extra care is recorded, and the grade is R4 "
        "or R5.",
        f"客户已满{ELDER_AGE}周岁，未登记特别注意义务，且产品为R4或R5级。",
        f"{_LEVEL} >= {HIGH_LEVEL} AND NOT c.has_care AND c.age_most >= {ELDER_AGE}",
    ),
    Rule(
        "age_unknown",
        "The customer's age is not known, no extra care is recorded, and the grade is R4 or R5.",
        "客户年龄未知，未登记特别注意义务，且产品为R4或R5级。",
        f"{_LEVEL} >= {HIGH_LEVEL} AND NOT c.has_care AND c.age_most IS NULL",
    ),
    Rule(
        "assessment_expired",
        "The customer's risk assessment no longer counts.",
        "客户风险测评已过期。",
        f"{_ASKS_TOLERANCE} AND c.tolerance IS NULL AND c.was_assessed",
    ),
    Rule(
        "not_assessed",
        "The customer's risk tolerance was not assessed, or the day of it is not known.",
        "客户未做风险测评，或测评日期未知。",
        f"{_ASKS_TOLERANCE} AND c.tolerance IS NULL",
    ),
    Rule(
        "tolerance_too_low",
        "The customer's assessed risk tolerance is below what the product needs.",
        "客户风险承受能力等级低于产品要求。",
        f"{_ASKS_TOLERANCE} AND c.tolerance < {_LEVEL}",
    ),
    Rule(
        "means_unknown",
        "It has a minimum amount, and what the customer holds is not known.",
        "产品有起购金额，而客户持有资产未知。",
        f"{_ASKS_AMOUNT} AND c.means IS NULL",
    ),
    Rule(
        "below_minimum",
        "The customer holds less than the product's minimum amount.",
        "客户持有资产低于起购金额。",
        f"{_ASKS_AMOUNT} AND c.means < p.minimum_amount",
    ),
)
"""What a refusal is counted under; the first that is broken counts."""

BY_CODE = {rule.code: rule for rule in RULES}


def refusal_sql(is_personal: bool = True) -> str:
    """The SQL of the code of the first rule that a pair of `c` and `p` breaks; null where it suits.

    Args:
        is_personal: whether what is known of the customer decides what is offered besides these
            rules; false for what all are offered alike.
    """
    cases = " ".join(
        f"WHEN {rule.sql} THEN {literal(rule.code)}"
        for rule in RULES
        if is_personal or not rule.of_personal_only
    )
    return f"CASE {cases} END"
