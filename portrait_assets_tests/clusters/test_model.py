from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import adjusted_rand_score

from portrait_assets.methods.clustering.algorithms.nearest import means_of_enough, microaggregates
from portrait_assets.methods.clustering.assignment import (
    ASSIGNMENT_SCHEMA,
    _with_hysteresis,
    assign,
)
from portrait_assets.methods.clustering.errors import ClusterError
from portrait_assets.methods.clustering.final_fit import Prototypes, condense
from portrait_assets.methods.clustering.fitting import fit_model
from portrait_assets.methods.clustering.model import ClusterModel
from portrait_assets.methods.clustering.preparation.model_rows import ROWS_SCHEMA
from portrait_assets.methods.clustering.preparation.sampling import canonical_sample
from portrait_assets.methods.clustering.selection_rule import RULE
from portrait_assets.testing.worlds.clusters import BANK_USES, as_features, blobs, two_rings
from portrait_assets_tests.clusters.conftest import Bank


def labels_of(assignment: pl.DataFrame) -> np.ndarray:
    return assignment["segment_id"].to_numpy() - 1


def test_the_kinds_of_customers_are_found_without_their_number(small_bank: Bank) -> None:
    assert adjusted_rand_score(labels_of(small_bank.assignment), small_bank.kind) > 0.9


def test_segments_are_numbered_by_size(small_bank: Bank) -> None:
    counts = small_bank.assignment.group_by("segment_id").len().sort("segment_id")["len"]
    assert small_bank.model.segment_ids == list(range(1, len(counts) + 1))
    assert counts.to_list() == sorted(counts, reverse=True)


def test_the_assignment_has_one_line_per_customer_in_order(small_bank: Bank) -> None:
    assert small_bank.assignment["customer_id"].equals(small_bank.features["customer_id"])
    assert dict(small_bank.assignment.schema) == {"customer_id": pl.String()} | ASSIGNMENT_SCHEMA
    assert small_bank.assignment["confidence"].is_between(0.5, 1.0).all()


def test_a_model_survives_its_rows_to_the_bit(small_bank: Bank) -> None:
    rows = small_bank.model.to_rows()
    assert dict(rows.schema) == ROWS_SCHEMA
    shuffled = rows.sample(fraction=1.0, shuffle=True, seed=5)
    restored = ClusterModel.from_rows(shuffled, small_bank.model.candidates)
    assert restored.version == small_bank.model.version
    assert restored.candidates.equals(small_bank.model.candidates)
    assert assign(restored, small_bank.features).equals(small_bank.assignment)


def test_a_baseline_is_stored_beside_the_shares_and_changes_no_version(small_bank: Bank) -> None:
    model = small_bank.model
    ids = model.segment_ids
    other = model.with_baseline({ids[0]: 0.9})
    assert [each.baseline_share for each in other.segments] == [
        0.9 if each.segment_id == ids[0] else 0.0 for each in other.segments
    ]
    assert other.version == model.version
    restored = ClusterModel.from_rows(other.to_rows(), other.candidates)
    assert restored.segments == other.segments
    assert [each.share for each in restored.segments] == [each.share for each in model.segments]


@pytest.mark.slow
def test_the_order_of_rows_changes_nothing(small_bank: Bank) -> None:
    shuffled = small_bank.features.sample(fraction=1.0, shuffle=True, seed=9)
    again = fit_model(shuffled, BANK_USES, seed=1)
    assert again.version == small_bank.model.version


def test_another_value_makes_another_version(small_bank: Bank) -> None:
    changed = small_bank.model.to_rows().with_columns(
        pl.when((pl.col("part") == "prototype") & (pl.col("position") == 0))
        .then(pl.col("value") + 1e-6)
        .otherwise(pl.col("value"))
        .alias("value")
    )
    assert ClusterModel.from_rows(changed).version != small_bank.model.version


def test_a_customer_of_later_months_may_lack_values_and_bring_new_ones(small_bank: Bank) -> None:
    stranger = small_bank.features.head(2).with_columns(
        spend_amount=pl.lit(float("inf")), channel=pl.lit("telepathy"), age=pl.lit(None, pl.Float64)
    )
    assert assign(small_bank.model, stranger)["segment_id"].is_not_null().all()


def test_no_customer_gives_no_line(small_bank: Bank) -> None:
    assert assign(small_bank.model, small_bank.features.clear()).height == 0


