"""Which method values customers, and what of it is shown, from expectations that are stated."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from portrait_assets.methods.lifetime import backtest as backtest_module
from portrait_assets.methods.lifetime import candidates, values
from portrait_assets.methods.lifetime.backtest import decided
from portrait_assets.methods.lifetime.candidates import ORDER, REPEAT, Candidate, Prediction
from portrait_assets.methods.lifetime.errors import LifetimeError
from portrait_assets.methods.lifetime.models import gamma_gamma
from portrait_assets.methods.lifetime.models.fitting import Fit
from portrait_assets.methods.lifetime.values import (
    JUDGED_AT_MOST,
    Horizon,
    _correlation,
    _even_sample,
    choose,
    expectations,
    lifetime_values,
    values_of,
)
from portrait_assets.methods.lifetime.windows import Window

NOW = Horizon(date(2020, 1, 1), date(2024, 6, 30), 90, 30)
CUSTOMERS = pl.DataFrame({"customer_id": ["a", "b"]})


def prediction(*candidates: Candidate) -> Prediction:
    nothing: Any = None
    return Prediction(CUSTOMERS, (), nothing, {each.name: each for each in candidates})


def numbers(*given: float) -> Any:
    return np.array(given)


BG, PARETO, TREES = ORDER[0], ORDER[1], ORDER[3]


def test_without_a_window_the_first_method_is_taken():
    assert ORDER == (BG, PARETO, REPEAT, TREES)
    nobody: Any = None
    assert choose(nobody, NOW, ()).method == BG
    assert choose(nobody, NOW, ()).spreads_of(BG) is None


def test_the_first_model_that_can_says_who_has_not_lapsed():
    one = Candidate(BG, None, None, problem="no data")
    two = Candidate(PARETO, numbers(1, 2), numbers(3, 4), alive=numbers(0.2, 0.9))
    three = Candidate(TREES, numbers(1, 2), numbers(3, 4), alive=numbers(0.5, 0.5))
    found = prediction(one, two, three).alive
    assert found is not None
    assert found.tolist() == [0.2, 0.9]
    assert prediction(one).alive is None


@pytest.mark.parametrize(
    ("method", "usable", "chosen", "is_boosted"),
    [
        (BG, {BG, PARETO, REPEAT}, BG, False),
        (TREES, {BG, TREES, REPEAT}, TREES, True),
        (TREES, {PARETO, REPEAT}, PARETO, True),
        (PARETO, {REPEAT}, REPEAT, False),
    ],
)
def test_the_first_in_order_stands_in_for_one_that_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch, method: str, usable: set[str], chosen: str, is_boosted: bool
):
    asked: list[Any] = []

    def predict(*arguments: Any, **more: Any) -> Prediction:
        asked.append((arguments[1:], more))
        return prediction(
            *(Candidate(n, numbers(1, 2) if n in usable else None, None) for n in ORDER)
        )

    monkeypatch.setattr(values, "predict", predict)
    nobody: Any = None
    assert expectations(nobody, NOW, method)[1] == chosen
    days = (NOW.first, NOW.until, 90, 30)
    assert asked == [(days, {"is_boosted": is_boosted, "fits": None})]


def test_values_are_those_of_the_method_with_ends_where_something_tells():
    of = Candidate(REPEAT, numbers(1, np.nan), numbers(30, 40))
    model = Candidate(BG, numbers(9, 9), numbers(9, 9), alive=numbers(0.2, 0.9))
    predicted = prediction(model, of)
    bare = values_of(predicted, REPEAT, None)
    assert bare["expected_purchases"].to_list() == [1.0, None]
    assert bare["expected_spend"].to_list() == [30.0, 40.0]
    assert bare["p_alive"].to_list() == [0.2, 0.9], "of the first model that can say"
    assert bare.select("low", "high", "spend_low", "spend_high").null_count().row(0) == (2,) * 4
    spreads: Any = (
        SimpleNamespace(counts=lambda expected: (expected - 1, expected + 1)),
        SimpleNamespace(bounds=lambda expected: (expected - 5, expected + 5)),
    )
    found = values_of(predicted, BG, spreads)
    assert found.row(0) == ("a", 9, 9, 8, 10, 4, 14, 0.2)


@pytest.mark.parametrize("more", [0, 1])
def test_of_many_customers_some_are_judged(more: int):
    count = JUDGED_AT_MOST + more
    bought = pl.DataFrame(
        {"customer_id": np.repeat(np.arange(count), 2), "n": np.arange(2 * count)}
    )
    found = _even_sample(bought)
    assert found["customer_id"].n_unique() == JUDGED_AT_MOST
    assert found.height == 2 * JUDGED_AT_MOST
    assert found.equals(bought) is (more == 0)


def test_purchases_and_spend_are_correlated_over_those_who_have_both():
    rows = pl.DataFrame({"x": [1, 2, 3, 9], "mean_spend": [2.0, 4.0, 6.0, None]})
    assert _correlation(rows) == pytest.approx(1.0)
    assert np.isnan(_correlation(rows.head(1)))


def test_customers_are_judged_evenly_from_the_first_to_the_last(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(values, "JUDGED_AT_MOST", 2)
    bought = pl.DataFrame({"customer_id": [*"gfedcba", "b"]})
    assert _even_sample(bought)["customer_id"].to_list() == ["f", "b", "b"]


def test_the_last_backtest_decides_where_it_compares_methods():
    given: Any = tuple(SimpleNamespace(compares=True) for _ in range(2))
    assert decided(given) is given[1]


def test_a_return_on_a_second_day_is_no_second_purchase():
    rows = [("a", date(2024, 1, 2), 10.0), ("a", date(2024, 1, 9), -10.0)]
    sales = pl.LazyFrame(rows, schema=["customer_id", "occurred_at", "amount"], orient="row")
    with pytest.raises(LifetimeError, match="Nobody has bought on a second day"):
        lifetime_values(sales, date(2024, 6, 30), 30)


def test_the_last_window_repeats_as_often_as_it_fits_into_the_horizon():
    rows = {"customer_id": ["a", "b"], "x": [2, 0], "t_x": [3.0, 0.0], "T": [9.0, 4.0]}
    known = pl.DataFrame(
        rows | {"mean_spend": [15.0, None], "recent": [2, 0], "recent_spend": [30.0, 0.0]}
    )
    history: Any = SimpleNamespace(summary=lambda *_: known)
    fits = {
        name: Fit(name, {}, 0.0, 2, "it was not tried") for name in (BG, PARETO, gamma_gamma.NAME)
    }
    predicted = candidates.predict(
        history, NOW.first, NOW.until, 90, 30, is_boosted=False, fits=fits
    )
    found = predicted.candidates[REPEAT]
    assert found.purchases is not None
    assert found.spend is not None
    assert (found.purchases.tolist(), found.spend.tolist()) == ([6.0, 0.0], [90.0, 0.0])


def test_who_gave_back_more_than_they_bought_spent_nothing(monkeypatch: pytest.MonkeyPatch):
    predicted = prediction(*(Candidate(n, numbers(1, 2), numbers(3, 4)) for n in ORDER))
    monkeypatch.setattr(backtest_module, "predict", lambda *_: predicted)
    done = pl.DataFrame({"purchases": [0, 2], "spend": [-5.0, 8.0]})
    history: Any = SimpleNamespace(outcome=lambda *_: done)
    window = Window(date(2024, 1, 1), date(2024, 1, 31))
    found = backtest_module.backtest(history, NOW.first, window)
    assert found.actual_spend.tolist() == [0.0, 8.0]
    assert (found.scores[0].bias, found.scores[0].spend_bias) == (0.5, -0.125)
    assert found.scores[0].mean_absolute_error == 0.5


def test_without_a_model_of_spend_a_customers_mean_is_drawn_to_that_of_all():
    """Customer a spent 10 in each of 3 purchases, b 40 in one, c nothing that is known."""
    customers = pl.DataFrame({"x": [3, 1, 2], "mean_spend": [10.0, 40.0, None]})
    nothing: Any = None
    unusable: Any = SimpleNamespace(is_usable=False)
    found, _ = candidates._per_purchase(customers, nothing, NOW.until, unusable)
    assert found.tolist() == [(3 * 10 + 25) / 4, (40 + 25) / 2, 25.0]
