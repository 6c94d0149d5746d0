"""The matrices hold what scikit-learn and SciPy give for each pair."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from portrait_assets.methods.statistics.agreement import (
    adjusted_rand_matrix,
    mutual_information_matrix,
    rank_correlation_matrix,
)

labellings = st.lists(arrays(np.int64, 25, elements=st.integers(0, 4)), min_size=2, max_size=3)


@settings(max_examples=40)
@given(labellings)
def test_the_rand_index_of_every_pair_is_that_of_scikit_learn(labels: list[np.ndarray]):
    expected = [[adjusted_rand_score(one, other) for other in labels] for one in labels]
    assert adjusted_rand_matrix(labels) == pytest.approx(np.array(expected), abs=1e-9)


@settings(max_examples=40)
@given(labellings)
def test_the_information_of_every_pair_is_that_of_scikit_learn(codes: list[np.ndarray]):
    found = mutual_information_matrix(codes)
    for i, j in np.ndindex(found.shape):
        constant = len(set(codes[i])) == 1 or len(set(codes[j])) == 1
        both = normalized_mutual_info_score(codes[i], codes[j], average_method="max")
        assert found[i, j] == pytest.approx(0.0 if constant else both, abs=1e-5)


def test_the_rand_index_by_hand():
    """Of 15 pairs 6 are together in one, 3 in the other, 2 in both: (2 - 1.2) / (4.5 - 1.2)."""
    one, other = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 1, 1, 2, 2])
    assert adjusted_rand_matrix([one, other])[0, 1] == pytest.approx(0.8 / 3.3)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60))
def test_a_coding_shares_all_information_with_its_renaming(codes: list[int]):
    one = np.array(codes)
    shared = mutual_information_matrix([one, 3 - one])[0, 1]
    assert shared == pytest.approx(1.0 if len(set(codes)) > 1 else 0.0, abs=1e-5)


def test_independent_codings_share_nothing():
    shared = mutual_information_matrix([np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])])
    assert shared[0, 1] == pytest.approx(0, abs=1e-6)


def columns() -> pl.DataFrame:
    """Spending of 500 customers, and what follows it loosely."""
    rng = np.random.default_rng(4)
    spend = rng.lognormal(3, 1, 500)
    return pl.DataFrame({"a": spend, "b": spend * rng.lognormal(0, 1, 500)})


def test_rank_correlations_are_those_of_scipy():
    frame = columns()
    expected = stats.spearmanr(frame["a"], frame["b"]).statistic
    assert rank_correlation_matrix(frame) == pytest.approx(np.array([[1, expected], [expected, 1]]))


def test_where_values_are_missing_ranks_of_the_whole_column_are_compared():
    gaps = columns().with_columns(b=pl.when(pl.col("a") > 5).then("b"))
    ranked = gaps.select(pl.all().rank()).drop_nulls()
    expected = stats.pearsonr(ranked["a"], ranked["b"]).statistic
    assert ranked.height < gaps.height
    assert rank_correlation_matrix(gaps)[0, 1] == pytest.approx(expected)


def test_few_pairs_and_what_does_not_vary_are_not_correlated():
    frame = columns().with_columns(c=pl.lit(1.0))
    assert rank_correlation_matrix(frame)[0, 2] == 0
    assert rank_correlation_matrix(frame, least_pairs=500)[0, 1] > 0.5
    assert rank_correlation_matrix(frame, least_pairs=501)[0, 1] == 0
