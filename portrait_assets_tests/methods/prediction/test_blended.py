"""The mean of a line and of trees: its scores, its reasons, and when it is taken."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.special import expit

from portrait_assets.app.any_table.predict import sentences
from portrait_assets.methods.prediction.blended import Blend
from portrait_assets.methods.prediction.calibration import fit_curve
from portrait_assets.methods.prediction.families.parameters import Parameters
from portrait_assets.methods.prediction.fitting import fit, fit_number
from portrait_assets.methods.prediction.reasons import contributions, reasons
from portrait_assets.methods.prediction.table.predictions import Request, predict_table

FEW = Parameters(folds=3, most_trees=30, leaves=(8,))
ROWS = 1_200


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    """Much of what tells adds up, and two columns count by their size, which no line sees."""
    draw = np.random.default_rng(5)
    x = draw.normal(size=(ROWS, 6))
    margin = x[:, :4].sum(axis=1) * 0.7 + np.abs(x[:, 4:]).sum(axis=1) - 1.6
    happened = draw.random(ROWS) < expit(margin)
    spend = 10 * margin + 5 * draw.normal(size=ROWS)
    return pl.DataFrame(x, schema=list("abcdef")).with_columns(y=happened, spend=spend)


@pytest.fixture(scope="module")
def blend(table: pl.DataFrame) -> Blend:
    features, outcome = table.select("a", "e", "f"), table["y"].to_numpy()
    line, trees = (fit(features, outcome, name, parameters=FEW) for name in ("logistic", "trees"))
    return Blend(line, trees)


def test_its_score_is_the_mean_of_the_log_odds(table: pl.DataFrame, blend: Blend):
    line, trees = blend.line.probability(table), blend.trees.probability(table)
    odds = np.sqrt(line / (1 - line) * trees / (1 - trees))
    assert blend.probability(table) == pytest.approx(odds / (1 + odds))
    assert blend.expected(table).tolist() == blend.probability(table).tolist()
    shifted = blend.with_curve(fit_curve(blend.margin(table), np.arange(ROWS) % 10 == 0))
    assert shifted.probability(table).mean() == pytest.approx(0.1)


def test_of_numbers_it_is_the_mean_within_what_was_seen(table: pl.DataFrame):
    features, spend = table.select("a", "e", "f"), table["spend"].to_numpy()
    line, trees = (
        fit_number(features, spend, name, parameters=FEW) for name in ("linear", "trees")
    )
    far = pl.DataFrame({"a": [0.5, 90.0], "e": [1.0, 1.0], "f": [1.0, 1.0]})
    both = Blend(line, trees).expected(far)
    assert both == pytest.approx((line.expected(far) + trees.expected(far)) / 2)
    assert both.max() <= spend.max()


def test_its_reasons_are_the_means_of_theirs_and_sum_to_the_score(
    table: pl.DataFrame, blend: Blend
):
    rows = table.head(50)
    found = contributions(blend, rows)
    line, trees = (contributions(each, rows) for each in (blend.line, blend.trees))
    assert found.groups == line.groups == trees.groups
    assert found.values == pytest.approx((line.values + trees.values) / 2)
    assert found.expected + found.values.sum(axis=1) == pytest.approx(blend.margin(rows))
    grouped = contributions(blend, rows, {"e": "pair", "f": "pair"})
    assert grouped.values[:, 1] == pytest.approx(found.values[:, 1:].sum(axis=1))
    first = found.values[0]
    strongest = int(np.abs(first).argmax())
    sign = "+" if first[strongest] > 0 else "-"
    assert reasons(blend, rows)["reason_1"][0] == sign + found.groups[strongest]


def test_a_feature_that_one_of_them_lacks_adds_nothing_there(table: pl.DataFrame):
    outcome = table["y"].to_numpy()
    line = fit(table.select("a"), outcome, "logistic", parameters=FEW)
    trees = fit(table.select("e", "f"), outcome, "trees", parameters=FEW)
    rows = table.head(20)
    found = contributions(Blend(line, trees), rows)
    assert found.groups == ("a", "e", "f")
    assert found.values[:, 0] == pytest.approx(contributions(line, rows).values[:, 0] / 2)


@pytest.mark.parametrize("outcome", ["y", "spend"])
def test_it_is_taken_where_it_is_surely_better(table: pl.DataFrame, outcome: str):
    other = "spend" if outcome == "y" else "y"
    found = predict_table(table.drop(other), Request(outcome, parameters=FEW))
    (part,) = found.parts
    assert isinstance(part.model, Blend)
    line, trees, both = part.proof.scores.values()
    assert both == pytest.approx((line + trees) / 2)
    text = "\n".join(sentences(found))
    assert "the mean of both; " in text
    assert "it is surely better than " in text


def test_where_a_line_tells_all_the_simpler_stays(table: pl.DataFrame):
    draw = np.random.default_rng(2)
    y = draw.random(ROWS) < expit(table["a"].to_numpy() + table["b"].to_numpy())
    found = predict_table(table.select("a", "b").with_columns(y=y), Request("y", parameters=FEW))
    assert found.parts[0].model.family == "logistic"
    assert "the mean of both is not surely better" in "\n".join(sentences(found))
