"""Agreement of labellings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import adjusted_rand_score

from portrait_assets.methods.statistics.agreement import (
    adjusted_rand,
    adjusted_rand_matrix,
    shared_information,
)
from portrait_assets_tests.clusters.worlds import blobs

HALVES = np.repeat([0, 1], 100)
ONE_CLOUD = blobs([[0.0, 0.0]], each=200)
LEFT_RIGHT = (ONE_CLOUD[:, 0] > 0).astype(np.int64)
labellings = arrays(np.int64, 25, elements=st.integers(0, 4))


@settings(deadline=None)
@given(labellings, labellings)
def test_the_rand_index_is_the_known_one(first: np.ndarray, second: np.ndarray) -> None:
    expected = adjusted_rand_score(first, second)
    assert adjusted_rand(first, second) == pytest.approx(expected, abs=1e-9)


def test_the_matrix_holds_every_pair() -> None:
    labels = [HALVES, LEFT_RIGHT, np.arange(200) % 3]
    matrix = adjusted_rand_matrix(labels)
    assert np.allclose(np.diag(matrix), 1.0)
    assert matrix[0, 2] == pytest.approx(adjusted_rand_score(labels[0], labels[2]))


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60))
def test_a_coding_shares_all_information_with_its_renaming(codes: list[int]):
    one = np.array(codes)
    shared = shared_information([one, 3 - one])[0, 1]
    assert shared == pytest.approx(1.0 if len(set(codes)) > 1 else 0.0, abs=1e-5)


def test_independent_codings_share_nothing():
    shared = shared_information([np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])])
    assert shared[0, 1] == pytest.approx(0, abs=1e-6)
