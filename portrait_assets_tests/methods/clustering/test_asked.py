"""As many segments as are asked for, whether data support the number, and what groups predict."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm
from sklearn.metrics import adjusted_rand_score

from portrait_assets.core.arrays import FloatMatrix
from portrait_assets.methods.clustering.algorithms.nearest import nearest_rows
from portrait_assets.methods.clustering.asked.model import AskedModel, fit_asked
from portrait_assets.methods.clustering.asked.outcomes import SHRUNK_BY, gain, log_losses
from portrait_assets.methods.clustering.asked.scaling import (
    LEAST_HOLDERS,
    TAILS,
    Space,
    fit_space,
)
from portrait_assets.methods.clustering.asked.support import (
    Support,
    centres_of,
    density_gaps,
    refits_agree,
)
from portrait_assets.testing.worlds.clusters import blobs

FOUR = [[0.0, 0.0], [4.0, 0.0], [0.0, 4.0], [4.0, 4.0]]


def holders(each: int = 150, seed: int = 0) -> tuple[pl.DataFrame, list[int]]:
    """Three kinds: deposits only, funds only, and both; and how long they are customers."""
    rng = np.random.default_rng(seed)
    kind = np.repeat([0, 1, 2], each)
    amount = np.exp(rng.normal(0, 0.3, (3 * each, 2))) * [20_000, 300_000]
    amount *= np.array([[1, 0], [0, 1], [1, 1]])[kind]
    rows = {
        "customer_id": [f"c{n:04d}" for n in range(3 * each)],
        "held_deposit": amount[:, 0],
        "held_fund": amount[:, 1],
        "held_gold": np.where(rng.random(3 * each) < 0.02, 1e6, 0.0),
        "tenure": rng.normal(6, 1, 3 * each),
    }
    return pl.DataFrame(rows), kind.tolist()


AMOUNTS = ("held_deposit", "held_fund", "held_gold")


def test_an_amount_is_counted_in_units_of_the_median_holder() -> None:
    features, _ = holders()
    axes = {axis.name: axis for axis in fit_space(features, AMOUNTS, ["tenure"]).axes}
    deposits = features.filter(pl.col("held_deposit") > 0)["held_deposit"]
    assert axes["held_deposit"].unit == pytest.approx(deposits.median(), abs=0.01)
    assert "held_gold" not in axes  # One in fifty has it.
    assert axes["tenure"].unit == 0


@pytest.mark.parametrize(("owners", "is_axis"), [(5, True), (4, False)])
def test_an_amount_that_one_in_twenty_has_is_an_axis(owners: int, is_axis: bool) -> None:
    assert LEAST_HOLDERS == 0.05
    amount = [*range(1, owners + 1), *[0] * (100 - owners)]
    assert bool(fit_space(pl.DataFrame({"amount": amount}), ["amount"], []).axes) == is_axis


def test_an_amount_spreads_as_those_differ_who_have_some() -> None:
    """Ten customers are one small group; of its mean those without any are part."""
    amount = np.array([0, 0, 0, 0, 0, 10, 20, 20, 30, 40])
    (axis,) = fit_space(pl.DataFrame({"amount": amount}), ["amount"], []).axes
    counted = np.log1p(amount / 20)
    low, high = np.quantile(counted, [TAILS, 1 - TAILS])
    counted = counted.clip(low, high)
    assert axis.spread == pytest.approx(np.sqrt(((counted[5:] - counted.mean()) ** 2).mean()))


def test_a_number_spreads_as_all_differ_also_who_is_at_0_or_below() -> None:
    """Of ten customers, which are one small group; a shift of all changes nothing."""
    number = np.array([-3.0, 0, 0, 0, 0, 1, 2, 2, 3, 5])
    low, high = np.quantile(number, [TAILS, 1 - TAILS])
    for shift in (0.0, 7.0):
        (axis,) = fit_space(pl.DataFrame({"number": number + shift}), [], ["number"]).axes
        assert axis.unit == 0
        assert axis.spread == pytest.approx(number.clip(low, high).std())


def test_what_differs_within_a_kind_is_one_apart_and_what_tells_kinds_apart_far_more() -> None:
    features, kind = holders()
    points = fit_space(features, AMOUNTS, ["tenure"]).points(features)
    own = points[np.array(kind) == 0]
    assert np.abs(own.std(axis=0)[0] - 1) < 0.7
    assert points[:, 0].max() - points[:, 0].min() > 3


def test_a_gap_counts_as_the_median_and_a_column_that_is_gone_as_nothing() -> None:
    features, _ = holders()
    space = fit_space(features, AMOUNTS, ["tenure"])
    known = space.points(features.with_columns(tenure=pl.lit(features["tenure"].median())))
    unknown = space.points(features.with_columns(tenure=pl.lit(None, pl.Float64)))
    assert np.allclose(known, unknown)
    gone = space.points(features.drop("held_fund"))
    nothing = space.points(features.with_columns(held_fund=pl.lit(0.0)))
    assert np.array_equal(gone, nothing)


def test_customers_who_are_alike_span_no_space() -> None:
    same = pl.DataFrame({"held": [5.0] * 40, "tenure": [1.0] * 40})
    assert fit_space(same, ["held"], ["tenure"]) == Space(())
    assert Space(()).points(same).shape == (40, 0)


def test_a_model_finds_the_kinds_and_is_restored_from_its_rows() -> None:
    features, kind = holders()
    model = fit_asked(features, AMOUNTS, ["tenure"], 3)
    assert model is not None
    found = model.assign(features)
    assert adjusted_rand_score(kind, found["segment_id"].to_list()) > 0.98
    restored = AskedModel.from_rows(model.to_rows())
    assert restored.assign(features).equals(found)
    assert restored.version == model.version
    as_stored = AskedModel.from_rows(model.to_rows().reverse())
    assert (as_stored.ids, as_stored.status) == (model.ids, model.status)
    assert as_stored.assign(features).equals(found)
    shuffled = features.sample(fraction=1, shuffle=True, seed=3)
    again = fit_asked(shuffled, AMOUNTS, ["tenure"], 3)
    assert again is not None
    assert again.version == model.version


def test_as_many_as_asked_or_none() -> None:
    features, _ = holders()
    for number in (2, 5, 12):
        model = fit_asked(features, AMOUNTS, ["tenure"], number)
        assert model is not None
        assert model.assign(features)["segment_id"].n_unique() == number
    assert fit_asked(features[:59], AMOUNTS, ["tenure"], 3) is None
    same = pl.DataFrame({"customer_id": range(100), "held": [5.0] * 100})
    assert fit_asked(same, ["held"], [], 2) is None


def test_a_customer_between_two_segments_stays_where_they_were() -> None:
    space = fit_space(pl.DataFrame({"x": [0.0, 10.0] * 20}), [], ["x"])
    ends = space.points(pl.DataFrame({"x": [0.0, 10.0]}))
    model = AskedModel(space, ends, (1, 2), ("new", "new"), 3)
    month = pl.DataFrame({"customer_id": ["a", "b"], "x": [5.2, 7.0]})
    before = pl.DataFrame({"customer_id": ["a", "b"], "segment_id": [1, 1]})
    assert model.assign(month)["segment_id"].to_list() == [2, 2]
    assert model.assign(month, before)["segment_id"].to_list() == [1, 2]


def support(points: FloatMatrix, k: int) -> Support:
    centres = centres_of(points, k)
    gaps = density_gaps(points, nearest_rows(points, centres), centres)
    return Support(refits_agree(points, k), tuple(gaps))


def test_a_valley_lies_between_groups_that_are_apart_and_none_within_one() -> None:
    apart = blobs(FOUR, each=200, sd=0.5)
    four = support(apart, 4)
    assert four.gap > 0.9
    assert four.agreement > 0.99
    assert four.is_found
    assert support(apart, 5).gap < 0.3
    one = np.random.default_rng(0).normal(size=(800, 2))
    assert not any(support(one, k).is_found for k in (2, 3, 4))
    flat = np.random.default_rng(0).uniform(size=(800, 2))
    assert not any(support(flat, k).is_found for k in (2, 3, 4))


def test_the_depth_of_a_valley_is_what_it_lacks_to_the_lower_peak() -> None:
    """Along the line: 60 at one end, 30 in the middle and 90 at the other."""
    at = np.repeat([0.0, 0.5, 1.0], [180, 90, 270])
    points = (at + np.tile(np.linspace(-0.2, 0.2, 90), 6))[:, None]
    labels = (at > 0.4).astype(np.int64)
    depth = density_gaps(points, labels, np.array([[0.0], [1.0]]))[0]
    assert depth == pytest.approx(0.5, abs=0.15)


def test_a_single_segment_and_one_that_few_are_in_have_no_valley_to_show() -> None:
    assert density_gaps(np.zeros((9, 1)), np.zeros(9, dtype=np.int64), np.zeros((1, 1))) == [1.0]
    few = np.array([[0.0]] * 5 + [[9.0]] * 5)
    assert density_gaps(few, np.repeat([0, 1], 5), np.array([[0.0], [9.0]])) == [0.0, 0.0]
    assert refits_agree(few, 1) == 1.0


def test_found_is_what_agrees_and_has_gaps() -> None:
    assert Support(0.8, (0.5, 0.9)).is_found
    assert not Support(0.79, (0.5, 0.9)).is_found
    assert not Support(0.8, (0.49, 0.9)).is_found
    assert Support(0.8, (0.5, 0.9)).depth == pytest.approx((0.5 + 0.7) / 2)


def did(group: list[int], what: list[str]) -> pl.DataFrame:
    return pl.DataFrame({"group": group, "did": what})


def test_losses_are_those_of_the_groups_rates_drawn_to_everybodys() -> None:
    earlier = did([1] * 60 + [2] * 40, ["yes"] * 30 + ["no"] * 70)
    later = did([1, 2, 3], ["yes", "yes", "no"])
    of_group = [(30 + SHRUNK_BY * 0.3) / (60 + SHRUNK_BY), (SHRUNK_BY * 0.3) / (40 + SHRUNK_BY)]
    expected = -np.log([*of_group, 0.7])  # Of a group that was not there, everybody's.
    assert log_losses(earlier, later) == pytest.approx(expected)


def test_what_nobody_did_before_is_no_impossibility() -> None:
    losses = log_losses(did([1] * 50, ["no"] * 50), did([1], ["yes"]))
    of_everybody = 1e-4 / (1 + 1e-4)
    assert losses[0] == pytest.approx(-np.log(SHRUNK_BY * of_everybody / (50 + SHRUNK_BY)))


def test_a_gain_is_a_mean_difference_with_its_interval() -> None:
    better, worse = np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.3, 0.2, 0.6, 0.5])
    found = gain(better, worse, confidence=0.9)
    saved = worse - better
    reach = norm.ppf(0.95) * saved.std(ddof=1) / 2
    assert found == pytest.approx((0.15, 0.15 - reach, 0.15 + reach), abs=1e-6)
