"""Many tests at once: q-values are those of SciPy, family by family and without the nulls."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from portrait_assets.methods.statistics.multiplicity import false_discovery_rate

Q = false_discovery_rate(pl.col("p"))


def test_q_values_by_hand():
    tests = pl.DataFrame({"p": [0.01, None, 0.04, 0.03]})
    found = tests.select(Q).to_series().to_list()
    assert found == [pytest.approx(0.03), None, pytest.approx(0.04), pytest.approx(0.04)]


def test_the_thrombolysis_trial_of_benjamini_and_hochberg_1995():
    """Of 15 end points four stand out at a rate of 5 %; Bonferroni's correction leaves three."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459]
    p += [0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000]
    found = pl.DataFrame({"p": p}).select(Q).to_series()
    assert (found <= 0.05).sum() == 4


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.none() | st.sampled_from([0.0, 0.01, 0.2, 0.5, 1.0])),
        max_size=20,
    )
)
def test_q_values_are_those_of_scipy_within_each_family(tests: list[tuple[str, float | None]]):
    frame = pl.DataFrame(tests, schema={"family": pl.String, "p": pl.Float64}, orient="row")
    found = frame.with_columns(Q.over("family").alias("q"))
    assert found["q"].is_null().equals(found["p"].is_null())
    for (_,), family in found.drop_nulls().group_by("family"):
        expected = false_discovery_control(family["p"].to_numpy())
        assert np.allclose(family["q"].to_numpy(), expected, rtol=1e-12)


def test_a_family_without_tests_has_no_q_value():
    assert (
        pl.DataFrame({"p": [None, None]}, schema={"p": pl.Float64}).select(Q).null_count().item()
        == 2
    )
