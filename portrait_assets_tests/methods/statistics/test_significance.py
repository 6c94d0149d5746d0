"""Tests of two shares."""

from __future__ import annotations

import pytest

from portrait_assets.methods.statistics.significance import two_proportions


def test_small_counts_use_the_exact_test():
    # Fisher's tea: 3 of 4 against 1 of 4.
    assert two_proportions(3, 4, 1, 4) == pytest.approx(0.4857142857)
    assert two_proportions(300, 400, 100, 400) == pytest.approx(0, abs=1e-12)
    assert two_proportions(4, 4, 4, 4) is None
