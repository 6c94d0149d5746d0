"""Features say what they claim, and nothing of what comes later."""

from __future__ import annotations

from decimal import Decimal
from math import cos, pi
from typing import Any

import pytest
from polars.testing import assert_frame_equal
from scipy.stats import binomtest, gamma

from portrait_assets.stages.features.contract import (
    CUSTOMER_CAMPAIGN_MONTH,
    CUSTOMER_CATEGORY_MONTH,
    CUSTOMER_MONTH,
    FEATURE_MATRIX,
    FEATURES,
    PROFILING_ALLOWED,
)
from portrait_assets.testing.feature_world import World, day, sale


def test_recency_frequency_and_monetary_by_hand():
    world = World(
        "2024-03",
        transactions=[
            sale("ann", "2024-01-10 09:00", 10, basket_id="b1"),
            sale("ann", "2024-01-10 09:00", 5, basket_id="b1"),
            sale("ann", "2024-03-16 19:00", 20, basket_id="b2"),
        ],
    )
    ann = world.customer("ann", "2024-03")
    assert ann["recency_days"] == 15
    assert (ann["purchases_1m"], ann["purchases_3m"]) == (1, 2)
    assert (ann["spend_1m"], ann["spend_12m"]) == (Decimal(20), Decimal(35))
    assert ann["average_ticket_12m"] == 17.5
    assert ann["active_month_share_12m"] == round(2 / 3, 6)
    assert ann["weekend_spend_share_12m"] == ann["evening_spend_share_12m"] == round(20 / 35, 6)
    assert ann["tenure_days"] == 81


def test_what_is_chosen_when_there_is_a_choice():
    world = World(
        "2024-01",
        transactions=[
            sale("ann", "2024-01-01", 60, product_id="tea"),
            sale("ann", "2024-01-02", 20, product_id="fruit", discount_amount=5),
            sale("ann", "2024-01-03", 20, product_id="unknown"),
        ],
        products=[
            {"product_id": "tea", "category": "drinks", "is_own_label": True},
            {"product_id": "fruit", "category": "fresh", "is_own_label": False},
        ],
    )
    ann = world.customer("ann", "2024-01")
    assert (ann["top_category"], ann["top_category_share_12m"]) == ("drinks", 0.75)
    assert (ann["category_count_12m"], ann["category_hhi_12m"]) == (2, 0.625)
    assert ann["own_label_share_12m"] == 0.75
    assert ann["discounted_share_12m"] == 0.2
    assert ann["discount_depth_12m"] == round(5 / 105, 6)


def test_loyalty_is_to_the_first_brand_among_lines_of_a_known_brand():
    """Ann's five drinks without a brand are none, nor is her one snack a choice of a brand."""
    bought = {"ann": "AAAB-----s", "bob": "BB"}
    world = World(
        "2024-01",
        transactions=[
            sale(who, f"2024-01-{day_of_month:02}", 10, product_id=product)
            for who, products in bought.items()
            for day_of_month, product in enumerate(products, 1)
        ],
        products=[
            *({"product_id": brand, "category": "drinks", "brand": brand} for brand in "AB"),
            {"product_id": "-", "category": "drinks"},
            {"product_id": "s", "category": "snacks", "brand": "A"},
        ],
    )
    ann, bob = world.customer("ann", "2024-01"), world.customer("bob", "2024-01")
    base = (3 + 2) / (4 + 2)
    assert ann["brand_loyalty_12m"] == round((3 + 10 * base) / (4 + 10), 6)
    assert bob["brand_loyalty_12m"] == round((2 + 10 * base) / (2 + 10), 6)
    assert (ann["brand_choice_lines_12m"], bob["brand_choice_lines_12m"]) == (4, 2)


def test_what_is_no_merchandise_is_spent_on_and_not_preferred():
    """Neither by the category of the product nor by that of the line, nor by its brand."""
    world = World(
        "2024-01",
        transactions=[
            sale("ann", "2024-01-01", 60, product_id="coupon"),
            sale("ann", "2024-01-02", 50, product_id="coupon", category="misc"),
            sale("ann", "2024-01-03", 20, product_id="tea"),
            sale("ann", "2024-01-04", 10, category="fruit"),
        ],
        products=[
            {
                "product_id": "coupon",
                "category": "coupons",
                "brand": "till",
                "is_merchandise": False,
            },
            {"product_id": "tea", "category": "drinks", "brand": "leaf", "is_merchandise": True},
        ],
    )
    ann = world.customer("ann", "2024-01")
    assert ann["spend_12m"] == Decimal(140)
    assert (ann["top_category"], ann["category_count_12m"]) == ("drinks", 2)
    assert ann["category_lines_12m"] == 2
    assert (ann["top_brand"], ann["brand_lines_12m"]) == ("leaf", 1)


