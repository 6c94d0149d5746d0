"""Who may not be profiled is in no feature, no rank and no base rate of that month."""

from __future__ import annotations

from typing import Any, cast

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from portrait_assets.stages.features.checks import EVERYONE
from portrait_assets.stages.features.contract import FEATURE_MATRIX, FEATURES, UNPROFILED
from portrait_assets.storage.dagster.checks import Subject
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.testing.worlds.features import World, day, sale


def lives(*left_out: str) -> dict[str, Any]:
    """Tables of Ann, Bob, Cat, her former record, Kid and Leo, without those who are left out."""
    transactions = [
        sale("ann", "2024-01-05 10:00", 10, category="tea", basket_id="1"),
        sale("bob", "2024-01-06 10:00", 20, category="tea", basket_id="2"),
        sale("bob", "2024-02-06 10:00", 25, category="bread", basket_id="3"),
        sale("formerly cat", "2024-01-07 10:00", 400, category="tea", basket_id="4"),
        sale("cat", "2024-02-07 10:00", 800, category="bread", basket_id="5"),
        sale("kid", "2024-02-08 10:00", 1600, category="toys", basket_id="6"),
    ]
    balances = [
        {"customer_id": "ann", "account_id": "1", "balance_on": day("2024-02-28"), "balance": 5},
        {"customer_id": "cat", "account_id": "2", "balance_on": day("2024-02-28"), "balance": 9},
    ]
    customers = [
        {"customer_id": "kid", "joined_on": day("2024-01-02"), "birth_date": day("2015-05-05")},
        {"customer_id": "leo", "joined_on": day("2024-01-03")},
    ]
    contacts = [
        {
            "customer_id": who,
            "campaign_id": "c",
            "contacted_on": day("2024-02-03"),
            "channel": "sms",
        }
        for who in ("ann", "bob", "cat")
    ]
    tables = {
        "transactions": transactions,
        "balances": balances,
        "customers": customers,
        "contacts": contacts,
        "campaigns": [{"campaign_id": "c", "campaign_type": "mail"}],
    }
    return {
        name: [row for row in rows if row.get("customer_id") not in left_out]
        for name, rows in tables.items()
    }


MERGED = [("2024-02", "formerly cat", "cat")]
OBJECTIONS = [
    {
        "customer_id": who,
        "kind": "objection",
        "requested_on": day("2024-02-10"),
        "purpose": "profiling",
    }
    for who in ("cat", "leo", "stranger")
]


@pytest.fixture(scope="module")
def world() -> World:
    return World("2024-02", merged=MERGED, requests=OBJECTIONS, **lives())


def unprofiled(world: World) -> list[tuple[Any, ...]]:
    rows = world.table(UNPROFILED).sort("as_of", "customer_id")
    return rows.select(pl.col("as_of").dt.month(), "customer_id", "because", "keeps_row").rows()


def test_who_objects_keeps_an_empty_row_from_that_month_on_and_a_minor_none(world: World) -> None:
    assert unprofiled(world) == [
        (1, "kid", "minor_without_guardian", False),
        (2, "cat", "objection", True),
        (2, "kid", "minor_without_guardian", False),
        (2, "leo", "objection", True),
    ]
    assert world.customers("2024-01") == ["ann", "bob", "formerly cat", "leo"]


def test_the_others_have_the_values_that_they_had_if_those_had_never_been(world: World) -> None:
    """Of no row of theirs anything is left in a rank, a share or a base rate."""
    without = World("2024-02", **lives("cat", "formerly cat", "kid", "leo"))
    found = world.matrix("2024-02")
    assert found["customer_id"].to_list() == ["ann", "bob"]
    assert found["profiling_allowed"].to_list() == [True, True]
    # What products cost is of the products: all sales count.
    of_products = [f.name for f in FEATURES if "price" in f.name or "trade" in f.name]
    assert_frame_equal(
        found.drop(of_products), without.matrix("2024-02").drop(of_products), check_exact=True
    )
    assert world.campaign_responses("2024-02")["customer_id"].to_list() == ["ann", "bob"]


