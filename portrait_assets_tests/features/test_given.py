"""A feature is null for everyone where the source does not give what it is computed from."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.features import matrix
from portrait_assets.stages.features.contract import FEATURE_MATRIX, FEATURES
from portrait_assets.stages.features.declared.needs import Evidence, alternatives
from portrait_assets.stages.features.described.sensitivity import SUMS, aggregate_of
from portrait_assets.stages.features.given import (
    EVIDENCE,
    GIVEN,
    LISTED,
    given_by_month,
    lacking_features,
    need_in_chinese,
)
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Scope
from portrait_assets.testing.golden.lineage import features_lineage
from portrait_assets.testing.worlds.features import World, day, sale

JANUARY, FEBRUARY = "2024-01", "2024-02"
# What a portrait of nobody's purchases still knows.
OF_ENTITY = {
    *("tenure_days", "tenure_is_lower_bound", "region"),
    *("missing_attributes", "known_attribute_share"),
}


def known(world: World, month: str) -> set[str]:
    """The features of which anybody has a value."""
    rows = world.matrix(month).drop("as_of", "customer_id", "profiling_allowed")
    return {name for name in rows.columns if rows[name].null_count() < rows.height}


def balance(customer: str, on: str, amount: float, **more: Any) -> dict[str, Any]:
    return {"customer_id": customer, "balance_on": day(on), "balance": amount, **more}


def test_without_transactions_nothing_is_known_of_purchases():
    world = World(
        JANUARY,
        balances=[balance("ann", "2024-01-31", 5), balance("bob", "2024-01-31", 7)],
        customers=[{"customer_id": "ann", "joined_on": day("2023-05-01"), "region": "east"}],
    )
    assert known(world, JANUARY) == {
        *OF_ENTITY,
        *("total_balance", "average_balance_12m", "accounts_held"),
    }
    assert world.customer("ann", JANUARY)["purchases_12m"] is None
    assert world.customer("bob", JANUARY)["total_balance"] == Decimal(7)


def test_what_some_customer_has_is_none_of_the_others():
    world = World(
        JANUARY,
        transactions=[
            sale("ann", "2024-01-03", 10, discount_amount=2),
            sale("ann", "2024-01-03", -3),
            sale("bob", "2024-01-04", 10),
        ],
        balances=[balance("cat", "2024-01-31", 1, days_past_due=0)],
    )
    bob, cat = (world.customer(name, JANUARY) for name in ("bob", "cat"))
    assert (bob["return_share_12m"], cat["purchases_12m"], cat["spend_12m"]) == (0, 0, 0)
    assert bob["discounted_share_12m"] == round(10 * 10 / 17 / 11, 6)
    assert (cat["past_due_months_12m"], bob["past_due_months_12m"]) == (0, None)


@pytest.mark.parametrize("discount", [None, 0])
def test_where_nobody_ever_got_a_discount_nothing_is_known_of_discounts(discount: int | None):
    sold = [sale("ann", "2024-01-03", 10, discount_amount=discount), sale("bob", "2024-01-04", 3)]
    later = sale("bob", "2024-02-04", 3, discount_amount=1)
    world = World(FEBRUARY, transactions=[*sold, later])
    of_discounts = {"discounted_share_12m", "discount_depth_12m"}
    assert not world.known(of_discounts, JANUARY)
    assert world.known(of_discounts, FEBRUARY) == of_discounts
    assert world.customer("ann", JANUARY)["spend_12m"] == Decimal(10)


OF_HOURS = {
    *("evening_spend_share_12m", "night_line_share_12m", "morning_line_share_12m"),
    *("typical_hour_12m", "hour_regularity_12m"),
}


@pytest.mark.parametrize("time", ["", " 12:00"])
def test_dates_without_a_time_say_nothing_of_hours(time: str):
    sold = [sale("ann", f"2024-01-03{time}", 10), sale("bob", f"2024-01-06{time}", 3)]
    world = World(JANUARY, transactions=sold)
    assert not world.known(OF_HOURS, JANUARY)
    assert world.customer("bob", JANUARY)["weekend_spend_share_12m"] == 1
    with_times = World(JANUARY, transactions=[*sold, sale("ann", "2024-01-07 20:15", 1)])
    assert with_times.known(OF_HOURS, JANUARY) == OF_HOURS
    assert with_times.customer("bob", JANUARY)["evening_spend_share_12m"] == 0


def test_a_card_portfolio_tells_nothing_of_deposits():
    world = World(JANUARY, balances=[balance("ann", "2024-01-31", 5, credit_limit=100)])
    assert known(world, JANUARY) == {
        *("missing_attributes", "known_attribute_share"),
        *("owed_balance", "credit_utilisation", "accounts_held"),
        *("highest_utilisation", "average_utilisation_12m"),
    }


def test_debts_with_a_minus_tell_nothing_of_what_is_owed():
    of_utilisation = {
        *("owed_balance", "credit_utilisation"),
        *("highest_utilisation", "average_utilisation_12m"),
    }
    owes = balance("ann", "2024-01-31", -50, credit_limit=100)
    world = World(JANUARY, balances=[owes])
    assert known(world, JANUARY).isdisjoint(of_utilisation)
    overpaid = balance("bob", "2024-01-31", 50, credit_limit=100)
    assert known(World(JANUARY, balances=[owes, overpaid]), JANUARY) >= of_utilisation


def test_a_line_that_cancels_shows_that_the_source_tells_of_returns():
    bought = sale("ann", "2024-01-03", 10, transaction_id="t1")
    cancelled = sale("bob", "2024-01-04", 4, kind="cancellation")
    without = World(JANUARY, transactions=[bought])
    assert without.customer("ann", JANUARY)["return_share_12m"] is None
    world = World(JANUARY, transactions=[bought, cancelled])
    assert world.customer("ann", JANUARY)["return_share_12m"] == 0


def test_amounts_in_a_currency_without_a_rate_are_no_amounts():
    foreign = {"amount": None, "amount_original": 10}
    world = World(
        JANUARY,
        transactions=[sale("ann", "2024-01-03", 10) | foreign],
        balances=[balance("ann", "2024-01-31", 10) | {"balance": None}],
    )
    ann = world.customer("ann", JANUARY)
    assert (ann["purchases_12m"], ann["accounts_held"]) == (1, 1)
    assert (ann["spend_12m"], ann["total_balance"]) == (None, None)


def test_kinds_of_interactions_are_known_each_by_itself():
    visit = {"customer_id": "ann", "occurred_at": datetime(2024, 1, 5), "kind": "visit"}
    world = World(JANUARY, transactions=[sale("ann", "2024-01-03", 1)], interactions=[visit])
    ann = world.customer("ann", JANUARY)
    assert (ann["visits_12m"], ann["complaints_12m"], ann["surveys_12m"]) == (1, None, None)


def test_amounts_of_zero_are_no_spend():
    world = World(
        JANUARY, transactions=[sale("ann", "2024-01-03", 0), sale("ann", "2024-01-04", 0)]
    )
    ann = world.customer("ann", JANUARY)
    assert (ann["purchases_12m"], ann["spend_12m"]) == (2, None)


def test_what_is_given_is_listed_by_table_and_column():
    world = World(JANUARY, transactions=[sale("ann", "2024-01-03", 1, channel="app")])
    rows = world.engine.frame(LISTED, Scope(JANUARY))
    assert rows["evidence"].to_list() == [each.name for each in EVIDENCE]
    assert rows["as_of"].unique().to_list() == [date(2024, 1, 31)]
    assert set(rows.filter("is_given")["evidence"]) == {
        *("transactions", "transactions.amount", "transactions.channel")
    }
    time = rows.row(by_predicate=pl.col("evidence").str.contains("time of day"), named=True)
    assert (time["table_name"], time["column_name"]) == ("transactions", "occurred_at")


def test_features_are_what_they_would_be_if_nothing_were_known_of_the_source():
    """The SQL without what the source does not give has the values of all SQL."""
    con = World(
        JANUARY,
        transactions=[sale("ann", "2024-01-03", 10), sale("bob", "2024-01-04", 7)],
        balances=[balance("cat", "2024-01-31", 1, days_past_due=0)],
    ).con
    of_all = replace(matrix.FEATURE_MATRIX, simpler=None)
    known_of, every = (
        Engine(con).frame(step, Scope(JANUARY)).cast(FEATURE_MATRIX.polars_schema)
        for step in (matrix.FEATURE_MATRIX, of_all)
    )
    assert known_of.equals(every)
    assert known_of["spend_1m"].to_list() == [10, 7, 0]
    assert known_of["discounted_share_12m"].null_count() == known_of.height


def test_what_two_populations_give_adds_up():
    """Each has one time of day, both together have two."""
    sold = [
        sale("ann", "2024-01-03 09:00", 1, discount_amount=1),
        sale("bob", "2024-01-04 10:00", 1),
    ]
    con = World(JANUARY, transactions=sold).con
    (part,) = GIVEN.reads
    alone = [
        Engine(con).frame(part, Scope(JANUARY, f"customer_id = '{name}'"))  # type: ignore[arg-type]
        for name in ("ann", "bob")
    ]
    con.register("parts", pl.concat(alone))
    together = Engine(con, {part: "parts"}).frame(GIVEN, Scope(JANUARY))
    assert together.equals(Engine(con).frame(GIVEN, Scope(JANUARY)))
    row = together.row(0, named=True)
    assert row["transactions.occurred_at: a time of day"]
    assert row["transactions.discount_amount"]


def test_what_a_feature_lacks_is_a_table_where_it_has_no_row():
    names = {each.name for each in EVIDENCE}

    def lacks(feature: str, *missing: str) -> tuple[str, ...] | None:
        given = {n for n in names if not n.startswith(missing)}
        return lacking_features(given).get(feature)

    assert lacks("discount_depth_12m", "transactions.disc") == ("transactions.discount_amount",)
    assert lacks("discount_depth_12m", "transactions") == ("transactions",)
    assert lacks("category_hhi_12m", "transactions.cat", "products.cat") == (
        "transactions.category or products.category",
    )
    assert lacks("category_hhi_12m", "transactions.cat", "products") == (
        "transactions.category or products",
    )
    assert lacks("category_hhi_12m", "transactions", "products") == ("transactions",)
    assert lacks("category_hhi_12m", "transactions.cat") is None
    assert lacking_features(names) == lacking_features(None) == {}


# -- declarations --------------------------------------------------------------------------

# Columns that refine a value and are no evidence of it: a line without a basket is a purchase, also
# where its amount is in a currency without a rate or a later line cancels a part of it; an
# account without a credit limit a deposit; what selects products or contacts is in other needs.
REFINING = {
    *("transactions.kind", "transactions.cancels", "transactions.amount_original"),
    *("transactions.amount", "interactions.kind", "balances.balance"),
    *(
        "customers.joined_on",
        "transactions.basket_id",
        "balances.credit_limit",
        "products.category",
    ),
    *("transactions.category", "products.brand", "market.indicator", "products.is_merchandise"),
}


REFINING_OF = {
    "display_uplift_12m": {"transactions.is_in_mailer", "promotions.mailer_share"},
    "mailer_uplift_12m": {"transactions.is_on_display", "promotions.display_share"},
    # Without terms on record all limits count in saying which borrowers are alike.
    "past_due_rate_24m": {"products.term_days"},
    "past_due_probability_1m": {"products.term_days"},
}


def test_needs_name_columns_that_there_are():
    for evidence in EVIDENCE:
        table = CLEANED[evidence.table]
        assert evidence.column is None or evidence.column in table.column_names


def columns_behind(sql: str, lineage: dict[str, list[str]]) -> set[str]:
    """The cleaned columns that a feature's SQL is computed from, required ones left out."""
    found: set[str] = set()
    for part, column in re.findall(r"\b([a-z]+)\.([a-z_0-9]+)", sql):
        if part in matrix.PARTS or part in SUMS:
            name = aggregate_of(part, column) or f"{part}.{column}"
            found |= set(lineage[name])
    found = {each.removeprefix("cleaned.").replace("golden_record", "customers") for each in found}
    return {
        each for each in found if CLEANED[each.split(".")[0]].column(each.split(".")[1]).nullable
    }


