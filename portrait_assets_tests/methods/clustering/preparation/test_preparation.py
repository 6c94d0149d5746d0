import numpy as np
import polars as pl
import pytest

from portrait_assets.methods.clustering.preparation.model_rows import (
    round_significant,
    rows_to_frame,
)
from portrait_assets.methods.clustering.preparation.preparation import (
    FeatureUse,
    Preparation,
    fit_plane,
    fit_preparation,
)
from portrait_assets.testing.worlds.clusters import BANK_USES, bank


def prepare(frame: pl.DataFrame, **options: str) -> Preparation:
    uses = [FeatureUse(name, "symbol") for name in frame.columns]
    return fit_preparation(frame, uses, **options)  # type: ignore[arg-type]


def test_a_skewed_amount_gets_a_logarithm_and_an_age_does_not() -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(
        {"amount": np.exp(rng.normal(5, 1.5, 2000)), "age": rng.normal(45, 12, 2000)}
    )
    amount, age = prepare(frame).numerics
    assert amount.is_log
    assert not age.is_log


def test_one_outlier_does_not_squeeze_the_others() -> None:
    values = np.r_[np.random.default_rng(0).normal(size=999), 1e9]
    prepared = prepare(pl.DataFrame({"x": values})).transform(pl.DataFrame({"x": values}))
    assert 0.8 < prepared[:999].std() < 1.2
    assert prepared.max() <= 5.0


def test_columns_that_tell_nothing_are_left_out_with_a_reason() -> None:
    x = np.random.default_rng(0).normal(size=100)
    frame = pl.DataFrame(
        {
            "x": x,
            "copy": x,
            "constant": np.ones(100),
            "empty": pl.Series([None] * 100, dtype=pl.Float64),
            "nothing": pl.Series([None] * 100),
            "identifier": [f"id{i}" for i in range(100)],
        }
    )
    prepared = prepare(frame)
    assert prepared.columns == ("x",)
    reasons = dict(prepared.left_out)
    assert reasons["copy"] == "copy of x"
    assert "constant" in reasons["constant"]
    assert "empty" in reasons["empty"]
    assert "empty" in reasons["nothing"]
    assert "identifier" in reasons["identifier"]


def test_a_column_that_most_lack_is_left_out_and_a_mark_that_few_bear_is_not() -> None:
    few = pl.int_range(100) < 40
    frame = pl.select(
        x=pl.int_range(100).cast(pl.Float64),
        score=pl.when(few).then(pl.int_range(100).cast(pl.Float64)),
        mark=pl.when(few).then(pl.lit("yes")),
    )
    prepared = prepare(frame)
    assert dict(prepared.left_out) == {"score": "sparse: most customers have no value"}
    assert prepared.columns == ("x", "mark")


def test_infinities_are_missing_and_missing_values_are_marked() -> None:
    values = [1.0, 2.0, float("inf"), None, float("nan"), 3.0] * 20
    frame = pl.DataFrame({"x": values})
    prepared = prepare(frame)
    assert prepared.numerics[0].missing_share == 0.5
    matrix = prepared.transform(frame)
    assert np.isfinite(matrix).all()
    assert len(np.unique(matrix[2:5], axis=0)) == 1
    assert not (matrix[0] == matrix[2]).all()


def test_an_element_of_forty_columns_does_not_drown_one_of_four() -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({f"x{i}": rng.normal(size=500) for i in range(44)})
    uses = [FeatureUse(f"x{i}", "symbol" if i < 40 else "entity") for i in range(44)]
    weights = fit_preparation(frame, uses).weights
    forty, four = (weights[:40] ** 2).sum(), (weights[40:] ** 2).sum()
    assert forty / four == pytest.approx((40 / 4) ** 0.75)


def test_categories_count() -> None:
    colour = ["red", "blue"] * 100
    frame = pl.DataFrame({"colour": colour, "x": np.random.default_rng(0).normal(size=200)})
    points = prepare(frame).transform(frame)
    red, blue = points[::2].mean(axis=0), points[1::2].mean(axis=0)
    assert np.linalg.norm(red - blue) > 1.0