def test_a_product_is_what_its_newest_row_by_then_has_it_to_be():
    bought = [
        sale("ann", f"2024-{month:02d}-05", 10 * month, product_id="p") for month in (1, 2, 3)
    ]
    world = World(
        "2024-03",
        transactions=bought,
        products=[
            {"product_id": "p", "month": "2024-01", "category": "tea", "brand": "leaf"},
            {"product_id": "p", "month": "2024-02", "category": "herbs", "brand": "bush"},
        ],
    )
    chosen = world.table(CUSTOMER_CATEGORY_MONTH).select("month", "category", "brand", "amount")
    assert chosen.sort("month").rows() == [
        ("2024-01", "tea", "leaf", Decimal(10)),
        ("2024-02", "herbs", "bush", Decimal(20)),
        ("2024-03", "herbs", "bush", Decimal(30)),
    ]


def test_of_what_is_held_risk_is_taken_and_what_is_owed_is_no_appetite_for_it():
    def account(name: str, balance: float, **more: object) -> dict[str, object]:
        row = {"customer_id": "ann", "account_id": name, "product_id": name, "balance": balance}
        return {**row, "balance_on": day("2024-01-31"), **more}

    world = World(
        "2024-01",
        transactions=[],
        balances=[
            account("saving", 300),
            account("fund", 100),
            account("card", 900, credit_limit=1000),
            account("empty", 0),
        ],
        products=[
            {"product_id": name, "risk_grade": grade}
            for name, grade in (("saving", "R1"), ("fund", "r5"), ("card", "R5"), ("empty", "R5"))
        ],
    )
    ann = world.customer("ann", "2024-01")
    assert ann["graded_account_months_12m"] == 2
    assert ann["risk_appetite_12m"] == (300 * 1 + 100 * 5) / 400
    assert ann["total_balance"] == 400


@pytest.mark.parametrize(
    ("times", "typical"),
    [(("23:40", "01:10"), 0.5), (("06:00", "08:59"), 7.5), (("17:00", "19:00"), 18.5)],
)
def test_the_typical_hour_is_a_mean_around_the_clock(times: tuple[str, str], typical: float):
    """An hour counts by its middle; two lines two hours apart lie an hour from their mean."""
    lines = [sale("ann", f"2024-01-0{n} {time}", 10) for n, time in enumerate(times, 1)]
    ann = World("2024-01", transactions=lines).customer("ann", "2024-01")
    assert ann["typical_hour_12m"] == typical
    assert ann["hour_regularity_12m"] == pytest.approx(cos(pi / 12), abs=1e-3)


def tastes(lines: dict[str, dict[str, int]]) -> World:
    """A month of one line of 1 a customer, category and time."""
    return World(
        "2024-01",
        transactions=[
            sale(who, f"2024-01-{1 + n % 28:02d}", 1, category=category)
            for who, bought in lines.items()
            for category, times in bought.items()
            for n in range(times)
        ],
    )


def test_what_few_customers_buy_sets_nobody_apart_however_rare_it_is():
    """Of 480 lines 400 are bread, 50 wine and 30, of three customers, caviar."""
    lines = {f"c{n:02d}": {"bread": 10, "wine": int(n < 30)} for n in range(40)}
    lines["c00"] = {"bread": 10, "wine": 21, "caviar": 10}
    lines["c01"] |= {"caviar": 10}
    lines["c02"] |= {"caviar": 10}
    world = tastes(lines)

    ann = world.customer("c00", "2024-01")
    index = 100 * (21 + 5) / (41 * 50 / 480 + 5)
    assert ann["distinct_category"] == "wine"
    assert ann["distinct_category_tgi_12m"] == pytest.approx(index, abs=1e-3)
    exact = index * gamma.ppf(0.025, 26) / 26
    assert ann["distinct_category_tgi_low_12m"] == pytest.approx(exact, rel=1e-3)
    # Of caviar 1.3 lines are expected and 10 were bought, by three customers.
    bob = world.customer("c01", "2024-01")
    assert bob["distinct_category"] != "caviar"
    assert bob["distinct_category_tgi_12m"] < 110


