"""What became of customers by each target: known once the window is over, and by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from portrait_assets.stages.targets.declared.outcome import Kind, Outcome
from portrait_assets.stages.targets.declared.outcomes import Targets, outcome
from portrait_assets.stages.targets.labels import label_step
from portrait_assets.stages.targets.windows import Window
from portrait_assets.storage.steps import Scope
from portrait_assets.testing.worlds.features import day, sale
from portrait_assets_tests.targets.target_world import Label, TargetWorld

MONTHS = ["2024-01", "2024-02", "2024-03", "2024-04"]
JANUARY = "2024-01"
EVERYONE = ["ann", "bob", "cem", "dan"]
NO, YES = (True, False, None), (True, True, None)
NOT_COUNTED = (False, None, None)


def contact(who: str, campaign: str, on: str, is_control: bool = False) -> dict[str, Any]:
    return {"customer_id": who, "campaign_id": campaign, "contacted_on": day(on)} | {
        "is_control": is_control
    }


def response(who: str, campaign: str, on: str) -> dict[str, Any]:
    return {"customer_id": who, "campaign_id": campaign, "responded_on": day(on)}


def balance(who: str, on: str, product: str = "P", **more: Any) -> dict[str, Any]:
    return {"customer_id": who, "account_id": f"{who} {product}", "product_id": product} | {
        "balance_on": day(on),
        "balance": 10,
        **more,
    }


def report(who: str, on: str, value: float | None, name: str = "late") -> dict[str, Any]:
    return {"customer_id": who, "outcome": name, "observed_on": day(on), "value": value} | {
        "month": on[:7]
    }


@pytest.fixture(scope="module")
def shop() -> TargetWorld:
    """Purchases, a campaign of each of two kinds, complaints and answers of surveys."""
    calls = [
        {"customer_id": who, "occurred_at": sale("", on, 0)["occurred_at"], "kind": kind}
        | {"score": score}
        for who, on, kind, score in (
            ("ann", "2024-02-01", "survey", 2.0),
            ("bob", "2024-04-01", "survey", 4.0),
            ("cem", "2024-04-02", "complaint", None),
            ("dan", "2024-01-02", "complaint", None),
        )
    ]
    return TargetWorld(
        MONTHS,
        EVERYONE,
        transactions=[
            sale("ann", "2024-01-05", 10),
            sale("ann", "2024-02-05", 20.5),
            sale("ann", "2024-03-06", 5),
            sale("ann", "2024-04-07", 40),
            sale("bob", "2024-03-08", 7),
            sale("cem", "2024-02-09", 1),
        ],
        campaigns=[
            {"campaign_id": "C", "campaign_type": "coupon"},
            {"campaign_id": "L", "campaign_type": "letter"},
            {"campaign_id": "X", "campaign_type": None},
        ],
        contacts=[
            contact("ann", "C", "2024-02-01"),
            contact("ann", "L", "2024-02-01"),
            contact("bob", "C", "2024-02-01"),
            contact("cem", "C", "2024-02-01", is_control=True),
            contact("dan", "X", "2024-02-01"),
        ],
        responses=[
            response("ann", "C", "2024-02-03"),
            response("cem", "C", "2024-02-04"),
            response("bob", "C", "2024-03-04"),
        ],
        interactions=calls,
    )


@pytest.mark.parametrize(
    ("code", "labels"),
    [
        ("silence", {"ann": NO, "bob": YES, "cem": NO, "dan": YES}),
        ("purchase", {"ann": YES, "bob": NO, "cem": YES, "dan": NO}),
        # Ann had bought in January.
        ("return", {"ann": NOT_COUNTED, "bob": NO, "cem": YES, "dan": NO}),
        (
            "spend",
            {
                "ann": (True, True, 20.5),
                "bob": (True, False, 0.0),
                "cem": (True, False, 1.0),
                "dan": (True, False, 0.0),
            },
        ),
        # Cem was held out as control, and answered all the same.
        ("response", {"ann": YES, "bob": NO, "cem": NOT_COUNTED, "dan": NO}),
        ("response_of_all", {"ann": YES, "bob": NO, "cem": YES, "dan": NO}),
        ("stickiness", {"ann": YES, "bob": NO, "cem": NO, "dan": NO}),
        # Scores of 2 and 4, whose median is 3.
        ("satisfaction", {"ann": NO, "bob": YES, "cem": NOT_COUNTED, "dan": NOT_COUNTED}),
        # Dan's was before the window.
        ("complaint", {"ann": NO, "bob": NO, "cem": YES, "dan": NO}),
    ],
)
def test_who_is_counted_and_what_happened_to_them(
    shop: TargetWorld, code: str, labels: dict[str, Label]
):
    assert shop.labels(outcome(code), JANUARY) == labels


def test_each_kind_of_campaign_is_a_target_of_those_it_reached(shop: TargetWorld):
    by_kind = outcome("response_by_kind")
    coupon, letter = by_kind.for_one("coupon"), by_kind.for_one("letter")
    assert (coupon.code, coupon.en) == ("response_by_kind:coupon", "response to a campaign: coupon")
    assert shop.labels(coupon, JANUARY) == {
        **{"ann": YES, "bob": NO},
        **{"cem": NOT_COUNTED, "dan": NOT_COUNTED},
    }
    assert shop.labels(letter, JANUARY)["ann"] == NO
    assert shop.stored("campaign_target", "campaign_type", "contacts", "responses")[:2] == [
        ("2024-01", 1, "ann", "coupon", 1, 1),
        ("2024-01", 1, "ann", "letter", 1, 0),
    ]


def test_a_response_is_of_the_window_of_its_month(shop: TargetWorld):
    """Bob was contacted in February and answered in March."""
    assert shop.labels(outcome("response_of_all"), "2024-02")["bob"] == YES
    assert shop.labels(outcome("response"), "2024-02")["bob"] == NOT_COUNTED


def test_who_objected_by_the_end_of_the_window_has_no_label():
    small = TargetWorld(MONTHS[:2], ["ann", "bob"], transactions=[sale("ann", "2024-02-05", 1)])
    small.object_in("2024-02", "ann")
    assert small.labels(outcome("purchase"), JANUARY) == {"bob": NO}


@pytest.mark.parametrize("base_month", ["2024-02", "2024-04"])
def test_a_target_is_unknown_until_its_window_is_over(base_month: str):
    stickiness = outcome("stickiness")
    assert Window(base_month, 3).month > "2024-04"
    with pytest.raises(ValueError, match=f"is not known of {base_month} by 2024-04"):
        label_step(stickiness, ["2024-01", base_month], "2024-04")


def test_what_stands_for_several_has_no_labels():
    with pytest.raises(ValueError, match="response_by_kind is not known"):
        label_step(outcome("response_by_kind"), [JANUARY], "2024-04")


def test_base_months_are_pooled_each_with_its_own_window(shop: TargetWorld):
    step = label_step(outcome("purchase"), ["2024-02", "2024-01"], "2024-04")
    rows = shop.world.engine.frame(step, Scope("2024-04"))
    bought = rows.filter("hit").sort("base_month", "customer_id")
    assert bought.select("base_month", "customer_id").rows() == [
        *(("2024-01", "ann"), ("2024-01", "cem")),
        *(("2024-02", "ann"), ("2024-02", "bob")),
    ]
    assert rows.height == 2 * len(EVERYONE)


def test_who_was_not_overdue_before_is_once_30_days_are_past():
    """The month of the most days counts; whose days past due nobody reports is not counted."""
    owed: dict[str, list[int | None]] = {
        "ann": [0, 5, 30, 0],
        "bob": [0, 29, 29, 29],
        "cem": [30, 60, 90, 0],
        "dan": [None, None, None, None],
        "eve": [0, None, None, None],
        "gil": [None, 0, 40, 0],
    }
    bank = TargetWorld(
        MONTHS,
        [*owed, "fay"],
        balances=[
            balance(who, f"{month}-28", days_past_due=days, credit_limit=100)
            for who, course in owed.items()
            for month, days in zip(MONTHS, course, strict=True)
            if who != "eve" or month == JANUARY
        ],
    )
    assert bank.labels(outcome("overdue"), JANUARY) == {
        **{"ann": YES, "bob": NO, "cem": NOT_COUNTED},
        **dict.fromkeys(("dan", "eve", "fay", "gil"), NOT_COUNTED),
    }
    assert [row for row in bank.stored("balance_target", "days_past_due") if row[1] == 3] == [
        *(("2024-01", 3, "ann", 30), ("2024-01", 3, "bob", 29)),
        *(("2024-01", 3, "cem", 90), ("2024-01", 3, "dan", None)),
        ("2024-01", 3, "gil", 40),
    ]


PRODUCTS = [
    {"product_id": number, "category": category, "is_merchandise": is_merchandise}
    for number, category, is_merchandise in (
        *(("P", "deposit", None), ("Q", "deposit", None), ("F", "fund", None)),
        *(("L", "loan", None), ("T", "fee", False)),
    )
]


@pytest.fixture(scope="module")
def bank() -> TargetWorld:
    """Accounts by month; what is paid for by card is no product of the bank."""
    accounts_of = {
        "ann": {"P": MONTHS, "F": ["2024-03"]},  # a fund, sold again
        "bob": {"P": MONTHS[:1], "Q": MONTHS[1:]},  # from one deposit into another
        "cem": {"P": MONTHS[2:], "F": MONTHS[3:]},  # a deposit and a fund
        "dan": {"P": MONTHS, "T": MONTHS[1:]},  # a fee is nothing to take
    }
    return TargetWorld(
        MONTHS,
        EVERYONE,
        products=PRODUCTS,
        balances=[
            balance(who, f"{month}-28", product)
            for who, accounts in accounts_of.items()
            for product, months in accounts.items()
            for month in months
        ],
        transactions=[sale("dan", "2024-03-05", 5, category="groceries")],
    )


def test_a_product_is_taken_whose_category_was_not_held_before(bank: TargetWorld):
    assert [row for row in bank.stored("product_target", "category") if row[1] == 3] == [
        *(("2024-01", 3, "ann", "fund"), ("2024-01", 3, "cem", "deposit")),
        ("2024-01", 3, "cem", "fund"),
    ]
    assert bank.labels(outcome("product_taken"), JANUARY) == {
        **{"ann": YES, "bob": NO, "cem": YES, "dan": NO}
    }


def test_each_category_is_a_target_of_those_who_had_it_not(bank: TargetWorld):
    by_kind = outcome("product_taken_by_kind")
    assert bank.labels(by_kind.for_one("fund"), JANUARY) == {
        **{"ann": YES, "bob": NO, "cem": YES, "dan": NO}
    }
    assert bank.labels(by_kind.for_one("deposit"), JANUARY) == {
        **{"ann": NOT_COUNTED, "bob": NOT_COUNTED, "cem": YES, "dan": NOT_COUNTED}
    }


def test_without_balances_a_category_is_taken_that_was_not_bought_for_a_year():
    """Ann's tea of thirteen months before counts as forgotten, bob's of twelve does not."""
    months = ["2023-01", "2023-02", "2024-01", "2024-02", "2024-03", "2024-04"]
    sales = [
        *(sale("ann", "2023-01-05", 1, category="tea"), sale("ann", "2024-03-05", 1)),
        *(sale("bob", "2023-02-05", 1, category="tea"), sale("bob", "2024-03-05", 1)),
        sale("cem", "2024-02-05", 1, category="soap"),
        sale("cem", "2024-03-05", -1, category="tea"),
    ]
    sales = [{"category": "tea", **each} for each in sales]
    shop = TargetWorld(months, EVERYONE, transactions=sales)
    assert shop.labels(outcome("product_taken"), JANUARY) == {
        **{"ann": YES, "bob": NO, "cem": YES, "dan": NO}
    }
    tea = outcome("product_taken_by_kind").for_one("tea")
    assert shop.labels(tea, JANUARY) == {
        **{"ann": YES, "bob": NOT_COUNTED, "cem": NO, "dan": NO},
    }


LATE = Outcome(
    "late",
    "late",
    "迟付",
    "answer >= 0.5",
    prediction_horizon=3,
    horizons=(3,),
    by=Kind.SOURCE,
    of="late",
    needs="outcomes",
)


@pytest.fixture(scope="module")
def lender() -> TargetWorld:
    """Who was late is reported when it happens; of cem a no, and of dan an unknown value."""
    return TargetWorld(
        [*MONTHS, "2024-05"],
        EVERYONE,
        Targets((LATE,)),
        outcomes=[
            *(report("ann", "2024-01-09", 1), report("ann", "2024-04-09", 1)),
            *(report("bob", "2024-02-09", 0), report("bob", "2024-04-09", 1)),
            *(report("cem", "2024-04-30", 0), report("cem", "2024-05-09", 1)),
            *(report("dan", "2024-02-09", None), report("dan", "2024-03-09", 1, "other")),
        ],
        balances=[balance("ann", "2024-01-31", credit_limit=9)]
        + [balance(who, "2024-01-31") for who in ("bob", "cem")],
    )


def test_of_an_outcome_of_the_source_only_those_count_whom_it_reports_on(lender: TargetWorld):
    assert lender.labels(LATE, JANUARY) == {
        **{"ann": YES, "bob": YES, "cem": NO, "dan": NOT_COUNTED}
    }


def test_or_else_silence_is_a_no(lender: TargetWorld):
    assert lender.labels(replace(LATE, unreported_is_no=True), JANUARY) == {
        **{"ann": YES, "bob": YES, "cem": NO, "dan": NO}
    }


def test_who_had_it_before_can_be_left_out(lender: TargetWorld):
    first = replace(LATE, eligible="coalesce(answer_before, 0) < 0.5")
    assert lender.labels(first, JANUARY) == {
        **{"ann": NOT_COUNTED, "bob": YES, "cem": NO, "dan": NOT_COUNTED}
    }
    first = replace(first, unreported_is_no=True)
    assert lender.labels(first, "2024-02") == {
        **{"ann": NOT_COUNTED, "bob": YES, "cem": YES, "dan": NO}
    }


def test_who_had_it_before_is_known_when_the_rows_of_then_are_no_longer_kept():
    """By the windows that were closed; no window had what was reported in the first month."""
    month_on = replace(LATE, prediction_horizon=1, horizons=(1,), unreported_is_no=True)
    first = replace(month_on, eligible="coalesce(answer_before, 0) < 0.5")
    world = TargetWorld(
        [*MONTHS, "2024-05"],
        ["ann", "bob", "cem"],
        Targets((first,)),
        outcomes=[
            *(report("ann", "2024-02-09", 1), report("cem", "2024-01-09", 1)),
            *(report("bob", "2024-02-09", 0), report("bob", "2024-04-09", 1)),
        ],
    )
    kept = world.labels(first, "2024-03")
    assert kept == {"ann": NOT_COUNTED, "bob": YES, "cem": NOT_COUNTED}
    world.con.execute("DELETE FROM cleaned.outcomes WHERE month < '2024-03'")
    assert world.labels(first, "2024-03") == kept | {"cem": NO}


def test_who_is_counted_may_go_by_what_they_held(lender: TargetWorld):
    owing = replace(LATE, eligible="credit_limit_before > 0", unreported_is_no=True)
    assert lender.labels(owing, JANUARY) == {
        **{"ann": YES, "bob": NOT_COUNTED, "cem": NOT_COUNTED, "dan": NOT_COUNTED}
    }


def test_only_the_windows_that_are_asked_for_are_stored(lender: TargetWorld):
    rows = lender.stored("source_outcome", "outcome")
    assert {(horizon, name) for _, horizon, _, name in rows} == {(3, "late")}
    assert lender.stored("target") == []
    assert lender.stored("product_target") == []
