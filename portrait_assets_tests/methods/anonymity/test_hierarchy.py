"""How the values of a column are merged, level by level."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from portrait_assets.methods.anonymity.bands import bands_of
from portrait_assets.methods.anonymity.hierarchy import Hierarchy, hierarchy_of


def shown(hierarchy: Hierarchy, level: int) -> list[str | None]:
    """The label of each value at a level, counted from the coarsest."""
    codes = hierarchy.levels[level].codes
    return [None if code < 0 else hierarchy.labels[code] for code in codes]


def test_few_numbers_are_values_first_and_then_ever_wider_bands():
    found = hierarchy_of(pl.Series("age", [20, 20, 30, 30, 41, 41, 55, 55, None]))
    assert [level.name for level in found.levels] == ["2 bands", "as recorded"]
    assert shown(found, 1) == ["20", "30", "41", "55"]
    assert shown(found, 0) == ["below 41", "below 41", "41 and above", "41 and above"]
    assert found.values.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, -1]
    assert found.levels[0].losses.tolist() == [1 / 3] * 4
    assert found.levels[1].losses.tolist() == [0] * 4


def test_a_band_of_whole_numbers_names_both_ends_and_one_of_fractions_the_end_it_leaves_out():
    whole = hierarchy_of(pl.Series("n", list(range(8))))
    assert shown(whole, 1) == [
        *("below 2", "below 2", "2 to 3", "2 to 3", "4 to 5", "4 to 5", "6 and above"),
        "6 and above",
    ]
    parts = hierarchy_of(pl.Series("n", [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]))
    assert shown(parts, 1)[2:4] == ["1.5 to below 3.5", "3.5"]


def test_many_days_become_bands_that_begin_with_a_month():
    days = [date(1950, 1, 17) + timedelta(days=11 * n) for n in range(1000)]
    found = hierarchy_of(pl.Series("born", days))
    finest = shown(found, -1)
    assert len(finest) <= 64
    assert finest[0] is not None
    assert finest[0].startswith("below 195")
    middle = [label.split(" to ") for label in finest[1:-1] if label is not None]
    for (first, last), (following, _) in pairwise(middle):
        assert first.endswith("-01")
        assert date.fromisoformat(last) + timedelta(days=1) == date.fromisoformat(following)
    for day, value in zip(days, found.values, strict=True):
        if 0 < value < len(finest) - 1:
            first, last = middle[value - 1]
            assert first <= day.isoformat() <= last


def test_what_is_no_number_counts_as_not_known():
    found = hierarchy_of(pl.Series("x", [1.0, float("nan"), float("inf"), None, 2.0]))
    assert found.values.tolist() == [0, -1, -1, -1, 1]


@pytest.mark.parametrize("kind", [pl.String, pl.Int64, pl.Date, pl.Boolean, pl.List(pl.String)])
def test_a_column_of_which_nothing_is_known_has_no_values(kind: pl.DataType):
    found = hierarchy_of(pl.Series("x", [None, None], dtype=kind))
    assert found.values.tolist() == [-1, -1]
    assert all(len(level.codes) == 0 for level in found.levels)


def test_of_many_categories_the_most_frequent_are_named():
    names = [f"v{n:03d}" for n in range(100) for _ in range(100 - n)]
    found = hierarchy_of(pl.Series("x", names))
    assert [level.name for level in found.levels][::-1] == [
        f"the {most} most frequent and other" for most in (63, 31, 15, 7, 3, 1)
    ]
    assert shown(found, 0)[:2] == ["v000", "other"]
    assert shown(found, -1)[62:64] == ["v062", "other"]
    assert found.levels[0].losses[:2].tolist() == [0, 98 / 99]


def test_each_level_merges_groups_of_the_finer_one():
    random = np.random.default_rng(3)
    columns = (
        pl.Series("n", np.exp(random.normal(10, 1, 3000)).round(2)),
        pl.Series("c", random.choice([f"c{n}" for n in range(40)], 3000)),
        pl.Series(
            "d", [date(2000, 1, 1) + timedelta(days=int(n)) for n in random.integers(0, 9000, 3000)]
        ),
    )
    for column in columns:
        found = hierarchy_of(column)
        assert len(found.levels) > 3
        for coarse, fine in pairwise(found.levels):
            merged = set(zip(fine.codes.tolist(), coarse.codes.tolist(), strict=True))
            assert len(merged) == len(set(fine.codes.tolist()))
            assert len(set(coarse.codes.tolist())) < len(set(fine.codes.tolist()))
            assert (coarse.losses >= fine.losses).all()


def test_values_outside_of_the_order_make_a_category_unordered():
    order = ("low", "medium", "high")
    values = ["low"] * 3 + ["medium"] * 3 + ["high"] * 6
    assert hierarchy_of(pl.Series("x", values), order).levels[0].name == "2 groups of neighbours"
    found = hierarchy_of(pl.Series("x", [*values, "odd"]), order)
    assert found.levels[0].name == "the 1 most frequent and other"


def test_lists_are_shown_whole_or_not_at_all():
    found = hierarchy_of(pl.Series("x", [["b", "a"], ["a", "b"], ["a"], []]))
    assert [level.name for level in found.levels] == ["as recorded"]
    assert found.values.tolist() == [2, 2, 1, 0]


@pytest.mark.parametrize(("most", "names"), [(3, ["1", "2", "5"]), (2, ["below 2", "2 and above"])])
def test_as_many_values_as_bands_are_shown_as_they_are(most: int, names: list[str]):
    assert [*bands_of(pl.Series([1, 2, 5, 5]), most).names] == names


def test_a_rest_of_one_value_is_that_value():
    for texts, names in (
        (["a", "a", "b"], ["as recorded"]),
        (["a", "a", "b", "c"], ["the 1 most frequent and other", "as recorded"]),
    ):
        assert [level.name for level in hierarchy_of(pl.Series(texts)).levels] == names
