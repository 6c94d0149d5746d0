"""Two customers who turn out to be one person are one from that month on, and two before it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import duckdb
import pytest
from polars.testing import assert_frame_equal

from portrait_assets.schema.table import Type
from portrait_assets.stages.features.monthly import aggregates
from portrait_assets.stages.features.monthly.aggregate import Adds
from portrait_assets.stages.identity.persons import ALIAS
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Scope
from portrait_assets.testing.worlds.features import Merge, World, day, merges, sale

FOUND_OUT = ("2024-03", "new", "old")
MONTHS = ["2024-01", "2024-02", "2024-03", "2024-04"]


def account(who: str, on: str, number: str, balance: float) -> dict[str, Any]:
    return {
        "customer_id": who,
        "account_id": number,
        "balance_on": day(on),
        "balance": balance,
    }


def life(who: dict[str, str]) -> dict[str, Any]:
    """What one person did under two identifiers, each by the month in which it was used."""
    old, new = who["old"], who["new"]
    return {
        "transactions": [
            sale(old, "2024-01-05 10:00", 10, category="tea", basket_id="1"),
            sale(new, "2024-01-20 19:00", 20, category="tea", basket_id="2"),
            sale(new, "2024-02-03 09:00", 30, category="bread", product_id="gone"),
            sale("old", "2024-03-09 12:00", 40, category="tea"),
            sale("other", "2024-01-09 12:00", 15, category="tea", product_id="gone"),
            sale("other", "2024-04-09 12:00", 16, category="bread"),
        ],
        "balances": [
            account(old, "2024-02-29", "a1", 100),
            account(new, "2024-02-29", "a2", 50),
        ],
        "products": [{"product_id": "gone", "withdrawn_on": day("2024-02-20")}],
        "campaigns": [{"campaign_id": "c", "campaign_type": "mail"}],
        "contacts": [{"customer_id": new, "campaign_id": "c", "contacted_on": day("2024-02-27")}],
        "responses": [
            {"customer_id": "old", "campaign_id": "c", "responded_on": day("2024-03-02")}
        ],
        "customers": [
            {"customer_id": old, "source_customer_id": "old", "gender": "F"}
            | {"joined_on": day("2024-01-02"), "recorded_on": day("2024-01-02")},
            {"customer_id": new, "source_customer_id": "new", "region": "west"}
            | {"joined_on": day("2024-01-18"), "recorded_on": day("2024-01-18")},
        ],
    }


@pytest.fixture(scope="module")
def merged_later() -> World:
    return World("2024-04", merged=[FOUND_OUT], **life({"old": "old", "new": "new"}))


@pytest.mark.slow
def test_taking_customers_in_parts_changes_no_value(merged_later: World):
    for month in ("2024-02", "2024-04"):
        assert_frame_equal(
            merged_later.matrix(month, part_customers=1),
            merged_later.matrix(month),
            check_exact=True,
        )


def test_before_the_month_of_the_merge_they_are_two(merged_later: World):
    assert merged_later.customers("2024-02") == ["new", "old", "other"]


def test_from_the_month_of_the_merge_on_they_are_one_with_all_that_both_did(merged_later: World):
    assert merged_later.customers("2024-03") == ["old", "other"]
    person = merged_later.customer("old", "2024-03")
    assert person["spend_12m"] == Decimal(100)
    assert (person["gender"], person["region"]) == ("F", "west"), "of both records"
    assert person["total_balance"] == Decimal(150)
    assert person["accounts_held"] == 2
    (mail,) = merged_later.campaign_responses("2024-03").rows(named=True)
    assert (mail["customer_id"], mail["responded_contacts_12m"]) == ("old", 1)


@pytest.mark.slow
def test_a_merged_person_is_as_one_who_was_known_as_one_all_along(merged_later: World):
    one_all_along = World("2024-04", **life({"old": "old", "new": "old"}))
    for month in MONTHS[2:]:
        assert_frame_equal(merged_later.matrix(month), one_all_along.matrix(month))


def test_an_identifier_that_is_taken_back_is_a_customer_again():
    engine = engine_with(FOUND_OUT, ("2024-04", "new", "new"))
    assert engine.frame(ALIAS, Scope("2024-02")).is_empty()
    assert engine.frame(ALIAS, Scope("2024-03")).rows() == [("new", "old")]
    assert engine.frame(ALIAS, Scope("2024-04")).is_empty()


def test_an_identifier_is_of_the_person_whom_the_newest_month_knows():
    engine = engine_with(FOUND_OUT, ("2024-04", "new", "another"))
    assert engine.frame(ALIAS, Scope("2024-03")).rows() == [("new", "old")]
    assert engine.frame(ALIAS, Scope("2024-04")).rows() == [("new", "another")]


def engine_with(*merged: Merge) -> Engine:
    identity_map, customer_alias = merges([*merged])
    con = scratch_database()
    con.register("identities", identity_map)
    con.register("aliases", customer_alias.head(1))
    con.execute("CREATE SCHEMA identity")
    con.execute("CREATE TABLE identity.identity_map AS FROM identities")
    con.execute("CREATE TABLE identity.customer_alias AS FROM aliases")
    return Engine(con)


@pytest.mark.parametrize("name", [name for name in dir(aggregates) if name.startswith("CUSTOMER_")])
def test_sums_are_of_what_can_be_added(name: str):
    for aggregate in getattr(aggregates, name):
        is_number = aggregate.column.type in (Type.INTEGER, Type.MONEY, Type.QUANTITY, Type.SQUARE)
        assert is_number or aggregate.adds is not Adds.SUM, f"{name}.{aggregate.name}"


@pytest.mark.parametrize("name", [name for name in dir(aggregates) if name.startswith("CUSTOMER_")])
def test_rows_that_are_added_up_keep_the_types_of_their_columns(name: str):
    for each in getattr(aggregates, name):
        one = f"SELECT CAST(NULL AS {each.column.type}) AS {each.name}"
        added = f"SELECT {each.added_up} FROM ({one} UNION ALL {one})"
        types = [duckdb.execute(f"DESCRIBE {sql}").fetchall()[0][1] for sql in (one, added)]
        assert types[0] == types[1], f"{name}.{each.name}"
