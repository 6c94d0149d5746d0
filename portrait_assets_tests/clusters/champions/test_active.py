from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from portrait_assets.methods.clustering.model import ClusterModel
from portrait_assets.methods.clustering.preparation.preparation import FeatureUse
from portrait_assets.methods.clustering.selection import partition
from portrait_assets.methods.clustering.selection.partition import divide
from portrait_assets.methods.clustering.selection_rule import RULE
from portrait_assets.stages.clusters.champions.active import USES, active_model, kept_uses
from portrait_assets.stages.clusters.champions.champion import WARM
from portrait_assets.stages.clusters.contract import CLUSTER_DECISION

TWO = [FeatureUse("spend_3m", "symbol"), FeatureUse("purchases_3m", "symbol")]


def customers(kinds: bool, count: int = 160, seed: int = 0) -> pl.DataFrame:
    """Customers by degree, or of two kinds far apart."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 2, count) * 8.0 if kinds else np.zeros(count)
    return pl.DataFrame(
        {
            "customer_id": [f"c{i:05d}" for i in range(count)],
            "spend_3m": rng.normal(0, 1, count) + kind,
            "purchases_3m": rng.normal(0, 1, count) - kind,
        }
    )


@pytest.fixture(scope="module")
def apart() -> ClusterModel:
    """The model of the first full year of customers of two kinds far apart."""
    world = customers(kinds=True)
    first = active_model(world, 1, None, TWO).model
    return active_model(world, 12, first, TWO, world.lazy()).model


def test_before_a_quarter_has_passed_all_are_one_segment() -> None:
    first = active_model(customers(kinds=True), 1, None, TWO)
    assert first.decision["winner"] == "first"
    second = active_model(customers(kinds=True), 2, first.model, TWO)
    assert second.model.version == first.model.version
    assert second.decision["statement_en"] == "All customers are one segment."


def test_kinds_that_lie_apart_are_found_and_stated(apart: ClusterModel) -> None:
    decision = active_model(customers(kinds=True), 13, apart, TWO).decision
    assert (decision["nature"], decision["segments"]) == ("separate", 2)
    assert "lie apart" in str(decision["statement_en"])
    assert decision["is_stable"]


def test_customers_who_differ_by_degree_are_divided_and_the_statement_has_it() -> None:
    world = customers(kinds=False)
    first = active_model(world, 1, None, TWO).model
    model, decision = active_model(world, 12, first, TWO)
    assert decision["nature"] == "division"
    assert "by degree" in str(decision["statement_en"])
    assert {"division", "k-means", "ward"} <= set(model.candidates["family"])
    assert model.candidates["chosen"].sum() == 1
    statuses = {segment.status for segment in model.segments}
    assert statuses <= {"split", "new"}


def test_before_a_year_is_full_customers_are_divided_by_degree() -> None:
    world = customers(kinds=True)
    first = active_model(world, 1, None, TWO).model
    model, decision = active_model(world, 3, first, TWO)
    assert decision["nature"] == "division"
    assert set(model.candidates["family"]) == {"division"}


@pytest.mark.slow
def test_segments_that_the_month_before_contradicts_are_no_kinds() -> None:
    """Two kinds as clear as can be, but who is of which changes every month."""
    world = customers(kinds=True)
    other = customers(kinds=True, seed=1)
    first = active_model(world, 1, None, TWO).model
    model, decision = active_model(world, 12, first, TWO, other.lazy())
    assert decision["nature"] == "division"
    assert "the one before agree at" in model.reason
    assert model.candidates["chosen"].sum() == 1


@pytest.mark.parametrize("count", [1, 30])
def test_customers_who_differ_in_nothing_stay_one_segment(count: int) -> None:
    alike = customers(kinds=False, count=count).with_columns(spend_3m=1.0, purchases_3m=2.0)
    first = active_model(alike, 1, None, TWO).model
    for month in (3, 12):
        assert active_model(alike, month, first, TWO, alike.lazy()).decision["nature"] == "one"


@pytest.mark.slow
def test_a_challenger_that_loses_has_the_reason_it_was_chosen() -> None:
    """A division stays a year later, and why there are no kinds yet can be read."""
    world = customers(kinds=True)
    other = customers(kinds=True, seed=1)
    first = active_model(world, 1, None, TWO).model
    champion = active_model(world, 12, first, TWO, other.lazy()).model
    model, decision = active_model(world, 24, champion, TWO, other.lazy())
    assert (decision["winner"], model.version) == ("champion", champion.version)
    assert "the one before agree at" in str(decision["challenger_because"])


@pytest.mark.slow
def test_a_segment_with_nearly_everyone_is_none() -> None:
    """Fifty strays beside nine hundred, far from all of them."""
    world = pl.concat(
        [
            customers(kinds=False, count=900),
            customers(kinds=False, count=50, seed=1).with_columns(
                pl.format("d{}", "customer_id").alias("customer_id"), pl.col("spend_3m") + 30
            ),
        ]
    )
    first = active_model(world, 1, None, TWO).model
    model, decision = active_model(world, 12, first, TWO, world.lazy())
    assert decision["nature"] == "division"
    assert "of the customers are in one segment" in model.reason


def test_the_decision_has_the_columns_of_its_table() -> None:
    decision = active_model(customers(kinds=False), 1, None, TWO).decision
    assert {"as_of", *decision} == set(CLUSTER_DECISION.column_names)


@pytest.mark.parametrize("month", [13, 15, 16])
def test_the_same_customers_later_change_no_model(apart: ClusterModel, month: int) -> None:
    world = customers(kinds=True)
    assert active_model(world, month, apart, TWO).model.version == apart.version


@pytest.mark.parametrize(
    ("month", "has_drifted", "is_moved"),
    [(15, False, True), (24, False, False), (15, True, False), (16, True, False)],
    ids=["a quarter", "a year", "a quarter with a drift", "a drift"],
)
@pytest.mark.slow
def test_the_champion_moves_at_quarters_and_is_chosen_anew_after_a_year_or_a_drift(
    apart: ClusterModel, month: int, has_drifted: bool, is_moved: bool
) -> None:
    world = customers(kinds=True)
    if has_drifted:
        world = world.filter((pl.col("spend_3m") > 4) | (pl.int_range(pl.len()) % 10 == 0))
    decision = active_model(world, month, apart, TWO, world.lazy()).decision
    assert decision["refit_due"] == has_drifted
    assert str(decision["challenger_because"]).startswith(WARM) == is_moved


def test_a_drift_of_the_mix_triggers_a_new_choice_between_quarters(apart: ClusterModel) -> None:
    world = customers(kinds=True)
    mostly_one = world.filter((pl.col("spend_3m") > 4) | (pl.int_range(pl.len()) % 10 == 0))
    challenged = active_model(mostly_one, 13, apart, TWO)
    assert challenged.decision["refit_due"]
    assert challenged.decision["challenger_version"] is not None


@pytest.mark.slow
def test_a_drift_that_the_champion_has_withstood_triggers_no_further_challenger(
    apart: ClusterModel,
) -> None:
    """The champion wins where most are of one kind; the next month has the same mix."""
    world = customers(kinds=True)
    mostly_one = world.filter((pl.col("spend_3m") > 4) | (pl.int_range(pl.len()) % 10 == 0))
    withstood = active_model(mostly_one, 13, apart, TWO)
    assert withstood.decision["winner"] == "champion"
    restored = ClusterModel.from_rows(withstood.model.to_rows())
    next_month = active_model(mostly_one, 14, restored, TWO).decision
    assert (next_month["mix_drift"], next_month["challenger_version"]) == (0.0, None)
    back = active_model(world, 14, restored, TWO).decision
    assert back["refit_due"]
    assert back["challenger_version"] is not None
    assert withstood.model.version == apart.version


def test_a_model_stored_without_a_baseline_has_the_shares_of_its_fit(apart: ClusterModel) -> None:
    rows = apart.to_rows().filter(pl.col("key") != "baseline_share")
    restored = ClusterModel.from_rows(rows)
    assert restored.segments == apart.segments
    assert restored.version == apart.version


def test_the_model_of_a_month_follows_from_the_one_before_and_the_data() -> None:
    world = customers(kinds=False)
    first = active_model(world, 1, None, TWO).model
    once = active_model(world, 3, first, TWO).model
    restored = ClusterModel.from_rows(first.to_rows())
    assert active_model(world, 3, restored, TWO).model.version == once.version


def test_features_that_the_selection_left_out_are_not_used() -> None:
    selection = pl.DataFrame(
        {"feature": [use.name for use in USES], "is_kept": [i > 0 for i in range(len(USES))]}
    )
    assert kept_uses(selection) == list(USES[1:])


@pytest.mark.slow
def test_a_division_has_the_most_segments_that_hold_still() -> None:
    points = np.random.default_rng(2).uniform(size=(400, 2))
    choice = divide(points)
    stable = choice.candidates.filter(pl.col("stability") >= 0.9)
    assert stable.height <= 1  # Smaller ones than the first that holds still are not looked at.
    chosen = choice.candidates.filter(pl.col("chosen"))
    most_stable = choice.candidates.sort("stability")["k"].last()
    assert chosen["k"].item() == (stable["k"].max() if stable.height else most_stable)
    assert choice.supported == bool(stable.height)


def test_a_handful_is_not_divided() -> None:
    assert divide(np.random.default_rng(0).normal(size=(20, 2))).nature == "one"


def test_a_division_is_as_stable_as_its_pairs_of_refits_agree_on_the_mean(
    monkeypatch: pytest.MonkeyPatch,
):
    agreed = iter([0.25, 0.75, 0.8])
    monkeypatch.setattr(partition, "adjusted_rand_score", lambda _one, _other: next(agreed))
    rule = replace(RULE.division, pairs=3, restarts=1)
    points = np.array([[0.0], [1.0], [9.0], [10.0]])
    assert partition._stability(points, 2, 0, rule) == 0.6
    assert next(agreed, None) is None
