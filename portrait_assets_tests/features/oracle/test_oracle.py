"""Features of people, habits, holdings and reactions agree with loops in random worlds."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from portrait_assets.core.months import last_day
from portrait_assets.testing.worlds.features import World
from portrait_assets_tests.features.oracle.campaigns import campaigns
from portrait_assets_tests.features.oracle.credit import credit
from portrait_assets_tests.features.oracle.habits import habits
from portrait_assets_tests.features.oracle.holdings import holdings
from portrait_assets_tests.features.oracle.lately import lately
from portrait_assets_tests.features.oracle.market import market
from portrait_assets_tests.features.oracle.people import customers, people
from portrait_assets_tests.features.oracle.random_world import (
    AS_OF,
    EARLY,
    FIRST,
    LAST,
    random_tables,
)
from portrait_assets_tests.features.oracle.rows import Row, Tables

FAST, SLOW, LONG = range(2), range(2, 8), range(8, 22)
NEVER_HERE = {
    *("income", "income_band", "occupation", "education", "marital_status", "children"),
    *("household_size", "household_type", "home_ownership"),
}
"""Attributes that nobody has here; they come from the record as the others do."""


def check(seed: int) -> Counter[str]:
    """Compare two months of one world; how many customers have a value, by feature."""
    tables = random_tables(seed)
    world, with_value = World(LAST, first=FIRST, **tables), Counter[str]()
    different = []
    for month in (EARLY, AS_OF):
        matrix, as_of = world.matrix(month), last_day(month)
        assert set(matrix["customer_id"]) == customers(tables, as_of)
        for row in matrix.iter_rows(named=True):
            for name, value in expected(tables, row["customer_id"], as_of).items():
                if not agrees(row[name], value):
                    who = f"{row['customer_id']} in {month}"
                    different.append(f"{name} of {who}: {row[name]}, not {value}")
                with_value[name] += value is not None and value != 0
    assert not different, "\n".join([f"in world {seed}", *different])
    return with_value


def expected(tables: Tables, customer: str, as_of: date) -> Row:
    person = people(tables, customer, as_of)
    return {
        **person,
        **habits(tables, customer, as_of, person["observed_months"]),
        **campaigns(tables, customer, as_of),
        **market(tables, customer, as_of),
        **holdings(tables, customer, as_of),
        **credit(tables, customer, as_of),
        **lately(tables, customer, as_of),
    }


def agrees(found: Any, expected: Any) -> bool:
    if isinstance(found, (float, Decimal)) and expected is not None:
        return bool(float(found) == pytest.approx(expected, abs=1.1e-6))
    return bool(found == expected)


def test_every_feature_agrees_and_has_a_value_in_some_world():
    with_value = Counter[str]()
    for seed in FAST:
        with_value.update(check(seed))
    assert {name for name in with_value if not with_value[name]} == NEVER_HERE


@pytest.mark.slow
@pytest.mark.parametrize(
    "seed", [*SLOW, *(pytest.param(seed, marks=pytest.mark.long) for seed in LONG)]
)
def test_every_feature_agrees_in_many_worlds(seed: int):
    check(seed)
