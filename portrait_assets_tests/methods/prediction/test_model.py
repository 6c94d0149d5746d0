"""A model is rows: written, read in any order, and scored from alone."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from portrait_assets.methods.prediction.calibration import calibrated
from portrait_assets.methods.prediction.errors import PredictionError
from portrait_assets.methods.prediction.families.boosted.growing import _exported
from portrait_assets.methods.prediction.families.boosted.trees import Trees, trees_from
from portrait_assets.methods.prediction.families.columns import Term
from portrait_assets.methods.prediction.families.parameters import PARAMETERS
from portrait_assets.methods.prediction.fitting import fit
from portrait_assets.methods.prediction.model import PredictionModel
from portrait_assets.methods.prediction.rows import ROWS_SCHEMA, part, to_frame
from portrait_assets.methods.prediction.together import margins
from portrait_assets_tests.methods.prediction.world import SMALL, World

FAMILIES = ("logistic", "trees")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_is_read_from_its_rows_in_any_order(
    family: str, people: World, strangers: World, models: dict[str, PredictionModel]
):
    model = calibrated(models[family], strangers.frame, strangers.outcome)
    rows = model.rows()
    assert dict(rows.schema) == ROWS_SCHEMA
    read = PredictionModel.from_rows(rows.sample(fraction=1, shuffle=True, seed=3))
    assert read.rows().equals(rows)
    assert read.version == model.version != models[family].version
    assert np.array_equal(read.margin(people.frame), model.margin(people.frame))
    assert np.array_equal(read.probability(people.frame), model.probability(people.frame))
    encoded = read.probability_of(read.design(people.frame))
    assert np.array_equal(encoded, model.probability(people.frame))


@pytest.mark.parametrize("family", FAMILIES)
def test_equal_data_in_another_order_give_equal_rows(
    family: str, people: World, models: dict[str, PredictionModel]
):
    order = np.random.default_rng(5).permutation(people.frame.height)
    again = fit(people.frame[order], people.outcome[order], family, parameters=SMALL)
    assert again.rows().equals(models[family].rows())


@pytest.mark.parametrize("family", ["binned", *FAMILIES])
def test_the_opposite_of_a_model_is_one_of_the_opposite_outcome(
    family: str, people: World, strangers: World, models: dict[str, PredictionModel]
):
    own = models[family] if family in models else fit(people.frame, people.outcome, family)
    model = calibrated(own, strangers.frame, strangers.outcome)
    opposite = model.opposite()
    chances = model.probability(people.frame)
    assert opposite.probability(people.frame) == pytest.approx(1 - chances, abs=1e-12)
    assert opposite.opposite().rows().equals(model.rows())
    read = PredictionModel.from_rows(opposite.rows())
    assert np.array_equal(read.margin(people.frame), opposite.margin(people.frame))
    assert opposite.facts["events"] == (people.outcome == 0).sum()
    assert opposite.facts["base_rate"] == pytest.approx(1 - people.outcome.mean())


def test_a_fit_to_the_opposite_outcome_is_the_opposite(people: World):
    """Of one strength only, so that it does not matter on which rows strengths are tried."""
    only = replace(PARAMETERS, strengths=(0.1,))
    one, other = (
        fit(people.frame, outcome, "logistic", parameters=only)
        for outcome in (people.outcome, 1 - people.outcome)
    )
    assert one.opposite().margin(people.frame) == pytest.approx(
        other.margin(people.frame), abs=1e-6
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_a_score_is_computed_from_the_rows_by_hand(
    family: str, people: World, models: dict[str, PredictionModel]
):
    some = people.frame.head(50)
    by_hand = [_margin(models[family].rows(), row) for row in some.iter_rows(named=True)]
    assert np.allclose(models[family].margin(some), by_hand, rtol=0, atol=1e-9)


def _margin(rows: pl.DataFrame, row: dict[str, object]) -> float:
    """The score of one row as whoever reads the table would compute it."""
    (intercept,) = part(rows, "intercept")
    total = float(intercept.value or 0.0)
    for term in part(rows, "term"):
        total += float(term.value or 0.0) * _scaled(rows, term.feature, term.key, term.level, row)
    nodes = {(node.tree, node.position): node for node in part(rows, "node")}
    for tree in sorted({at[0] for at in nodes if at[0] is not None}):
        node = nodes[tree, 0]
        while node.key is not None:
            value = _plain(node.feature, node.key, node.level, row)
            if value is None:
                goes_left = bool(node.missing_left)
            else:
                goes_left = node.threshold is None or value <= node.threshold
            node = nodes[tree, int(node.left if goes_left else node.right)]  # type: ignore[arg-type]
        total += float(node.value or 0.0)
    return total


def _plain(
    feature: str | None, kind: str | None, level: str | None, row: dict[str, object]
) -> float | None:
    value = row[str(feature)]
    if kind == "level":
        return float(value == level)
    if value is None:
        return None
    if hasattr(value, "toordinal"):
        return float(value.toordinal() - 719_163)
    return float(value)  # type: ignore[arg-type]


def _scaled(
    rows: pl.DataFrame,
    feature: str | None,
    kind: str | None,
    level: str | None,
    row: dict[str, object],
) -> float:
    value = _plain(feature, kind, level, row)
    if kind == "missing":
        return float(value is None)
    if kind == "level":
        return float(value or 0.0)
    numbers = {r.key: r.value or 0.0 for r in part(rows, "encoding") if r.feature == feature}
    known = numbers["fill"] if value is None else value
    if numbers["unit"]:
        known = float(np.sign(known) * np.log1p(abs(known) / numbers["unit"]))
    return float(np.clip((known - numbers["centre"]) / numbers["scale"], -6, 6))


@pytest.fixture(scope="module")
def grown() -> tuple[HistGradientBoostingClassifier, np.ndarray, Trees]:
    """Trees of scikit-learn on numbers with gaps, and the same as our nodes."""
    rng = np.random.default_rng(2)
    design = rng.normal(size=(2_000, 6)).round(1)
    design[rng.random(design.shape) < 0.2] = np.nan
    # A mark that some have: nodes part what is missing from all that is known.
    design[:, 0] = np.where(np.isnan(design[:, 0]), np.nan, 1.0)
    outcome = (np.isnan(design[:, 0]) | (np.nan_to_num(design[:, 1]) > 0.5)).astype(int)
    outcome ^= (rng.random(len(outcome)) < 0.1).astype(int)
    with threadpool_limits(1):
        model = HistGradientBoostingClassifier(max_iter=30, random_state=0).fit(design, outcome)
    return model, design, _exported(model, [Term(f"f{at}", "number") for at in range(6)], 30)


def test_trees_score_as_scikit_learn_does_with_gaps(
    grown: tuple[HistGradientBoostingClassifier, np.ndarray, Trees],
):
    model, design, trees = grown
    assert np.isinf(trees.nodes.threshold[trees.nodes.term >= 0]).any()
    with_gaps = np.vstack([design, np.full((1, 6), np.nan), np.full((1, 6), 1e300)])
    expected = model.predict_proba(with_gaps)[:, 1]
    assert np.abs(1 / (1 + np.exp(-trees.margin(with_gaps))) - expected).max() < 1e-12


def test_a_value_on_a_threshold_goes_left_as_in_scikit_learn(
    grown: tuple[HistGradientBoostingClassifier, np.ndarray, Trees],
):
    model, _, trees = grown
    nodes = trees.nodes
    on_it = np.zeros((len(nodes.term), 6))
    is_split = (nodes.term >= 0) & np.isfinite(nodes.threshold)
    on_it[is_split, nodes.term[is_split]] = nodes.threshold[is_split]
    expected = model.predict_proba(on_it)[:, 1]
    assert np.abs(1 / (1 + np.exp(-trees.margin(on_it))) - expected).max() < 1e-12


def test_trees_are_read_from_their_rows(
    grown: tuple[HistGradientBoostingClassifier, np.ndarray, Trees],
):
    _, design, trees = grown
    rows = to_frame(trees.to_rows())
    read = trees_from(trees.intercept, trees.terms, part(rows, "node"))
    assert np.array_equal(read.margin(design), trees.margin(design))
    assert to_frame(read.to_rows()).equals(rows)


def test_a_row_without_a_feature_is_refused_with_a_near_name(models: dict[str, PredictionModel]):
    rows = pl.DataFrame({"visit": [1.0], "amount": [1.0], "city": ["north"]})
    with pytest.raises(PredictionError, match=r"needs the column visits.*did you mean visit\?"):
        models["logistic"].margin(rows)


def test_a_city_that_was_never_seen_is_none_of_those_that_were(
    people: World, models: dict[str, PredictionModel]
):
    row = people.frame.head(1)
    new = row.with_columns(city=pl.lit("nowhere"))
    margins = [
        models["logistic"].margin(row.with_columns(city=pl.lit(city)))[0]
        for city in ("north", "south", "east")
    ]
    assert min(margins) < models["logistic"].margin(new)[0] < max(margins)


def test_rows_that_are_no_model_are_refused(models: dict[str, PredictionModel]):
    rows = models["trees"].rows()
    other = rows.with_columns(
        text=pl.when(pl.col("key") == "family").then(pl.lit("forest")).otherwise("text")
    )
    with pytest.raises(PredictionError, match=r"no model of a known family \(forest\)"):
        PredictionModel.from_rows(other)
    with pytest.raises(PredictionError, match="none is named"):
        PredictionModel.from_rows(rows.clear())


def test_no_row_gives_no_score(people: World, models: dict[str, PredictionModel]):
    for family in FAMILIES:
        assert models[family].probability(people.frame.clear()).shape == (0,)


def test_models_are_scored_together_as_each_is_alone(
    people: World, strangers: World, models: dict[str, PredictionModel]
):
    """Whether they share the encoding of a feature, or have one of their own."""
    other = fit(strangers.frame, strangers.outcome, "logistic")
    fewer = fit(people.frame.drop(people.frame.columns[0]), people.outcome, "trees")
    several = [models["trees"], other, models["logistic"], fewer]
    for frame in (people.frame, people.frame.clear()):
        for model, found in zip(several, margins(several, frame), strict=True):
            assert found == pytest.approx(model.margin(frame), abs=2e-10)
    assert margins([], people.frame) == []