def test_a_category_that_thirty_customers_buy_can_set_apart():
    lines = {f"c{n:02d}": {"bread": 10, "caviar": int(n < 30)} for n in range(40)}
    few = {who: dict(bought) for who, bought in lines.items()} | {"c29": {"bread": 10}}
    lines["c00"] = few["c00"] = {"bread": 10, "caviar": 10}

    assert tastes(lines).customer("c00", "2024-01")["distinct_category"] == "caviar"
    assert tastes(few).customer("c00", "2024-01")["distinct_category"] == "bread"


def test_the_share_of_the_preferred_category_has_a_lower_limit():
    ann = tastes({"ann": {"tea": 6, "bread": 2}}).customer("ann", "2024-01")
    interval = binomtest(6, 8).proportion_ci(method="wilson")

    assert (ann["top_category"], ann["top_category_share_12m"]) == ("tea", 0.75)
    assert ann["top_category_share_low_12m"] == pytest.approx(interval.low, abs=1e-6)


@pytest.mark.parametrize(
    ("band", "lowest"),
    [
        ("25-34", 25),
        ("65+", 65),
        ("65岁以上", 65),
        ("25至34岁", 25),
        ("55 and over", 55),
        ("60后", None),
        ("young", None),
        (None, None),
    ],
)
def test_the_lower_end_of_an_age_band_is_read_where_it_is_a_number(
    band: str | None, lowest: int | None
):
    world = World(
        "2024-01",
        transactions=[sale("ann", "2024-01-01", 1)],
        customers=[{"customer_id": "ann", "age_band": band}],
    )
    assert world.customer("ann", "2024-01")["age_band_from"] == lowest


def test_response_rates_are_shrunk_to_the_base_and_controls_do_not_count():
    contact = {"campaign_id": "c", "contacted_on": day("2024-01-02")}
    world = World(
        "2024-01",
        transactions=[sale(name, "2024-01-01", 1) for name in ("ann", "bob", "cat")],
        contacts=[
            {"customer_id": "ann", **contact},
            {"customer_id": "bob", **contact},
            {"customer_id": "cat", **contact, "is_control": True},
        ],
        responses=[
            {"customer_id": "ann", "campaign_id": "c", "responded_on": day("2024-01-03")},
            {"customer_id": "ann", "campaign_id": "c", "responded_on": day("2024-01-04")},
        ],
    )
    ann, cat = world.customer("ann", "2024-01"), world.customer("cat", "2024-01")
    assert (ann["contacts_12m"], ann["responses_12m"]) == (1, 2)
    assert ann["response_rate_12m"] == round((1 + 5 * 0.5) / 6, 6)
    assert ann["response_lift_12m"] == round((1 + 5 * 0.5) / 6 / 0.5, 6)
    assert ann["response_recency_days"] == 27
    assert (cat["contacts_12m"], cat["response_rate_12m"]) == (0, 0.5)
    of_month = world.table(CUSTOMER_MONTH).select("customer_id", "contacts", "responses")
    assert of_month.sort("customer_id").rows() == [("ann", 1, 2), ("bob", 1, 0), ("cat", 0, 0)]


def test_an_answer_of_the_control_group_is_a_response_to_no_contact():
    reached = {"campaign_id": "c", "contacted_on": day("2024-01-02")}
    answer = {"campaign_id": "c", "responded_on": day("2024-01-09")}
    world = World(
        "2024-01",
        contacts=[
            {"customer_id": "ann", **reached},
            {"customer_id": "cat", **reached, "is_control": True},
        ],
        responses=[{"customer_id": who, **answer} for who in ("ann", "cat")],
    )
    rows = world.table(CUSTOMER_CAMPAIGN_MONTH).sort("customer_id")
    shown = ("customer_id", "contacts", "responses", "responded_contacts", "lag_days")
    assert rows.select(shown).rows() == [("ann", 1, 1, 1, 7), ("cat", 0, 1, 0, 0)]


