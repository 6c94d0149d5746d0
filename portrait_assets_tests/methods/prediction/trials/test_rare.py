"""When an outcome is rare, which families are tried of it, and from which rows they learn."""

from __future__ import annotations

import numpy as np
import pytest

from portrait_assets.methods.prediction.families.parameters import PARAMETERS
from portrait_assets.methods.prediction.trials.rare import (
    BINNED,
    LOGISTIC,
    RARITY,
    TREES,
    Rarity,
    settings_of,
)


@pytest.mark.parametrize(
    ("rows", "events", "is_rare"),
    [(50_001, 2_999, True), (50_000, 2_999, False), (50_001, 3_000, False)],
)
def test_few_events_among_many_rows_are_rare(rows: int, events: int, is_rare: bool):
    assert RARITY.is_rare(rows, events) is is_rare


def test_small_trees_are_tried_from_three_hundred_events_on():
    assert RARITY.families(299) == (BINNED, LOGISTIC)
    assert RARITY.families(300) == (BINNED, LOGISTIC, TREES)


def test_of_a_rare_outcome_all_events_and_some_others_are_learned_from():
    rarity = Rarity(trees_from=10, others_per_event=3, tree_rows=20)
    outcome = np.arange(100) % 25 == 0
    for happened in (outcome, ~outcome):  # Whichever kind is fewer are the events.
        rows = rarity.learned_rows(happened)
        assert outcome[rows].sum() == 4
        assert len(rows) == 4 + 12
        assert (np.diff(rows) > 0).all()
    half = np.arange(10) < 5
    assert half[rarity.learned_rows(half)].sum() == 5, "of as many of either these are the events"


@pytest.mark.parametrize(("events", "rows"), [(9, [9, 11]), (10, [0, 20])])
def test_of_ten_events_on_every_kth_row_is_learned_from(events: int, rows: list[int]):
    rarity = Rarity(trees_from=10, tree_rows=20)
    outcome = np.arange(40) % 4 == 1
    outcome[4 * events :] = False
    found = outcome[rarity.learned_rows(outcome)]
    assert [found.sum(), (~found).sum()] == rows


def test_bins_have_strong_penalties_and_rare_outcomes_small_trees():
    assert settings_of(BINNED, PARAMETERS).strengths == (0.003, 0.03)
    small = settings_of(TREES, PARAMETERS)
    assert (small.leaves, small.least_in_leaf, small.learning_rate) == ((4,), 50, 0.1)
    assert settings_of(LOGISTIC, PARAMETERS) is PARAMETERS
