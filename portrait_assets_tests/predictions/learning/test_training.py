"""A challenger: what it learns from, and what it refuses."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import polars as pl
import pytest

from portrait_assets.core.arrays import Bools
from portrait_assets.methods.prediction.families.parameters import PARAMETERS
from portrait_assets.methods.prediction.fitting import fit
from portrait_assets.methods.prediction.model import PredictionModel
from portrait_assets.stages.predictions import rule
from portrait_assets.stages.predictions.asked import Asked
from portrait_assets.stages.predictions.learning import training, words
from portrait_assets.stages.predictions.learning.active import Active, Trained, places
from portrait_assets.stages.predictions.learning.baseline import (
    BASE_RATE,
    best_of,
    fitted_steps,
    ordered_by,
)
from portrait_assets.stages.predictions.learning.champion import Deciding
from portrait_assets.stages.predictions.learning.evidence import Evidence
from portrait_assets.stages.predictions.learning.judging import calibrated, shift_of
from portrait_assets.stages.predictions.learning.past import windows
from portrait_assets.stages.predictions.learning.past.labels import INPUTS, REFUSED
from portrait_assets.stages.predictions.learning.training import (
    Challenger,
    Challengers,
    Question,
    challenger,
)
from portrait_assets.stages.predictions.learning.words import Words
from portrait_assets.stages.predictions.rule import (
    BINS,
    FEW,
    RULE,
    SMALL,
    families_for,
    parameters_for,
)
from portrait_assets.stages.targets.declared.outcome import Baseline
from portrait_assets.stages.targets.declared.outcomes import outcome
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Scope

RECENCY = Baseline("recency", "recency_days", unknown_is_likely=True)
SPEND = Baseline("last month", "spend_1m", falls=True)


def months(count: int, rows: int, leak: bool, rare: bool = False) -> pl.DataFrame:
    """Customer-months in which more days since a purchase make it likelier."""
    rng = np.random.default_rng(count)
    days = rng.uniform(0, 100, count * rows)
    hit = rng.random(len(days)) < (0.002 if rare else days / 150)
    columns: dict[str, object] = dict.fromkeys(INPUTS)
    columns |= {"recency_days": days, "spend_1m": rng.random(len(days))}
    if leak:
        columns["digital_share_12m"] = hit.astype(float) + rng.random(len(days)) / 10
    return pl.DataFrame(
        {
            "base_month": np.repeat([f"2024-{month:02d}" for month in range(1, count + 1)], rows),
            "hit": hit,
            **{name: values for name, values in columns.items() if values is not None},
        }
    ).with_columns(
        pl.lit(None, pl.Float64).alias(name) for name, values in columns.items() if values is None
    )


def test_a_feature_that_gives_the_outcome_away_is_named_and_left_out():
    found = challenger(months(2, 400, leak=True), months(1, 400, leak=True), "2024-05")
    assert found.leaking == ("digital_share_12m",)
    assert found.model is not None
    assert "digital_share_12m" not in found.model.rows()["feature"]
    assert found.model.trained == Trained("2024-01", "2024-02", "2024-01", "2024-05")
    assert challenger(months(2, 400, leak=False), months(1, 400, leak=False), "m").leaking == ()


def test_what_cannot_be_learned_is_said_in_words():
    found = challenger(months(2, 400, leak=False, rare=True), months(1, 9, leak=False), "2024-05")
    assert found.model is None
    assert "a model needs 10 of each kind" in (found.fault or "")


def test_trees_are_tried_where_there_are_many_of_either_outcome(monkeypatch: pytest.MonkeyPatch):
    learned, judged = months(2, 200, leak=False), months(1, 50, leak=False)
    inputs, events = learned.select("recency_days", "spend_1m"), int(learned["hit"].sum())
    assert events < 200

    def families(trees_from: int) -> list[str]:
        few = replace(RULE, trees_from=trees_from)
        for module in (rule, training):
            monkeypatch.setattr(module, "RULE", few)
        return [*training._fitted(inputs, learned, judged)[1]]

    assert families(events) == ["logistic", "trees"]
    assert families(events + 1) == ["logistic"]


def test_a_reason_names_the_same_numbers_in_both_languages():
    rows = {"hit": [True] * 12 + [False] * 1_500}
    learned, judged = pl.DataFrame(rows), pl.DataFrame(rows).head(700)
    for en, zh in (
        words.too_few_rows(1_234),
        words.too_few_events(learned, judged),
        words.refused(0.7123, 0.7),
    ):
        numbers = [sorted(re.findall(r"\d[\d,.]*\d|\d", text)) for text in (en, zh)]
        assert numbers[0] == numbers[1], en
    assert f"needs {RULE.least_rows:,}" in words.too_few_rows(1_234).en
    assert "12 of 1,512" in words.too_few_events(learned, judged).en


def test_a_window_in_which_it_happened_to_all_has_no_areas():
    deciding, evidence = object.__new__(Deciding), object.__new__(Evidence)
    rows = pl.DataFrame({"hit": [True] * 3})
    evidence.__dict__.update(recent=rows, hit=rows["hit"].to_numpy())
    deciding.__dict__.update(_evidence=evidence)
    found = deciding._judged(cast(Active, None), "kept", Words("", ""))
    assert (found.auc, found.baseline, found.baseline_auc) == (None, None, None)


def test_what_happened_is_read_for_each_length_of_window(monkeypatch: pytest.MonkeyPatch):
    """Together for all targets of one length, and once for all months of a run."""
    near, far = (Asked(outcome("silence"), horizon) for horizon in (1, 3))
    other = Asked(outcome("complaint"), 1)
    customers = pl.DataFrame({"base_month": ["2024-01"], "customer_id": ["c1"]})
    read: list[object] = []

    def frame(step: object, scope: Scope) -> pl.DataFrame:
        if not isinstance(step, list):
            return customers.with_columns(pl.lit(0).alias("lot"))
        read.append(step)
        return customers.with_columns(pl.lit(True).alias(code) for code, _ in step)

    monkeypatch.setattr(
        windows,
        "labels_step",
        lambda together, *_: [(each.code, each.horizon) for each in together],
    )
    engine = cast(Engine, SimpleNamespace(frame=frame))
    months = frozenset(["2024-02", "2024-04"])
    known = windows.Windows(engine, "2024-06", {"2024-01": 9}, months)
    for month in ("2024-05", "2024-06"):
        for each in (near, other, far, near):
            (hit,) = known.hits(each, ("2024-01",), month, [near, far, other])
            assert hit.to_list() == [True]
    assert read == [[("silence", 1), ("complaint", 1)], [("silence", 3)]]


def test_what_is_reported_for_credit_is_read_anew_as_consents_change(
    monkeypatch: pytest.MonkeyPatch,
):
    asked = Asked(replace(outcome("silence"), purpose="credit"), 1)
    customers = pl.DataFrame({"base_month": ["2024-01"] * 2, "customer_id": ["c1", "c2"]})

    def frame(step: object, scope: Scope) -> pl.DataFrame:
        if step != "labels":
            return customers.with_columns(pl.lit(0).alias("lot"))
        allowing = customers.head(2 if scope.month == "2024-05" else 1)
        return allowing.with_columns(pl.lit(True).alias("silence"))

    monkeypatch.setattr(windows, "labels_step", lambda *_: "labels")
    engine = cast(Engine, SimpleNamespace(frame=frame))
    known = windows.Windows(engine, "2024-06", {"2024-01": 2}, frozenset(["2024-02"]))
    for month, hits in (("2024-05", [True, True]), ("2024-06", [True, None])):
        (hit,) = known.hits(asked, ("2024-01",), month, [asked])
        assert hit.to_list() == hits
        known.forget(month)
    assert not known._hits


def test_equal_data_in_another_order_give_equal_rows():
    learned, judged = months(2, 300, leak=False), months(1, 300, leak=False)
    one = challenger(learned, judged, "2024-05").model
    other = challenger(learned.sample(fraction=1, shuffle=True, seed=1), judged, "2024-05").model
    assert one is not None
    assert other is not None
    assert one.version == other.version
    assert one.rows().equals(Active.from_rows(one.rows()).rows())


def test_of_opposite_outcomes_one_challenger_is_fitted(monkeypatch: pytest.MonkeyPatch):
    fitted: list[bool] = []

    def counted(learned: pl.DataFrame, *rest: Any) -> Challenger:
        fitted.append(True)
        return challenger(learned, *rest)

    monkeypatch.setattr(training, "challenger", counted)
    ids = pl.int_range(pl.len()).cast(pl.String).alias("customer_id")
    learned, judged = (months(n, 400, leak=False).with_columns(ids) for n in (2, 1))
    is_other = pl.col("customer_id") == "7"
    known = Challengers()

    def of(hit: pl.Expr, is_credit: bool = False) -> Challenger:
        one, other = (each.with_columns(hit.alias("hit")) for each in (learned, judged))
        return known.of(Question(one, other, "2024-05", is_credit))

    one, same, other = of(pl.col("hit")), of(pl.col("hit")), of(~pl.col("hit"))
    assert len(fitted) == 1
    assert same is one
    assert one.model is not None
    assert other.model is not None
    assert other.model.trained == one.model.trained
    chances = [each.probability(judged) for each in (one.model, other.model)]
    assert sum(chances) == pytest.approx(np.ones(judged.height))
    # One customer of another outcome, or other inputs, is another question.
    of(pl.col("hit") != is_other)
    of(pl.col("hit"), is_credit=True)
    assert len(fitted) == 3


def test_sex_and_marriage_are_no_inputs():
    assert set(REFUSED) == {"gender", "marital_status"}
    assert not set(REFUSED) & set(INPUTS)


def test_the_best_baseline_has_the_rates_of_its_steps():
    frame = pl.DataFrame(
        {
            "recency_days": [1, 1, 2, 2, 3, None],
            "spend_1m": [3.0, 4.0, 5.0, 3.0, 4.0, 5.0],
            "hit": [False, False, True, False, True, True],
        }
    )
    frame = pl.concat([frame] * 5)
    assert best_of([SPEND, RECENCY], frame) is RECENCY
    steps = fitted_steps(RECENCY, frame)
    # Of ten each one more, of the rate of all: 15.5 of 31.
    assert steps.rates == pytest.approx((0.5 / 11, 0.5, 10.5 / 11))
    assert steps.rows_behind == (10, 10, 10)
    seen = pl.DataFrame({"recency_days": [0.0, 1.0, 2.0, 2.5, 99.0, None]})
    assert (steps.probability(seen) * 22).tolist() == pytest.approx([1, 1, 11, 11, 21, 21])
    active = Active(steps, Trained("2024-01", "2024-01", None, "2024-02"))
    again = Active.from_rows(active.rows())
    assert (again, again.family, again.basis) == (active, "recency", "baseline")


def test_a_step_of_few_rows_is_no_certainty_and_does_not_fall_below_its_neighbour():
    days = [1.0] * 10_000 + [2.0] * 900 + [3.0] * 10
    hit = [False] * 10_000 + [True] * 837 + [False] * 63 + [True] * 10
    steps = fitted_steps(RECENCY, pl.DataFrame({"recency_days": days, "hit": hit}))
    of_all = 847.5 / 10_911
    below, alone = (837 + of_all) / 901, (10 + of_all) / 11
    assert alone < below, "drawn to the rate of all it would lie below the step of 900"
    assert steps.rows_behind == (10_000, 910)
    expected = (of_all / 10_001, (900 * below + 10 * alone) / 910)
    assert steps.rates == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("hits", [0, 10])
def test_what_happened_to_all_or_to_none_is_not_certain(hits: int):
    steps = fitted_steps(None, pl.DataFrame({"hit": [hits > 0] * 10}))
    of_all = (hits + 0.5) / 11
    assert steps.rates == pytest.approx(((hits + of_all) / 11,))


def test_no_step_and_no_bin_of_a_baseline_is_of_few_customers():
    """Nine customers are likeliest in both months, ten in the middle, and eleven least."""
    recency = [3] * 9 + [2] * 10 + [1] * 11
    hit = [True] * 9 + [True] * 5 + [False] * 5 + [False] * 11
    month = pl.DataFrame({"customer_id": range(30), "recency_days": recency, "hit": hit})
    rows = pl.concat([month, month])
    named, nameless = fitted_steps(RECENCY, rows), fitted_steps(RECENCY, rows.drop("customer_id"))
    of_all = 28.5 / 61
    assert nameless.rows_behind == (22, 20, 18)
    expected = (of_all / 23, (10 + of_all) / 21, (18 + of_all) / 19)
    assert nameless.rates == pytest.approx(expected)
    assert named.rows_behind == (22, 38)
    assert named.rates == pytest.approx((of_all / 23, (28 + of_all) / 39))
    active = Active(nameless, Trained("2024-01", "2024-02", None, "2024-03"))
    against = (rows["hit"].to_numpy(), nameless.probability(rows))
    assert [each.customers for each in active.held_against(*against).bins] == [22, 20, 18]
    fewer = active.held_against(*against, rows["customer_id"].to_numpy())
    assert [each.customers for each in fewer.bins] == [22, 38]


def test_without_a_baseline_the_rate_of_all_stands():
    frame = pl.DataFrame({"hit": [True, False, False, False] * 3})
    steps = fitted_steps(None, frame)
    assert steps.name == BASE_RATE
    assert steps.rates == pytest.approx(((3 + 3.5 / 13) / 13,))
    assert ordered_by(None, frame).tolist() == [0] * 12
    assert fitted_steps(None, frame.head(9)).rates == (), "nine customers tell of no rate"
    named = pl.concat([frame] * 2).with_columns(customer_id=pl.int_range(pl.len()) % 9)
    assert fitted_steps(None, named).rates == ()


def test_a_mean_that_is_off_by_more_than_chance_is_shifted_to_what_happened():
    hit = np.arange(100) < 30
    probability = np.full(100, 0.2)
    assert calibrated(hit, probability).is_surely_off
    assert not calibrated(hit, np.full(100, 0.25)).is_surely_off
    # Odds of 0.3 are 3/7, those of 0.2 are 1/4.
    assert shift_of(hit, probability) == pytest.approx(np.log((3 / 7) / (1 / 4)), abs=1e-6)
    assert shift_of(np.ones(5, dtype=bool), np.full(5, 0.2)) == 0.0


def test_many_equal_scores_are_in_one_bin_whatever_their_last_digits():
    hit = np.arange(200) < 60
    probability = np.where(np.arange(200) < 120, 0.1 + 1e-9, np.linspace(0.2, 0.9, 200))
    steps = Active(fitted_steps(None, pl.DataFrame({"hit": hit})), Trained(None, None, None, "m"))
    binned = steps.held_against(hit, probability)
    stored = np.asarray(np.round(probability, 6), dtype=np.float64)
    assert np.bincount(places(binned.bins, stored)).tolist() == [
        each.customers for each in binned.bins
    ]
    assert binned.bins[0].customers == 120
    low, high = binned.interval(stored)
    assert ((low <= stored) & (stored <= high)).all()


def test_a_zero_has_no_sign_so_that_a_stored_baseline_has_the_same_version():
    fewer = Baseline("last month", "purchases_1m", falls=True)
    frame = pl.DataFrame({"purchases_1m": [0, 0, 1, 2], "hit": [True, True, True, False]})
    frame = pl.concat([frame] * 5)
    assert not np.signbit(ordered_by(fewer, frame)[0])
    active = Active(fitted_steps(fewer, frame), Trained("2024-01", "2024-01", None, "2024-02"))
    assert Active.from_rows(active.rows()).version == active.version


def test_trees_learn_from_some_of_many_rows_and_lines_from_all(monkeypatch: pytest.MonkeyPatch):
    rows: dict[str, tuple[int, int]] = {}

    def noted(frame: pl.DataFrame, outcome: Bools, family: str, **more: Any) -> PredictionModel:
        rows[family] = frame.height, len(more["order"])
        return fit(frame, outcome, family, **more)

    monkeypatch.setattr(training, "fit", noted)
    for module in (rule, training):
        monkeypatch.setattr(module, "RULE", replace(RULE, trees_from=100, tree_rows=300))
    found = challenger(months(2, 400, leak=False), months(1, 400, leak=False), "2024-05")
    assert found.fault is None
    assert rows == {"logistic": (800, 800), "trees": (267, 267)}


def test_small_trees_learn_from_every_rare_event_and_from_some_others(
    monkeypatch: pytest.MonkeyPatch,
):
    hit = np.arange(60_000) % 150 == 7
    few = replace(RULE, small_trees_from=400, others_per_event=10, tree_rows=100_000)
    monkeypatch.setattr(training, "RULE", few)
    for happened, is_rare in ((hit, hit), (~hit, hit)):
        rows = training._fitted_rows("trees", happened)
        assert np.array_equal(training._fitted_rows("binned", happened), rows)
        assert (np.diff(rows) > 0).all()
        assert is_rare[rows].sum() == 400
        # Every fifteenth of 59,600 others: as many as ten for each event, at the most.
        assert len(rows) == 400 + 3_974
    assert len(training._fitted_rows("logistic", hit)) == 60_000


@pytest.mark.parametrize(
    ("events", "rows", "families"),
    [
        (3_000, 50_000, ("logistic", "trees")),
        (2_999, 50_000, ("logistic",)),
        (3_000, 50_001, ("logistic", "trees")),
        (2_999, 50_001, ("binned", "logistic", "trees")),
        (300, 50_001, ("binned", "logistic", "trees")),
        (299, 50_001, ("binned", "logistic")),
    ],
)
def test_bins_and_small_trees_are_tried_of_rare_outcomes_of_many_customer_months(
    events: int, rows: int, families: tuple[str, ...]
):
    assert families_for(rows, events) == families


def test_trees_of_rare_outcomes_are_small():
    assert parameters_for("trees", 60_000, 2_999) is SMALL
    assert parameters_for("trees", 60_000, 3_000) is FEW
    assert parameters_for("binned", 60_000, 2_999) is BINS
    assert parameters_for("logistic", 50_000, 300) is FEW
    assert parameters_for("logistic", 60_000, 300) is PARAMETERS