def test_a_product_is_new_on_its_first_day_and_for_182_more():
    launched = {"launched": "2024-01-10", "of July": "2023-07-12", "older": "2023-07-11"}
    world = World(
        "2024-01",
        transactions=[
            *(sale("ann", "2024-01-10", 1, product_id=product) for product in launched),
            sale("bob", "2024-01-09", 1, product_id="launched"),
        ],
        products=[
            {"product_id": product, "introduced_on": day(on)} for product, on in launched.items()
        ],
    )
    lines = world.table(CUSTOMER_MONTH).select("customer_id", "new_product_lines")
    assert lines.sort("customer_id").rows() == [("ann", 2), ("bob", 0)]


def test_without_contacts_there_is_no_rate_and_no_lift():
    ann = World("2024-01", transactions=[sale("ann", "2024-01-01", 1)]).customer("ann", "2024-01")
    assert (ann["response_rate_12m"], ann["response_lift_12m"]) == (None, None)


def test_a_campaign_answered_in_two_months_is_one_response_to_it():
    world = World(
        "2024-02",
        transactions=[sale("ann", "2024-01-01", 1)],
        contacts=[{"customer_id": "ann", "campaign_id": "c", "contacted_on": day("2024-01-02")}],
        responses=[
            {"customer_id": "ann", "campaign_id": "c", "responded_on": day("2024-01-30")},
            {"customer_id": "ann", "campaign_id": "c", "responded_on": day("2024-02-01")},
        ],
    )
    assert world.table(CUSTOMER_CAMPAIGN_MONTH)["responded_contacts"].sum() == 1


def test_attributes_are_those_recorded_by_then():
    person = {"customer_id": "ann", "birth_date": day("2000-02-01"), "joined_on": day("2023-12-31")}
    world = World(
        "2024-02",
        transactions=[sale("ann", "2024-01-01", 1)],
        customers=[
            person | {"month": "2024-01", "recorded_on": day("2024-01-01"), "region": "east"},
            person | {"month": "2024-02", "recorded_on": day("2024-02-01"), "region": "west"},
        ],
    )
    january, february = (world.customer("ann", m) for m in ("2024-01", "2024-02"))
    assert (january["region"], january["age"], january["tenure_days"]) == ("east", 23, 31)
    assert (february["region"], february["age"]) == ("west", 24)
    assert january["occupation"] is None


def test_balances_are_the_last_ones_by_then():
    def balance_row(on: str, balance: int, days: int = 0, account: str = "a") -> dict[str, Any]:
        return {
            "customer_id": "ann",
            "account_id": account,
            "balance_on": day(on),
            "balance": balance,
            "days_past_due": days,
        }

    world = World(
        "2024-02",
        transactions=[],
        balances=[
            balance_row("2024-01-31", 5),
            balance_row("2024-02-15", 9),
            balance_row("2024-02-29", 7, 30),
            balance_row("2024-01-31", 1, account="closed later"),
        ],
    )
    assert world.customer("ann", "2024-01")["total_balance"] == Decimal(6)
    february = world.customer("ann", "2024-02")
    assert (february["total_balance"], february["max_days_past_due"]) == (Decimal(7), 30)
    assert february["recency_days"] is None


def test_who_has_joined_without_buying_is_a_customer_and_who_has_not_is_none():
    world = World(
        "2024-02",
        transactions=[sale("ann", "2024-02-01", 1)],
        customers=[
            {"customer_id": "bob", "joined_on": day("2024-01-15")},
            {"customer_id": "cat", "joined_on": day("2024-02-15")},
            {"customer_id": "dan"},
        ],
    )
    nobody_has_bought_yet = {"bob": None}
    assert world.feature("spend_12m", "2024-01") == nobody_has_bought_yet
    assert world.feature("spend_12m", "2024-02") == {"ann": 1, "bob": 0, "cat": 0}


def test_every_column_is_a_declared_feature_with_a_domain_where_it_is_a_share():
    names = [feature.name for feature in FEATURES]
    assert len(set(names)) == len(names)
    assert list(FEATURE_MATRIX.column_names[2:]) == [*names, PROFILING_ALLOWED.name]
    for feature in FEATURES:
        if feature.unit == "share":
            column = FEATURE_MATRIX.column(feature.name)
            assert (column.minimum, column.maximum) == (0, 1)


def test_a_future_row_changes_nothing():
    now = [sale("ann", "2024-01-10", 10)]
    later = [*now, sale("ann", "2024-02-01", 99), sale("eve", "2024-02-01", 1)]
    assert_frame_equal(
        World("2024-01", transactions=now).matrix("2024-01"),
        World("2024-02", transactions=later).matrix("2024-01"),
    )


