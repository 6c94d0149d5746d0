"""Choice, proof, the best single feature, and leaks."""

from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from portrait_assets.methods.prediction.errors import PredictionError
from portrait_assets.methods.prediction.evidence.lone import best_lone_feature, lone_features
from portrait_assets.methods.prediction.evidence.proof import by_tenth, proof_folds, prove
from portrait_assets.methods.prediction.families.parameters import Parameters
from portrait_assets.methods.prediction.inputs import leaks as leaks_module
from portrait_assets.methods.prediction.inputs.leaks import leaks
from portrait_assets.methods.prediction.trials.choice import Comparison, choose
from portrait_assets.methods.statistics.resampling import Interval
from portrait_assets_tests.methods.prediction.world import World, world


def test_the_simpler_wins_unless_the_other_is_surely_better():
    rng = np.random.default_rng(0)
    outcome = rng.integers(0, 2, 3_000)
    simple, equal, better = (outcome + rng.normal(0, s, 3_000) for s in (1.5, 1.5, 1.0))
    choice = choose({"simple": simple, "equal": equal, "better": better}, outcome)
    assert choice.winner == "better"
    assert [(c.candidate, c.against, c.is_surely_better) for c in choice.comparisons] == [
        ("equal", "simple", False),
        ("better", "simple", True),
    ]
    assert choose({"better": better, "simple": simple}, outcome).winner == "better"
    gain = choice.comparisons[1].gain
    apart = roc_auc_score(outcome, better) - roc_auc_score(outcome, simple)
    assert gain.value == pytest.approx(apart)


def test_each_is_compared_with_the_winner_so_far():
    rng = np.random.default_rng(1)
    outcome = rng.integers(0, 2, 3_000)
    worst, best, between = (outcome + rng.normal(0, s, 3_000) for s in (2.5, 0.7, 1.2))
    choice = choose({"worst": worst, "best": best, "between": between}, outcome)
    assert choice.winner == "best"
    last = choice.comparisons[1]
    assert (last.candidate, last.against, last.is_surely_better) == ("between", "best", False)
    apart = roc_auc_score(outcome, between) - roc_auc_score(outcome, best)
    assert last.gain.value == pytest.approx(apart)


def test_numbers_are_chosen_by_their_squared_error():
    rng = np.random.default_rng(0)
    number = rng.normal(size=2_000)
    near, far = number + rng.normal(0, 0.5, 2_000), number + rng.normal(0, 0.8, 2_000)
    assert choose({"far": far, "near": near}, number, is_number=True).winner == "near"
    assert choose({"near": near, "far": far}, number, is_number=True).winner == "near"


def test_nothing_to_choose_from_or_by_is_refused():
    with pytest.raises(PredictionError, match="no candidate"):
        choose({}, np.array([0, 1]))
    with pytest.raises(PredictionError, match="outcomes of one kind"):
        choose({"a": np.zeros(3)}, np.ones(3))


@pytest.fixture(scope="module")
def leaking(people: World) -> pl.DataFrame:
    happened = pl.Series(people.outcome)
    noise = pl.Series(np.random.default_rng(1).normal(0, 0.35, len(happened)))
    return people.frame.with_columns(
        copy=happened * -2.5,
        closed_on=pl.when(happened == 1).then(pl.lit("2024-05-01")),
        status=pl.when(happened == 1).then(pl.lit("gone")).otherwise(pl.lit("here")),
        middle=pl.when(happened == 1).then(5.0).otherwise((noise > 0) * 10.0),
        nearly=happened + noise,
    )


def test_planted_leaks_are_named(leaking: pl.DataFrame, people: World):
    found = {leak.feature: leak for leak in leaks(leaking, people.outcome)}
    assert set(found) == {"copy", "closed_on", "status", "middle", "nearly"}
    away = {name for name, leak in found.items() if leak.gives_away}
    assert away == {"copy", "closed_on", "status", "middle"}
    nearly = found["nearly"].auc
    assert nearly == pytest.approx(roc_auc_score(people.outcome, leaking["nearly"]))
    assert 0.95 < nearly < 0.99


