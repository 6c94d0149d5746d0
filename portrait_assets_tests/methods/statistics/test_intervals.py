"""Confidence intervals."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from portrait_assets.methods.statistics.intervals import wilson


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_wilson_interval_holds_the_rate(case: tuple[int, int]):
    hits, n = case
    low, high = wilson(hits, n)
    assert 0 <= low <= hits / n + 1e-12
    assert hits / n - 1e-12 <= high <= 1