def test_every_optional_column_that_a_feature_is_computed_from_is_among_its_needs():
    lineage = features_lineage()
    for feature in FEATURES:
        needed = {
            f"{each.table}.{each.column}" for need in feature.needs for each in alternatives(need)
        }
        refining = REFINING | REFINING_OF.get(feature.name, set())
        missing = columns_behind(feature.sql, lineage) - needed - refining
        # What says which attributes are missing needs none of them.
        assert missing == set() or feature.name == "missing_attributes", feature.name


def test_a_feature_with_needs_may_be_null():
    for feature in FEATURES:
        column = FEATURE_MATRIX.column(feature.name)
        assert column.nullable is (feature.meaning_of_null is not None)
        assert column.nullable or not feature.needs


def test_evidence_is_named_as_it_is_read():
    assert Evidence("transactions").name == "transactions"
    assert Evidence("transactions", "amount").condition == "amount IS NOT NULL"


@pytest.mark.parametrize(
    ("name", "in_chinese"),
    [
        ("balances", "balances"),
        ("interactions.kind: a complaint", "interactions.kind（投诉）"),
        ("transactions.category or products", "transactions.category或products"),
        ("what no feature needs", "what no feature needs"),
    ],
)
def test_what_is_needed_is_named_in_chinese(name: str, in_chinese: str):
    assert need_in_chinese(name) == in_chinese


def test_evidence_is_what_has_been_given_by_each_month():
    rows = pl.DataFrame(
        [
            (date(2024, 1, 31), "contacts", True),
            (date(2024, 1, 31), "balances", False),
            (date(2024, 2, 29), "balances", True),
        ],
        schema=["as_of", "evidence", "is_given"],
        orient="row",
    )
    assert given_by_month(rows) == {JANUARY: {"contacts"}, FEBRUARY: {"balances"}}
