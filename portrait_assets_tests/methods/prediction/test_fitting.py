"""What is learned: the rule of the world, settings that serve unseen rows, and what is refused."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from portrait_assets.methods.prediction.errors import PredictionError
from portrait_assets.methods.prediction.families import encoding as encoding_of
from portrait_assets.methods.prediction.families.encoding import (
    Encoding,
    LevelEncoding,
    NumberEncoding,
    _quantiles,
    _unit,
    fit_encoding,
)
from portrait_assets.methods.prediction.families.folds import folds_by_lot, folds_by_time
from portrait_assets.methods.prediction.families.parameters import MOST_LEAVES, Parameters
from portrait_assets.methods.prediction.fitting import fit, fit_number
from portrait_assets.methods.prediction.model import PredictionModel
from portrait_assets_tests.methods.prediction.world import World, world

FAMILIES = ("logistic", "trees")


@pytest.mark.parametrize(
    ("known", "unit"),
    [
        # One tenth of the way through 1, 2, 4, ... lies the unit: between 2^1 and 2^2.
        ([2.0**n for n in range(20)], 3.8),
        ([2.0**n for n in range(19)], 0.0),  # of fewer than 20 that are not 0 there is none
        ([0.0] * 5 + [2.0**n for n in range(19)], 0.0),
        ([0.0] * 5 + [2.0**n for n in range(20)], 3.8),
        ([2.0 ** (n // 2) for n in range(20)], 1.9),  # nine steps between ten values
        ([2.0 ** (n // 3) for n in range(24)], 0.0),  # seven
        ([100.0 + n for n in range(20)], 0.0),  # as far as three times is no spread
        ([-(2.0**n) for n in range(19, -1, -1)], 3.8),  # a tail of debts
    ],
)
def test_numbers_that_are_spread_have_a_unit(known: list[float], unit: float):
    assert _unit(np.array(known)) == pytest.approx(unit)


@pytest.mark.parametrize(("family", "least"), [("logistic", 0.985), ("trees", 0.92)])
def test_the_rule_is_found(
    family: str, least: float, strangers: World, models: dict[str, PredictionModel]
):
    truth = roc_auc_score(strangers.outcome, strangers.truth)
    found = roc_auc_score(strangers.outcome, models[family].probability(strangers.frame))
    assert (found - 0.5) / (truth - 0.5) > least


def test_the_loss_on_unseen_rows_is_what_strangers_have(
    strangers: World, models: dict[str, PredictionModel]
):
    for model in models.values():
        loss = log_loss(strangers.outcome, model.probability(strangers.frame))
        assert model.facts["loss"] == pytest.approx(loss, abs=0.02)


def test_categories_are_put_in_the_order_of_their_texts(people: World):
    order = np.random.default_rng(9).permutation(people.frame.height)
    coded = [
        frame.with_columns(pl.col("city").cast(pl.Categorical))
        for frame in (people.frame, people.frame[order])
    ]
    models = [
        fit(coded[0], people.outcome, "logistic"),
        fit(coded[1], people.outcome[order], "logistic"),
    ]
    assert models[0].rows().equals(models[1].rows())


def test_sizes_that_lie_apart_by_multiples_count_by_their_logarithm():
    days = np.arange(1, 101)
    known = pl.DataFrame(
        {
            "days_past_due": np.concatenate([np.zeros(900), days]),
            "age": 30.0 + np.arange(1000) % 40,
            "change": np.tile(np.concatenate([-days[:50], days[:50]]), 10),
        }
    )
    units = {
        each.feature: each.unit
        for each in fit_encoding(known).features
        if isinstance(each, NumberEncoding)
    }
    # The 10th percentile of the days above 0; ages lie within a factor of 3, and changes that are
    # negative too have no long tail.
    assert units == {"days_past_due": pytest.approx(10.9), "age": 0.0, "change": 0.0}
    (column,) = fit_encoding(known.select("days_past_due")).design(known, scaled=True).T
    steps = np.diff(column[[900, 909, 919]])
    assert steps[0] / steps[1] == pytest.approx(
        np.log((10.9 + 10) / (10.9 + 1)) / np.log((10.9 + 20) / (10.9 + 10))
    )


def test_what_says_nothing_is_dropped_and_named(models: dict[str, PredictionModel]):
    for model in models.values():
        assert dict(model.dropped) == {"empty": "has no value", "one": "has one value only"}


def test_a_column_that_is_empty_in_a_part_only_does_no_harm():
    people = world(400)
    few = people.frame.with_columns(
        rare=pl.when(pl.int_range(pl.len()) < 1).then(2.5),
        mark=pl.when(pl.int_range(pl.len()) % 7 == 0).then(1.0),
    )
    for family in FAMILIES:
        model = fit(few, people.outcome, family)
        assert np.isfinite(model.probability(few)).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_the_score_is_monotone_where_it_must_be(
    family: str, people: World, models: dict[str, PredictionModel]
):
    # Visits raise the outcome in truth; here the score must not rise with them, but with amounts.
    model = fit(people.frame, people.outcome, family, monotone={"visits": -1, "amount": 1})
    row = people.frame.head(1)
    steps = np.linspace(-3, 3, 200)
    by_visits = row.join(pl.DataFrame({"v": steps}), how="cross").with_columns(visits="v")
    by_amount = row.join(pl.DataFrame({"a": np.exp(steps)}), how="cross").with_columns(amount="a")
    assert (np.diff(model.margin(by_visits)) <= 1e-12).all()
    rising = np.diff(model.margin(by_amount))
    assert (rising >= -1e-12).all()
    assert rising.max() > 0
    # Free to follow the data, it does rise with visits.
    free = np.diff(models[family].margin(by_visits))
    assert free.max() > 0


def test_of_many_rows_some_say_when_no_further_tree_helps(strangers: World):
    # Settings are tried on a tenth: the trees of all rows become more than those of so few.
    few, many = (Parameters(leaves=(8,), trial_rows=rows) for rows in (400, 4_000))
    of_few = fit(strangers.frame, strangers.outcome, "trees", parameters=few)
    of_many = fit(strangers.frame, strangers.outcome, "trees", parameters=many)
    assert of_few.facts["trees"] == of_few.rows()["tree"].drop_nulls().n_unique()
    assert of_few.facts["trees"] == pytest.approx(of_many.facts["trees"], abs=40)
    others = world(4_000, seed=8)
    losses = [log_loss(others.outcome, m.probability(others.frame)) for m in (of_few, of_many)]
    assert losses[0] == pytest.approx(losses[1], abs=0.01)
    again = fit(strangers.frame[::-1], strangers.outcome[::-1], "trees", parameters=few)
    assert again.rows().equals(of_few.rows())


@pytest.mark.parametrize(("is_together", "leaves"), [(False, 2), (True, 8)])
def test_of_the_sizes_of_trees_the_one_that_loses_least_is_taken(is_together: bool, leaves: int):
    # A tree of two leaves has one split, which says nothing of what only two columns say together.
    rng = np.random.default_rng(9)
    a, b = rng.normal(size=(2, 600))
    outcome = (np.sign(a * b if is_together else a) + rng.normal(size=600) > 0).astype(int)
    sizes = Parameters(leaves=(2, 8), folds=2, most_trees=20)
    found = fit(pl.DataFrame({"a": a, "b": b}), outcome, "trees", parameters=sizes)
    assert found.facts["leaves"] == leaves


def test_trees_of_more_leaves_than_can_be_scored_are_refused():
    assert Parameters(leaves=(8, MOST_LEAVES)).leaves == (8, MOST_LEAVES)
    with pytest.raises(ValueError, match="cannot be scored"):
        Parameters(leaves=(8, MOST_LEAVES + 1))


def test_numbers_are_expected_within_those_that_were_seen(people: World, strangers: World):
    for family, least in (("linear", 0.66), ("trees", 0.64)):
        model = fit_number(people.frame, people.number, family)
        found = model.expected(strangers.frame)
        explained = 1 - ((strangers.number - found) ** 2).mean() / strangers.number.var()
        assert explained > least
        assert found.min() >= people.number.min()
        assert found.max() <= people.number.max()
        assert PredictionModel.from_rows(model.rows()).rows().equals(model.rows())
        with pytest.raises(PredictionError, match="a number, which has no probability"):
            model.probability(strangers.frame)


def test_settings_are_chosen_on_the_newest_moments(people: World):
    # What predicts in old months is noise in the newest: only almost no coefficient serves there.
    rng = np.random.default_rng(3)
    rows = 600
    order = np.repeat([1, 2, 3], rows // 3)
    outcome = rng.integers(0, 2, rows)
    signal = np.where(order < 3, outcome, rng.integers(0, 2, rows)) + rng.normal(0, 0.3, rows)
    frame = pl.DataFrame({"signal": signal})
    assert fit(frame, outcome, "logistic", order=order).facts["strength"] == 0.001
    assert fit(frame, outcome, "logistic").facts["strength"] > 0.001


def test_newest_moments_with_few_of_either_outcome_choose_no_settings():
    """The signal is gone in them as above, but of the others there are four."""
    rng = np.random.default_rng(3)
    order = np.repeat([1, 2, 3], 200)
    outcome = np.concatenate([rng.integers(0, 2, 400), np.repeat([0, 1], [4, 196])])
    signal = np.where(order < 3, outcome, rng.integers(0, 2, 600)) + rng.normal(0, 0.3, 600)
    frame = pl.DataFrame({"signal": signal})
    for happened in (outcome, 1 - outcome):
        assert fit(frame, happened, "logistic", order=order).facts["strength"] > 0.001


def test_the_newest_moments_hold_a_fifth_of_the_rows():
    order = np.repeat([1, 2, 3, 4], [70, 10, 15, 5])
    fold = folds_by_time(order, np.random.default_rng(0))
    assert sorted(fold.unseen.tolist()) == list(range(80, 100))
    assert sorted(fold.learned.tolist()) == list(range(80))
    two = folds_by_time(np.repeat([1, 2], [5, 95]), np.random.default_rng(0))
    assert sorted(two.learned.tolist()) == list(range(5))


def test_every_row_is_unseen_once_and_each_part_has_its_share():
    outcome = np.repeat([0, 1], [90, 10])
    folds = folds_by_lot(outcome, 5, np.random.default_rng(0))
    assert sorted(np.concatenate([fold.unseen for fold in folds]).tolist()) == list(range(100))
    for fold in folds:
        assert outcome[fold.unseen].sum() == 2
        assert not set(fold.learned.tolist()) & set(fold.unseen.tolist())


def test_rare_levels_are_one_and_texts_that_nobody_shares_are_dropped():
    rows = 1_000
    frame = pl.DataFrame(
        {
            "city": ["big"] * 900 + [f"village {at}" for at in range(100)],
            "name": [f"person {at}" for at in range(rows)],
            "tags": [["a"]] * rows,
        }
    )
    encoding = fit_encoding(frame)
    assert [(term.kind, term.level) for term in encoding.terms(True)] == [
        ("level", "big"),
        ("other", None),
    ]
    design = encoding.design(frame, True)
    assert design.sum(axis=0).tolist() == [900.0, 100.0]
    assert dict(encoding.dropped) == {
        "name": "has no value that 10 rows share",
        "tags": "is of the type List(String), which is not read",
    }


def test_a_design_is_filled_kind_by_kind_and_some_rows_at_a_time(monkeypatch: pytest.MonkeyPatch):
    frame = pl.DataFrame(
        {
            "city": ["a", None, "new", "b", "a"],
            "amount": [1.0, None, np.inf, 3.0, 100.0],
            "since": [date(1970, 1, 2), date(1970, 1, 4), None, date(1970, 1, 4), None],
        }
    )
    encoding = Encoding(
        (
            LevelEncoding("city", ("a", "b"), has_other=True, has_missing=False),
            NumberEncoding("amount", 1.0, 3.0, np.log(4), 0.5, has_missing=True),
            NumberEncoding("since", 0.0, 1.0, 3.0, 1.0, has_missing=False),
        )
    )
    logs = (np.log(2) - np.log(4)) / 0.5
    expected = [
        [1, 0, 0, logs, 0, -2],
        [0, 0, 0, 0, 1, 0],
        [0, 0, 1, 0, 1, -2],
        [0, 1, 0, 0, 0, 0],
        [1, 0, 0, 6, 0, -2],
    ]
    for rows in (5, 2):
        monkeypatch.setattr(encoding_of, "FILLED_ROWS", rows)
        assert encoding.design(frame, True) == pytest.approx(np.array(expected))
    plain = encoding.design(frame, False)
    assert plain[:, 3].tolist() == pytest.approx([1, np.nan, np.nan, 3, 100], nan_ok=True)
    assert plain[:, 4].tolist() == pytest.approx([1, 3, np.nan, 3, np.nan], nan_ok=True)


@pytest.mark.parametrize(
    "numbers",
    [[1.0], [-2.0, 7.0, 7.0], np.random.default_rng(0).lognormal(0, 2, 500).tolist()],
)
def test_quantiles_are_those_of_numpy(numbers: list[float]):
    shares = (0.05, 0.1, 0.5, 0.95, 0.99, 1.0)
    found = _quantiles(np.sort(numbers), *shares)
    assert found == pytest.approx(np.quantile(numbers, shares).tolist())


@pytest.mark.parametrize("family", FAMILIES)
def test_shuffled_outcomes_are_not_predicted(family: str):
    people, fast = world(20_000, seed=4), Parameters(most_trees=20)
    shuffled = np.random.default_rng(0).permutation(people.outcome)
    model = fit(people.frame[:10_000], shuffled[:10_000], family, parameters=fast)
    area = roc_auc_score(shuffled[10_000:], model.margin(people.frame[10_000:]))
    assert area == pytest.approx(0.5, abs=0.02)


REFUSED = {
    "one kind": (np.zeros(100), "logistic", "the outcome is 0 in all 100 rows"),
    "ten events": (np.arange(100) < 9, "logistic", "1 in only 9 of 100 rows.*10 of each kind"),
    "unknown": (np.arange(100) / 2, "logistic", "neither 0 nor 1"),
    "family": (np.arange(100) < 50, "forest", "forest is no family"),
    "length": (np.zeros(99), "logistic", "99 outcomes for 100 rows"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_learned_is_refused_in_a_sentence(case: str):
    outcome, family, sentence = REFUSED[case]
    frame = pl.DataFrame({"x": np.arange(100.0)})
    with pytest.raises(PredictionError, match=sentence) as refused:
        fit(frame, outcome, family)
    assert "\n" not in str(refused.value)


def test_ten_events_are_enough():
    frame = pl.DataFrame({"x": np.arange(100.0)})
    for family in FAMILIES:
        model = fit(frame, np.arange(100) >= 90, family)
        assert model.facts["events"] == 10


def test_columns_that_all_say_nothing_are_refused():
    frame = pl.DataFrame({"a": [None] * 100, "b": [1] * 100})
    with pytest.raises(PredictionError, match="no column says anything"):
        fit(frame, np.arange(100) < 50, "trees")


def test_a_direction_of_no_column_is_refused(people: World):
    with pytest.raises(PredictionError, match=r"monotone in visit,.*did you mean visits\?"):
        fit(people.frame, people.outcome, "trees", monotone={"visit": 1})
    with pytest.raises(PredictionError, match="direction of visits is 2"):
        fit(people.frame, people.outcome, "trees", monotone={"visits": 2})


def test_numbers_without_a_difference_are_refused(people: World):
    frame = people.frame.head(30)
    with pytest.raises(PredictionError, match="the number is 3 in every row"):
        fit_number(frame, np.full(30, 3.0), "linear")
    with pytest.raises(PredictionError, match="missing or infinite"):
        fit_number(frame, np.r_[np.nan, np.arange(29)], "linear")
    with pytest.raises(PredictionError, match="known of 5 rows"):
        fit_number(frame.head(5), np.arange(5), "linear")
    with pytest.raises(PredictionError, match="ask for linear or trees"):
        fit_number(frame, np.arange(30), "logistic")


def test_an_encoding_of_many_is_that_of_some_without_what_says_nothing_of_them():
    frame = pl.DataFrame(
        {
            "spend": [1.0, 2.0, None, 4.0],
            "all_the_same_here": [5, 5, 5, 6],
            "unknown_here": [None, None, None, 1.0],
            "mark": [1.0, None, 1.0, 2.0],
            "age": [1, 2, 3, 4],
        }
    )
    some = fit_encoding(frame, enough=1).of(frame.head(3).drop("age"))
    assert [each.feature for each in some.features] == ["spend", "mark"]
    assert some.dropped == (
        ("all_the_same_here", "has one value only"),
        ("unknown_here", "has no value"),
    )
    assert some.features[0] == fit_encoding(frame, enough=1).features[0]
