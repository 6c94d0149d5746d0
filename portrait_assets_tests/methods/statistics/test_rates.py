"""Rates of few observations."""

from __future__ import annotations

import numpy as np
import pytest

from portrait_assets.methods.statistics.rates import events_of, shrunk_to_all
from portrait_assets.schema.probability import LEAST, MOST, stored


def test_rates_are_drawn_to_that_of_all_and_few_observations_further():
    rates = shrunk_to_all(np.array([0, 3, 0]), np.array([10, 3, 0]))
    of_all = 3.5 / 14
    assert rates == pytest.approx([of_all / 11, (3 + of_all) / 4, of_all])


@pytest.mark.parametrize(("hits", "rate"), [(0, 0.1), (4, 0.9)])
def test_what_happened_to_none_or_to_all_of_four_is_not_certain(hits: int, rate: float):
    # Jeffreys: half an observation of either outcome, and one more of that rate.
    assert shrunk_to_all(np.array([hits]), np.array([4])) == pytest.approx([(hits + rate) / 5])


def test_a_stored_probability_is_neither_0_nor_1_and_an_unknown_one_stays_unknown():
    shown = stored(np.array([0.0, 1e-9, 0.12345678, 1.0, np.nan]))
    assert shown[:4].tolist() == [LEAST, LEAST, 0.123457, MOST]
    assert np.isnan(shown[4])


@pytest.mark.parametrize(("happened", "events"), [(0, 0), (2, 2), (3, 2), (5, 0)])
def test_events_are_of_the_outcome_that_is_rarer(happened: int, events: int):
    outcome = np.arange(5) < happened
    assert events_of(outcome) == events_of(~outcome) == events
    assert events_of(outcome.astype(float)) == events


def test_where_nothing_is_known_there_are_no_events():
    assert events_of(np.zeros(0)) == 0