def test_a_customer_moves_to_a_segment_that_is_nearer_by_the_margin() -> None:
    """By distances, of which the squares are given: 7.8 % and 10.6 % nearer than before."""
    squares, ids = np.array([[0.85, 1.0], [0.80, 1.0]]), np.array([1, 2])
    nearest, before = np.array([0, 0]), np.array([1, 1])
    found = _with_hysteresis(squares, nearest, before, ids, np.array([2, 2]), 0.1)
    assert found.tolist() == [1, 0]


def test_hysteresis_keeps_a_customer_at_the_boundary(small_bank: Bank) -> None:
    model, features, free = small_bank.model, small_bank.features, small_bank.assignment
    elsewhere = free.with_columns(segment_id=pl.col("segment_id") % len(model.segment_ids) + 1)
    sticky = assign(model, features, elsewhere, margin=1.0)
    assert sticky["segment_id"].equals(elsewhere["segment_id"])
    loose = assign(model, features, elsewhere, margin=0.0)
    assert loose["segment_id"].equals(free["segment_id"])


def test_the_same_month_again_changes_no_label(small_bank: Bank) -> None:
    once = assign(small_bank.model, small_bank.features, small_bank.assignment)
    assert once.equals(assign(small_bank.model, small_bank.features, once))


def test_a_segment_that_is_gone_holds_nobody(small_bank: Bank) -> None:
    gone = small_bank.assignment.with_columns(segment_id=pl.lit(99))
    again = assign(small_bank.model, small_bank.features, gone)
    assert again.equals(small_bank.assignment)


@pytest.mark.slow
def test_rings_are_kept_by_prototypes() -> None:
    points, truth = two_rings()
    features, uses = as_features(points)
    model = fit_model(features, uses, geometry="coordinates")
    assert adjusted_rand_score(labels_of(assign(model, features)), truth) == 1.0
    assert len(model.prototypes) > 2


def test_compact_segments_need_one_prototype_each() -> None:
    points = blobs([[0.0, 0.0], [9.0, 9.0]])
    found = condense(points, np.repeat([0, 1], 100), RULE.final_fit)
    assert found.segments.tolist() == [0, 1]
    assert found.agreement == 1.0


def are_means_of_ten(found: Prototypes, points: np.ndarray, labels: np.ndarray) -> bool:
    """Whether no centre is a point, nor further out than the mean of the ten outermost."""
    for segment in np.unique(labels):
        ordered = np.sort(points[labels == segment], axis=0)
        own = found.centres[found.segments == segment]
        if {*map(tuple, own)} & {*map(tuple, points[labels == segment])}:
            return False
        low, high = ordered[:10].mean(axis=0), ordered[-10:].mean(axis=0)
        if not ((own >= low - 1e-9) & (own <= high + 1e-9)).all():
            return False
    return True


def tell_of_two(centres: np.ndarray, points: np.ndarray) -> bool:
    """Whether ten times the difference of two centres is that of two points."""
    between = 10 * (centres[:, None] - centres).reshape(-1, centres.shape[1])
    of_points = (points[:, None] - points).reshape(-1, points.shape[1])
    rows = np.vstack([between[np.abs(between).max(axis=1) > 1e-6], of_points]).round(7)
    return len(np.unique(rows, axis=0)) < len(np.unique(between.round(7), axis=0)) - 1 + len(
        np.unique(of_points.round(7), axis=0)
    )


def test_centres_of_curved_segments_are_means_of_ten_others_each() -> None:
    """Rings of a hundred each; the ten nearest of each point would overlap."""
    points, truth = two_rings(each=100)
    found = condense(points, truth, RULE.final_fit)
    assert 4 < len(found.centres) <= len(points) / 10
    assert found.agreement == 1.0
    assert are_means_of_ten(found, points, truth)
    assert not tell_of_two(found.centres, points)
    ring = points[truth == 0]
    nearest = np.linalg.norm(ring[:, None] - ring, axis=2).argsort(axis=1)[:, :10]
    assert tell_of_two(ring[nearest].mean(axis=1), points)


def test_where_no_centres_give_the_labels_back_they_are_means_of_ten_none_the_less() -> None:
    points, labels = np.arange(40.0)[:, None] ** 1.1, np.arange(40) % 2
    found = condense(points, labels, RULE.final_fit)
    assert found.agreement < RULE.final_fit.enough_agreement
    assert are_means_of_ten(found, points, labels)
    assert not are_means_of_ten(Prototypes(points, labels, 1.0), points, labels)


def test_there_are_no_more_centres_than_a_model_may_have() -> None:
    """Of the first hundred of each of two rings of 300."""
    points, truth = two_rings(each=300)
    order = np.random.default_rng(0).permutation(600)
    points, truth = points[order], truth[order]
    rule = replace(RULE.final_fit, prototype_sizes=(1,), most_prototypes=20)
    found = condense(points, truth, rule)
    assert np.bincount(found.segments).tolist() == [10, 10]
    assert found.agreement > 0.95
    assert are_means_of_ten(found, points, truth)
    assert not are_means_of_ten(Prototypes(points[:20], truth[:20], 1.0), points, truth)


