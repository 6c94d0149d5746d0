"""Likelihoods and expectations against integrals over what a customer may be like."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import beta as beta_law
from scipy.stats import gamma as gamma_law

from portrait_assets.methods.lifetime.models import bg_nbd, gamma_gamma, pareto_nbd
from portrait_assets.methods.lifetime.models.histories import Histories
from portrait_assets_tests.methods.lifetime.worlds import history

BG = np.array([0.2426, 4.4136, 0.7929, 2.4259])
PARETO = np.array([0.5533, 10.5777, 0.6062, 11.6687])
HISTORIES = [(0, 0.0, 30.0), (1, 2.0, 38.9), (2, 30.43, 38.86), (7, 20.0, 25.0)]


@pytest.mark.parametrize(("x", "t_x", "age"), HISTORIES)
def test_bg_nbd_is_the_mean_of_what_customers_of_each_rate_and_chance_do(
    x: int, t_x: float, age: float
):
    r, alpha, a, b = BG

    # Given a rate: buying at these times and staying, or lapsing right after the last purchase.
    def given(rate: float, stays: bool) -> float:
        until = age if stays else t_x
        return float(rate**x * np.exp(-rate * until) * gamma_law.pdf(rate, r, scale=1 / alpha))

    stay = beta_law.expect(lambda p: (1 - p) ** x, (a, b))
    lapse = beta_law.expect(lambda p: p * (1 - p) ** (x - 1), (a, b)) if x else 0.0
    stayed = stay * quad(given, 0, np.inf, args=(True,), limit=200)[0]
    lapsed = lapse * quad(given, 0, np.inf, args=(False,), limit=200)[0] if x else 0.0
    one = history(x, t_x, age)
    found, _ = bg_nbd.log_likelihood(BG, one)
    assert found[0] == pytest.approx(np.log(stayed + lapsed), abs=1e-5)
    assert bg_nbd.alive(BG, one)[0] == pytest.approx(stayed / (stayed + lapsed), abs=1e-5)


@pytest.mark.parametrize(("x", "t_x", "age"), HISTORIES)
@pytest.mark.parametrize("a", [0.7929, 1.0, 3.0])
def test_bg_nbd_expects_what_those_who_stay_buy_until_they_lapse(
    x: int, t_x: float, age: float, a: float
):
    r, alpha, _, b = BG
    parameters = np.array([r, alpha, a, b])
    weeks = 39.0

    # After T the rate is Gamma(r + x, alpha + T) and the chance Beta(a, b + x) of who is there.
    def until_lapsed(p: float) -> float:
        mean = 1 - (1 + p * weeks / (alpha + age)) ** -(r + x)
        return float(mean / p * beta_law.pdf(p, a, b + x))

    one = history(x, t_x, age)
    expected = bg_nbd.alive(parameters, one)[0] * quad(until_lapsed, 0, 1, limit=200)[0]
    assert bg_nbd.expected(parameters, one, weeks)[0] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("parameters", [PARETO, np.array([0.55, 3.0, 1.0, 20.0])])
@pytest.mark.parametrize(("x", "t_x", "age"), HISTORIES)
def test_pareto_nbd_is_the_mean_of_what_customers_of_each_rate_and_lifetime_do(
    x: int, t_x: float, age: float, parameters: np.ndarray
):
    r, alpha, s, beta = parameters
    rates = np.exp(np.log(alpha) * r) * np.exp(_log_gamma_ratio(r, x))

    def active_until(day: float) -> float:  # The mean over rates of x purchases and none after.
        return float(rates / (alpha + day) ** (r + x))

    def lapse_at(day: float) -> float:
        return float(active_until(day) * s * beta**s / (beta + day) ** (s + 1))

    stayed = active_until(age) * (beta / (beta + age)) ** s
    lapsed = quad(lapse_at, t_x, age, epsabs=0, epsrel=1e-11)[0]
    one = history(x, t_x, age)
    found, _ = pareto_nbd.log_likelihood(parameters, one)
    assert found[0] == pytest.approx(np.log(stayed + lapsed), abs=1e-8)
    assert pareto_nbd.alive(parameters, one)[0] == pytest.approx(stayed / (stayed + lapsed))
    weeks = 39.0
    buying = quad(lambda t: ((beta + age) / (beta + age + t)) ** s, 0, weeks)[0]
    expected = stayed / (stayed + lapsed) * (r + x) / (alpha + age) * buying
    assert pareto_nbd.expected(parameters, one, weeks)[0] == pytest.approx(expected)


def _log_gamma_ratio(r: float, x: int) -> float:
    return float(np.sum(np.log(r + np.arange(x))))


@pytest.mark.parametrize(("family", "parameters"), [(bg_nbd, BG), (pareto_nbd, PARETO)])
def test_gradients_are_the_slopes_of_the_likelihood(family: ModuleType, parameters: np.ndarray):
    x, t_x, age = np.array(HISTORIES, dtype=float).T
    histories = Histories(x, t_x, age, np.ones(len(HISTORIES)))
    _, gradient = family.log_likelihood(parameters, histories)
    for place in range(4):
        step = np.zeros(4)
        step[place] = 1e-4 * parameters[place]
        above, _ = family.log_likelihood(parameters + step, histories)
        below, _ = family.log_likelihood(parameters - step, histories)
        slopes = (above - below) / (2 * step[place])
        np.testing.assert_allclose(gradient[place], slopes, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("beta", [0.01, 3.0, 5_000.0])
@pytest.mark.parametrize("s", [0.01, 0.6, 90.0])
def test_pareto_nbd_is_a_number_for_many_purchases_and_extreme_parameters(s: float, beta: float):
    parameters = np.array([0.3, 8.0, s, beta])
    of = Histories(
        np.array([0.0, 1.0, 500.0, 2_000.0]),
        np.array([0.0, 0.1, 0.14, 99.9]),
        np.array([100.0, 0.2, 500.0, 100.0]),
        np.ones(4),
    )
    found, gradient = pareto_nbd.log_likelihood(parameters, of)
    assert np.isfinite(found).all()
    assert np.isfinite(gradient).all()
    alive = pareto_nbd.alive(parameters, of)
    assert ((alive >= 0) & (alive <= 1)).all()


def test_bg_nbd_is_a_number_for_many_purchases():
    of = Histories(*(np.array([value]) for value in (3_000.0, 100.0, 100.0, 1.0)))
    (expected,) = bg_nbd.expected(BG, of, 52.0)
    # Without lapsing it would be 30 purchases a week for a year.
    assert 500 < expected < 30 * 52


def test_customer_1_of_the_paper_is_expected_to_buy_as_published():
    """P. Fader, B. Hardie, K. Lee (2005), "Implementing the BG/NBD model in Excel": 1.226."""
    assert bg_nbd.expected(BG, history(2, 30.43, 38.86), 39.0)[0] == pytest.approx(1.226, abs=5e-4)


def test_gamma_gamma_is_the_mean_of_what_customers_of_each_level_spend():
    p, q, gamma = 6.25, 3.74, 15.44
    x, mean = 2, 22.35

    # The mean of x amounts that are Gamma(p, v) is Gamma(p x, v x).
    def of_level(v: float) -> float:
        return float(
            gamma_law.pdf(mean, p * x, scale=1 / (v * x)) * gamma_law.pdf(v, q, scale=1 / gamma)
        )

    likelihood = quad(of_level, 0, np.inf, limit=200)[0]
    counts, means = np.array([float(x)]), np.array([mean])
    found, _ = gamma_gamma.log_likelihood(np.array([p, q, gamma]), counts, means)
    assert found[0] == pytest.approx(np.log(likelihood), abs=1e-7)
    later = quad(lambda v: p / v * of_level(v), 0, np.inf, limit=200)[0] / likelihood
    expected = gamma_gamma.expected(np.array([p, q, gamma]), counts, means)
    assert expected[0] == pytest.approx(later, rel=1e-6)
    assert expected[0] == pytest.approx(24.65, abs=0.02)
    none = gamma_gamma.expected(np.array([p, q, gamma]), np.array([0.0]), np.array([np.nan]))
    assert none[0] == pytest.approx(p * gamma / (q - 1))
