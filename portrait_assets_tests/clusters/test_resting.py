"""No level and no segment that is kept, nor what is said of one, rests on few customers."""

from typing import cast

import numpy as np
import polars as pl
import pytest

from portrait_assets.methods.clustering.asked.model import fit_asked
from portrait_assets.methods.clustering.preparation.prepared_columns import (
    OTHER_LEVEL,
    FeatureUse,
    fit_category,
)
from portrait_assets.methods.clustering.selection_rule import RULE
from portrait_assets.stages.clusters.checks import MODEL_OF_ENOUGH
from portrait_assets.stages.clusters.contract import CLUSTER_MODEL
from portrait_assets.stages.clusters.wealth.description import holding_rows
from portrait_assets.stages.clusters.wealth.inputs import Wealth
from portrait_assets.storage.dagster.checks import Finding, Subject
from portrait_assets.storage.duckdb.store import Warehouse


@pytest.mark.parametrize(
    ("sizes", "levels"),
    [
        ({"a": 50, "b": 10}, ["a", "b"]),
        # Nine are one with others, and as they would be alone with the rarest level.
        ({"a": 50, "b": 30, "c": 9}, ["a", OTHER_LEVEL]),
        ({"a": 50, "b": 30, "c": 9, "d": 1}, ["a", "b", OTHER_LEVEL]),
    ],
)
def test_a_level_of_few_customers_is_one_with_others(sizes: dict[str, int], levels: list[str]):
    column = pl.Series("job", [level for level, size in sizes.items() for _ in range(size)])
    found = fit_category(column, FeatureUse("job", "person"))
    assert found is not None
    assert list(found.levels) == levels
    assert (np.array(found.shares) * len(column)).round().min() >= 10


@pytest.mark.parametrize(("apart", "is_made"), [(9, False), (10, True)])
def test_as_many_segments_as_asked_are_not_made_when_one_would_be_of_few(apart: int, is_made: bool):
    amounts = np.repeat([1_000.0, 900_000.0], [60, apart])
    features = pl.DataFrame(
        {
            "customer_id": [f"c{n}" for n in range(len(amounts))],
            "held": amounts + np.arange(len(amounts)),
            "tenure": np.arange(len(amounts)) % 7 / 7,
        }
    )
    model = fit_asked(features, ["held"], ["tenure"], 2)
    assert (model is not None) == is_made
    if model is not None:
        sizes = model.assign(features)["segment_id"].value_counts()["count"]
        assert sorted(sizes) == [apart, 60]


def model(levels: dict[str, float], fitted_rows: float = 100.0) -> Finding:
    of_model = [("model", "model", 0, "fitted_rows", fitted_rows), ("model", "model", 0, "k", 3.0)]
    shares = [("level", name, 0, "share", share) for name, share in levels.items()]
    rows = pl.DataFrame(
        [*of_model, *shares, ("segment", "1", 0, "share", 1.0)],
        schema=["part", "item", "position", "key", "value"],
        orient="row",
    )
    nowhere = cast(Warehouse, None)
    return MODEL_OF_ENOUGH.find(Subject(nowhere, CLUSTER_MODEL, "2024-03", lambda: rows))


def test_a_model_with_a_level_of_few_fails_the_check():
    assert model({"job": 0.1, "town": 0.0}) == Finding(0, "3 levels and segments")
    assert model({"job": 0.09}) == Finding(1, "level job")
    assert model({"job": 0.1}, fitted_rows=99.0).failures == 0, "shares are of rounded numbers"


def test_a_share_is_of_the_sample_that_it_was_counted_over():
    few, enough = 9 / RULE.samples.preparation_rows, 10 / RULE.samples.preparation_rows
    assert model({"job": few}, fitted_rows=100_000.0).failures == 1
    assert model({"job": enough}, fitted_rows=100_000.0).failures == 0


def test_of_a_wealth_segment_of_few_it_is_not_said_what_it_holds():
    ids = [f"c{n}" for n in range(19)]
    assigned = pl.DataFrame({"customer_id": ids, "segment_id": [1] * 10 + [2] * 9})
    holdings = pl.DataFrame({"customer_id": ids, "category": "fund", "is_owed": False})
    holdings = holdings.with_columns(amount=pl.lit(10.0))
    wealth = Wealth(assigned.select("customer_id"), holdings, ("held_fund",))
    taken = pl.DataFrame(schema={"customer_id": pl.String, "category": pl.String})
    rows = holding_rows(wealth, assigned, taken, smallest=10)
    assert set(rows["segment_id"]) == {1}
    assert set(holding_rows(wealth, assigned, taken, smallest=1)["segment_id"]) == {1, 2}