@pytest.mark.slow
def test_computed_in_parts_it_is_the_same(world: World) -> None:
    assert_frame_equal(world.matrix("2024-02", part_customers=1), world.matrix("2024-02"))


def test_where_silence_refuses_only_those_who_agreed_are_profiled() -> None:
    agreed = {"customer_id": "cat", "purpose": "profiling", "granted_on": day("2024-02-01")}
    world = World(
        "2024-02",
        merged=MERGED,
        consents=[agreed],
        consent_default={"profiling": False},
        **lives(),
    )
    assert world.customers("2024-01") == []
    assert world.customers("2024-02") == ["cat"]
    february = [row[1:3] for row in unprofiled(world) if row[0] == 2]
    assert february == [
        ("ann", "default"),
        ("bob", "default"),
        ("kid", "minor_without_guardian"),
        ("leo", "default"),
    ]


@pytest.mark.parametrize(
    ("silence", "customers"), [(True, ["ann", "bob", "leo"]), (False, ["bob", "leo"])]
)
def test_profiling_is_allowed_by_who_allows_it_by_a_channel(
    silence: bool, customers: list[str]
) -> None:
    """Ann refuses one channel only, Bob agreed by one after an objection to all of them."""
    objected = [
        {"customer_id": who, "kind": "objection", "requested_on": day("2024-02-10"), **to}
        for who, to in (("ann", {"channel": "app"}), ("bob", {}), ("cat", {}))
    ]
    agreed = {"purpose": "profiling", "granted_on": day("2024-02-20"), "channel": "app"}
    world = World(
        "2024-02",
        merged=MERGED,
        requests=objected,
        consents=[{"customer_id": who, **agreed} for who in ("bob", "leo")],
        consent_default={"profiling": silence},
        **lives("kid"),
    )
    assert world.customers("2024-02") == customers
    rows = pl.DataFrame({"customer_id": customers})
    subject = Subject(cast(Warehouse, world), FEATURE_MATRIX, "2024-02", lambda: rows)
    assert EVERYONE.find(subject).failures == 0
    because = dict(row[1:3] for row in unprofiled(world) if row[0] == 2)
    assert because == {"cat": "objection"} | ({} if silence else {"ann": "objection"})


@pytest.mark.slow
def test_without_objections_nothing_is_left_out() -> None:
    asked = World("2024-02", requests=[], **lives("kid"))
    assert asked.table(UNPROFILED).is_empty()
    assert_frame_equal(asked.matrix("2024-02"), World("2024-02", **lives("kid")).matrix("2024-02"))


@pytest.mark.parametrize(
    ("customers", "failures"),
    [(["ann", "bob"], 0), (["ann", "bob", "cat"], 1), (["ann"], 1), (["ann", "bob", "kid"], 1)],
)
def test_the_check_finds_who_is_in_the_matrix_and_may_not_be(
    world: World, customers: list[str], failures: int
) -> None:
    rows = pl.DataFrame({"customer_id": customers})
    subject = Subject(cast(Warehouse, world), FEATURE_MATRIX, "2024-02", lambda: rows)
    assert EVERYONE.find(subject).failures == failures


def test_who_was_only_contacted_is_no_customer_and_is_not_left_out() -> None:
    reached = {"customer_id": "zoe", "campaign_id": "c", "contacted_on": day("2024-01-03")}
    objects = {"kind": "objection", "purpose": "profiling", "requested_on": day("2024-01-09")}
    world = World(
        "2024-01",
        transactions=[sale("ann", "2024-01-05", 10)],
        contacts=[reached],
        requests=[objects | {"customer_id": who} for who in ("ann", "zoe")],
    )
    world.matrix("2024-01")
    assert world.table(UNPROFILED)["customer_id"].to_list() == ["ann"]
