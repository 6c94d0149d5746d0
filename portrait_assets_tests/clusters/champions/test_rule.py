"""The selection rule: one frozen object; another number in it makes another choice."""

from __future__ import annotations

import ast
from dataclasses import FrozenInstanceError, fields, is_dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from portrait_assets.methods.clustering import final_fit, fitting, selection
from portrait_assets.methods.clustering.fitting import fit_model
from portrait_assets.methods.clustering.model import ClusterModel
from portrait_assets.methods.clustering.selection.choice import choose
from portrait_assets.methods.clustering.selection.partition import divide
from portrait_assets.methods.clustering.selection_rule import Compared
from portrait_assets.stages.clusters.champions import active, champion, tracking
from portrait_assets.stages.clusters.rule import RULE, SegmentRule
from portrait_assets.testing.worlds.clusters import as_features, blobs

TWO = blobs([[0.0, 0.0], [4.0, 0.0]], each=80)


@pytest.mark.slow
def test_another_number_makes_another_choice() -> None:
    assert choose(TWO).labels.max() == 1
    never = float("inf")
    strict = replace(
        RULE,
        winning=replace(RULE.winning, real_p_value=0.0, weak_p_value=0.0),
        second_look=replace(RULE.second_look, separation=never, contrast=never, gain=never),
    )
    choice = choose(TWO, rule=strict)
    assert choice.labels.max() == 0
    assert choice.reason.endswith("asked for is less than 0)")


def test_only_the_numbers_of_the_rule_are_compared() -> None:
    few = replace(RULE, compared=replace(RULE.compared, numbers=(2, 3)))
    assert set(choose(TWO, rule=few).candidates["k"]) == {0, 2, 3}


def test_a_division_is_stable_by_the_rule() -> None:
    features, uses = as_features(np.random.default_rng(2).uniform(size=(100, 2)))
    quick = replace(RULE.division, numbers=range(3, 6), pairs=1, restarts=1)

    def division(stable: float) -> ClusterModel:
        rule = replace(RULE, division=quick, stability=replace(RULE.stability, stable=stable))
        return fit_model(features, uses, geometry="degrees", chooser=divide, rule=rule)

    assert (len(division(0.1).segments), division(0.1).supported) == (5, True)
    assert not division(1.1).supported


def test_a_model_is_fitted_to_as_many_customers_as_the_rule_samples() -> None:
    features, uses = as_features(TWO)
    few = replace(RULE, samples=replace(RULE.samples, fit_rows=10))
    assert fit_model(features, uses, rule=few).reason == (
        "10 different customers are too few to tell apart"
    )


def test_the_rule_can_not_be_changed_in_place() -> None:
    with pytest.raises(FrozenInstanceError):
        RULE.winning.real_p_value = 0.5  # type: ignore[misc]
    assert SegmentRule() == RULE


def test_every_number_has_its_reason() -> None:
    concerns = [getattr(RULE, concern.name) for concern in fields(RULE)]
    assert all(is_dataclass(concern) for concern in concerns)
    numbers = [(type(concern), number.name) for concern in concerns for number in fields(concern)]
    assert len(numbers) > 70
    unexplained = [name for of, name in numbers if f"\n        {name}: " not in str(of.__doc__)]
    assert unexplained == []


def test_nothing_else_holds_a_number_that_decides() -> None:
    """No module that chooses has a number of its own at its top.

    How finely is no choice, and neither is a number that stands for no segment.
    """
    others = (active, champion, tracking, fitting, final_fit)
    rest = [Path(str(module.__file__)) for module in others]
    files = [*Path(str(selection.__file__)).parent.glob("*.py"), *rest]
    found = {
        f"{path.stem}.{target.id}"
        for path in files
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant | ast.Tuple)
        for target in node.targets
        if isinstance(target, ast.Name) and not isinstance(_value(node.value), str)
    }
    assert found == {"evidence.PURITY_NEIGHBOURS", "tracking.POOLED"}


def _value(node: ast.expr) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def test_families_are_part_of_the_rule() -> None:
    one = replace(RULE, compared=Compared(families=RULE.compared.families[:1], numbers=(2,)))
    assert choose(TWO, rule=one).candidates["family"].to_list() == [one.compared.families[0].name]
