"""Weights of bins: what they are, that they score from rows alone, and what has none."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from portrait_assets.methods.prediction.binned.encoding import WeightEncoding
from portrait_assets.methods.prediction.binned.fitting import weighed
from portrait_assets.methods.prediction.calibration import calibrated
from portrait_assets.methods.prediction.errors import PredictionError
from portrait_assets.methods.prediction.fitting import fit, fit_number
from portrait_assets.methods.prediction.model import PredictionModel
from portrait_assets.methods.prediction.reasons import contributions
from portrait_assets.methods.prediction.rows import part
from portrait_assets.methods.prediction.together import margins
from portrait_assets.methods.statistics.discrimination.paired import auc
from portrait_assets_tests.methods.prediction.world import World


@pytest.fixture(scope="module")
def model(people: World) -> PredictionModel:
    return fit(people.frame, people.outcome, "binned")


def test_a_bin_weighs_by_how_much_its_log_odds_are_above_those_of_all():
    """30 of 100 and 10 of 300, each with 20 rows more of which a tenth have it."""
    x = np.repeat([0.0, 1.0], [300, 100])
    hit = np.r_[np.ones(10), np.zeros(290), np.ones(30), np.zeros(70)]
    (found,) = weighed(pl.DataFrame({"x": x}), hit, None, 5, seed=0).features
    assert (found.ends, found.codes, found.is_text) == ((0.0,), (), False)

    def weight(hits: int, rows: int) -> float:
        rate = (hits + 2) / (rows + 20)
        return float(np.log(rate / (1 - rate)) - np.log(40 / 360))

    # Nothing is missing: a bin without rows weighs nothing.
    assert found.weights == pytest.approx([weight(10, 300), weight(30, 100), 0.0], abs=1e-9)


def test_each_value_weighs_as_its_bin():
    number = WeightEncoding("x", False, (1.0, 5.0), (-1.0,), (), (0.1, 0.2, 0.3, 0.4, 0.5))
    frame = pl.DataFrame({"x": [-3.0, 1.0, 1.5, 9.0, -1.0, None, float("inf")]})
    assert number.column(frame).tolist() == [0.1, 0.1, 0.2, 0.3, 0.4, 0.5, 0.5]
    text = WeightEncoding("x", True, (), (), ("a", "b"), (0.1, 0.2, 0.3, 0.4))
    frame = pl.DataFrame({"x": ["b", "a", "c", None, " "]})
    assert text.column(frame).tolist() == [0.2, 0.1, 0.3, 0.4, 0.4]


def test_a_model_of_bins_is_read_from_its_rows_in_any_order(people: World, model: PredictionModel):
    found = calibrated(model, people.frame, people.outcome)
    read = PredictionModel.from_rows(found.rows().sample(fraction=1, shuffle=True, seed=3))
    assert read.rows().equals(found.rows())
    assert read.version == found.version
    assert np.array_equal(read.probability(people.frame), found.probability(people.frame))


def test_equal_data_in_another_order_give_equal_rows(people: World, model: PredictionModel):
    order = np.random.default_rng(5).permutation(people.frame.height)
    again = fit(people.frame[order], people.outcome[order], "binned")
    assert again.rows().equals(model.rows())


def test_a_score_is_computed_from_the_rows_by_hand(people: World, model: PredictionModel):
    some = people.frame.head(50)
    (intercept,) = part(model.rows(), "intercept")
    bins = part(model.rows(), "encoding")

    def weight(name: str, value: object) -> float:
        own = [row for row in bins if row.feature == name]
        if value is None:
            (found,) = (row for row in own if row.key == "missing")
        elif isinstance(value, str):
            (found,) = (row for row in own if row.level == value)
        else:
            found = next(
                row
                for row in own
                if row.key == "interval" and (row.threshold is None or value <= row.threshold)  # type: ignore[operator]
            )
        return float(found.value or 0.0)

    by_hand = [
        float(intercept.value or 0.0)
        + sum(
            float(term.value or 0.0) * weight(str(term.feature), row[str(term.feature)])
            for term in part(model.rows(), "term")
        )
        for row in some.iter_rows(named=True)
    ]
    assert np.allclose(model.margin(some), by_hand, rtol=0, atol=1e-9)


def test_no_weight_counts_against_its_own_evidence_and_each_is_monotone(model: PredictionModel):
    terms = part(model.rows(), "term")
    assert {"visits", "amount", "city"} <= {row.feature for row in terms}
    assert all((row.value or 0.0) > 0 for row in terms)
    visits = [
        row.value or 0.0
        for row in part(model.rows(), "encoding")
        if row.feature == "visits" and row.key == "interval"
    ]
    assert len(visits) > 3
    assert (np.diff(visits) > 0).all()
    reasons = {each.feature: each.reason for each in model.dropped}
    assert reasons["empty"] == "has no value"
    assert reasons["one"] == "has one value only"


def test_reasons_are_exact(people: World, model: PredictionModel):
    found = contributions(model, people.frame)
    assert set(found.groups) == {each.feature for each in model.encoding.features}
    sums = found.values.sum(axis=1) + found.expected
    assert np.abs(sums - model.margin(people.frame)).max() < 1e-9
    assert found.expected == pytest.approx(model.margin(people.frame).mean(), abs=1e-6)


def test_it_orders_strangers_nearly_as_the_truth(strangers: World, model: PredictionModel):
    known = auc(strangers.truth, strangers.outcome == 1)
    assert auc(model.margin(strangers.frame), strangers.outcome == 1) > known - 0.02


def test_months_of_one_customer_do_not_speak_for_each_other():
    """A name tells all of the months of its customer, and nothing of others."""
    rng = np.random.default_rng(0)
    customer = np.repeat(np.arange(40), 30)
    hit = np.repeat(rng.random(40) < 0.3, 30).astype(float)
    frame = pl.DataFrame({"name": [f"c{each}" for each in customer]})
    alone = weighed(frame, hit, None, 5, seed=0).crosswise[:, 0]
    assert auc(alone, hit == 1) > 0.99
    assert weighed(frame, hit, customer, 5, seed=0).features == (), "each name is of one customer"
    known, unseen = (
        fit(frame.with_columns(x=rng.random(len(hit))), hit, "binned", groups=groups)
        for groups in (None, customer)
    )
    assert "name" in part(known.rows(), "term")[0]
    assert "name" not in {row.feature for row in part(unseen.rows(), "term")}
    assert "name" in {each.feature for each in unseen.dropped}


def test_models_of_several_families_are_scored_together(
    people: World, model: PredictionModel, models: dict[str, PredictionModel]
):
    several = [model, *models.values()]
    for each, found in zip(several, margins(several, people.frame), strict=True):
        assert np.allclose(found, each.margin(people.frame), rtol=0, atol=1e-9)


def test_what_bins_cannot_do_is_said(people: World):
    with pytest.raises(PredictionError, match="directions of bins follow from the outcome"):
        fit(people.frame, people.outcome, "binned", monotone={"visits": 1})
    with pytest.raises(PredictionError, match="binned is no family of models: ask for linear or"):
        fit_number(people.frame, people.number, "binned")


def test_where_nothing_adds_all_rows_score_as_the_mean():
    customer = np.repeat(np.arange(40), 10)
    hit = (customer % 4 == 0).astype(float)
    frame = pl.DataFrame({"name": np.where(customer // 4 % 2 == 0, "a", "b")})
    found = fit(frame, hit, "binned", groups=customer)
    assert found.encoding.features == ()
    assert found.probability(frame) == pytest.approx(np.full(400, 0.25), abs=1e-6)
