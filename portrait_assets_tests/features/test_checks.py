"""The check of who is in the matrix counts those who are missing and those who should not be."""

from __future__ import annotations

from typing import cast

import polars as pl
import pytest

from portrait_assets.stages.features.checks import ADDS_UP, EVERYONE
from portrait_assets.stages.features.contract import CUSTOMER_MONTH, FEATURE_MATRIX
from portrait_assets.storage.dagster.checks import Subject
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.testing.worlds.features import World, day, sale

MONTH = "2024-01"


@pytest.fixture(scope="module")
def world() -> World:
    """Ann has bought by the month's end, Bob has a balance, Cat has joined, and Dan not yet."""
    return World(
        MONTH,
        transactions=[sale("ann", "2024-01-05", 10)],
        balances=[{"customer_id": "bob", "account_id": "1", "balance_on": day("2024-01-31")}],
        customers=[
            {"customer_id": "cat", "joined_on": day("2024-01-31")},
            {"customer_id": "dan", "joined_on": day("2024-02-01")},
        ],
    )


@pytest.mark.parametrize(
    ("customers", "failures"),
    [
        (["ann", "bob", "cat"], 0),
        (["ann", "cat"], 1),
        (["ann", "bob", "cat", "dan"], 1),
        (["ann", "dan", "stranger"], 4),
    ],
)
def test_everyone_and_nobody_else_is_in_the_matrix(
    world: World, customers: list[str], failures: int
):
    rows = pl.DataFrame({"customer_id": customers})
    # All that the check reads of a warehouse is its connection, which the world has too.
    subject = Subject(cast(Warehouse, world), FEATURE_MATRIX, MONTH, lambda: rows)
    assert EVERYONE.find(subject).failures == failures


@pytest.fixture(scope="module")
def retained() -> World:
    """Ann bought in January and Bob had a balance, of which the rows are no longer kept; Cat in
    February."""
    world = World(
        "2024-02",
        transactions=[sale("ann", "2024-01-05", 10), sale("cat", "2024-02-05", 10)],
        balances=[
            {"customer_id": "bob", "account_id": "1", "balance_on": day("2024-01-31"), "balance": 1}
        ],
    )
    world.con.execute("DELETE FROM cleaned.transactions WHERE month = '2024-01'")
    world.con.execute("DELETE FROM cleaned.balances WHERE month = '2024-01'")
    world.con.execute("CREATE SCHEMA IF NOT EXISTS raw")
    world.con.execute(
        "CREATE OR REPLACE TABLE raw.receipts AS SELECT * FROM (VALUES "
        "('2024-01', 'transactions', 1), ('2024-02', 'transactions', 0)) "
        "AS t(month, table_name, rows_erased)"
    )
    return world


class Opened:
    """The world's connection, asked as a warehouse is."""

    def __init__(self, world: World) -> None:
        self.con = world.con

    def select(self, sql: str) -> pl.DataFrame:
        """The rows of a query."""
        frame: pl.DataFrame = self.con.sql(sql).pl()
        return frame


def subject_of(world: World, month: str, rows: pl.DataFrame) -> Subject:
    return Subject(cast(Warehouse, Opened(world)), CUSTOMER_MONTH, month, lambda: rows)


@pytest.mark.parametrize(
    ("customers", "failures"), [(["ann", "bob", "cat"], 0), (["bob", "cat"], 1), (["eve"], 4)]
)
def test_who_is_known_by_rows_that_are_no_longer_kept_is_still_a_customer(
    retained: World, customers: list[str], failures: int
):
    rows = pl.DataFrame({"customer_id": customers})
    assert EVERYONE.find(subject_of(retained, "2024-02", rows)).failures == failures


@pytest.mark.parametrize(
    ("month", "lines", "failures"), [("2024-01", 1, 0), ("2024-02", 1, 0), ("2024-02", 2, 1)]
)
def test_a_month_whose_rows_are_no_longer_kept_adds_up_to_what_it_did(
    retained: World, month: str, lines: int, failures: int
):
    rows = pl.DataFrame({"lines": [lines], "amount": [10]})
    assert ADDS_UP.find(subject_of(retained, month, rows)).failures == failures


def test_a_month_whose_rows_are_gone_for_no_reason_does_not_add_up(retained: World):
    retained.con.execute("UPDATE raw.receipts SET rows_erased = 0")
    rows = pl.DataFrame({"lines": [1], "amount": [10]})
    assert ADDS_UP.find(subject_of(retained, "2024-01", rows)).failures == 2
