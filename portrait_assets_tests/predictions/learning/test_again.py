"""A model of a rare outcome is judged on a window it has not seen, and then learns from all."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import polars as pl
import pytest

from portrait_assets.methods.prediction.calibration import calibrated
from portrait_assets.methods.prediction.families.encoding import fit_encoding
from portrait_assets.methods.prediction.fitting import fit
from portrait_assets.methods.prediction.model import PredictionModel
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.predictions import rule
from portrait_assets.stages.predictions.asked import Asked
from portrait_assets.stages.predictions.contract import PREDICTION, PREDICTION_MODEL
from portrait_assets.stages.predictions.learning import again, champion, training
from portrait_assets.stages.predictions.learning.active import Active, Trained
from portrait_assets.stages.predictions.learning.again import fitted_again
from portrait_assets.stages.predictions.learning.champion import Before, Decided, Deciding
from portrait_assets.stages.predictions.learning.past.known import Past
from portrait_assets.stages.predictions.learning.past.labels import LOT, LOTS
from portrait_assets.stages.predictions.learning.training import Challenger
from portrait_assets.stages.predictions.rule import RULE
from portrait_assets.stages.targets.declared.outcome import Baseline
from portrait_assets.stages.targets.declared.outcomes import outcome
from portrait_assets_tests.predictions.prediction_world import PredictionWorld

SPEND = Baseline("spend", "spend_1m", falls=True)
ASKED = Asked(replace(outcome("silence"), baselines=(SPEND,)), 1)
BASES = ("2024-03", "2024-04", "2024-05")


def windows(bases: Sequence[str] = BASES, rows: int = 300, seed: int = 0) -> pl.DataFrame:
    """Customer-months to whom it happens the likelier the longer they were away."""
    rng = np.random.default_rng(seed)
    days = rng.uniform(0, 100, len(bases) * rows)
    return pl.DataFrame(
        {
            "base_month": np.repeat(bases, rows),
            "customer_id": [f"c{at}" for at in range(rows)] * len(bases),
            "hit": rng.random(len(days)) < days / 300,
            "recency_days": days,
            "spend_1m": rng.random(len(days)),
        }
    )


def model_of(frame: pl.DataFrame, judged: pl.DataFrame, family: str = "binned") -> PredictionModel:
    inputs = frame.select("recency_days", "spend_1m")
    model = fit(inputs, frame["hit"].to_numpy(), family)
    return calibrated(model, judged, judged["hit"].to_numpy())


def past(frame: pl.DataFrame, **more: Any) -> Past:
    """What is known in June, with windows of a month each."""
    bases = tuple(frame["base_month"].unique().sort())
    is_in = pl.col("base_month").is_in
    known = SimpleNamespace(
        month="2024-06",
        customers={},
        closed=lambda horizon: bases,
        recent=lambda horizon: bases,
        learned_from=lambda horizon: bases[:-1],
        rows=lambda bases: RULE.least_rows,
        known=lambda asked, bases: frame.filter(is_in(bases)),
        learned=lambda asked: frame.filter(is_in(bases[:-1])),
        newest_inputs=lambda asked: frame.filter(is_in(bases[-1:])),
        encoding=lambda horizon: fit_encoding(frame.select("recency_days", "spend_1m")),
        margin=lambda model, asked: model.margin(frame),
        with_all_events=lambda asked, others: frame,
    )
    return cast(Past, SimpleNamespace(**(vars(known) | more)))


@pytest.mark.parametrize("family", ["binned", "logistic", "trees"])
def test_it_is_of_the_same_family_and_keeps_its_calibration(
    monkeypatch: pytest.MonkeyPatch, family: str
):
    monkeypatch.setattr(again, "inputs_of", lambda rows, _: rows.select("recency_days", "spend_1m"))
    frame = windows(rows=1_000)
    learned, judged = (frame.filter(pl.col("base_month") <= end) for end in BASES[1:])
    chosen = model_of(learned, judged, family)
    found = fitted_again(past(frame), ASKED, chosen)
    assert found.family == family
    assert found.facts["fitted_rows"] == 3_000
    assert chosen.curve is not None
    assert found.curve is not None
    # As many of its probabilities are as high as those of the model that was judged.
    for share in (0.01, 0.5, 0.9, 0.99):
        given, known = (np.quantile(each.probability(frame), share) for each in (found, chosen))
        assert given == pytest.approx(known, abs=0.05)
    assert (np.diff(found.curve.margins) > 0).all()
    assert (np.diff(found.curve.log_odds) >= 0).all()
    assert "spend_1m" not in [
        each.feature
        for each in fitted_again(past(frame), ASKED, chosen, ("spend_1m",)).encoding.features
    ]


def decided(
    monkeypatch: pytest.MonkeyPatch, rare: bool, before: Before | None = None, horizon: int = 1
) -> tuple[Decided, Active, PredictionModel]:
    """What is decided, the challenger, and what a fit to all windows gives."""
    frame, other = windows(), windows(seed=1)
    learned, judged = frame.filter(pl.col("base_month") < BASES[-1]), frame.tail(300)
    model = Active(
        model_of(learned, judged), Trained(BASES[0], BASES[1], BASES[-1], "2024-06")
    ).held_against(judged["hit"].to_numpy(), np.linspace(0, 0.3, 300))
    new = model_of(other, other)
    monkeypatch.setattr(champion, "RULE", replace(RULE, few_until=0 if rare else 10_000))
    monkeypatch.setattr(champion, "fitted_again", lambda *_: new)
    monkeypatch.setattr(training, "challenger", lambda *_: Challenger(model, None))
    return Deciding(past(frame), replace(ASKED, horizon=horizon), before).decide(), model, new


def test_what_takes_the_place_has_learned_from_all_windows(monkeypatch: pytest.MonkeyPatch):
    found, model, new = decided(monkeypatch, rare=True)
    assert found.action == "fitted"
    assert cast(PredictionModel, found.active.learned).scorer is new.scorer
    assert found.active.trained == model.trained._replace(last=BASES[-1])
    assert found.why.en.endswith("fitted again to all closed windows, for the outcome is rare.")
    frame = windows()
    assert found.active.probability(frame).mean() == pytest.approx(frame["hit"].mean(), abs=1e-6)
    # It is judged by what had not seen the newest window, and so wide are its intervals.
    honest, _, _ = decided(monkeypatch, rare=False)
    assert (found.auc, found.challenger_auc) == (honest.auc, honest.challenger_auc)
    assert found.challenger_version == honest.challenger_version == honest.active.version
    assert found.active.bins == honest.active.bins
    assert cast(PredictionModel, honest.active.learned).scorer is not new.scorer


@pytest.mark.parametrize(
    ("last", "horizon", "action"),
    [
        ("2024-04", 1, "challenger refused"),
        ("2024-05", 1, "refitted"),
        ("2024-02", 3, "challenger refused"),
        ("2024-03", 3, "refitted"),
    ],
)
def test_who_knows_a_part_of_the_newest_window_is_no_rival_in_it(
    monkeypatch: pytest.MonkeyPatch, last: str, horizon: int, action: str
):
    """A champion that knows each row of the newest window separates it best."""
    frame, hit = windows(), windows()["hit"].to_numpy()
    known = fit(frame.select("recency_days"), hit, "logistic")
    monkeypatch.setattr(
        PredictionModel,
        "margin",
        lambda self, rows: (
            rows["hit"].to_numpy() * 1.0
            if self.scorer is known.scorer
            else self.scorer.margin(self.design(rows))
        ),
    )
    champion_so_far = Active(known, Trained(BASES[0], last, None, "2024-01"))
    before = Before(champion_so_far, "2024-01")
    assert decided(monkeypatch, False, before, horizon)[0].action == action


def test_all_rare_events_of_closed_windows_are_read_and_some_others():
    rng = np.random.default_rng(0)
    rows = 1_000
    drawn, hits = {}, {}
    for base in BASES:
        drawn[base] = pl.DataFrame(
            {"customer_id": [f"c{at:04}" for at in range(rows)], LOT: rng.integers(0, LOTS, rows)}
        )
        # Not asked about every fiftieth; it happened to 20 others.
        at = pl.int_range(rows)
        hits[base] = drawn[base].select(hit=pl.when(at % 50 != 1).then(at % 50 == 0))["hit"]
    inputs = pl.DataFrame({"spend_1m": np.arange(rows)})
    known = SimpleNamespace(
        closed=lambda horizon, month: BASES,
        drawn=lambda bases, features: [drawn[base] for base in bases],
        hits=lambda asked, bases, month, together: [hits[base] for base in bases],
        lots=lambda bases: dict.fromkeys(bases, LOTS),
        features_once=lambda base: inputs,
    )
    of = Past(cast(Any, known), "2024-06", [ASKED])
    of.__dict__["_objecting"] = pl.Series(["c0050"]).implode()
    found = of.with_all_events(ASKED, 5)
    assert found.columns == ["base_month", "customer_id", "hit", "spend_1m"]
    assert found["hit"].sum() == 3 * 19
    assert "c0050" not in found["customer_id"]
    # Five others for each, by lot: 285 expected, and 16 is what they stray by.
    assert abs(int((~found["hit"]).sum()) - 5 * 3 * 19) < 50
    numbers = found["customer_id"].str.slice(1).cast(pl.Int64)
    assert (numbers == found["spend_1m"]).all()


@pytest.mark.parametrize(
    ("rows", "events", "rare"),
    [
        (RULE.few_until + 1, RULE.trees_from - 1, True),
        (RULE.few_until, RULE.trees_from - 1, False),
        (RULE.few_until + 1, RULE.trees_from, False),
    ],
)
def test_rare_is_what_has_few_events_among_many_rows(rows: int, events: int, rare: bool):
    assert RULE.is_rare(rows, events) is rare


def test_of_a_rare_outcome_a_warehouse_has_a_model_of_all_its_windows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """In April the windows of January to March are over; that of March is judged on."""
    few = replace(RULE, few_until=500)
    for module in (rule, champion, training, again):
        monkeypatch.setattr(module, "RULE", few)
    world = PredictionWorld(tmp_path, customers=400, months=4)
    world.predict()
    with closing(world.warehouse):
        decision = world.decision("2024-04")
        # The clue shows the habit as it is, which a line takes up better than bins.
        assert (decision["action"], decision["family"]) == ("fitted", "logistic")
        assert (decision["trained_from"], decision["trained_until"]) == ("2024-01", "2024-03")
        assert decision["calibrated_on"] == "2024-03"
        assert "fitted again to all closed windows" in str(decision["reason_en"])
        model = Active.from_rows(world.rows(PREDICTION_MODEL, "2024-04"))
        assert model.version == decision["model_version"]
        # All of the rarer outcome, and as many of the other as there are.
        assert cast(PredictionModel, model.learned).facts["fitted_rows"] == 1_200
        scores = world.rows(PREDICTION, "2024-04").sort("customer_id")
        matrix = world.rows(FEATURE_MATRIX, "2024-04").sort("customer_id")
        assert scores["score"].to_numpy() == pytest.approx(model.probability(matrix), abs=1e-6)
        assert scores.filter(pl.col("band") == "highest")["reason_1"].null_count() == 0
