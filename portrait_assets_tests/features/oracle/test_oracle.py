"""Principle features and holdings agree with loops in plain Python in random worlds."""

from __future__ import annotations

from collections import Counter

import pytest

from portrait_assets.core.months import last_day
from portrait_assets.stages.features.declared import holdings as pipeline_holdings
from portrait_assets.stages.features.declared import principle
from portrait_assets.testing.feature_world import World
from portrait_assets_tests.features.oracle.campaigns import campaigns
from portrait_assets_tests.features.oracle.holdings import holdings
from portrait_assets_tests.features.oracle.market import market
from portrait_assets_tests.features.oracle.random_world import AS_OF, FIRST, LAST, random_tables

FAST, SLOW = range(2), range(2, 22)
FEATURES = {f.name for f in (*principle.FEATURES, *pipeline_holdings.FEATURES)}


def check(seed: int) -> Counter[str]:
    """Compare one world; how many customers have a value, by feature."""
    tables = random_tables(seed)
    matrix = World(LAST, first=FIRST, **tables).matrix(AS_OF)
    with_value: Counter[str] = Counter()
    for row in matrix.iter_rows(named=True):
        who, as_of = row["customer_id"], last_day(AS_OF)
        expected = {
            **campaigns(tables, who, as_of),
            **market(tables, who, as_of),
            **holdings(tables, who, as_of),
        }
        assert expected.keys() == FEATURES
        for name, value in expected.items():
            where = f"{name} of {who} in world {seed}"
            if isinstance(value, (int, float)) and row[name] is not None:
                assert float(row[name]) == pytest.approx(value, abs=1.1e-6), where
            else:
                assert row[name] == value, where
            with_value[name] += value is not None and value != 0
    return with_value


def test_every_feature_agrees_and_has_a_value_in_some_world():
    with_value = sum(map(check, FAST), Counter())
    assert {name for name in FEATURES if not with_value[name]} == set()


@pytest.mark.slow
@pytest.mark.parametrize("seed", SLOW)
def test_every_feature_agrees_in_many_worlds(seed: int):
    check(seed)
