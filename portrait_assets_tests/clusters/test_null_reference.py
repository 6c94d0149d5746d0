import numpy as np
import pytest

from portrait_assets.clusters.null_reference import (
    NullCase,
    beats_structureless,
    effective_dimensions,
    null_score,
)


def test_a_stretched_cloud_counts_as_a_line_and_a_round_one_as_its_dimensions() -> None:
    cloud = np.random.default_rng(0).normal(size=(5000, 4))
    assert effective_dimensions(cloud) == pytest.approx(4.0, abs=0.1)
    assert effective_dimensions(cloud * [30, 1, 1, 1]) == pytest.approx(1.0, abs=0.02)
    assert effective_dimensions(cloud[:, :0]) == 1.0


def test_the_bar_falls_with_dimensions_and_with_segments() -> None:
    by_dims = [null_score(NullCase(1500, d, 2)) for d in (1, 2, 3, 5, 9)]
    assert by_dims == sorted(by_dims, reverse=True)
    assert null_score(NullCase(1500, 2, 60)) < null_score(NullCase(1500, 2, 2)) - 0.4


def test_many_segments_need_less_than_two() -> None:
    assert beats_structureless(1.75, 0.0, NullCase(1500, 2, 100))
    assert not beats_structureless(1.75, 0.0, NullCase(1500, 2, 2))


def test_a_clear_valley_helps_and_a_line_needs_a_clearer_one() -> None:
    round_case, line = NullCase(1500, 1.6, 2), NullCase(1500, 1.0, 2)
    assert beats_structureless(1.85, 0.4, round_case)
    assert not beats_structureless(1.85, 0.0, round_case)
    assert not beats_structureless(1.92, 0.4, line)
    assert beats_structureless(1.92, 0.8, line)
