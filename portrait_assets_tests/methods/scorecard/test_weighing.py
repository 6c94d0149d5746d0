"""Classes of columns, and weights that come from other rows."""

import math
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portrait_assets.methods.scorecard.columns import Form
from portrait_assets.methods.scorecard.fitting.classes import classes_of
from portrait_assets.methods.scorecard.fitting.weighing import BinRules, crosswise


def test_each_value_is_a_class_where_there_are_few():
    classes = classes_of(pl.Series("late", [0, 1, 1, 4, -2, None]), Form.NUMBER)
    assert list(classes.ends) == [0, 1]
    assert list(classes.codes) == [-2]
    assert classes.at.tolist() == [0, 1, 1, 2, 3, 4]
    assert classes.count == classes.ordered + 2 == 5


def test_ends_are_short_numbers_between_two_values():
    values = pl.Series("x", [0.123456, 0.187654, 17_312.0, 18_999.0, 26_000.0])
    assert classes_of(values, Form.NUMBER).ends == (0.13, 10_000, 18_000, 20_000)


def test_the_largest_numbers_have_an_end_as_well():
    low, high = 1.7976931348623155e308, 1.7976931348623157e308
    assert classes_of(pl.Series("x", [low, high]), Form.NUMBER).ends == (low,)


@pytest.mark.parametrize(
    ("values", "ends"),
    [([], ()), ([5.0, 5.0], ()), ([1.0, 3.0], (1.0,)), ([1.0, 1.5], (1.0,)), ([0.4, 0.6], (0.4,))],
)
def test_two_values_have_one_end_and_one_has_none(values: list[float], ends: tuple[float, ...]):
    assert classes_of(pl.Series("x", values, dtype=pl.Float64), Form.NUMBER).ends == ends


def test_up_to_a_hundred_values_are_classes_of_their_own_and_more_share_them():
    ends = [classes_of(pl.Series("x", range(n)), Form.NUMBER).ends for n in (100, 101, 200)]
    assert ends[0] == tuple(range(99))
    # 1 % of 101 rows is 1.01 of them: the first class has two, and the last class the last two.
    assert ends[1] == tuple(range(1, 100))
    assert ends[2] == tuple(range(1, 198, 2))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(), min_size=1, max_size=300))
def test_classes_of_numbers_are_in_order(values: list[float]):
    column = pl.Series("x", values, dtype=pl.Float64)
    classes = classes_of(column, Form.NUMBER)
    assert classes.ordered <= 100
    assert all(low < high for low, high in pairwise(classes.ends))
    array = column.to_numpy()
    for at in range(classes.ordered):
        inside = array[classes.at == at]
        assert (inside > (classes.ends[at - 1] if at else -math.inf)).all() or at == 0
        assert (inside <= (classes.ends[at] if at < len(classes.ends) else math.inf)).all()
    assert (np.isnan(array) == (classes.at == classes.count - 1)).all()


def test_rare_categories_are_one_class():
    column = pl.Series("job", ["b"] * 25 + ["a"] * 20 + ["c"] * 19 + ["", None])
    classes = classes_of(column, Form.TEXT)
    assert classes.levels == ("a", "b")
    assert np.bincount(classes.at).tolist() == [20, 25, 19, 2]


def test_a_row_is_weighed_by_the_rows_of_other_folds():
    """Two folds of 100 rows; a is bad in 5 of 50 in the first, and in 20 of 50 in the second."""
    job = np.repeat(["a", "b", "a", "b"], 50)
    bads = np.concatenate([np.arange(50) < count for count in (5, 15, 20, 10)])
    folds = np.repeat([0, 1], 100)
    classes = classes_of(pl.Series("job", job), Form.TEXT)
    found = crosswise(classes, bads, folds, BinRules(smoothing=10), None)
    in_second = math.log((30 + 7) / (20 + 3)) - math.log(70 / 30)
    in_first = math.log((45 + 8) / (5 + 2)) - math.log(80 / 20)
    assert found[0] == pytest.approx(in_second, abs=1e-8)
    assert found[100] == pytest.approx(in_first, abs=1e-8)
    assert set(found.tolist()) == {found[0], found[50], found[100], found[150]}


def test_a_column_of_chance_has_no_weight_of_its_own_rows():
    """Every bin of it is chosen by the rows that it is then said to know."""
    draw = np.random.default_rng(0)
    column = pl.Series("job", draw.choice([f"j{n}" for n in range(40)], 2_000))
    bads, folds = draw.random(2_000) < 0.2, np.arange(2_000) % 5
    rules = BinRules(smoothing=1)
    found = crosswise(classes_of(column, Form.TEXT), bads, folds, rules, None)
    assert abs(np.corrcoef(found, bads)[0, 1]) < 0.06