def test_a_category_of_many_values_keeps_the_common_ones() -> None:
    values = ["a"] * 400 + ["b"] * 300 + [f"rare{i}" for i in range(300)]
    (category,) = prepare(pl.DataFrame({"c": values})).categories
    assert len(category.levels) == 3
    assert category.shares == pytest.approx((0.4, 0.3, 0.3))


def test_a_value_never_seen_before_sits_at_the_average() -> None:
    prepared = prepare(pl.DataFrame({"c": ["a", "b"] * 50}))
    assert prepared.transform(pl.DataFrame({"c": ["new"]})) == pytest.approx(0.0)


def test_coordinates_keep_their_proportions() -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"x": rng.normal(0, 3, 300), "y": rng.normal(0, 1, 300)})
    points = prepare(frame, geometry="coordinates").transform(frame)
    ratio = points.std(axis=0)[0] / points.std(axis=0)[1]
    assert ratio == pytest.approx(frame["x"].std() / frame["y"].std())  # type: ignore[operator]


def test_rows_restore_the_preparation_to_the_bit() -> None:
    frame, _ = bank()
    fitted = fit_preparation(frame, BANK_USES)
    restored = Preparation.from_rows(rows_to_frame(fitted.to_rows()))
    assert (restored.transform(frame) == fitted.transform(frame)).all()
    assert restored.left_out == fitted.left_out


def test_noise_columns_bring_few_components() -> None:
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 2, 1000)
    signal = {f"s{i}": kind * 3 + rng.normal(size=1000) for i in range(5)}
    noise = {f"n{i}": rng.normal(size=1000) for i in range(25)}
    frame = pl.DataFrame(signal | noise)
    prepared = prepare(frame)
    points = prepared.transform(frame)
    assert points.shape[1] <= 8
    assert abs(np.corrcoef(points[:, 0], kind)[0, 1]) > 0.9


def test_kinds_that_columns_do_not_share_are_kept() -> None:
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, (2000, 3))
    signal = {f"s{i}": bits[:, i] * 4 + rng.normal(size=2000) for i in range(3)}
    noise = {f"n{i}": rng.normal(size=2000) for i in range(17)}
    frame = pl.DataFrame(signal | noise)
    prepared = prepare(frame, geometry="coordinates")
    points = prepared.transform(frame)
    for bit in bits.T:
        recovered = points @ np.linalg.lstsq(points, bit - bit.mean(), rcond=None)[0]
        assert np.corrcoef(recovered, bit)[0, 1] > 0.8
    assert points.shape[1] <= 8


@pytest.mark.slow
def test_two_thousand_columns_are_prepared() -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({f"x{i}": rng.normal(size=300) for i in range(2000)})
    assert prepare(frame).transform(frame).shape[1] <= 30


def test_the_plane_takes_the_widest_direction_first() -> None:
    points = np.random.default_rng(0).normal(size=(200, 3)) * [1, 10, 3]
    plane, shares = fit_plane(points)
    assert plane.std(axis=0)[0] > plane.std(axis=0)[1]
    assert shares[0] > 0.8
    assert fit_plane(np.zeros((1, 2)))[0].tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize(
    ("values", "rounded"),
    [
        ([12_345_678_901.0, 4.0, 6.0], [12_345_678_900.0, 0.0, 10.0]),
        ([1_000.0, 0.46, 4e-7], [1_000.0, 0.46, 0.0]),
        ([-0.012345678904, 6e-12], [-0.0123456789, 1e-11]),
        ([0.0, 0.0], [0.0, 0.0]),
        ([float("inf"), 1.234567890123], [float("inf"), 1.234567890123]),
    ],
)
def test_parameters_have_ten_digits_of_the_largest_of_them(
    values: list[float], rounded: list[float]
):
    assert round_significant(np.array(values)).tolist() == rounded
