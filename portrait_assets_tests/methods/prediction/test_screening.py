"""Which features alone tell most, and that models of few events have no others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from portrait_assets.methods.prediction.binned.encoding import WeightEncoding
from portrait_assets.methods.prediction.binned.fitting import Weighed
from portrait_assets.methods.prediction.binned.screening import OTHERS_TELL_MORE, strongest
from portrait_assets.methods.prediction.fitting import fit
from portrait_assets.methods.prediction.rows import part
from portrait_assets_tests.methods.prediction.world import SMALL, World

OUTCOME = np.array([1.0, 1.0, 0.0, 0.0])


def weights(**columns: list[float]) -> Weighed:
    features = tuple(WeightEncoding(name, False, (), (), (), (0.0, 0.0)) for name in columns)
    return Weighed(features, np.column_stack([*columns.values()]))


@pytest.mark.parametrize(
    ("most", "taken"),
    [(1, ["right"]), (2, ["half", "right"]), (3, ["nothing", "half", "right"]), (4, None)],
)
def test_those_are_taken_whose_weights_lower_the_loss_most(most: int, taken: list[str] | None):
    """A weight that points the wrong way is worse than none; what is taken stays in its order."""
    found = weights(
        wrong=[-2, -2, 2, 2], nothing=[0, 0, 0, 0], half=[1, 1, -1, 1], right=[2, 2, -2, -2]
    )
    kept = strongest(found, OUTCOME, most)
    assert [each.feature for each in kept.features] == (
        taken or ["wrong", "nothing", "half", "right"]
    )
    places = [each.feature for each in found.features]
    columns = [places.index(each.feature) for each in kept.features]
    assert np.array_equal(kept.crosswise, found.crosswise[:, columns])


def test_of_equals_the_first_is_taken():
    found = weights(one=[1, 1, -1, -1], two=[1, 1, -1, -1])
    assert [each.feature for each in strongest(found, OUTCOME, 1).features] == ["one"]


@pytest.mark.parametrize("family", ["binned", "trees", "logistic"])
def test_a_model_has_so_many_features_and_says_why_not_the_others(people: World, family: str):
    some = replace(SMALL, most_features=2)
    model = fit(people.frame, people.outcome, family, parameters=some)
    assert {each.feature for each in model.encoding.features} == {"visits", "amount"}
    reasons = {each.feature: each.reason for each in model.dropped}
    assert reasons["empty"] == "has no value"
    if family != "binned":
        assert {n for n, reason in reasons.items() if reason == OTHERS_TELL_MORE} == {
            *("city", "member", "joined")
        }
    assert {row.feature for row in part(model.rows(), "encoding")} == {"visits", "amount"}


def test_where_no_bins_differ_all_features_are_left_to_the_trees(people: World):
    """Nothing tells of it alone, so that nothing is screened."""
    frame = people.frame.select("visits").head(20).with_columns(visits=np.arange(20) % 2 * 1.0)
    outcome = np.r_[np.zeros(10), np.ones(10)]
    model = fit(frame, outcome, "trees", parameters=replace(SMALL, most_features=1))
    assert [each.feature for each in model.encoding.features] == ["visits"]
