"""What tells a seed from other customers is learned, and prospects are ordered by it."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from portrait_assets.methods.lookalike.lookalike import Lookalike, learn, score
from portrait_assets.methods.lookalike.similarity import similarity
from portrait_assets.methods.prediction.errors import PredictionError
from portrait_assets.methods.prediction.families.parameters import Parameters

FEW = Parameters(folds=3, most_trees=15)
JOBS = ["clerk", "manager", "retired"]


def people(rows: int, seed: int) -> pl.DataFrame:
    """Ages, jobs and regions; who is in a seed depends on age and job alone."""
    rng = np.random.default_rng(seed)
    frame = pl.DataFrame(
        {
            "age": rng.integers(18, 80, rows),
            "job": rng.choice(JOBS, rows),
            "region": rng.choice(["north", "south"], rows),
        }
    )
    odds = (pl.col("age") - 60) / 15 + 1.5 * (pl.col("job") == "manager")
    return frame.with_columns(truth=1 / (1 + (-odds).exp()))


@pytest.fixture(scope="module")
def customers() -> pl.DataFrame:
    return people(1_500, 0)


@pytest.fixture(scope="module")
def is_seed(customers: pl.DataFrame) -> np.ndarray:
    return np.random.default_rng(1).random(customers.height) < customers["truth"].to_numpy()


@pytest.fixture(scope="module")
def found(customers: pl.DataFrame, is_seed: np.ndarray) -> Lookalike:
    return learn(customers.drop("truth"), is_seed, parameters=FEW)


def test_the_model_tells_the_seed_almost_as_well_as_the_truth(
    found: Lookalike, customers: pl.DataFrame, is_seed: np.ndarray
):
    best = roc_auc_score(is_seed, customers["truth"])
    quality = found.proof.quality
    assert quality.low < quality.value < quality.high
    assert best - 0.03 < quality.value < best + 0.01
    assert (found.members, found.others) == (int(is_seed.sum()), int((~is_seed).sum()))
    assert found.proof.family == "logistic"


def test_the_nearest_members_are_judged_on_the_same_unseen_customers(found: Lookalike):
    # Where many live, many members do: nearness alone tells less than the difference.
    assert found.gain.low > 0
    difference = found.proof.quality.value - found.of_similarity.value
    assert found.gain.value == pytest.approx(difference, abs=1e-9)


def test_similarity_is_minus_the_mean_distance_to_the_nearest_members():
    rng = np.random.default_rng(3)
    learned = pl.DataFrame({"x": rng.normal(size=300)})
    members = np.arange(300) < 150
    unseen = pl.DataFrame({"x": [-1.0, 0.0, 3.0]})
    points = np.sort(learned["x"].to_numpy()[members])
    by_hand = [-np.sort(np.abs(points - at))[:10].mean() for at in unseen["x"]]
    ratio = similarity(learned, members, unseen, 0) / np.array(by_hand)
    assert ratio == pytest.approx(ratio[0], rel=1e-6)  # The same but for the unit.


def test_prospects_are_ordered_banded_and_explained(found: Lookalike):
    prospects = people(500, 7)
    rows = score(found, prospects.drop("truth"))
    assert rows.columns == [
        *("score", "rank", "band", "reason_1", "reason_2", "reason_3", "not_known"),
    ]
    # Scores are shares of customers of such attributes who are in the seed.
    assert np.abs(rows["score"].to_numpy() - prospects["truth"].to_numpy()).mean() < 0.06
    assert np.corrcoef(-rows["rank"].to_numpy(), prospects["truth"].rank().to_numpy())[0, 1] > 0.97
    assert rows["band"].value_counts().sort("band")["count"].to_list() == pytest.approx(
        [50] * 10, abs=5
    )
    assert rows["not_known"].null_count() == 500
    elderly = rows.filter(prospects["age"] > 75)
    assert (elderly["reason_1"] == "+age").all()
    managers = rows.filter((prospects["job"] == "manager") & prospects["age"].is_between(46, 48))
    assert (managers["reason_1"] == "+job").all()


def test_what_is_not_known_of_a_prospect_is_named(found: Lookalike):
    rows = pl.DataFrame(
        {"age": [None, 30, None], "job": [None, "clerk", "clerk"], "region": ["north"] * 3},
        schema_overrides={"age": pl.Int64},
    )
    assert score(found, rows)["not_known"].to_list() == ["age, job", None, "age"]


def test_scores_of_drawn_customers_are_shares_of_all(
    monkeypatch: pytest.MonkeyPatch, customers: pl.DataFrame
):
    monkeypatch.setattr("portrait_assets.methods.lookalike.lookalike.MOST_ROWS", 600)
    is_seed = np.random.default_rng(2).random(1_500) < 0.3 * customers["truth"].to_numpy()
    found = learn(customers.drop("truth"), is_seed, parameters=FEW)
    assert found.proof.outcome.mean() > 1.5 * is_seed.mean()
    shares = score(found, customers.drop("truth"))["score"]
    assert shares.mean() == pytest.approx(is_seed.mean(), rel=0.1)


def test_a_seed_that_an_attribute_selects_is_named(customers: pl.DataFrame):
    found = learn(customers.drop("truth"), (customers["age"] > 60).to_numpy(), parameters=FEW)
    assert [leak.feature for leak in found.telling] == ["age"]


def test_a_seed_by_lot_cannot_be_recognized(customers: pl.DataFrame):
    by_lot = np.random.default_rng(5).random(customers.height) < 0.3
    quality = learn(customers.drop("truth"), by_lot, parameters=FEW).proof.quality
    assert quality.low < 0.5 < quality.high + 0.02


def test_a_seed_below_a_hundred_is_refused(customers: pl.DataFrame):
    with pytest.raises(PredictionError, match="the seed has 99 of these customers, and what"):
        learn(customers.drop("truth"), np.arange(customers.height) < 99)
