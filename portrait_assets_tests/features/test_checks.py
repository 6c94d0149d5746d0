"""The check of who is in the matrix counts those who are missing and those who should not be."""

from __future__ import annotations

from typing import cast

import polars as pl
import pytest

from portrait_assets.stages.features.checks import EVERYONE
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.storage.dagster.checks import Subject
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.testing.feature_world import World, day, sale

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
