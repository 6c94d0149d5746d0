"""CDNOW as published: P. Fader, B. Hardie, K. Lee (2005), and its 39 weeks after."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from portrait_assets.methods.lifetime.models import bg_nbd, pareto_nbd
from portrait_assets.methods.lifetime.transactions import outcome, purchases
from portrait_assets.methods.lifetime.values import Lifetime, lifetime_values
from portrait_assets.testing.worlds import cdnow

pytestmark = pytest.mark.skipif(
    cdnow.folder() is None, reason="the package lifetimes is not installed"
)
UNTIL, END = date(1997, 9, 30), date(1998, 6, 30)


@pytest.fixture(scope="module")
def found() -> Lifetime:
    return lifetime_values(cdnow.sample().lazy(), UNTIL, 273)


def test_parameters_and_likelihoods_are_those_published(found: Lifetime):
    one, other = found.fits
    assert (one.name, other.name) == (bg_nbd.NAME, pareto_nbd.NAME)
    assert list(one.parameters.values()) == pytest.approx(
        [0.2426, 4.4136, 0.7929, 2.4259], abs=1e-4
    )
    assert one.log_likelihood == pytest.approx(-9582.4, abs=0.05)
    assert list(other.parameters.values()) == pytest.approx(
        [0.553, 10.578, 0.606, 11.669], abs=1e-3
    )
    assert other.log_likelihood == pytest.approx(-9595.0, abs=0.05)
    spend = found.spend_fit
    assert list(spend.parameters.values()) == pytest.approx([6.25, 3.74, 15.44], abs=0.01)
    assert spend.customers == 946


def test_the_39_weeks_after_are_as_expected(found: Lifetime):
    bought = purchases(cdnow.sample().lazy())
    done = outcome(bought, found.values.lazy(), UNTIL, END).collect()
    bought_then = done["purchases"].to_numpy()
    expected, low, high = (
        found.values[name].to_numpy() for name in ("expected_purchases", "low", "high")
    )
    assert np.abs(expected - bought_then).mean() <= 0.79
    assert 0.94 < ((low <= bought_then) & (bought_then <= high)).mean() < 0.99
    assert found.values.filter(pl.col("customer_id") == "00004").row(0)[1] == pytest.approx(
        1.226, abs=1e-3
    )


def test_a_lapsing_rate_without_spread_is_named_and_not_chosen(found: Lifetime):
    (halfway,) = found.backtests
    problems = {score.name: score.problem for score in halfway.scores}
    assert problems[pareto_nbd.NAME] == "it is degenerate (s tends to infinity)"
    assert found.method == bg_nbd.NAME