def test_an_honest_table_has_no_leak(people: World):
    assert leaks(people.frame, people.outcome) == []
    few = people.frame.head(60)
    assert leaks(few, people.outcome[:60]) == []
    # Names that nobody shares decide the outcome of the rows that they were learned from only.
    named = people.frame.with_columns(name=pl.int_range(pl.len()).cast(pl.String))
    assert leaks(named, people.outcome) == []


def test_another_form_of_a_number_is_a_leak(people: World):
    frame = people.frame.with_columns(cents=pl.Series(people.number * 100))
    (leak,) = leaks(frame, people.number, is_of_number=True)
    assert (leak.feature, leak.gives_away) == ("cents", True)
    assert leaks(people.frame, people.number, is_of_number=True) == []


def test_the_best_single_feature_is_the_better_of_its_orders(people: World):
    best = best_lone_feature(people.frame, people.outcome.astype(float))
    assert best is not None
    by_hand = {
        name: max(roc_auc_score(people.outcome, sign * filled) for sign in (1, -1))
        for name, filled in (
            ("visits, none first", people.frame["visits"].fill_null(-1e9)),
            ("visits, none last", people.frame["visits"].fill_null(1e9)),
            ("amount", people.frame["amount"]),
        )
    }
    assert best.feature == "visits"
    # Better than with all that is missing at one end: it belongs in the middle.
    assert best.order == 0
    assert best.quality > max(by_hand.values())
    outcome = people.outcome.astype(np.float64)
    every = {each.feature: each for each in lone_features(people.frame, outcome)}
    assert set(every) == {"visits", "amount", "city", "member", "joined"}
    assert every["amount"].quality == pytest.approx(by_hand["amount"])
    assert every["amount"].order == 1


def test_a_line_is_of_the_rows_with_a_value_and_gives_others_their_mean():
    values = [float(value) for value in range(180)] + [None] * 20
    outcome = np.array([3.0 * value + 1 if value is not None else 275.0 for value in values])
    (line,) = lone_features(pl.DataFrame({"a": values}), outcome, is_of_number=True)
    # 269.5 is the mean of 1 to 538; that of all 200 outcomes is 270.05.
    expected = [3.0 * value + 1 if value is not None else 269.5 for value in values]
    assert line.score(pl.Series(values)).tolist() == pytest.approx(expected)


def test_parts_of_a_number_have_as_many_small_ones_as_great_ones():
    number = np.random.default_rng(6).permutation(np.linspace(0, 0.99, 200))
    folds = proof_folds(number, True, 0, None, Parameters())
    assert sorted(np.concatenate([fold.unseen for fold in folds])) == list(range(200))
    for fold in folds:
        assert abs((number[fold.unseen] < 0.5).sum() - len(fold.unseen) / 2) <= 1


def test_a_proof_is_of_rows_that_were_not_seen(people: World):
    # Names that nobody shares, and a shuffled outcome: whoever judges by rows seen finds a rule.
    rng = np.random.default_rng(2)
    few = Parameters(leaves=(8,))
    proof = prove(people.frame, rng.permutation(people.outcome).astype(float), parameters=few)
    assert abs(proof.quality.value - 0.5) < 0.05
    assert proof.gain.low < 0


def test_a_proof_holds_the_model_beside_the_best_single_feature(people: World):
    few = Parameters(most_trees=30, leaves=(8,))
    proof = prove(people.frame, people.outcome.astype(float), parameters=few)
    assert sorted(proof.judged.tolist()) == list(range(people.frame.height))
    assert np.array_equal(proof.outcome, people.outcome[proof.judged])
    assert proof.family == "logistic"
    assert proof.baseline_feature == "visits"
    assert proof.quality.value == pytest.approx(
        roc_auc_score(proof.outcome, proof.scores["logistic"])
    )
    truth = roc_auc_score(people.outcome, people.truth)
    assert proof.quality.low < truth < proof.quality.high + 0.02
    assert proof.gain.low > 0
    assert proof.gain.value == pytest.approx(proof.quality.value - proof.of_baseline.value)
    tenths = by_tenth(proof.probabilities(), proof.outcome)
    assert tenths["rows"].sum() == people.frame.height
    assert np.abs(tenths["predicted"] - tenths["happened"]).max() < 0.08


