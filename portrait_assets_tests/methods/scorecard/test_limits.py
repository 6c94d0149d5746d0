"""Leaks, codes, words and bands at their limits and just beside them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from portrait_assets.methods.scorecard import refused
from portrait_assets.methods.scorecard.columns import LEAST_CODED, codes_among
from portrait_assets.methods.scorecard.fitting.banding import ACCEPT, DECLINE, REVIEW, _suggested
from portrait_assets.methods.scorecard.fitting.leaking import (
    LEAK_AT_LEAST,
    LEAK_AUC,
    SURELY_BAD,
    SUSPECT_AUC,
    Lone,
)
from portrait_assets.methods.scorecard.judging.curves import vintages
from portrait_assets.methods.scorecard.refused import MOST_WORDS, Protected, by_words
from portrait_assets.methods.statistics.intervals import wilson

ALONE = Lone("x", auc=0.7, low=0.6, high=0.8, certain=0.5, base_rate=0.2)


@pytest.mark.parametrize(
    ("changed", "leaks", "is_suspect"),
    [
        ({}, False, False),
        ({"auc": SUSPECT_AUC}, False, True),
        ({"auc": SUSPECT_AUC - 0.001}, False, False),
        ({"auc": LEAK_AUC, "low": LEAK_AT_LEAST}, True, False),
        ({"auc": LEAK_AUC - 0.001, "low": LEAK_AT_LEAST}, False, True),
        ({"auc": LEAK_AUC, "low": LEAK_AT_LEAST - 0.001}, False, True),
        ({"certain": SURELY_BAD}, False, False),
        ({"certain": SURELY_BAD + 0.001}, True, False),
        ({"certain": SURELY_BAD + 0.001, "base_rate": 0.499}, True, False),
        ({"certain": SURELY_BAD + 0.001, "base_rate": 0.5}, False, False),
    ],
)
def test_a_column_leaks(changed: dict[str, float], leaks: bool, is_suspect: bool):
    assert (LEAK_AUC, LEAK_AT_LEAST, SUSPECT_AUC, SURELY_BAD) == (0.97, 0.9, 0.8, 0.9)
    found = replace(ALONE, **changed)  # type: ignore[arg-type]
    assert (found.leaks, found.is_suspect) == (leaks, is_suspect)


def test_why_a_column_leaks_is_said_by_what_it_does():
    by_bin = replace(ALONE, certain=0.95)
    assert by_bin.sentence == ("it gives the outcome away: of one of its bins 95% or more are bad")
    by_order = replace(by_bin, auc=LEAK_AUC, low=0.95, high=0.99)
    assert by_order.sentence == (
        "it gives the outcome away: alone it has an AUC of 0.970 (0.950 to 0.990)"
    )
    assert replace(ALONE, auc=0.85).sentence == (
        "alone it has an AUC of 0.850 (0.600 to 0.800); make sure that it was known before the "
        "outcome, or leave it out"
    )


@pytest.mark.parametrize(
    ("rows", "bads", "suggested"),
    [(1_000, 50, ACCEPT), (1_000, 100, REVIEW), (1_000, 200, DECLINE), (10, 0, REVIEW)],
)
def test_a_band_is_suggested_by_its_interval(rows: int, bads: int, suggested: str):
    assert _suggested(rows, bads, 0.1) == suggested


def test_a_band_whose_interval_ends_at_the_rate_of_all_is_reviewed():
    low, high = (float(end[0]) for end in wilson(np.array([30]), np.array([300])))
    assert _suggested(300, 30, low) == _suggested(300, 30, high) == REVIEW
    assert _suggested(300, 30, low - 1e-9) == DECLINE
    assert _suggested(300, 30, high + 1e-9) == ACCEPT


def coded(*values: tuple[float, int]) -> np.ndarray:
    return np.concatenate([np.full(count, value) for value, count in values])


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        (coded((-1, 1), (0, 5), (7, 5)), (-1.0,)),
        (coded((-1, 1), (7, 5)), ()),  # of one amount besides nothing is known
        (coded((-1, 1), (-1.5, 1), (0, 5), (7, 5)), ()),
        (coded((-1, 1), (-2, 1), (-9, 1), (0, 5), (7, 5)), (-9.0, -2.0, -1.0)),
        (coded((-1, 1), (-2, 1), (-3, 1), (-9, 1), (0, 5), (7, 5)), ()),
        (coded((1, 5), (20, 5), (99, LEAST_CODED)), (99.0,)),
        (coded((1, 5), (20, 5), (99, LEAST_CODED - 1)), ()),
        (coded((1, 5), (20, 5), (98, 1), (97, 1), (99, 10)), (97.0, 98.0, 99.0)),
        (coded((1, 5), (40, 5), (99, 10)), ()),  # less than three times as high
        (coded((20, 5), (99, 10)), ()),
        (coded((1, 5), (20, 5), (99, 10), (120, 1)), ()),
    ],
)
def test_codes_are_known_from_amounts(values: np.ndarray, codes: tuple[float, ...]):
    assert codes_among(values) == codes


def test_declared_codes_count_where_the_column_has_them():
    assert codes_among(coded((1, 5), (2, 5), (88, 1)), declared=(88, 77)) == (88.0,)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (["male", "female"], Protected.SEX),
        (["male", "other things"], None),  # one word may be a coincidence
        (["male", "female", "red", "blue"], Protected.SEX),
        (["male", "female", "red", "blue", "green"], None),  # less than half
        (["male", "female", "unknown"], Protected.SEX),
    ],
)
def test_words_are_of_a_protected_attribute_where_half_are(
    values: list[str], found: Protected | None
):
    assert by_words(pl.Series(values)) == found


def test_a_column_of_many_words_is_not_looked_at():
    few = ["male", "female"] * MOST_WORDS + [f"male {n}" for n in range(MOST_WORDS - 2)]
    assert by_words(pl.Series(few)) == Protected.SEX
    assert by_words(pl.Series([*few, "male x"])) is None
    assert by_words(pl.Series([1, 2])) is None
    assert refused.later_is_younger("birth_year")


def test_a_vintage_is_apart_outside_of_its_interval_only():
    low, high = (float(end[0]) for end in wilson(np.array([30]), np.array([300])))
    outcome = pl.Series([1.0] * 30 + [0.0] * 270 + [None] * 10)

    def is_apart(probability: float) -> bool:
        month = pl.Series(["2024-01"] * 310)
        (row,) = vintages(month, pl.Series([probability] * 310), outcome).iter_rows(named=True)
        assert (row["rows"], row["known"], row["bads"]) == (310, 300, 30)
        assert row["actual_bad_rate"] == 0.1
        return bool(row["is_apart"])

    assert not is_apart(low + 1e-9)
    assert not is_apart(high - 1e-9)
    assert is_apart(low - 1e-6)
    assert is_apart(high + 1e-6)
