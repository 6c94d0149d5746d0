"""Methods are judged in a window that is over, and the one that did best predicts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from portrait_assets.methods.lifetime import trees
from portrait_assets.methods.lifetime.backtest import Backtest, decided
from portrait_assets.methods.lifetime.candidates import ORDER, REPEAT, Candidate
from portrait_assets.methods.lifetime.errors import LifetimeError
from portrait_assets.methods.lifetime.models import bg_nbd, pareto_nbd
from portrait_assets.methods.lifetime.transactions import Purchases, outcome, purchases
from portrait_assets.methods.lifetime.trees import NAME as TREES
from portrait_assets.methods.lifetime.values import Lifetime, lifetime_values
from portrait_assets.methods.lifetime.windows import Window, learnt_windows
from portrait_assets_tests.methods.lifetime import worlds
from portrait_assets_tests.methods.lifetime.worlds import after, transactions

DAYS, HORIZON = 700, 90


@pytest.fixture(scope="module")
def sales() -> pl.DataFrame:
    return worlds.pareto_nbd(3_000, DAYS + HORIZON)


@pytest.fixture(scope="module")
def found(sales: pl.DataFrame) -> Lifetime:
    return lifetime_values(sales.lazy(), after(DAYS), HORIZON)


def truth(sales: pl.DataFrame, found: Lifetime) -> pl.DataFrame:
    end = after(DAYS + HORIZON)
    return outcome(purchases(sales.lazy()), found.values.lazy(), after(DAYS), end).collect()


def test_customers_buy_what_is_expected_of_them_in_the_horizon(
    sales: pl.DataFrame, found: Lifetime
):
    done, values = truth(sales, found), found.values
    assert found.method in (bg_nbd.NAME, pareto_nbd.NAME)
    assert values["customer_id"].is_sorted()
    assert values["customer_id"].n_unique() == values.height
    assert values["expected_purchases"].sum() == pytest.approx(done["purchases"].sum(), rel=0.08)
    assert values["expected_spend"].sum() == pytest.approx(done["spend"].sum(), rel=0.12)
    assert share_within(done["purchases"], values["low"], values["high"]) > 0.94
    assert share_within(done["spend"], values["spend_low"], values["spend_high"]) > 0.93


def share_within(of: pl.Series, low: pl.Series, high: pl.Series) -> float:
    return float(of.is_between(low, high).to_numpy().mean())


def bias(expected: pl.Series, actual: pl.Series) -> float:
    return float(expected.sum()) / float(actual.sum()) - 1


def test_what_happens_after_the_last_day_changes_nothing(sales: pl.DataFrame, found: Lifetime):
    known = sales.filter(pl.col("occurred_at") <= after(DAYS))
    again = lifetime_values(
        known.sample(fraction=1, shuffle=True, seed=1).lazy(), after(DAYS), HORIZON
    )
    assert again.values["expected_purchases"].equals(found.values["expected_purchases"])


def test_trees_learn_from_purchases_of_which_no_amount_is_known(sales: pl.DataFrame):
    unknown = sales.with_columns(amount=pl.lit(None, pl.Float64))
    history = Purchases(purchases(unknown.lazy()))
    customers = history.summary(after(DAYS), HORIZON)
    windows = learnt_windows(after(0), after(DAYS), HORIZON)
    found, why_not = trees.expected(history, windows, customers, HORIZON)
    assert (found is not None, why_not) == (True, "")
    done = history.outcome(customers, after(DAYS), after(DAYS + HORIZON))["purchases"]
    assert found is not None
    assert found.sum() == pytest.approx(done.sum(), rel=0.2)


def test_a_score_is_what_was_expected_before_the_window_against_what_came_true(
    sales: pl.DataFrame, found: Lifetime
):
    newest = found.backtests[0]
    as_of = lifetime_values(sales.lazy(), newest.window.base, HORIZON)
    (score,) = (each for each in newest.scores if each.name == as_of.method)
    bought = purchases(sales.lazy())
    window = newest.window
    done = outcome(bought, as_of.values.lazy(), window.base, window.until).collect()
    expected = as_of.values["expected_purchases"]
    errors = (expected - done["purchases"]).to_numpy()
    assert newest.customers == as_of.values.height
    assert newest.purchases == done["purchases"].sum()
    assert score.mean_absolute_error == pytest.approx(np.abs(errors).mean())
    assert score.root_mean_squared_error == pytest.approx(np.sqrt((errors**2).mean()))
    assert score.bias == pytest.approx(bias(expected, done["purchases"]))
    assert score.spend_bias == pytest.approx(bias(as_of.values["expected_spend"], done["spend"]))


def test_customers_like_a_clock_are_left_to_what_repeats():
    found = lifetime_values(worlds.weekly(300, 400).lazy(), after(400), 28)
    assert found.method == REPEAT
    assert [fit.is_usable for fit in found.fits] == [False, False]
    scores = {score.name: score for score in found.backtests[0].scores}
    assert scores[bg_nbd.NAME].problem == "it is degenerate (r tends to infinity)"
    assert np.isnan(scores[bg_nbd.NAME].mean_absolute_error)
    assert scores[TREES].problem.endswith("are too few to learn from")
    old = found.values.head(100)
    assert old["expected_purchases"].to_list() == [4.0] * 100
    assert old["p_alive"].null_count() == 100


@pytest.mark.slow
def test_a_season_is_learnt_from_the_year_before():
    sales = worlds.pareto_nbd(8_000, 1_090, season=0.9)
    found = lifetime_values(sales.lazy(), after(1_000), 90)
    _, season = found.backtests
    assert season.window.is_season
    assert found.deciding is season
    assert found.method == TREES
    end = after(1_090)
    done = outcome(purchases(sales.lazy()), found.values.lazy(), after(1_000), end).collect()
    total = bias(found.values["expected_purchases"], done["purchases"])
    by_season = {score.name: score.bias for score in season.scores}
    assert abs(total) < abs(by_season[bg_nbd.NAME]) / 2


def test_of_very_many_customers_a_sample_is_judged_and_all_are_scored(
    sales: pl.DataFrame, found: Lifetime, monkeypatch: pytest.MonkeyPatch
):
    assert not found.is_judged_by_sample
    monkeypatch.setattr("portrait_assets.methods.lifetime.values.JUDGED_AT_MOST", 500)
    sampled = lifetime_values(sales.lazy(), after(DAYS), HORIZON)
    assert sampled.is_judged_by_sample
    assert sampled.backtests[0].customers <= 500
    assert sampled.fits == found.fits
    assert sampled.values.height == found.values.height


def judged(errors: dict[str, np.ndarray]) -> Backtest:
    """A window in which nobody bought, and methods expected these errors."""
    candidates = {
        name: Candidate(
            name, errors.get(name), errors.get(name), problem="" if name in errors else "no"
        )
        for name in ORDER
    }
    nothing = np.zeros(1_000)
    window = Window(date(2024, 1, 1), date(2024, 2, 1))
    return Backtest(window, 1_000, 0, (), candidates, nothing, nothing)


def test_the_first_in_order_wins_unless_another_is_surely_better():
    draw = np.random.default_rng(2)
    errors = draw.exponential(1.0, 1_000)
    alike = errors * draw.choice([0.9, 1.1], 1_000)
    assert judged({bg_nbd.NAME: alike, pareto_nbd.NAME: errors}).chosen() == bg_nbd.NAME
    assert judged({bg_nbd.NAME: errors, TREES: errors * 0.9}).chosen() == TREES
    assert judged({bg_nbd.NAME: errors * 1.2, REPEAT: errors, TREES: alike}).chosen() == REPEAT


def test_what_has_a_problem_is_never_chosen():
    errors = np.ones(1_000)
    assert judged({REPEAT: errors * 9}).chosen() == REPEAT
    tested = judged({bg_nbd.NAME: errors})
    assert replace(tested, candidates=judged({TREES: errors}).candidates).chosen() == TREES


def test_a_season_in_which_one_method_alone_could_be_used_does_not_decide():
    errors = np.ones(1_000)
    newest = judged({bg_nbd.NAME: errors, REPEAT: errors * 2})
    alone, compared = judged({REPEAT: errors}), judged({REPEAT: errors, TREES: errors * 2})
    assert decided([newest, alone]) is newest
    assert decided([newest, compared]) is compared
    assert decided([alone]) is alone


def test_customers_of_a_day_have_a_model_and_no_intervals():
    rows: list[tuple[str, str, float | None]] = [
        (f"c{n}", f"2024-01-0{day}", 5.0) for n in range(40) for day in (1, 2) if n < 30 or day < 2
    ]
    found = lifetime_values(transactions(rows), date(2024, 1, 2), 7)
    assert found.backtests == ()
    assert found.deciding is None
    assert found.values["low"].null_count() == 40


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("a", "2024-02-01", 5.0)], "Nobody has bought anything by 2024-01-31"),
        ([("a", "2024-01-01", -5.0)], "Nobody has bought anything by 2024-01-31"),
        ([("a", "2024-01-01", 5.0), ("b", "2024-01-09", 5.0)], "on a second day by 2024-01-31"),
    ],
)
def test_without_a_second_purchase_there_is_nothing_to_learn(
    rows: list[tuple[str, str, float | None]], message: str
):
    with pytest.raises(LifetimeError, match=message):
        lifetime_values(transactions(rows), date(2024, 1, 31), 30)