def test_a_proof_by_time_judges_the_newest(people: World):
    order = np.arange(people.frame.height)
    few = Parameters(most_trees=10, leaves=(8,))
    proof = prove(people.frame, people.outcome.astype(float), order=order, parameters=few)
    assert sorted(proof.judged.tolist()) == list(range(1_600, 2_000))
    assert proof.is_by_time


@pytest.mark.slow
def test_trees_win_where_features_act_together():
    rng = np.random.default_rng(3)
    frame = pl.DataFrame({"a": rng.normal(size=2_000), "b": rng.normal(size=2_000)})
    together = frame["a"].to_numpy() * frame["b"].to_numpy()
    outcome = (together + rng.normal(0, 0.3, 2_000) > 0).astype(float)
    proof = prove(frame, outcome, parameters=Parameters(most_trees=30))
    assert proof.family == "trees"
    assert proof.quality.low > 0.85


def test_numbers_are_proved_by_the_variance_that_is_explained():
    people = world(1_000, seed=3)
    few = Parameters(most_trees=15, leaves=(8,))
    proof = prove(people.frame, people.number, is_of_number=True, parameters=few)
    found = proof.scores[proof.family]
    by_hand = 1 - ((proof.outcome - found) ** 2).mean() / proof.outcome.var()
    assert proof.quality.value == pytest.approx(by_hand)
    assert proof.gain.low > 0


def test_a_feature_is_named_from_one_limit_on_and_gives_away_from_another(
    monkeypatch: pytest.MonkeyPatch,
):
    qualities = {"a": 0.9899, "b": 0.99, "c": 0.9989, "d": 0.999}
    lone = [SimpleNamespace(feature=name, quality=each) for name, each in qualities.items()]
    monkeypatch.setattr(leaks_module, "lone_features", lambda *_, **__: lone)
    found = leaks(pl.DataFrame({"a": [1.0, 2.0]}), np.array([0.5, 1.5]), is_of_number=True)
    assert [(leak.feature, leak.gives_away) for leak in found] == [
        ("d", True),
        ("c", False),
        ("b", False),
    ]


@pytest.mark.parametrize(("low", "count"), [(0.9, 1), (0.8999, 0)])
def test_a_feature_is_named_where_its_area_is_sure(
    monkeypatch: pytest.MonkeyPatch, low: float, count: int
):
    lone = SimpleNamespace(feature="a", quality=0.96, score=lambda column: column)
    monkeypatch.setattr(leaks_module, "lone_features", lambda *_, **__: [lone])
    monkeypatch.setattr(leaks_module, "auc_interval", lambda *_: Interval(0.96, low, 0.99))
    found = leaks(pl.DataFrame({"a": [1.0, 2.0]}), np.array([0, 1]))
    assert [leak.gives_away for leak in found] == [False] * count


@pytest.mark.parametrize("sign", [1, -1])
def test_a_number_that_only_rises_or_falls_with_the_outcome_is_a_score_by_its_order(sign: int):
    number = sign * np.arange(200.0)
    (lone,) = lone_features(pl.DataFrame({"n": number}), (np.arange(200) >= 153).astype(float))
    assert (lone.order, lone.quality) == (sign, 1.0)


@pytest.mark.parametrize(("low", "is_sure"), [(-1e-9, False), (0.0, False), (1e-9, True)])
def test_a_gain_is_sure_where_all_of_its_interval_is_one(low: float, is_sure: bool):
    assert Comparison("b", "a", Interval(0.1, low, 0.2)).is_surely_better is is_sure
