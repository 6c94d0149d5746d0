"""Suitability: every combination of what is known of customers and of products, and single rules."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import date
from typing import Any

import polars as pl
import pytest

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
    for number, (tolerance, (made, until), born, professional, care, need, means) in enumerate(combined):
        yield {
            "customer_id": f"c{number:05}",
            "risk_tolerance": tolerance,
            "risk_assessed_on": made,
            "risk_tolerance_expires_on": until,
            "birth_date": born,
            "is_professional_investor": professional,
            "extra_care_recorded_on": care,
            "insurance_need_assessed_on": need,
            "means": means,
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


def rule(customer: dict[str, Any], product: dict[str, Any]) -> str:
    """What the pair is counted under, in a bank of one customer and one product."""
    (found,) = Bank([customer], [product]).rows(PAIRS)["rule"]
    return str(found)


def test_of_every_combination_what_is_offered_is_what_the_oracle_allows():
    # Each customer with one product in seven, which meets every pair of values many times over.
    people, sold = list(customers()), list(products())
    bank = Bank(people, sold)
    found = bank.rows(PAIRS).with_columns(
        customer=pl.col("customer_id").str.slice(1).cast(pl.Int64),
        product=pl.col("product_id").str.slice(1).cast(pl.Int64),
    )
    some = found.filter((pl.col("customer") + pl.col("product")) % 7 == 0)
    wrong = [
        (people[customer], sold[product], rule)
        for customer, product, rule in some.select("customer", "product", "rule").iter_rows()
        if (rule == SUITABLE) != may_be_offered(people[customer], sold[product], DAY)
    ]
    assert wrong == []
    assert len(found) == len(people) * len(sold)
    met = set(found["rule"])
    assert met == {SUITABLE, *BY_CODE} - {"not_on_sale", "not_personalisable"}
