"""Suitability: every combination of what is known of customers and products, and single rules."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl
import pytest

from portrait_assets.stages.offers.suitability.counting import COUNTED
from portrait_assets.stages.offers.suitability.rules import BY_CODE, SUITABLE, refusal_sql
from portrait_assets.stages.offers.suitability.subjects import SUBJECT
from portrait_assets.stages.offers.suitability.terms import TERMS
from portrait_assets.storage.steps import Grain, Step
from portrait_assets_tests.offers.oracle import may_be_offered
from portrait_assets_tests.offers.world import DAY, Bank, assessed, fund

PAIRS = Step(
    "pairs",
    (SUBJECT, TERMS),
    f"SELECT c.customer_id, p.product_id, coalesce({refusal_sql()}, '{SUITABLE}') AS rule "
    "FROM subject AS c CROSS JOIN terms AS p",
    grain=Grain.ALL,
)

TOLERANCES = (None, "C1", "C2", "C3", "C4", "C5")
ASSESSMENTS = (
    (date(2024, 1, 2), date(2024, 7, 1)),  # counts on the last day
    (date(2023, 6, 30), date(2024, 6, 30)),  # expired on the month's last day
    (date(2023, 7, 1), None),  # expires by itself on the next day
    (date(2023, 6, 30), None),  # has expired by itself
    (date(2024, 7, 1), date(2025, 7, 1)),  # made after the month
    (None, None),  # of no known day
)
BIRTHS = (
    None,
    date(2006, 7, 1),  # 17
    date(2006, 6, 30),  # 18 on the day
    date(1959, 7, 1),  # 64
    date(1959, 6, 30),  # 65 on the day
    date(1950, 1, 1),
)
INVESTORS = (True, None)
OTHERS = (
    "birth_date",
    "is_professional_investor",
    "extra_care_recorded_on",
    "insurance_need_assessed_on",
    "means",
)
CARES = (None, DAY, date(2024, 7, 1))
NEEDS = (None, DAY)
MEANS = (None, 999, 1_000)

GRADES = (None, "R1", "R2", "R3", "R4", "R5", "R6")
ASKS = (None, True, False)
SOLD_TO = (None, "C1", "C4")
MINIMA = (None, 1_000)
CATEGORIES = ("fund", "insurance")


def customers() -> Iterator[dict[str, Any]]:
    combined = itertools.product(TOLERANCES, ASSESSMENTS, BIRTHS, INVESTORS, CARES, NEEDS, MEANS)
    for number, (tolerance, (since, until), *others) in enumerate(combined):
        yield {
            "customer_id": f"c{number:05}",
            "risk_tolerance": tolerance,
            "risk_assessed_on": since,
            "risk_tolerance_expires_on": until,
            **dict(zip(OTHERS, others, strict=True)),
        }


def products() -> Iterator[dict[str, Any]]:
    combined = itertools.product(GRADES, ASKS, SOLD_TO, MINIMA, CATEGORIES)
    for number, (grade, asks, sold_to, minimum, category) in enumerate(combined):
        yield {
            "product_id": f"p{number:03}",
            "risk_grade": grade,
            "needs_assessment": asks,
            "sold_to_risk_tolerance": sold_to,
            "minimum_amount": minimum,
            "category": category,
        }


def wrongly_decided(one_in: int) -> list[tuple[Any, ...]]:
    """The pairs that the rules decide otherwise than the oracle, of one in so many of all pairs."""
    people, sold = list(customers()), list(products())
    pairs = Bank(people, sold).rows(PAIRS)
    assert len(pairs) == len(people) * len(sold)
    assert set(pairs["rule"]) == {SUITABLE, *BY_CODE} - {"not_on_sale", "not_personalisable"}
    who, what = (pl.col(name).str.slice(1).cast(pl.Int64) for name in ("customer_id", "product_id"))
    asked = pairs.filter((7 * who + what) % one_in == 0).select(who, what, "rule")
    return [
        (people[customer], sold[product], rule)
        for customer, product, rule in asked.iter_rows()
        if (rule == SUITABLE) != may_be_offered(people[customer], sold[product], DAY)
    ]


def test_a_sample_of_all_combinations_is_decided_as_the_oracle_decides():
    assert wrongly_decided(one_in=29) == []


@pytest.mark.slow
def test_every_combination_is_decided_as_the_oracle_decides():
    assert wrongly_decided(one_in=1) == []


def test_an_offer_that_the_oracle_forbids_would_be_found():
    weaker = refusal_sql().replace(BY_CODE["tolerance_too_low"].sql, "false")
    without = replace(PAIRS, sql=str(PAIRS.sql).replace(refusal_sql(), weaker))
    (found,) = Bank([assessed("ann", "C1")], [fund("bold", "R5")]).rows(without)["rule"]
    assert found == SUITABLE
    assert not may_be_offered(assessed("ann", "C1"), fund("bold", "R5"), DAY)


def rule(customer: dict[str, Any], product: dict[str, Any]) -> str:
    """What the pair is counted under, in a bank of one customer and one product."""
    (found,) = Bank([customer], [product]).rows(PAIRS)["rule"]
    return str(found)


CASES: tuple[tuple[dict[str, Any], dict[str, Any], str], ...] = (
    (assessed("ann", "C3"), fund("f", "R3"), SUITABLE),
    (assessed("ann", "C3"), fund("f", "R4"), "tolerance_too_low"),
    (assessed("ann", "C3"), fund("f", "r3 "), SUITABLE),
    (assessed("ann", "C3"), fund("f", "high"), "grade_unknown"),
    (assessed("ann", "C3"), fund("f", None), "grade_unknown"),
    (assessed("ann", "C1", is_professional_investor=True), fund("f", "R5"), SUITABLE),
    (assessed("old", "C5", age=70), fund("f", "R4"), "elder_without_care"),
    (
        assessed("old", "C5", age=70, is_professional_investor=True),
        fund("f", "R4"),
        "elder_without_care",
    ),
    (assessed("old", "C5", age=70, extra_care_recorded_on=DAY), fund("f", "R4"), SUITABLE),
    (assessed("old", "C5", age=70), fund("f", "R3"), SUITABLE),
    (assessed("ann", "C5", risk_tolerance_expires_on=DAY), fund("f", "R1"), "assessment_expired"),
    (assessed("ann", "C5", risk_assessed_on=date(2024, 7, 1)), fund("f", "R3"), "not_assessed"),
    ({"customer_id": "new", "means": 5}, fund("f", "R3", needs_assessment=False), "not_assessed"),
    ({"customer_id": "new", "means": 5}, fund("f", "R1", needs_assessment=False), SUITABLE),
    (assessed("ann", "C3", means=99), fund("f", "R1", minimum_amount=100), "below_minimum"),
    (assessed("ann", "C3", means=None), fund("f", "R1", minimum_amount=100), "means_unknown"),
    (assessed("ann", "C3"), fund("f", "R1", is_personalisable=False), "not_personalisable"),
    (assessed("ann", "C3"), fund("f", "R1", withdrawn_on=DAY), "not_on_sale"),
    (assessed("ann", "C3"), fund("f", "R1", withdrawn_on=date(2024, 7, 1)), SUITABLE),
    (assessed("ann", "C3"), fund("f", "R1", introduced_on=date(2024, 7, 1)), "not_on_sale"),
    (
        assessed("ann", "C3"),
        {"product_id": "i", "category": "医疗保险", "needs_assessment": True},
        "need_not_assessed",
    ),
    (
        assessed("ann", "C3", insurance_need_assessed_on=DAY),
        {"product_id": "i", "department": "Insurance", "category": "life"},
        SUITABLE,
    ),
    (
        assessed("kid", "C3", age=16),
        {"product_id": "card", "category": "credit_card", "needs_assessment": False},
        "minor",
    ),
    (
        assessed("ann", "C3"),
        {
            "product_id": "loan",
            "category": "loan",
            "needs_assessment": False,
            "minimum_amount": 9e6,
        },
        SUITABLE,
    ),
)


def test_a_pair_is_counted_under_the_first_rule_that_it_breaks():
    people = [each | {"customer_id": f"c{n:02}"} for n, (each, _, _) in enumerate(CASES)]
    sold = [each | {"product_id": f"p{n:02}"} for n, (_, each, _) in enumerate(CASES)]
    found = Bank(people, sold).rows(PAIRS)
    own = found.filter(
        pl.col("customer_id").str.slice(1) == pl.col("product_id").str.slice(1)
    ).sort("customer_id")
    assert own["rule"].to_list() == [expected for _, _, expected in CASES]


def test_of_a_recorded_age_the_year_since_counts_against_the_offer():
    recorded = {"age": 64, "birth_date": None}
    by_record = assessed("old", "C5") | recorded | {"recorded_on": date(2024, 6, 29)}
    assert rule(by_record, fund("f", "R4")) == "elder_without_care", "may have had a birthday"
    assert rule(by_record | {"recorded_on": DAY}, fund("f", "R4")) == SUITABLE
    assert rule(by_record | {"age": 62}, fund("f", "R4")) == SUITABLE
    assert rule(by_record | {"age": None}, fund("f", "R4")) == "age_unknown"


def test_who_holds_what_is_risky_is_not_assessed_by_that():
    holds = {
        "account_id": "a",
        "customer_id": "ann",
        "product_id": "f",
        "balance": 9,
        "balance_on": DAY,
    }
    bank = Bank([{"customer_id": "ann", "means": 9}], [fund("f", "R3")], balances=[holds])
    assert bank.rows(PAIRS)["rule"].to_list() == ["not_assessed"]


def test_goods_suit_everybody_unless_they_are_withdrawn():
    goods = [{"product_id": "milk", "category": "dairy"}]
    assert Bank([{"customer_id": "kid", "age": 9}], goods).rows(PAIRS)["rule"].to_list() == [
        SUITABLE
    ]
    assert Bank([{"customer_id": "kid"}], goods).rows(COUNTED).is_empty(), "nothing has to suit"


def test_the_newest_record_and_the_newest_product_count():
    records = [
        assessed("ann", "C5", month="2024-03"),
        assessed("ann", "C2", month="2024-05", means=None),
    ]
    bank = Bank(records, [fund("f", "R2", month="2024-01"), fund("f", "R3", month="2024-02")])
    assert bank.rows(PAIRS)["rule"].to_list() == ["tolerance_too_low"]
