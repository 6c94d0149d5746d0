"""Parameters that data were drawn with are found, and what cannot be used is named."""

from __future__ import annotations

from types import ModuleType
from typing import cast

import numpy as np
import polars as pl
import pytest

from portrait_assets.methods.lifetime.models import bg_nbd, gamma_gamma, pareto_nbd
from portrait_assets.methods.lifetime.models.fitting import Family, Fit, fit
from portrait_assets.methods.lifetime.models.histories import Histories, grouped
from portrait_assets.methods.lifetime.transactions import purchases, summary
from portrait_assets_tests.methods.lifetime.worlds import after, weekly
from portrait_assets_tests.methods.lifetime.worlds import pareto_nbd as customers

DAYS = 700


def fitted(family: ModuleType, of: Histories) -> Fit:
    return fit(cast(Family, family), of)


@pytest.fixture(scope="module")
def known() -> pl.DataFrame:
    bought = purchases(customers(4_000, DAYS).lazy())
    return summary(bought, after(DAYS), 90).collect()


def test_the_parameters_of_a_pareto_nbd_are_found(known: pl.DataFrame):
    found = fitted(pareto_nbd, grouped(known)[0])
    assert found.is_usable
    assert list(found.parameters.values()) == pytest.approx([0.8, 8.0, 0.6, 20.0], rel=0.2)
    truth, _ = pareto_nbd.log_likelihood(np.array([0.8, 8.0, 0.6, 20.0]), grouped(known)[0])
    # Nothing is more probable than the maximum, and the truth is about as probable.
    assert -5 < (truth @ grouped(known)[0].customers) - found.log_likelihood < 0


def test_a_sample_of_histories_is_taken_from_the_middle_of_each_part():
    of = np.arange(4.0)
    drawn = Histories(of, of, of, np.ones(4)).sample(2)
    assert (drawn.x.tolist(), drawn.customers.tolist()) == ([0.0, 2.0], [1.0, 1.0])
    assert Histories(of, of, of, np.ones(4)).sample(4).x.tolist() == of.tolist()


def test_a_likelihood_of_equal_histories_is_that_of_single_customers(known: pl.DataFrame):
    histories, places = grouped(known)
    x, t_x, age = (known[name].cast(pl.Float64).to_numpy() for name in ("x", "t_x", "T"))
    single = Histories(x, t_x, age, np.ones(known.height))
    assert len(histories.x) < known.height
    assert histories.x[places].tolist() == single.x.tolist()
    one, other = fitted(bg_nbd, histories), fitted(bg_nbd, single)
    assert one.log_likelihood == pytest.approx(other.log_likelihood)
    assert one.values == pytest.approx(other.values, rel=1e-3)


def test_the_order_of_customers_changes_nothing(known: pl.DataFrame):
    shuffled = known.sample(fraction=1, shuffle=True, seed=3)
    assert fitted(bg_nbd, grouped(shuffled)[0]) == fitted(bg_nbd, grouped(known)[0])


def test_of_very_many_histories_an_even_sample_is_taken(known: pl.DataFrame):
    histories, _ = grouped(known)
    sample = histories.sample(at_most=1_000)
    assert len(sample.x) <= 1_000
    assert sample.total == 1_000
    mean = np.average(histories.x, weights=histories.customers)
    assert np.average(sample.x, weights=sample.customers) == pytest.approx(mean, rel=0.1)
    assert histories.sample(len(histories.x)) is histories


@pytest.mark.parametrize("family", [bg_nbd, pareto_nbd])
def test_customers_like_a_clock_have_no_spread_of_rates(family: ModuleType):
    bought = purchases(weekly(300, DAYS).lazy())
    known = summary(bought, after(DAYS), 90).collect()
    found = fitted(family, grouped(known)[0])
    assert not found.is_usable
    assert found.problem == "it is degenerate (r tends to infinity)"


@pytest.mark.parametrize("family", [bg_nbd, pareto_nbd])
def test_nine_who_bought_again_are_too_few(family: ModuleType):
    x = np.array([0.0, 1.0])
    few = Histories(x, x * 2, x + 10, np.array([500.0, 9.0]))
    assert fitted(family, few).problem == "9 customers bought again, and it needs 10"


def test_a_fit_that_ends_on_a_slope_did_not_converge(known: pl.DataFrame):
    class Steep:
        NAME, PARAMETERS, TIMES, WIDE = "steep", ("r",), (), ()

        def log_likelihood(
            self, values: np.ndarray, of: Histories
        ) -> tuple[np.ndarray, np.ndarray]:
            # The gradient is of another function, so that no step is one down.
            return np.log(values[0]) + 0 * of.x, -np.ones((1, len(of.x)))

        alive = expected = log_likelihood

    found = fit(cast(Family, Steep()), grouped(known)[0])
    assert found.problem.startswith("it did not converge")


def test_gamma_gamma_is_found_and_refuses_an_infinite_mean():
    draw = np.random.default_rng(5)
    x = draw.integers(1, 8, 5_000).astype(float)

    def spends(p: float, q: float, gamma: float) -> np.ndarray:
        level = draw.gamma(q, 1 / gamma, len(x))
        return np.asarray(draw.gamma(p * x, 1) / (level * x))

    means = spends(6.0, 4.0, 15.0)
    found = gamma_gamma.fit(x, means)
    p, q, gamma = found.values
    assert q == pytest.approx(4.0, rel=0.1)
    assert p * gamma / (q - 1) == pytest.approx(6 * 15 / 3, rel=0.03)  # The mean of all.
    truth, _ = gamma_gamma.log_likelihood(np.array([6.0, 4.0, 15.0]), x, means)
    assert -5 < truth.sum() - found.log_likelihood < 0
    heavy = gamma_gamma.fit(x, spends(6.0, 0.7, 15.0))
    assert heavy.problem == "it is degenerate (with q up to 1 the mean spend is infinite)"
    few = gamma_gamma.fit(x[:9], np.full(9, 3.0))
    assert few.problem == "9 customers spent something again, and it needs 10"
    just_enough = gamma_gamma.fit(x[:10], means[:10])
    assert "it needs" not in just_enough.problem
    assert just_enough.customers == 10