def test_the_largest_amount_that_money_can_hold_overflows_nothing():
    world = World(
        "2024-02",
        transactions=[
            sale("ann", "2024-01-01", Decimal("9999999999999.99"), category="tea", product_id="p"),
            sale("ann", "2024-02-01", Decimal("0.01"), category="tea", product_id="p"),
        ],
        products=[{"product_id": "p", "brand": "leaf"}],
    )
    ann = world.customer("ann", "2024-02")
    assert ann["largest_ticket_12m"] == Decimal("9999999999999.99")
    assert ann["category_hhi_12m"] == ann["brand_hhi_12m"] == 1
    assert ann["ticket_spread_12m"] == pytest.approx(2**0.5, abs=1e-6)


# -- where the data begin ------------------------------------------------------------------


def beginnings() -> World:
    """Data from January on: ann is there from the start, eve from August, joe joined in May."""
    sold = {
        "ann": [f"2024-{month:02}-05" for month in range(1, 10)],
        "eve": ["2024-08-01", "2024-09-03"],
        "joe": ["2024-05-03", "2024-09-03"],
        "old": ["2024-01-03", "2024-09-03"],
    }
    return World(
        "2024-09",
        transactions=[sale(who, on, 10) for who, days in sold.items() for on in days],
        customers=[
            {"customer_id": "joe", "joined_on": day("2024-05-01")},
            {"customer_id": "old", "joined_on": day("2020-05-01")},
        ],
    )


def test_the_first_day_of_the_data_is_not_the_day_a_customer_joined():
    rows = {row["customer_id"]: row for row in beginnings().matrix("2024-09").to_dicts()}
    bounds = {who: row["tenure_is_lower_bound"] for who, row in rows.items()}
    assert bounds == {"ann": True, "eve": False, "joe": False, "old": False}
    assert (rows["ann"]["tenure_days"], rows["eve"]["tenure_days"]) == (269, 60)
    assert {who: row["observed_months"] for who, row in rows.items()} == {
        **{"ann": 9, "old": 9},  # They may have bought before, and nothing is known of it.
        **{"eve": 12, "joe": 12},  # Before they joined they bought nothing.
    }


@pytest.mark.parametrize(
    ("first", "is_bound"), [("2024-06-28", True), ("2024-06-29", True), ("2024-07-02", False)]
)
def test_half_a_year_after_the_data_began_whoever_comes_is_new(first: str, is_bound: bool):
    world = World("2024-07", transactions=[sale("ann", "2024-01-02", 1), sale("eve", first, 1)])
    assert world.customer("eve", "2024-07")["tenure_is_lower_bound"] is is_bound


def test_a_trend_needs_months_on_record_on_both_sides():
    """From the fourth month on all would be growing, against months before the data began."""
    world = beginnings()
    trends = {month: world.customer("ann", month)["spend_trend_3m"] for month in MONTHS_OF_DATA}
    assert trends == {
        **dict.fromkeys(MONTHS_OF_DATA[:5]),
        **dict.fromkeys(MONTHS_OF_DATA[5:], 0.0),
    }
    assert world.customer("joe", "2024-05")["spend_trend_3m"] == 1.0


MONTHS_OF_DATA = [f"2024-{month:02}" for month in range(1, 10)]


def test_what_months_before_noted_of_a_column_held_back_is_nobodys_choice() -> None:
    """A text of January is no favourite in February, where it was found to be free text."""
    sales = [
        sale("ann", "2024-01-05", 10, category="our flat"),
        sale("ann", "2024-01-06", 10, category="our flat"),
        sale("ann", "2024-01-07", 10, product_id="P1"),
    ]
    known = World(
        "2024-02",
        transactions=sales,
        products=[{"month": "2024-01", "product_id": "P1", "category": "tea", "brand": "Lion"}],
    )
    assert known.customer("ann", "2024-01")["top_category"] == "our flat"
    known.hold_back("transactions", "category", "2024-02")
    assert known.customer("ann", "2024-02")["top_category"] == "tea"
    assert known.customer("ann", "2024-01")["top_category"] == "our flat", "as of then"
    later = World("2024-02", transactions=sales, products=[])
    later.hold_back("transactions", "category", "2024-02")
    assert later.customer("ann", "2024-02")["top_category"] is None
