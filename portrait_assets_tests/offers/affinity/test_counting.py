"""How many customers each product suits, with rules of few customers pooled; and its checks."""

from __future__ import annotations

import polars as pl

from portrait_assets.stages.offers.suitability.checks import violations
from portrait_assets.stages.offers.suitability.contract import PRODUCT_RULE
from portrait_assets.stages.offers.suitability.counting import product_rule
from portrait_assets.stages.offers.suitability.subjects import SUBJECT
from portrait_assets.stages.offers.suitability.terms import TERMS
from portrait_assets_tests.offers.world import DAY as SOLD_OUT
from portrait_assets_tests.offers.world import Bank, assessed, fund

PEOPLE = [
    *(assessed(f"low{n}", "C2") for n in range(12)),
    *(assessed(f"high{n}", "C4") for n in range(10)),
    *({"customer_id": f"new{n}", "age": 30, "means": 5} for n in range(3)),
    *(assessed(f"poor{n}", "C4", means=10) for n in range(8)),
]
SOLD = [fund("bold", "R4", minimum_amount=1000), fund("calm", "R1")]


def counts(rows: pl.DataFrame, product: str) -> dict[str, int]:
    return dict(rows.filter(product_id=product).select("rule", "customers").iter_rows())


def test_each_refusal_is_counted_with_its_rule():
    rows = Bank(PEOPLE, SOLD).rows(product_rule(smallest=1))
    assert rows.columns == list(PRODUCT_RULE.column_names)
    assert counts(rows, "bold") == {
        "suitable": 10,
        "not_assessed": 3,
        "tolerance_too_low": 12,
        "below_minimum": 8,
    }
    assert counts(rows, "calm") == {"suitable": 30, "not_assessed": 3}
    assert rows.row(0, named=True)["reason_zh"] == "未触发任何拒绝规则。"


def test_rules_of_few_customers_are_pooled_and_the_rows_still_add_up():
    rows = Bank(PEOPLE, SOLD).rows(product_rule(smallest=10))
    assert counts(rows, "bold") == {"suitable": 10, "tolerance_too_low": 12, "other (2 values)": 11}
    # One small cell by itself would be known from the total.
    assert counts(rows, "calm") == {"other (2 values)": 33}
    assert rows["reason_en"].to_list()[-1] == "Rules of few customers each."


def test_who_may_not_be_profiled_is_counted_by_rule_and_children_are_not():
    bank = Bank([assessed("ann", "C3"), assessed("kid", "C3", age=9)], SOLD, children=["kid"])
    assert counts(bank.rows(product_rule(1)), "calm") == {"suitable": 1}
    bank = Bank([assessed("ann", "C3"), assessed("bob", "C3")], SOLD, refuses=["bob"])
    assert counts(bank.rows(product_rule(1)), "calm") == {"suitable": 2}


def test_what_is_offered_and_does_not_suit_is_named():
    people = [assessed("ann", "C2"), assessed("old", "C5", age=80), assessed("poor", "C5", means=1)]
    sold = [*SOLD, fund("gone", "R1", withdrawn_on=SOLD_OUT), fund("blank", None)]
    insured = {"product_id": "life", "category": "insurance"}
    bank = Bank([*people, assessed("kid", "C5", age=12)], [*sold, insured])
    offered = [
        ("ann", "bold", "within tolerance"),
        ("old", "bold", "care of elders"),
        ("poor", "bold", "means"),
        ("kid", "bold", "of age"),
        ("ann", "gone", "on sale"),
        ("ann", "blank", "graded"),
        ("ann", "life", "needs assessed"),
        ("ann", "calm", None),
        ("stranger", "calm", "unknown"),
        ("ann", "nothing", "unknown"),
    ]
    pairs = pl.DataFrame(offered, ["customer_id", "product_id", "expected"], orient="row")
    found = violations(pairs, bank.rows(SUBJECT), bank.rows(TERMS))
    expected = pairs.drop_nulls("expected").rename({"expected": "broken"})
    assert found.rows() == expected.sort("customer_id", "product_id").rows()
