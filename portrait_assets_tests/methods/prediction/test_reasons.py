"""Reasons are parts of the margin: they sum to it, and the largest are named."""

import numpy as np
import polars as pl
import pytest

from portrait_assets.methods.prediction.fitting import fit
from portrait_assets.methods.prediction.model import PredictionModel
from portrait_assets.methods.prediction.reasons import (
    Contributions,
    _largest,
    contributions,
    reasons,
)
from portrait_assets_tests.methods.prediction.world import World


@pytest.mark.parametrize("family", ["logistic", "trees"])
def test_contributions_sum_to_the_margin(
    family: str, people: World, models: dict[str, PredictionModel]
):
    model = models[family]
    found = contributions(model, people.frame)
    assert found.groups == ("visits", "amount", "city", "member", "joined")
    sums = found.values.sum(axis=1) + found.expected
    assert np.abs(sums - model.margin(people.frame)).max() < 1e-9
    # Counted from the mean of the rows that it was fitted on.
    assert found.expected == pytest.approx(model.margin(people.frame).mean(), abs=1e-6)


@pytest.mark.parametrize("family", ["logistic", "trees"])
def test_groups_of_features_count_together(
    family: str, people: World, models: dict[str, PredictionModel]
):
    alone = contributions(models[family], people.frame)
    grouped = contributions(models[family], people.frame, {"visits": "use", "amount": "use"})
    assert grouped.groups == ("use", "city", "member", "joined")
    assert np.allclose(grouped.values[:, 0], alone.values[:, :2].sum(axis=1))


def test_a_tree_of_one_split_gives_what_its_sides_differ_from_the_mean():
    x = np.r_[np.zeros(300), np.ones(100)]
    outcome = np.r_[np.zeros(290), np.ones(10), np.zeros(20), np.ones(80)].astype(int)
    model = fit(pl.DataFrame({"x": x}), outcome, "trees")
    at = pl.DataFrame({"x": [0.0, 1.0]})
    low, high = model.margin(at)
    mean = (300 * low + 100 * high) / 400
    found = contributions(model, at)
    assert found.expected == pytest.approx(mean)
    assert found.values[:, 0] == pytest.approx([low - mean, high - mean])


def test_the_largest_are_named_with_their_sign(models: dict[str, PredictionModel], people: World):
    rows = people.frame.head(2).with_columns(
        visits=pl.Series([3.0, -3.0]), amount=pl.Series([1.0, 1.0]), city=pl.Series(["east"] * 2)
    )
    for model in models.values():
        found = reasons(model, rows)
        assert found.columns == ["reason_1", "reason_2", "reason_3"]
        assert found["reason_1"].to_list() == ["+visits", "-visits"]
        values = contributions(model, rows)
        by_hand = [
            [
                f"{'-' if row[at] < 0 else '+'}{values.groups[at]}"
                for at in np.argsort(-np.abs(row), kind="stable")[:3]
            ]
            for row in values.values
        ]
        assert [list(row) for row in found.rows()] == by_hand


def test_what_moves_nothing_is_no_reason(people: World):
    frame = people.frame.select("visits")
    model = fit(frame, people.outcome, "logistic")
    found = reasons(model, frame.head(5), top=2)
    assert found["reason_1"].null_count() == 0
    assert found["reason_2"].null_count() == 5
    assert reasons(model, frame.clear()).shape == (0, 3)


def test_what_is_nearly_nothing_is_no_reason():
    found = Contributions(("a", "b"), np.array([[1e-9, -2e-9], [0.0, 1e-9], [0.5, -0.7]]), 0.0)
    assert _largest(found, 3).rows() == [
        ("-b", None, None),
        (None, None, None),
        ("-b", "+a", None),
    ]
