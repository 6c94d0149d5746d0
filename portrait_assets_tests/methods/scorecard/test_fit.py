"""Fitted cards: bins, codes, signs, points by hand, and what is refused or left out."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from portrait_assets.methods.scorecard.card.parts import Characteristic, Kind
from portrait_assets.methods.scorecard.card.sql import scores_sql
from portrait_assets.methods.scorecard.columns import Form
from portrait_assets.methods.scorecard.errors import ScorecardError
from portrait_assets.methods.scorecard.fitting.binning import FALLING, RISING
from portrait_assets.methods.scorecard.fitting.fit import Fitted, check_outcome, fit
from portrait_assets.methods.scorecard.fitting.looking import CardRules, Why
from portrait_assets.methods.scorecard.fitting.regression import keep_one_sign
from portrait_assets.methods.scorecard.fitting.weighing import BinRules, Prebins
from portrait_assets_tests.methods.scorecard.test_card import in_sql
from portrait_assets_tests.methods.scorecard.worlds import Outcome, loans

RULES = CardRules()


@pytest.fixture(scope="module")
def world() -> tuple[pl.DataFrame, Outcome]:
    return loans()


@pytest.fixture(scope="module")
def fitted(world: tuple[pl.DataFrame, Outcome]) -> Fitted:
    return fit(*world, RULES)


def part(found: Fitted, feature: str) -> Characteristic:
    return next(p for p in found.card.characteristics if p.feature == feature)


def why(found: Fitted) -> dict[str, Why]:
    return {each.feature: each.why for each in found.left_out}


def test_two_groups_by_hand():
    """400 of a with 40 bad, 400 of b with 160: each is given 20 rows with 5 bad."""
    home = ["a"] * 400 + ["b"] * 400
    outcome = np.array([1.0] * 40 + [0.0] * 360 + [1.0] * 160 + [0.0] * 240)
    card = fit(pl.DataFrame({"home": home}), outcome, RULES).card
    (only,) = card.characteristics
    a, b, other, missing = only.bins
    assert (a.levels, a.rows, a.bads) == (("a",), 400, 40)
    assert a.woe == pytest.approx(math.log(375 / 45) - math.log(3), abs=1e-9)
    assert b.woe == pytest.approx(math.log(255 / 165) - math.log(3), abs=1e-9)
    good, bad = (360 / 600, 240 / 600), (40 / 200, 160 / 200)
    information = (good[0] - bad[0]) * a.woe + (good[1] - bad[1]) * b.woe
    assert only.information == pytest.approx(information, abs=1e-9)
    assert (other.kind, other.points, missing.kind, missing.points) == ("other", 0, "missing", 0)
    # Weights are smoothed, which the regression on them makes up for.
    factor = 20 / math.log(2)
    assert a.points == round(factor * only.coefficient * a.woe)
    odds = {level: card.base + each.points for level, each in (("a", a), ("b", b))}
    assert odds["a"] == pytest.approx(600 + factor * math.log(9 / 50), abs=2)
    assert odds["b"] == pytest.approx(600 + factor * math.log(1.5 / 50), abs=2)


def test_coefficients_are_those_of_a_logistic_regression():
    """Kept columns are regressed without a penalty; scikit-learn finds the same coefficients."""
    weights = np.random.default_rng(8).normal(size=(1_000, 2))
    good = np.random.default_rng(9).random(1_000) < 1 / (1 + np.exp(-1 - weights @ [0.8, 1.3]))
    found = keep_one_sign(weights, ~good)
    oracle = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1_000).fit(weights, good)
    assert list(found.coefficients.values()) == pytest.approx(oracle.coef_[0].tolist(), rel=1e-5)
    assert found.intercept == pytest.approx(oracle.intercept_[0], rel=1e-5)


def test_a_coefficient_below_0_turns_and_is_left_out():
    """`sum` less `one` is what matters: beside `one` it counts the other way round."""
    draw = np.random.default_rng(10)
    one, other = draw.normal(size=(2, 3_000))
    good = draw.random(3_000) < 1 / (1 + np.exp(-2 * one))
    found = keep_one_sign(np.column_stack([one, -one - other]), ~good)
    assert found.left == {1: True}
    assert found.coefficients.keys() == {0}


def test_probabilities_are_right_on_average(fitted: Fitted, world: tuple[pl.DataFrame, Outcome]):
    """But for the rounding of the base to a whole point, which is 3.5 % of the odds."""
    frame, outcome = world
    mean = fitted.card.probability(fitted.card.points(frame)).mean()
    assert mean == pytest.approx(outcome.mean(), rel=0.02)


def test_bad_rates_and_points_are_monotone_over_each_column(fitted: Fitted):
    for feature, direction in (("income", FALLING), ("debt", RISING)):
        bins = [each for each in part(fitted, feature).bins if each.kind is Kind.INTERVAL]
        assert len(bins) >= 3
        assert all(direction * (b.bads / b.rows - a.bads / a.rows) > 0 for a, b in pairwise(bins))
        assert all(direction * (b.points - a.points) <= 0 for a, b in pairwise(bins))
        assert [each.low for each in bins[1:]] == [each.high for each in bins[:-1]]


def test_bins_hold_the_rows_that_they_say(fitted: Fitted, world: tuple[pl.DataFrame, Outcome]):
    frame, outcome = world
    rows = frame.with_columns(pl.Series("outcome", outcome))
    for each in part(fitted, "income").bins:
        inside = pl.lit(True)
        if each.kind is Kind.INTERVAL:
            inside = pl.col("income") != -1
            inside &= pl.col("income") > (each.low if each.low is not None else -math.inf)
            inside &= pl.col("income") <= (each.high if each.high is not None else math.inf)
        elif each.kind is Kind.CODE:
            inside = pl.col("income") == -1
        else:
            inside = pl.col("income").is_null()
        of_bin = rows.filter(inside)["outcome"]
        assert (len(of_bin), of_bin.sum()) == (each.rows, each.bads)


def test_codes_and_what_is_missing_are_bins_of_their_own(fitted: Fitted):
    (code,) = [each for each in part(fitted, "income").bins if each.kind is Kind.CODE]
    assert code.low == -1
    assert code.points < 0  # Riskier than most, though it is the lowest number.
    assert part(fitted, "debt").bins[-1].kind is Kind.MISSING
    assert part(fitted, "debt").bins[-1].rows > 100


def test_declared_codes_are_bins_of_their_own(world: tuple[pl.DataFrame, Outcome]):
    found = fit(*world, replace(RULES, codes={"debt": [3], None: [-1]}))
    assert [b.low for b in part(found, "debt").bins if b.kind is Kind.CODE] == [3]
    assert [b.low for b in part(found, "income").bins if b.kind is Kind.CODE] == [-1]


def test_all_coefficients_have_one_sign_and_the_rest_is_named(fitted: Fitted):
    assert all(each.coefficient > 0 for each in fitted.card.characteristics)
    assert {each.feature for each in fitted.card.characteristics} == {"income", "debt"}
    reasons = {each.feature: each.reason for each in fitted.left_out}
    assert reasons.keys() == {"noise", "word", "twin"}
    assert reasons["twin"] == "it says what income says"
    assert all(" the others" in reasons[name] for name in ("noise", "word"))


def test_a_declared_direction_holds(world: tuple[pl.DataFrame, Outcome]):
    """Against the data it pools all to one bin, which says nothing but of codes and missing."""
    frame, outcome = world
    against = fit(frame.select("debt"), outcome, replace(RULES, directions={"debt": FALLING}))
    for each in against.card.characteristics:
        assert sum(b.kind is Kind.INTERVAL for b in each.bins) == 1
    along = fit(frame.select("debt"), outcome, replace(RULES, directions={"debt": RISING}))
    assert along.card == fit(frame.select("debt"), outcome, RULES).card


def test_a_direction_of_text_is_one_sentence(world: tuple[pl.DataFrame, Outcome]):
    with pytest.raises(ScorecardError, match="word is text, whose categories have no order"):
        fit(*world, replace(RULES, directions={"word": RISING}))


def test_quantiles_are_bins_too(world: tuple[pl.DataFrame, Outcome]):
    rules = replace(RULES, bins=BinRules(Prebins.QUANTILES, most=4))
    income = part(fit(*world, rules), "income")
    sizes = [each.rows for each in income.bins if each.kind is Kind.INTERVAL]
    assert 2 <= len(sizes) <= 4
    assert min(sizes) > 350


def test_sql_is_python(fitted: Fitted, world: tuple[pl.DataFrame, Outcome]):
    frame, _ = world
    assert "CASE WHEN" in scores_sql(fitted.card, "t")
    assert in_sql(fitted.card, frame)["score"].to_list() == fitted.card.points(frame).tolist()


def test_the_order_of_rows_does_not_matter(fitted: Fitted, world: tuple[pl.DataFrame, Outcome]):
    frame, outcome = world
    turned = np.random.default_rng(5).permutation(len(outcome))
    again = fit(frame[turned], outcome[turned], RULES)
    assert again.card.rows().equals(fitted.card.rows())


def test_rows_without_an_outcome_change_nothing(
    fitted: Fitted, world: tuple[pl.DataFrame, Outcome]
):
    frame, outcome = world
    longer = pl.concat([frame, frame.head(50).with_columns(pl.lit(1e6).alias("income"))])
    assert fit(longer, np.append(outcome, [np.nan] * 50), RULES).card == fitted.card


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("gender", ["f", "m"]),
        ("婚姻状况", ["已婚", "未婚"]),
        ("民族", ["a", "b"]),
        ("religion", [1, 2]),
        ("health_status", ["good", "bad"]),
        ("x1", ["married", "single"]),
    ],
)
def test_protected_columns_are_refused_however_well_they_predict(
    name: str, values: list[str] | list[int], world: tuple[pl.DataFrame, Outcome]
):
    frame, outcome = world
    shifted = np.where(np.random.default_rng(1).random(len(outcome)) < 0.2, 0, outcome)
    column = pl.Series(name, [values[int(each)] for each in shifted])
    found = fit(frame.with_columns(column), outcome, RULES)
    assert why(found)[name] is Why.REFUSED
    assert name not in found.inputs
    assert [each.feature for each in found.refused] == [name]


@pytest.mark.parametrize(("sign", "rewarded"), [(1, "being young"), (-1, "being old")])
def test_age_is_refused_whichever_it_rewards(sign: int, rewarded: str):
    draw = np.random.default_rng(2)
    age = draw.integers(18, 80, 3_000)
    outcome = (draw.random(3_000) < 1 / (1 + np.exp(1.5 - sign * (age - 45) / 15))).astype(float)
    births = [date(2024, 1, 1) - timedelta(days=int(365.25 * each)) for each in age]
    found = fit(pl.DataFrame({"age": age, "birth_date": births}), outcome, RULES)
    assert found.card.characteristics == ()
    for each in found.left_out:
        assert f"which may only cost nothing, and would reward {rewarded};" in each.reason
        assert "12 CFR 1002.6(b)(2)" in each.reason


def test_age_by_which_nothing_differs_is_no_input_either():
    outcome = np.array([0.0, 0.0, 0.0, 1.0] * 100)
    found = fit(pl.DataFrame({"age": [40] * 400, "noise": [1, 2, 3, 4] * 100}), outcome, RULES)
    assert why(found)["age"] is Why.NOTHING
    assert "age" not in found.inputs


def test_a_leak_is_found_by_itself_and_named(world: tuple[pl.DataFrame, Outcome]):
    frame, outcome = world
    draw = np.random.default_rng(4)
    recovered = np.where((outcome == 1) & (draw.random(len(outcome)) < 0.3), 50.0, 0.0)
    late = pl.Series("days_late", outcome * 60 + draw.normal(size=len(outcome)) * 10)
    found = fit(frame.with_columns(late, pl.Series("recovered", recovered)), outcome, RULES)
    reasons = {each.feature: each.reason for each in found.refused}
    assert reasons.keys() == {"days_late", "recovered"}
    assert reasons["days_late"].startswith("it gives the outcome away: alone it has an AUC of")
    assert "of one of its bins 9" in reasons["recovered"]
    assert {"days_late", "recovered"}.isdisjoint(found.inputs)


def test_what_is_no_leak_can_be_kept_but_nothing_protected(world: tuple[pl.DataFrame, Outcome]):
    frame, outcome = world
    noise = np.random.default_rng(4).normal(size=len(outcome))
    both = {"late": pl.Series(outcome * 2 + noise), "gender": pl.Series(outcome)}
    found = fit(frame.with_columns(**both), outcome, replace(RULES, keep=["late", "gender"]))
    assert [each.feature for each in found.refused] == ["gender"]
    assert part(found, "late").coefficient > 0
    assert [each.feature for each in found.suspects] == ["late"]


def test_a_column_that_predicts_too_well_is_to_be_looked_at():
    draw = np.random.default_rng(6)
    outcome = (np.arange(3_000) % 4 == 0).astype(float)
    frame = pl.DataFrame({"strong": outcome + 0.7 * draw.normal(size=3_000)})
    found = fit(frame, outcome, RULES)
    (suspect,) = found.suspects
    assert suspect.feature == "strong"
    assert 0.8 < suspect.low < suspect.auc < 0.9
    assert "make sure that it was known before the outcome" in suspect.sentence


def test_columns_of_chance_give_a_card_without_columns():
    draw = np.random.default_rng(7)
    frame = pl.DataFrame({f"x{n}": draw.normal(size=600) for n in range(8)})
    frame = frame.with_columns(pl.Series("id", [f"c{n}" for n in range(600)]))
    found = fit(frame, (draw.random(600) < 0.1).astype(float), RULES)
    assert len(found.card.characteristics) <= 1
    assert why(found)["id"] is Why.NOTHING


def test_what_cannot_be_read_is_named():
    outcome = np.array([0.0, 1.0] * 50)
    frame = pl.DataFrame({"list": [[1]] * 100, "nothing": [None] * 100, "one": [1] * 100})
    found = fit(frame, outcome, RULES)
    assert why(found) == {"list": Why.UNREADABLE, "nothing": Why.UNREADABLE, "one": Why.NOTHING}
    other = fit(frame.select("one", "nothing", "list"), outcome, RULES)
    assert [each.feature for each in other.left_out] == ["one", "nothing", "list"]


@pytest.mark.parametrize(
    ("outcome", "sentence"),
    [
        ([0.0] * 100, "The outcome of all 100 known rows is 0"),
        ([1.0] * 100, "The outcome of all 100 known rows is 1"),
        ([1.0] * 10 + [0.0] * 90, "Only 10 of 100 known rows have the outcome 1; a card needs at"),
        ([0.0] * 19 + [1.0] * 81, "Only 19 of 100 known rows have the outcome 0"),
        ([float("nan")] * 100, "No row has a known outcome"),
    ],
)
def test_too_little_to_learn_from_is_one_sentence(outcome: list[float], sentence: str):
    with pytest.raises(ScorecardError, match=sentence):
        fit(pl.DataFrame({"x": range(100)}), np.array(outcome), RULES)


@pytest.mark.parametrize("bads", [20, 80])
def test_twenty_of_each_outcome_are_enough(bads: int):
    check_outcome(np.arange(100) < bads)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.none() | st.floats(allow_nan=True) | st.sampled_from([-1.0, 999.0, 1.0, 2.0]),
            st.none() | st.sampled_from(["a", "b", "c'c", ""]),
            st.booleans(),
        ),
        min_size=60,
        max_size=150,
    )
)
def test_any_table_gives_a_monotone_card_that_sql_agrees_with(
    rows: list[tuple[float | None, str | None, bool]],
):
    schema = {"number": pl.Float64, "word": pl.String, "outcome": pl.Boolean}
    table = pl.DataFrame(rows, schema=schema, orient="row")
    outcome = np.append(table["outcome"].to_numpy().astype(float), [0.0, 1.0] * 20)
    frame = table.drop("outcome")
    frame = pl.concat([frame, frame.head(40)])
    card = fit(frame, outcome, RULES).card
    for each in card.characteristics:
        ordered = [b for b in each.bins if b.kind in (Kind.INTERVAL, Kind.LEVELS)]
        steps = {np.sign(b.bads / b.rows - a.bads / a.rows) for a, b in pairwise(ordered)}
        assert len(steps) <= 1
        assert each.form in (Form.NUMBER, Form.TEXT)
    assert in_sql(card, frame)["score"].to_list() == card.points(frame).tolist()


def test_what_a_customer_is_by_chance_says_nothing_of_others():
    """Each of 300 customers comes eight times, always with the same outcome and town."""
    draw = np.random.default_rng(1)
    customers = np.repeat(np.arange(300), 8)
    town = draw.choice([f"town {n}" for n in range(40)], 300)[customers]
    outcome = (draw.random(300) < 0.1).astype(float)[customers]
    frame = pl.DataFrame({"town": town})
    assert part(fit(frame, outcome, RULES), "town").coefficient > 0.9, "rows tell of each other"
    apart = fit(frame, outcome, RULES, groups=pl.Series(customers)).card
    assert all(each.coefficient < 0.1 for each in apart.characteristics)
    # Rows that are each their own are folded as without groups.
    known, bads = loans()
    alone = fit(known, bads, RULES, groups=pl.Series(np.arange(known.height)))
    assert {p.feature for p in alone.card.characteristics} == {
        p.feature for p in fit(known, bads, RULES).card.characteristics
    }
