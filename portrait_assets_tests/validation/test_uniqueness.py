"""How many customers are found by what others know of them, against groups counted by hand."""

from __future__ import annotations

import polars as pl
import pytest

from portrait_assets.schema.table import Column, Type
from portrait_assets.stages.tags.catalogue.classes.quasi_identifiers import QuasiIdentifiers
from portrait_assets.stages.validation.uniqueness import uniqueness
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets_tests.validation.small_world import SmallWorld, matrix_of

MATRIX = matrix_of(Column("shop", Type.TEXT, "Shop", "店"))
QUASI = QuasiIdentifiers(frozenset({"gender", "age", "region"}), frozenset(), {})
# 10 women and 8 men of 30, a man of 31, and one of whom nothing is recorded.
GENDER = ["F"] * 10 + ["M"] * 9 + [None]
AGE = [30] * 18 + [31, None]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory):
    world = SmallWorld(tmp_path_factory.mktemp("unique"), MATRIX, 20)
    shops = ["east"] * 11 + ["west"] * 9
    for month in ("2024-01", "2024-02"):
        world.add(month, {"shop": shops}, {"gender": GENDER, "age": AGE, "spend_12m": range(20)})
    opened = world.warehouse
    yield opened
    opened.close()


def counted(warehouse: Warehouse, quasi: QuasiIdentifiers) -> dict[str, object]:
    found = uniqueness(warehouse, MATRIX, quasi, ["2024-01", "2024-02"])
    assert found.height == 2
    assert found.drop("as_of").row(0) == found.drop("as_of").row(1)
    return found.row(1, named=True)


def test_customers_alone_or_with_few_are_counted_by_what_is_recorded(warehouse: Warehouse):
    row = counted(warehouse, QUASI)
    assert row["quasi_identifiers"] == ["gender", "age"]
    assert (row["customers"], row["k"], row["combinations"]) == (20, 10, 4)
    assert row["unique_customers"] == 2  # the man of 31 and the one who is not known
    assert row["customers_below_k"] == 10  # those and the 8 men of 30; ten are not few


def test_what_the_source_adds_counts_too(warehouse: Warehouse):
    row = counted(warehouse, QuasiIdentifiers(QUASI.features, frozenset({"shop"}), {}))
    assert row["quasi_identifiers"] == ["gender", "age", "shop"]
    assert (row["combinations"], row["unique_customers"]) == (5, 3)  # a man is in the east


def test_a_month_without_customers_has_no_one_to_find(warehouse: Warehouse):
    found = uniqueness(warehouse, MATRIX, QUASI, ["2023-12"])
    assert found.select("customers", "combinations", "unique_customers").row(0) == (0, 0, 0)
    assert isinstance(found, pl.DataFrame)
