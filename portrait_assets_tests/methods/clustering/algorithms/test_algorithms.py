import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score

from portrait_assets.methods.clustering.algorithms.density import dbscan_labels, density_labels
from portrait_assets.methods.clustering.algorithms.genie import (
    _Sizes,
    genie_hierarchy,
    spanning_tree,
)
from portrait_assets.methods.clustering.algorithms.kmeans import (
    fit_several,
    inertia,
    kmeans_centres,
    kmeans_labels,
)
from portrait_assets.methods.clustering.algorithms.micro import micro_clusters
from portrait_assets.methods.clustering.algorithms.mixture import mixture_labels
from portrait_assets.methods.clustering.algorithms.nearest import nearest_rows, squared_distances
from portrait_assets.methods.clustering.algorithms.ward import ward_hierarchy
from portrait_assets.testing.worlds.clusters import blobs, two_rings

CORNERS = [[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]]
TRUTH = np.repeat([0, 1, 2], 100)


def test_genie_and_density_tell_rings_apart_where_centres_cannot() -> None:
    points, truth = two_rings()
    genie = genie_hierarchy(spanning_tree(points), gini_limit=0.3).cut(2)
    density, noise = density_labels(points, 20)
    centres = kmeans_labels(points, 2)
    assert adjusted_rand_score(genie, truth) == 1.0
    assert adjusted_rand_score(density, truth) == 1.0
    assert noise < 0.1
    assert adjusted_rand_score(dbscan_labels(points, 1.0)[0], truth) == 1.0
    assert adjusted_rand_score(centres, truth) < 0.2


def test_dbscan_labels_everyone_and_gives_the_share_outside_of_clusters() -> None:
    points = np.vstack([blobs(CORNERS), [[50.0, 50.0]]])
    labels, noise = dbscan_labels(points, 0.9)
    assert (labels >= 0).all()
    assert 0 < noise < 0.2
    one, none_claimed = dbscan_labels(np.zeros((20, 2)), 0.9)
    assert (one.max(), none_claimed) == (0, 0.0)


def test_fits_by_several_threads_are_those_of_one_also_of_fewer_clusters_than_asked_for() -> None:
    samples = [np.zeros((20, 2)), *(blobs(CORNERS, seed=seed) for seed in range(6))]
    labels = fit_several(lambda points: kmeans_labels(points, 3, restarts=2), samples)
    alone = [kmeans_labels(points, 3, restarts=2) for points in samples]

    assert len(labels) == 7
    assert all((one == other).all() for one, other in zip(labels, alone, strict=True))
    assert (labels[0] == 0).all()
    with pytest.warns(ConvergenceWarning, match="distinct clusters"):
        KMeans(3, n_init=1).fit(samples[0])


def test_ward_without_weights_is_the_known_one() -> None:
    points = np.random.default_rng(3).normal(size=(150, 4))
    ours, theirs = ward_hierarchy(points), AgglomerativeClustering(6).fit_predict(points)
    assert adjusted_rand_score(ours.cut(6), theirs.astype(np.int64)) == 1.0


def test_a_weight_of_three_is_the_point_three_times() -> None:
    points = np.random.default_rng(5).normal(size=(60, 2))
    weights = np.random.default_rng(6).integers(1, 4, 60)
    repeated = np.repeat(np.arange(60), weights)
    weighted = ward_hierarchy(points, weights.astype(float)).cut(5)
    plain = ward_hierarchy(points[repeated]).cut(5)
    assert adjusted_rand_score(weighted[repeated], plain) == 1.0


def test_single_linkage_chains_but_genie_does_not() -> None:
    rng = np.random.default_rng(0)
    strays = rng.uniform(-8, 12, (6, 2))
    points = np.vstack([blobs(CORNERS), strays])
    tree = spanning_tree(points)
    chained = genie_hierarchy(tree, gini_limit=1.0).cut(3)[:300]
    balanced = genie_hierarchy(tree, gini_limit=0.3).cut(3)[:300]
    assert adjusted_rand_score(chained, TRUTH) < 0.7
    assert adjusted_rand_score(balanced, TRUTH) > 0.98


@given(st.lists(st.floats(0.1, 1e6), min_size=2, max_size=30), st.floats(0.1, 100))
def test_gini_is_between_zero_and_one_and_has_no_unit(sizes: list[float], factor: float) -> None:
    value = _Sizes(np.array(sizes)).gini_index()
    assert -1e-9 <= value <= 1 + 1e-9
    assert _Sizes(np.array(sizes) * factor).gini_index() == pytest.approx(value, abs=1e-9)
    assert _Sizes(np.full(len(sizes), 7.0)).gini_index() == pytest.approx(0.0, abs=1e-12)


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 40), st.integers(0, 99))
def test_a_spanning_tree_spans_and_is_not_longer_than_a_path(rows: int, seed: int) -> None:
    points = np.random.default_rng(seed).normal(size=(rows, 3))
    tree = spanning_tree(points)
    assert genie_hierarchy(tree, 1.0).cut(1).max() == 0
    path = np.sqrt(((points[1:] - points[:-1]) ** 2).sum(axis=1)).sum()
    assert tree.lengths.sum() <= path + 1e-6


@pytest.mark.parametrize("k", [1, 2, 7, 20])
def test_a_cut_gives_the_requested_number_of_labels(k: int) -> None:
    points = np.random.default_rng(1).normal(size=(20, 2))
    for hierarchy in (ward_hierarchy(points), genie_hierarchy(spanning_tree(points))):
        assert len(np.unique(hierarchy.cut(k))) == k


def test_a_mixture_follows_long_clusters() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(400, 2)) * [2, 0.2] + np.repeat([[0, 0], [0, 4]], 200, axis=0)
    truth = np.repeat([0, 1], 200)
    assert adjusted_rand_score(mixture_labels(points, kmeans_labels(points, 2)), truth) > 0.95
    some = np.r_[0:50, 200:250]
    assert adjusted_rand_score(mixture_labels(points, truth[some], some=points[some]), truth) > 0.95


def test_micro_clusters_stand_for_everyone_by_weight() -> None:
    points = np.random.default_rng(0).normal(size=(5000, 3))
    micro = micro_clusters(points, 200)
    assert micro.sizes.sum() == 5000
    assert len(micro.centres) == len(micro.sizes) <= 200
    within = ((points - micro.centres[micro.members]) ** 2).sum()
    assert within < 0.2 * ((points - points.mean(axis=0)) ** 2).sum()


def test_ward_on_micro_clusters_is_ward_on_customers() -> None:
    points = blobs(CORNERS, each=2000)
    micro = micro_clusters(points, 100)
    labels = ward_hierarchy(micro.centres, micro.sizes).cut(3)[micro.members]
    assert adjusted_rand_score(labels, np.repeat([0, 1, 2], 2000)) > 0.999


@pytest.mark.slow
def test_ten_restarts_come_within_one_percent_of_fifty() -> None:
    points = blobs([[i, j] for i in range(3) for j in range(3)], each=60, sd=0.25)
    ten = kmeans_centres(points, 9, restarts=10, seed=1)
    fifty = kmeans_centres(points, 9, restarts=50, seed=2)
    assert inertia(points, ten, nearest_rows(points, ten)) <= 1.01 * inertia(
        points, fifty, nearest_rows(points, fifty)
    )


def test_distances_are_exact_and_never_negative() -> None:
    points = np.random.default_rng(0).normal(size=(30, 4)) + 1e4
    squared = squared_distances(points, points)
    assert (squared >= 0).all()
    exact = ((points[:, None] - points) ** 2).sum(axis=2)
    assert np.allclose(squared, exact, atol=1e-5)
