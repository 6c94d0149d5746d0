"""Distances between distributions: right where they can be worked out, calm where nothing moved."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2, chi2_contingency

from portrait_assets.methods.statistics.distributions.distances import NUMBERS, distances

COUNTS = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=12)


def compared(now: list[int], then: list[int]) -> dict[str, float]:
    """The distances of two histograms over ordered bins."""
    counts = pl.DataFrame(
        {
            "subject": "x",
            "bin": [str(i) for i in range(len(now))],
            "fine": [float(i) for i in range(len(now))],
            "now": now,
            "then": then,
        }
    )
    return distances(counts, ["subject"], ["subject"]).row(0, named=True)


def test_equal_shares_are_no_distance():
    found = compared([100, 200, 700], [10, 20, 70])
    assert found["psi"] < 0.002
    assert found["ks"] == 0
    assert found["chi_square"] == 0
    assert found["p_value"] == 1


def test_psi_ks_and_chi_square_are_those_of_the_books():
    now, then = [300, 700], [500, 500]
    found = compared(now, then)
    assert found["psi"] == pytest.approx(
        (0.3 - 0.5) * np.log(0.3 / 0.5) + (0.7 - 0.5) * np.log(0.7 / 0.5), abs=0.001
    )
    assert found["ks"] == pytest.approx(0.2)
    expected = chi2_contingency([now, then], correction=False)
    assert found["chi_square"] == pytest.approx(expected.statistic)
    assert found["p_value"] == pytest.approx(expected.pvalue, abs=1e-9)


@pytest.mark.slow
def test_psi_to_expect_and_its_95_percent_point_are_those_of_samples_without_a_change():
    rng = np.random.default_rng(1)
    shares = np.full(10, 0.1)
    found = [
        compared(rng.multinomial(500, shares).tolist(), rng.multinomial(800, shares).tolist())
        for _ in range(400)
    ]
    psi = np.array([each["psi"] for each in found])
    assert found[0]["psi_expected"] == pytest.approx(9 * (1 / 500 + 1 / 800))
    assert psi.mean() == pytest.approx(found[0]["psi_expected"], rel=0.1)
    assert np.mean(psi > found[0]["psi_p95"]) == pytest.approx(0.05, abs=0.03)


@given(COUNTS)
def test_empty_bins_give_no_infinity(both: list[tuple[int, int]]):
    found = compared([n for n, _ in both], [t for _, t in both])
    for name in ("psi", "psi_expected", "psi_p95", "ks", "chi_square", "p_value", "q_value"):
        assert found[name] is None or np.isfinite(found[name]), name
    if found["customers"] == 0 or found["reference_customers"] == 0:
        assert found["psi"] is None


def test_one_bin_or_nobody_on_one_side_is_no_comparison():
    rows = {"subject": ["one", "gone", "gone"], "bin": ["a", "a", "b"], "fine": [1.0, 1.0, 2.0]}
    counts = pl.DataFrame(rows | {"now": [5, 0, 0], "then": [7, 3, 4]})
    found = distances(counts.with_columns(month=1), ["month", "subject"], ["month"])
    assert found.select("subject", "bins", *NUMBERS).rows() == [
        ("gone", 2, *[None] * len(NUMBERS)),
        ("one", 1, *[None] * len(NUMBERS)),
    ]


def test_many_comparisons_at_once_are_corrected_within_their_family():
    counts = pl.concat(
        [
            pl.DataFrame(
                {"month": month, "subject": subject, "bin": ["a", "b"], "fine": None}
                | {"now": now, "then": [50, 50]}
            )
            for month, subject, now in (
                (1, "x", [60, 40]),
                (1, "y", [50, 50]),
                (2, "x", [60, 40]),
            )
        ]
    ).with_columns(pl.col("fine").cast(pl.Float64))
    found = distances(counts, ["month", "subject"], ["month"])
    one_of_two, _, alone = found["q_value"]
    assert alone == pytest.approx(found["p_value"][0])
    assert one_of_two == pytest.approx(2 * alone)


def test_the_same_counts_in_another_order_give_the_same_to_the_last_digit():
    """A month of a bank that is run again must not look as if it had changed."""
    rng = np.random.default_rng(1)
    bins = 25
    counts = pl.DataFrame(
        {
            "subject": [f"s{i:03d}" for i in range(200) for _ in range(bins)],
            "bin": [f"b{i:02d}" for _ in range(200) for i in range(bins)],
            "fine": [float(i) for _ in range(200) for i in range(bins)],
            "now": rng.integers(1, 100_000, 200 * bins),
            "then": rng.integers(1, 100_000, 200 * bins),
        }
    )
    found = distances(counts, ["subject"], family=["subject"])
    assert min(found["chi_square"].to_list()) > 10_000
    for seed in range(5):
        shuffled = counts.sample(fraction=1, shuffle=True, seed=seed)
        assert distances(shuffled, ["subject"], family=["subject"]).equals(found)


def p_value(now: dict[str, int], then: dict[str, int], moves: list[tuple[str, str, int]]) -> object:
    """Of two histograms of the same customers, who moved so between values."""
    counts = pl.DataFrame(
        {
            "subject": "x",
            "bin": [*now],
            "fine": None,
            "now": [*now.values()],
            "then": then.values(),
        },
        schema_overrides={"fine": pl.Float64},
    )
    went = pl.DataFrame(moves, schema=["bin_then", "bin_now", "customers"], orient="row")
    found = distances(counts, ["subject"], ["subject"], went.with_columns(subject=pl.lit("x")))
    return found["p_value"].item()


def test_customers_who_move_between_two_values_are_judged_by_their_moves():
    """Five of twenty moved, all one way: McNemar's chi-square is 5. Apart it would be 2.67."""
    moves = [("a", "a", 10), ("b", "b", 5), ("b", "a", 5)]
    found = p_value({"a": 15, "b": 5}, {"a": 10, "b": 10}, moves)
    assert found == pytest.approx(chi2.sf(5, 1), rel=0.35)
    assert found < 0.06 < chi2.sf(8 / 3, 1)  # type: ignore[operator]
    assert p_value({"a": 20}, {"a": 20}, [("a", "a", 20)]) is None
