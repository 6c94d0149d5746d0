"""Which columns a clustering keeps and how each is prepared, at each limit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from portrait_assets.methods.clustering.asked import model as asked
from portrait_assets.methods.clustering.asked.model import (
    ROWS_PER_SEGMENT,
    SPACES,
    AskedModel,
    fit_each,
)
from portrait_assets.methods.clustering.asked.scaling import (
    LEAST_HOLDERS,
    LEAST_SPREADS,
    Axis,
    Space,
    _amount,
)
from portrait_assets.methods.clustering.assignment import HYSTERESIS
from portrait_assets.methods.clustering.preparation import prepared_columns as prepared
from portrait_assets.methods.clustering.preparation.preparation import FeatureUse, fit_preparation
from portrait_assets.methods.clustering.preparation.prepared_columns import (
    MAX_LEVELS,
    MIN_COVERED,
    MIN_LEVEL_SHARE,
    MIN_MISSING,
    OTHER_LEVEL,
    TAIL_RATIO,
    common_scale,
    copied,
    fit_category,
    fit_numeric,
    unusable,
)
from portrait_assets.methods.clustering.preparation.sampling import MOST_MISSING

USE = FeatureUse("x", "symbol")


def test_degrees_are_two_components_of_however_many_there_are() -> None:
    """Sixteen columns that show four things, four columns each."""
    draw = np.random.default_rng(0)
    shown = np.repeat(draw.normal(0, 1, (300, 4)), 4, axis=1) + draw.normal(0, 0.3, (300, 16))
    frame = pl.DataFrame({f"x{n}": column for n, column in enumerate(shown.T)})
    uses = [FeatureUse(name, "symbol") for name in frame.columns]
    assert fit_preparation(frame, uses).loadings.shape == (16, 4)
    found = fit_preparation(frame, uses, geometry="degrees")
    assert found.loadings.shape == (16, 2)
    assert found.transform(frame).shape == (300, 2)


def column(known: int, missing: int, distinct: int = 2) -> pl.Series:
    values: list[float | None] = [float(n % distinct) for n in range(known)]
    return pl.Series("x", [*values, *[None] * missing], dtype=pl.Float64)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (column(0, 1_000), "empty"),
        (column(1_000, 0, distinct=1), "constant"),
        (column(1_000 - round(MIN_MISSING * 1_000), round(MIN_MISSING * 1_000), 1), None),
        (column(1_001 - round(MIN_MISSING * 1_000), round(MIN_MISSING * 1_000) - 1, 1), "constant"),
        (column(1_000 - round(MOST_MISSING * 1_000), round(MOST_MISSING * 1_000)), None),
        (column(999 - round(MOST_MISSING * 1_000), round(MOST_MISSING * 1_000) + 1), "sparse"),
    ],
)
def test_a_column_is_left_out(given: pl.Series, why: str | None):
    found = unusable(given)
    assert (found is None) if why is None else str(found).startswith(why)


def test_a_copy_is_named_and_a_likeness_is_none():
    seen: dict[int, list[pl.Series]] = {}
    one = pl.Series("one", [1.0, None, 3.0])
    assert copied(one, seen) is None
    assert copied(one.alias("two"), seen) == "copy of one"
    assert copied(pl.Series("three", [1.0, None, 2.0]), seen) is None


def amounts(high: float) -> pl.Series:
    """A thousand different amounts about 100, of which the hundredth highest is so high."""
    values = np.linspace(90, 110, 1_000)
    values[-10:] = high
    values[-11] = high
    return pl.Series("x", values)


@pytest.mark.parametrize(("ratio", "is_log"), [(0.9, False), (1.1, True)])
def test_a_skewed_amount_has_a_logarithm(ratio: float, is_log: bool):
    found = fit_numeric(amounts(100 * TAIL_RATIO * ratio), USE, "features")
    assert found.is_log is is_log
    if is_log:
        assert found.unit == pytest.approx(100, abs=1)


@pytest.mark.parametrize(("count", "distinct"), [(19, 19), (20, 9)])
def test_of_few_amounts_none_has_a_logarithm(count: int, distinct: int):
    values = np.array([10.0 ** (n % distinct) for n in range(count)])
    assert prepared._amount_unit(values, "features") == 0.0
    enough = np.array([10.0 ** (n % 10) for n in range(20)])
    assert prepared._amount_unit(enough, "features") > 0.0
    assert prepared._amount_unit(np.append(enough, -1.0), "coordinates") == 0.0
    assert prepared._amount_unit(np.append(enough, -1.0), "features") > 0.0


def test_a_number_is_filled_centred_and_scaled_by_its_middle():
    values = pl.Series("x", [*map(float, range(101)), None])
    found = fit_numeric(values, USE, "features")
    assert (found.fill, found.centre, found.unit) == (50.0, 50.0, 0.0)
    assert found.scale == pytest.approx(90 / 3.29, rel=1e-3)
    assert found.missing_share == pytest.approx(1 / 102)
    plain = fit_numeric(values, USE, "coordinates")
    assert plain.scale == pytest.approx(np.arange(101).std(), rel=1e-3)
    assert (plain.bound, found.bound > 0) == (0.0, True)
    one_value = fit_numeric(pl.Series("x", [5.0] * 100), USE, "features")
    assert one_value.scale == 1.0
    marks = fit_numeric(pl.Series("x", [0.0] * 99 + [1.0]), USE, "features")
    assert marks.scale == pytest.approx(0.0995, rel=1e-2), "of what hardly varies the deviation"


@pytest.mark.parametrize(("missing", "width"), [(MIN_MISSING, 2), (MIN_MISSING - 1e-6, 1)])
def test_gaps_are_marked_where_they_are_common(missing: float, width: int):
    found = fit_numeric(pl.Series("x", [1.0, 2.0]), USE, "features")
    assert replace(found, missing_share=missing).width == width


def levels(*counts: int) -> pl.Series:
    return pl.Series("x", [f"level {n}" for n, count in enumerate(counts) for _ in range(count)])


def test_levels_are_kept_from_a_share_on_and_the_rest_is_one():
    least = round(MIN_LEVEL_SHARE * 10_000)
    found = fit_category(levels(10_000 - 2 * least + 1, least, least - 1), USE)
    assert found is not None
    assert found.levels == ("level 0", "level 1", OTHER_LEVEL)
    assert found.shares[-1] == pytest.approx((least - 1) / 10_000)
    exact = fit_category(levels(10_000 - least, least), USE)
    assert exact is not None
    assert exact.levels == ("level 0", "level 1")
    many = fit_category(levels(*[1_000] * (MAX_LEVELS + 1)), USE)
    assert many is not None
    assert many.width == MAX_LEVELS + 1, "and the rest"


@pytest.mark.parametrize(
    ("covered", "is_kept"), [(MIN_COVERED, True), (MIN_COVERED - 0.001, False)]
)
def test_a_category_is_kept_whose_levels_cover_enough(covered: float, is_kept: bool):
    of_level = round(covered * 10_000)
    rest = [10] * ((10_000 - of_level) // 10)
    assert (fit_category(levels(of_level, *rest), USE) is not None) is is_kept


@pytest.mark.parametrize(("factor", "is_common"), [(10.0, True), (10.01, False)])
def test_coordinates_within_a_factor_of_ten_have_one_scale(factor: float, is_common: bool):
    one = replace(fit_numeric(pl.Series("x", [1.0, 2.0]), USE, "coordinates"), scale=1.0)
    found = common_scale([one, replace(one, scale=factor)])
    expected = np.sqrt((1 + factor**2) / 2)
    wanted = [expected] * 2 if is_common else [1.0, factor]
    assert [each.scale for each in found] == pytest.approx(wanted, rel=1e-3)
    logged = [replace(one, unit=1.0), replace(one, scale=2.0)]
    assert common_scale(logged) == logged
    assert common_scale([]) == []


# -- amounts and spaces ------------------------------------------------------------------------


@pytest.mark.parametrize("more", [0, -1])
def test_an_amount_that_few_have_is_no_axis(more: int):
    holders = round(LEAST_HOLDERS * 1_000) + more
    frame = pl.DataFrame({"fund": [*np.linspace(50, 150, holders), *[0.0] * (1_000 - holders)]})
    axis = _amount(frame, "fund")
    assert (axis is None) is (more < 0)
    if axis is not None:
        assert axis.unit == pytest.approx(100, abs=0.01)


def test_each_least_spread_is_looked_at_in_spaces_of_their_own(monkeypatch: pytest.MonkeyPatch):
    looked: list[tuple[int, float]] = []

    def space(sample: Any, amounts: Any, others: Any, seed: int, least: float) -> Space:
        looked.append((seed, least))
        return Space(())

    monkeypatch.setattr(asked, "fit_space", space)
    frame = pl.DataFrame({"customer_id": [f"c{n}" for n in range(100)], "x": [1.0] * 100})
    assert fit_each(frame, (), ("x",), (2,), 7) == {2: None}
    assert looked == [(7 + turn, least) for least in LEAST_SPREADS for turn in range(SPACES)]


@pytest.mark.parametrize(("rows", "is_tried"), [(3 * ROWS_PER_SEGMENT, True), (59, False)])
def test_twenty_customers_per_segment_are_needed(
    monkeypatch: pytest.MonkeyPatch, rows: int, is_tried: bool
):
    looked: list[int] = []

    def space(sample: Any, *_: Any) -> Space:
        looked.append(sample.height)
        return Space(())

    monkeypatch.setattr(asked, "fit_space", space)
    frame = pl.DataFrame({"customer_id": [f"c{n}" for n in range(rows)], "x": [1.0] * rows})
    fit_each(frame, (), ("x",), (3,))
    assert bool(looked) is is_tried


@pytest.mark.parametrize(("at", "stays"), [(5.51, True), (5.56, False), (4.9, True)])
def test_a_customer_moves_where_another_segment_is_nearer_by_a_fifth(at: float, stays: bool):
    """At 5.56 the second is 4.44 away, a little less than four fifths of 5.56."""
    axis = Axis("x", unit=0.0, fill=0.0, low=0.0, high=10.0, spread=1.0)
    of = AskedModel(Space((axis,)), np.array([[0.0], [10.0]]), (7, 3), ("new", "new"), 8)
    rows = pl.DataFrame({"customer_id": ["a", "new"], "x": [at, at]})
    before = pl.DataFrame({"customer_id": ["a", "gone"], "segment_id": [7, 3]})
    found = dict(of.assign(rows, before).iter_rows())
    nearest = 3 if at > 5 else 7
    assert found == {"a": 7 if stays else 3, "new": nearest}
    assert HYSTERESIS == 0.2
    other = before.with_columns(segment_id=pl.lit(99))
    assert of.assign(rows, other)["segment_id"].to_list() == [nearest] * 2, "a segment that is gone"
