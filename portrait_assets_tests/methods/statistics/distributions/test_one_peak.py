import numpy as np
import pytest
from scipy.stats import gennorm, johnsonsu, laplace, norm

from portrait_assets.core.arrays import FloatVector
from portrait_assets.methods.statistics.distributions.one_peak import (
    Binned,
    Family,
    _exponential_power,
    _normal,
    _sinh_arcsinh,
    _two_normals,
    compare_with_one_peak,
)

AT = np.linspace(-3, 3, 61)
COUNTS = np.arange(61.0)
SOME = Binned(AT, COUNTS)


def draw(kind: str, rows: int, seed: int = 0) -> FloatVector:
    rng = np.random.default_rng(seed)
    if kind == "lognormal":
        return rng.lognormal(0, 0.7, rows)
    if kind == "flat":
        return np.asarray(gennorm.rvs(4, size=rows, random_state=rng))
    if kind == "skewed":
        return np.asarray(johnsonsu.rvs(-1, 1.5, size=rows, random_state=rng))
    return np.asarray(getattr(rng, kind)(size=rows))


def two(gap: float, sizes: tuple[int, int] = (300, 300), seed: int = 0) -> FloatVector:
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.normal(0, 1, sizes[0]), rng.normal(gap, 1, sizes[1])])


def gain(values: FloatVector) -> float:
    return compare_with_one_peak(values, values > np.median(values)).gain


@pytest.mark.parametrize(
    "kind", ["normal", "uniform", "exponential", "laplace", "lognormal", "flat", "skewed"]
)
@pytest.mark.parametrize("rows", [100, 1500])
def test_one_peak_of_any_form_explains_its_own_values(kind: str, rows: int) -> None:
    assert gain(draw(kind, rows)) < 3


def test_two_normals_with_hardly_a_valley_differ_from_one_peak() -> None:
    found = compare_with_one_peak(two(3.2), np.arange(600) < 300)
    assert found.gain > 5
    assert found.separation == pytest.approx(3.2, abs=0.4)


def test_the_gain_grows_with_the_values() -> None:
    assert gain(two(3.0, (1200, 1200))) > 2 * gain(two(3.0))


def test_a_smaller_share_needs_no_second_peak() -> None:
    values = two(3.2, (900, 200))
    assert compare_with_one_peak(values, np.arange(1100) < 900).gain > 5


def test_unit_and_origin_do_not_matter() -> None:
    values = two(3.0)
    assert gain(values * 1000 - 7) == pytest.approx(gain(values), abs=0.2)


def test_where_little_is_gained_the_search_ends_early_with_a_bound() -> None:
    values = draw("uniform", 400)
    first = values > np.median(values)
    exact = compare_with_one_peak(values, first, -np.inf).gain
    assert exact <= compare_with_one_peak(values, first, 50.0).gain < 50


def test_equal_values_gain_nothing() -> None:
    assert compare_with_one_peak(np.ones(9), np.arange(9) < 4) == (0.0, 0.0)


def test_likelihoods_are_those_of_scipy() -> None:
    as_normal = np.array([0.3, *[np.log(0.8 * np.sqrt(2))] * 2, *[np.log(2)] * 2])
    assert _exponential_power(as_normal, SOME) == pytest.approx(COUNTS @ norm.logpdf(AT, 0.3, 0.8))
    as_laplace = np.array([0.3, *[np.log(0.8)] * 2, 0.0, 0.0])
    assert _exponential_power(as_laplace, SOME) == pytest.approx(
        COUNTS @ laplace.logpdf(AT, 0.3, 0.8)
    )
    assert _sinh_arcsinh(np.array([0.5, np.log(2), 0.0, 0.0]), SOME) == pytest.approx(
        COUNTS @ norm.logpdf(AT, 0.5, 2)
    )
    mean = np.average(AT, weights=COUNTS)
    spread = np.sqrt(np.average((AT - mean) ** 2, weights=COUNTS))
    assert _normal(SOME) == pytest.approx(COUNTS @ norm.logpdf(AT, mean, spread))


@pytest.mark.parametrize(
    ("family", "parameters"),
    [
        (_exponential_power, [0.2, 0.1, -0.3, 0.9, 0.2]),
        (_sinh_arcsinh, [0.2, 0.1, 0.5, 0.2]),
    ],
)
def test_densities_add_up_to_one(family: Family, parameters: list[float]) -> None:
    at = np.linspace(-20, 20, 2001)
    logs = [family(np.array(parameters), Binned(np.array([x]), np.ones(1))) for x in at]
    assert np.exp(logs).sum() * 0.02 == pytest.approx(1, abs=1e-3)


def test_two_far_normals_are_as_likely_as_each_for_itself() -> None:
    counts, edges = np.histogram(two(12.0), bins=200)
    at = (edges[:-1] + edges[1:]) / 2
    likelihood, distance = _two_normals(Binned(at, counts * 1.0), (at < 6) * 1.0)
    parts = [Binned(at[side], counts[side] * 1.0) for side in (at < 6, at >= 6)]
    assert likelihood == pytest.approx(sum(map(_normal, parts)) + 600 * np.log(0.5), rel=1e-6)
    assert distance == pytest.approx(12, abs=0.5)
