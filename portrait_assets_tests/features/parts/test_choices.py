"""What customers choose: categories, brands and times, and what sets one apart from the others."""

from __future__ import annotations

from decimal import Decimal
from math import cos, pi

import pytest
from scipy.stats import binomtest, gamma

from portrait_assets.stages.features.contract import CUSTOMER_CATEGORY_MONTH
from portrait_assets.testing.worlds.features import World, sale


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


def test_the_usual_share_of_a_first_brand_is_of_what_was_bought():
    """Bob gave back more than he bought, which is neither preferred nor spent."""
    world = World(
        "2024-01",
        transactions=[
            sale("ann", "2024-01-05", 30, product_id="A"),
            sale("ann", "2024-01-06", 30, product_id="B"),
            sale("bob", "2024-01-07", 10, product_id="A"),
            sale("bob", "2024-01-08", -20, product_id="B"),
        ],
        products=[{"product_id": brand, "category": "tea", "brand": brand} for brand in "AB"],
    )
    base = (30 + 10) / (60 + 10)
    share = world.customer("ann", "2024-01")["top_brand_share_12m"]
    assert share == pytest.approx((2 * 0.5 + 10 * base) / (2 + 10), abs=1e-6)


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


def test_the_limit_is_of_lines_whatever_they_cost():
    world = World(
        "2024-01",
        transactions=[
            sale("ann", "2024-01-05", 90, category="wine"),
            *(sale("ann", f"2024-01-0{day}", 5, category="tea") for day in (6, 7)),
        ],
    )
    ann = world.customer("ann", "2024-01")
    interval = binomtest(1, 3).proportion_ci(method="wilson")

    assert (ann["top_category"], ann["top_category_share_12m"]) == ("wine", 0.9)
    assert ann["top_category_share_low_12m"] == pytest.approx(interval.low, abs=1e-6)


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