def test_the_farthest_and_the_nine_next_to_it_are_one_group() -> None:
    """100 is farthest, with 31 as the tenth; of the others 0 and 10 are as far, and 0 is first."""
    points = np.array([*[0.0] * 10, *[10.0] * 10, 31, *[100.0] * 9])[:, None]
    assert microaggregates(points).tolist() == [
        [pytest.approx((9 * 100 + 31) / 10)],
        [0.0],
        [10.0],
    ]
    assert microaggregates(points[:19]).tolist() == [[pytest.approx(90 / 19)]]


def test_points_of_a_centre_with_too_few_join_the_next_ones() -> None:
    """8 to 11 are four, of which 8, 9 and, as it is as near, 10 are next to 0, and 11 to 20."""
    points = np.array([*[0.0] * 12, 8, 9, 10, 11, *[20.0] * 12])[:, None]
    found = means_of_enough(points, np.array([[0.0], [10.0], [20.0], [99.0]]))
    assert found.tolist() == [[pytest.approx(27 / 15)], [pytest.approx(251 / 13)]]


def test_of_centres_with_too_few_the_one_with_the_fewest_goes_first() -> None:
    """Nine and two: with the two, the nine are enough."""
    points = np.array([*range(9), 20, 21, *[50.0] * 10])[:, None]
    found = means_of_enough(points, np.array([[4.0], [20.0], [50.0]]))
    assert found.tolist() == [[pytest.approx(77 / 11)], [50.0]]
    assert means_of_enough(points[:11], np.array([[4.0], [20.0]])).tolist() == [[7.0]]
    assert means_of_enough(points[:3], points[:3]).tolist() == [[1.0]]


@pytest.mark.parametrize("few", [9, 11, 19])
def test_of_too_few_customers_for_two_means_there_is_one_centre(few: int) -> None:
    """Beside a segment around it, that no single centre keeps apart."""
    around = np.concatenate([np.arange(-30.0, -10), np.arange(10.0, 30)])
    points = np.append(np.linspace(-1, 1, few), around)[:, None]
    found = condense(points, np.repeat([0, 1], [few, 40]), RULE.final_fit)
    assert found.agreement == 1.0
    assert found.centres[found.segments == 0].tolist() == [[pytest.approx(0.0)]]
    assert are_means_of_ten(found, points[few:], np.ones(40, dtype=np.int64))


@pytest.mark.parametrize("customers", [1, 10])
def test_a_handful_of_customers_is_one_segment(customers: int) -> None:
    features, uses = as_features(np.random.default_rng(0).normal(size=(customers, 2)))
    model = fit_model(features, uses)
    assert assign(model, features)["segment_id"].to_list() == [1] * customers
    assert model.algorithm == "one segment"


def test_features_that_tell_nothing_make_one_segment() -> None:
    features, uses = as_features(np.ones((50, 3)))
    model = fit_model(features, uses)
    assert ClusterModel.from_rows(model.to_rows()).version == model.version
    assert assign(model, features)["segment_id"].unique().to_list() == [1]


def test_requests_that_cannot_be_met_raise_one_sentence() -> None:
    features, uses = as_features(np.random.default_rng(0).normal(size=(10, 2)))
    with pytest.raises(ClusterError, match="only 10 customers"):
        fit_model(features, uses, segments=11)
    with pytest.raises(ClusterError, match="at least 1"):
        fit_model(features, uses, segments=0)
    with pytest.raises(ClusterError, match="no customer"):
        fit_model(features.clear(), uses)
    with pytest.raises(ClusterError, match="no column x1"):
        fit_model(features.drop("x1"), uses)
    with pytest.raises(ClusterError, match="unique"):
        fit_model(pl.concat([features, features]), uses)
    with pytest.raises(ClusterError, match="can't be made"):
        fit_model(features.with_columns(x0=1.0, x1=1.0), uses, segments=3)


def test_a_sample_goes_by_customer_not_by_row() -> None:
    features = pl.DataFrame({"customer_id": [f"c{i}" for i in range(1000)]})
    first = canonical_sample(features, 100, seed=2)
    again = canonical_sample(features.reverse(), 100, seed=2)
    assert first.equals(again)
    assert first["customer_id"].n_unique() == 100
    assert canonical_sample(features, 50, seed=2).equals(first.head(50))
