"""Bands double the odds, and suggest what is sure."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from portrait_assets.methods.scorecard.card.parts import Band
from portrait_assets.methods.scorecard.card.scale import Scale
from portrait_assets.methods.scorecard.fitting.banding import bands_of

SCALE = Scale(pdo=20, base_points=500, base_odds=4)


def bands(counts: dict[int, tuple[int, int]]) -> tuple[Band, ...]:
    """Of rows and bad rows by score."""
    score = np.repeat(list(counts), [rows for rows, _ in counts.values()])
    bads = np.concatenate([np.arange(rows) < bad for rows, bad in counts.values()])
    return bands_of(score, bads, SCALE)


def test_bands_begin_at_multiples_of_the_odds_of_all_rows():
    """20 of 100 are bad, so that 4 to 1 are the odds of all: 500 points."""
    found = bands({545: (20, 0), 525: (20, 1), 505: (20, 2), 485: (20, 5), 440: (20, 12)})
    assert [each.name for each in found] == ["A", "B", "C", "D", "E"]
    assert [each.least for each in found] == [540, 520, 500, 480, None]
    assert [(each.rows, each.bads) for each in found] == [
        *((20, 0), (20, 1), (20, 2), (20, 5), (20, 12)),
    ]


def test_a_score_at_which_a_band_begins_is_in_it():
    found = bands({540: (20, 0), 520: (20, 1), 500: (20, 2), 480: (20, 5), 479: (20, 12)})
    assert [(each.least, each.rows, each.bads) for each in found] == [
        *((540, 20, 0), (520, 20, 1), (500, 20, 2), (480, 20, 5), (None, 20, 12)),
    ]


def test_what_is_sure_is_suggested():
    found = bands({530: (400, 20), 505: (300, 60), 450: (300, 120)})
    assert [each.suggested for each in found] == ["accept", "review", "decline"]


def test_empty_bands_are_part_of_others():
    found = bands({505: (80, 10), 485: (20, 10)})
    assert [(each.name, each.rows) for each in found] == [("A", 80), ("B", 20)]
    assert found[-1].least is None


def test_one_score_is_one_band():
    (only,) = bands({500: (100, 20)})
    assert (only.name, only.least, only.suggested) == ("A", None, "review")


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.integers(420, 580), st.tuples(st.integers(1, 9), st.integers(0, 9))))
def test_bad_rates_fall_from_band_to_band(counts: dict[int, tuple[int, int]]):
    known = {score: (rows + bads, bads) for score, (rows, bads) in counts.items()}
    found = bands({**known, 400: (1, 1), 600: (1, 0)})
    assert all(a.bads / a.rows < b.bads / b.rows for a, b in pairwise(found))
    assert sum(each.rows for each in found) == sum(rows for rows, _ in known.values()) + 2
