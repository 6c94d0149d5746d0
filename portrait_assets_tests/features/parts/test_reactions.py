"""How customers react, by hand: each reaction against the base, with the evidence behind it."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from portrait_assets.core.months import last_day, month_range
from portrait_assets.stages.features.contract import (
    CUSTOMER_CAMPAIGN_MONTH,
    CUSTOMER_MONTH,
    FEATURES,
)
from portrait_assets.stages.features.declared.entity import STATED
from portrait_assets.stages.features.declared.feature import Element
from portrait_assets.testing.worlds.features import World, day, sale


def test_promotions_are_set_against_how_widely_products_were_promoted():
    def line(who: str, shown: bool | None, **more: Any) -> dict[str, Any]:
        return sale(
            who, "2024-01-10", 10, product_id="p", is_on_display=shown, is_in_mailer=False, **more
        )

    world = World(
        "2024-01",
        transactions=[
            line("ann", True),
            line("ann", False),
            line("bob", True),
            line("bob", True),
            line("bob", None) | {"is_in_mailer": None},
            sale("cat", "2024-01-10", 10, product_id="never promoted"),
        ],
        products=[{"product_id": "p"}, {"product_id": "never promoted"}],
        promotions=[
            {
                "product_id": "p",
                "ended_on": day("2024-01-31"),
                "display_share": 0.5,
                "mailer_share": 0.0,
            },
        ],
    )
    ann, bob, cat = (world.customer(who, "2024-01") for who in ("ann", "bob", "cat"))
    # Three of four lines were bought on display; half of them were to be expected.
    base = 3 / 2
    assert ann["display_uplift_12m"] == pytest.approx((2 * 1 + 20 * base) / 22, abs=1e-6)
    assert bob["display_uplift_12m"] == pytest.approx((2 * 2 + 20 * base) / 22, abs=1e-6)
    assert (bob["promotable_lines_12m"], bob["promoted_share_12m"]) == (2, round(2 / 3, 6))
    assert (ann["mailer_uplift_12m"], cat["display_uplift_12m"]) == (None, None)
    assert cat["promotable_lines_12m"] == 0


def test_prices_are_compared_with_the_usual_ones_of_earlier_months():
    def bought(who: str, on: str, price: float) -> dict[str, Any]:
        return sale(who, on, price, quantity=1, product_id="p")

    world = World(
        "2024-02",
        transactions=[
            bought("ann", "2024-01-05", 10),
            bought("ann", "2024-02-05", 9.4),
            bought("bob", "2024-02-06", 10.6),
            bought("bob", "2024-02-07", 10.2),
        ],
        products=[{"product_id": "p", "category": "tea"}],
    )
    ann, bob = world.customer("ann", "2024-02"), world.customer("bob", "2024-02")
    assert ann["price_reaction_12m"] == round((1 + 20 * 0.5) / 21, 6)
    assert bob["price_reaction_12m"] == round((0 + 20 * 0.5) / 21, 6)
    assert (ann["price_moves_12m"], bob["price_moves_12m"]) == (1, 1)
    # What was paid against the category's average price of the month; all customers make up 1.
    assert bob["quality_level_12m"] == pytest.approx(
        (2 * 20.8 / (2 * 30.2 / 3) + 10 * 1) / 12, abs=1e-3
    )


def test_how_long_an_answer_takes_and_which_campaigns_are_answered():
    def reached(campaign: str, on: str) -> dict[str, Any]:
        return {"customer_id": "ann", "campaign_id": campaign, "contacted_on": day(on)}

    world = World(
        "2024-02",
        transactions=[sale("ann", "2024-01-01", 1)],
        campaigns=[
            {"campaign_id": "m", "campaign_type": "mail"},
            {"campaign_id": "c", "campaign_type": "call"},
        ],
        contacts=[reached("m", "2024-01-02"), reached("c", "2024-01-02")],
        responses=[
            {"customer_id": "ann", "campaign_id": "m", "responded_on": day("2024-02-02")},
            {"customer_id": "ann", "campaign_id": "m", "responded_on": day("2024-02-20")},
        ],
    )
    ann = world.customer("ann", "2024-02")
    assert (ann["response_lag_days_12m"], ann["responded_contacts_12m"]) == (31, 1)
    assert (ann["best_campaign_type"], ann["best_response_rate_12m"]) == ("mail", 1)
    assert ann["best_type_contacts_12m"] == 1
    assert ann["response_rate_12m"] == 0.5


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


def test_without_contacts_there_is_no_rate_and_no_lift():
    ann = World("2024-01", transactions=[sale("ann", "2024-01-01", 1)]).customer("ann", "2024-01")
    assert (ann["response_rate_12m"], ann["response_lift_12m"]) == (None, None)


def test_a_campaign_answered_in_two_months_is_one_response_to_it():
    world = World(
        "2024-02",
        transactions=[sale("ann", "2024-01-01", 1)],
        contacts=[
            {"customer_id": "ann", "campaign_id": "c", "contacted_on": day(on)}
            for on in ("2024-01-20", "2024-01-02")
        ],
        responses=[
            {"customer_id": "ann", "campaign_id": "c", "responded_on": day("2024-01-30")},
            {"customer_id": "ann", "campaign_id": "c", "responded_on": day("2024-02-01")},
        ],
    )
    months = world.table(CUSTOMER_CAMPAIGN_MONTH).select("responded_contacts", "lag_days")
    assert months.rows() == [(1, 28), (0, 0)], "since the first contact"


def test_each_kind_of_campaign_has_a_rate_of_its_own_shrunk_to_the_base_of_that_kind():
    def reached(customer: str, campaign: str, **more: Any) -> dict[str, Any]:
        when = {"contacted_on": day("2024-01-02")}
        return {"customer_id": customer, "campaign_id": campaign, **when, **more}

    world = World(
        "2024-02",
        campaigns=[
            {"campaign_id": "m", "campaign_type": "mail"},
            {"campaign_id": "c", "campaign_type": "call"},
            {"campaign_id": "f", "campaign_type": "fax"},
        ],
        contacts=[
            *(reached("ann", campaign) for campaign in "mc"),
            *(reached("bob", campaign) for campaign in "mc"),
            reached("cat", "m", is_control=True),
            # Answers now what came before the window: of no contact there is no rate.
            reached("dan", "f", contacted_on=day("2023-01-02")),
        ],
        responses=[
            {"customer_id": "dan", "campaign_id": "f", "responded_on": day("2024-02-02")},
            {"customer_id": "ann", "campaign_id": "m", "responded_on": day("2024-02-02")},
            {"customer_id": "bob", "campaign_id": "unasked", "responded_on": day("2024-02-02")},
        ],
    )
    rates = world.campaign_responses("2024-02").select(
        "customer_id", "campaign_type", "contacts_12m", "responded_contacts_12m",
        "response_rate_12m", "base_response_rate_12m",
    )  # fmt: skip
    assert rates.rows() == [
        ("ann", "call", 1, 0, 0.0, 0.0),
        ("ann", "mail", 1, 1, round((1 + 5 * 0.5) / 6, 6), 0.5),
        ("bob", "call", 1, 0, 0.0, 0.0),
        ("bob", "mail", 1, 0, round(5 * 0.5 / 6, 6), 0.5),
    ]
    before = world.campaign_responses("2024-01")["responded_contacts_12m"]
    assert before.sum() == 0, "a response of a later month does not count yet"


def test_uplift_is_taken_against_the_customers_share_of_other_months():
    """Ann makes up a tenth of all spend, a fifth in the month in which she was contacted."""
    months = month_range("2024-01", "2024-04")
    contacted = "2024-03"
    world = World(
        months[-1],
        transactions=[
            row
            for month in months
            for row in (
                sale("ann", f"{month}-05", 20 if month == contacted else 10),
                sale("all", f"{month}-05", 80 if month == contacted else 90),
            )
        ],
        contacts=[
            {"customer_id": "ann", "campaign_id": "c", "contacted_on": day(f"{contacted}-01")}
        ],
    )
    ann = world.customer("ann", months[-1])
    assert ann["campaign_uplift_12m"] == 1
    assert ann["campaign_months_12m"] == 1


def test_a_withdrawn_product_and_a_new_one():
    months = month_range("2024-01", "2024-06")
    world = World(
        months[-1],
        transactions=[
            *(sale("ann", f"{m}-05", 30, product_id="old") for m in months[:3]),
            *(sale("ann", f"{m}-05", 10, product_id="new") for m in months[4:]),
            *(sale("bob", f"{m}-05", 50, product_id="same") for m in months),
        ],
        products=[
            {"product_id": "old", "withdrawn_on": day("2024-04-01")},
            {"product_id": "new", "introduced_on": day("2024-04-15")},
            {"product_id": "same", "introduced_on": day("2020-01-01")},
        ],
    )
    ann, bob = world.customer("ann", months[-1]), world.customer("bob", months[-1])
    # Two months after April against two before: 20 against 60, while all went from 160 to 120.
    expected = 60 * 120 / 160
    assert ann["withdrawal_reaction_12m"] == round((20 - expected) / (20 + expected), 6)
    assert (ann["withdrawn_products_12m"], bob["withdrawn_products_12m"]) == (1, 0)
    assert ann["new_product_share_12m"] == round((2 + 20 * 2 / 8) / 22, 6)
    assert world.customer("ann", "2024-03")["withdrawn_products_12m"] == 0


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


def test_the_indicator_that_spend_follows_is_found():
    months = month_range("2023-05", "2024-06")
    index = [100, 103, 99, 104, 101, 108, 100, 109, 104, 112, 103, 111, 107, 115]
    changes = [0, *(b / a - 1 for a, b in itertools.pairwise(index))]
    world = World(
        months[-1],
        first=months[0],
        transactions=[
            row
            for month, change in zip(months, changes, strict=True)
            for row in (
                sale("follows", f"{month}-05", 100 + 500 * change),
                sale("others", f"{month}-05", 900 - 500 * change),
            )
        ],
        market=[
            {"indicator": name, "observed_on": last_day(month), "value": value}
            for month, up in zip(months, index, strict=True)
            for name, value in (("stocks", up), ("still", 5))
        ]
        + [
            {"indicator": "their_rate", "observed_on": last_day(month), "value": up, **of}
            for month, up in zip(months, index, strict=True)
            for of in ({"competitor": "other bank"}, {"product_class": "fund"})
        ],
    )
    follows = world.customer("follows", months[-1])
    # The competitors' rates and those of one class of products are not the market's.
    assert (follows["market_indicator"], follows["market_months_12m"]) == ("stocks", 12)
    assert follows["market_reaction_12m"] == pytest.approx(12 / 24, abs=1e-3)
    assert world.customer("others", months[-1])["market_reaction_12m"] == pytest.approx(-0.5, 1e-2)


def test_what_is_not_recorded_is_named():
    world = World(
        "2024-01",
        transactions=[sale("ann", "2024-01-01", 1), sale("bob", "2024-01-01", 1)],
        customers=[{"customer_id": "ann", "gender": "F", "birth_date": day("1990-05-01")}],
    )
    ann, bob = world.customer("ann", "2024-01"), world.customer("bob", "2024-01")
    assert set(ann["missing_attributes"]) == set(STATED) - {"gender", "age"}
    assert bob["missing_attributes"] == list(STATED)
    assert (ann["known_attribute_share"], bob["known_attribute_share"]) == (round(2 / 13, 6), 0)


def test_every_estimate_of_values_and_reactions_names_its_evidence():
    by_name = {feature.name: feature for feature in FEATURES}
    counts = {feature.evidence for feature in FEATURES if feature.evidence}
    for feature in FEATURES:
        if feature.evidence:
            assert by_name[feature.evidence].null_means == "never null", feature.name
        elif feature.element in (Element.CONCEPT, Element.PRINCIPLE):
            counted = feature.name in counts or feature.unit in ("contacts", "responses", "days")
            assert counted, f"{feature.name} names no evidence"
