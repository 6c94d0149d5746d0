"""What is active in a month and what it scores, on customers who buy by a lasting habit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import polars as pl
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import brier_score_loss, roc_auc_score

from portrait_assets.stages.predictions import asked as asking
from portrait_assets.stages.predictions.asked import asked_of
from portrait_assets.stages.predictions.backtests.closed import windows_until
from portrait_assets.stages.predictions.contract import (
    BANDS,
    PREDICTION,
    PREDICTION_BACKTEST,
    PREDICTION_CALIBRATION,
    PREDICTION_DECISION,
    PREDICTION_MODEL,
)
from portrait_assets.stages.predictions.governance.approvals import (
    BASELINE,
    Action,
)
from portrait_assets.stages.predictions.learning.active import Active
from portrait_assets.stages.predictions.learning.past import known, windows
from portrait_assets.stages.predictions.learning.past.known import Past
from portrait_assets.stages.predictions.rule import RULE
from portrait_assets.stages.targets.assets import TABLES as TARGET_TABLES
from portrait_assets.stages.targets.declared.outcomes import Targets, outcome
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.engine import Engine
from portrait_assets_tests.predictions.prediction_world import SILENCE, PredictionWorld, decided

LAST = "2024-05"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PredictionWorld]:
    """Five months of 400 customers, of whom one objects to profiling in April."""
    world = PredictionWorld(
        tmp_path_factory.mktemp("world"), customers=400, leaves={"c0007": "2024-04"}
    )
    world.predict()
    yield world
    world.warehouse.close()


def test_each_month_says_what_is_active_and_why(world: PredictionWorld):
    found = world.rows(PREDICTION_DECISION).sort("as_of")
    # In January nothing has been looked forward to yet.
    assert found["as_of"].dt.month().to_list() == [2, 3, 4, 5]
    assert found["action"].to_list() == ["baseline", "baseline", "fitted", "kept"]
    assert found["basis"].to_list() == ["baseline", "baseline", "model", "model"]
    reasons = found["reason_en"]
    assert reasons[0].startswith("There are 0 customer-months of earlier closed windows")
    assert reasons[1].startswith("There are 400 customer-months of earlier closed windows")
    assert reasons[2].startswith("The logistic model is surely better than the baseline")
    assert reasons[3].startswith("The model fitted in 2024-04 stays")
    assert found["scored"].to_list() == [400, 400, 399, 399]


def test_a_model_learns_from_earlier_windows_and_is_calibrated_on_the_newest(
    world: PredictionWorld,
):
    april = world.decision("2024-04")
    assert (april["trained_from"], april["trained_until"]) == ("2024-01", "2024-02")
    assert (april["calibrated_on"], april["fitted_in"]) == ("2024-03", "2024-04")


@pytest.mark.parametrize(("customers", "asked"), [(199, 0), (200, 1)])
def test_of_few_customers_no_target_by_kind_is_predicted(
    customers: int, asked: int, monkeypatch: pytest.MonkeyPatch
):
    by_kind = outcome("response_by_kind").for_one("coupon")
    monkeypatch.setattr(asking, "predicted", lambda *_: [outcome("silence"), by_kind])
    monkeypatch.setattr(asking, "_counted", lambda *_: {"coupon": 9})
    stored = cast(Warehouse, SimpleNamespace(materialized=lambda _: {"2024-05": customers}))
    found = asking.asked_of(stored, Targets(()), "2024-05")
    assert [each.code for each in found] == ["silence", by_kind.code][: 1 + asked]


def test_before_any_window_is_over_customers_have_an_order_and_no_probability(tmp_path: Path):
    longer = replace(outcome("silence"), horizons=(1, 2), prediction_horizon=2)
    young = PredictionWorld(tmp_path, customers=40, months=2, targets=Targets((longer,)))
    young.predict()
    rows = young.rows(PREDICTION, "2024-02")
    assert rows["score"].null_count() == rows.height == 40
    features = young.warehouse.select(
        "SELECT customer_id, recency_days FROM features.feature_matrix WHERE as_of = '2024-02-29'"
    )
    first = rows.join(features, on="customer_id").filter(pl.col("rank") == 1)
    assert first["recency_days"].null_count() == first.height > 0, "of nobody known to have bought"
    reason = str(young.decision("2024-02")["reason_en"])
    assert reason.startswith("No window of 2 months of which this is known is over yet")
    young.warehouse.close()


def test_scores_are_ranked_banded_and_within_their_intervals(world: PredictionWorld):
    rows = world.rows(PREDICTION, LAST).sort("rank")
    score, n = rows["score"].to_numpy(), rows.height
    assert (np.diff(score) <= 0).all()
    assert ((rows["low"] <= rows["score"]) & (rows["score"] <= rows["high"])).all()
    place = (rows["rank"].rank("average").to_numpy() - 0.5) / n
    expected = [BANDS[int(np.searchsorted([0.05, 0.2, 0.5, 0.8], at, "right"))] for at in place]
    assert rows["band"].to_list() == expected


def test_reasons_are_those_of_the_two_bands_on_top(world: PredictionWorld):
    rows = world.rows(PREDICTION, LAST)
    has_reason = pl.col("reason_1").is_not_null()
    assert set(rows.filter(has_reason)["band"]) == {"highest", "high"}
    assert rows.filter(pl.col("band").is_in(["highest", "high"]) & ~has_reason).height == 0
    # Who seldom buys is found by the clue.
    top = rows.filter(pl.col("band") == "highest")
    assert set(top["reason_1"]) == {"+digital_share_12m"}


def test_rows_of_a_model_give_the_stored_scores(world: PredictionWorld):
    active = Active.from_rows(world.rows(PREDICTION_MODEL, LAST).sample(fraction=1, shuffle=True))
    stored = world.rows(PREDICTION, LAST).sort("customer_id")
    matrix = world.warehouse.select(
        "SELECT * FROM features.feature_matrix WHERE as_of = '2024-05-31' ORDER BY customer_id"
    ).with_columns(pl.selectors.decimal().cast(pl.Float64))
    assert stored["score"].to_list() == active.probability(matrix).round(6).tolist()
    assert set(stored["model_version"]) == {active.version}


def test_who_objects_to_profiling_is_neither_learned_from_nor_scored(world: PredictionWorld):
    assert "c0007" in world.rows(PREDICTION, "2024-03")["customer_id"]
    assert "c0007" not in world.rows(PREDICTION, "2024-04")["customer_id"]
    april = Active.from_rows(world.rows(PREDICTION_MODEL, "2024-04")).learned
    # Of past months, too, they are left out, and what an identifier holds that they gave up.
    assert april.facts["fitted_rows"] == 2 * 398  # type: ignore[union-attr]


def test_windows_of_few_are_read_together_as_they_are_read_alone(
    world: PredictionWorld, monkeypatch: pytest.MonkeyPatch
):
    found = []
    for together, kept in ((50_000, 50_000), (0, 50_000), (0, 0)):
        rule = replace(RULE, read_together=together, kept_rows=kept)
        monkeypatch.setattr("portrait_assets.stages.predictions.learning.past.windows.RULE", rule)
        asked = asked_of(world.warehouse, SILENCE, LAST)
        with closing(Engine(world.warehouse.con)) as engine:
            past = Past(windows_until(world.warehouse, engine, LAST), LAST, asked)
            found.append([past.learned(asked[0]), past.newest_inputs(asked[0])])
            known = past.known(asked[0], past.recent(1))
            found[-1].append(known.select("base_month", "customer_id", "hit", "recency_days"))
            found[-1].append(past.happened(asked[0], "2024-02"))
    for one, *others in zip(*found, strict=True):
        assert one.height >= 398
        assert all(one.equals(other) for other in others)


@pytest.mark.parametrize("most", [50_000, 0])
def test_customers_are_drawn_of_large_months_with_what_is_theirs(
    world: PredictionWorld, monkeypatch: pytest.MonkeyPatch, most: int
):
    rule = replace(RULE, read_together=most, kept_rows=most, window_rows=200, most_rows=150)
    for module in (windows, known):
        monkeypatch.setattr(module, "RULE", rule)
    (asked,) = asked_of(world.warehouse, SILENCE, LAST)
    matrix = world.warehouse.select(
        "SELECT strftime(as_of, '%Y-%m') AS base_month, * FROM features.feature_matrix"
    )
    with closing(Engine(world.warehouse.con)) as engine:
        past = Past(windows_until(world.warehouse, engine, LAST), LAST, [asked])
        recent, learned = past.known(asked, past.recent(1)), past.learned(asked)
        everyone = past.happened(asked, "2024-03")
        model = Active.from_rows(world.rows(PREDICTION_MODEL, LAST)).learned
        margin = past.margin(model, asked)  # type: ignore[arg-type]
        scored = past.windows._margins
        assert sorted(scored) == list(past.recent(1))
        past.windows.forget(LAST, [model.scorer])  # type: ignore[union-attr]
        assert all(len(each) == 1 for each in past.windows._margins.values())
        past.windows.forget(LAST)
        assert not any(past.windows._margins.values())
    for month in past.recent(1):
        assert 150 < recent.filter(base_month=month).height < 240
    assert 110 < learned.height <= 150
    for drawn, features in ((recent, ("recency_days",)), (learned, ("digital_share_12m",))):
        theirs = drawn.join(matrix, on=["base_month", "customer_id"], maintain_order="left")
        assert theirs.height == drawn.height
        for name in features:
            assert theirs[name].to_list() == theirs[f"{name}_right"].to_list()
        for month, customer, hit in drawn.select("base_month", "customer_id", "hit").iter_rows():
            assert hit == world.silent_after(month)[customer]
    theirs = recent.join(matrix, on=["base_month", "customer_id"], maintain_order="left")
    assert margin == pytest.approx(model.margin(theirs), abs=1e-9)  # type: ignore[union-attr]
    assert everyone.height == 398


def test_a_backtest_is_that_of_the_scores_stored_then(world: PredictionWorld):
    # c0007 objects, and c0008 was found to be the same person.
    then = world.rows(PREDICTION, "2024-04").filter(pl.col("customer_id") != "c0008")
    (row,) = world.rows(PREDICTION_BACKTEST, LAST).iter_rows(named=True)
    silent = world.silent_after("2024-04")
    hit = np.array([silent[who] for who in then["customer_id"]])
    score = then["score"].to_numpy()
    assert (row["base_month"], row["model_version"]) == ("2024-04", then["model_version"][0])
    assert (row["customers"], row["hits"]) == (398, int(hit.sum()))
    assert row["auc"] == pytest.approx(roc_auc_score(hit, -then["rank"].to_numpy()), abs=1e-6)
    assert row["brier"] == pytest.approx(brier_score_loss(hit, score), abs=1e-6)
    assert row["calibration"] == pytest.approx(score.mean() / hit.mean(), abs=1e-5)
    assert row["verdict"] == "better"
    assert abs(row["placebo_auc"] - 0.5) < 0.02
    assert 0 <= row["psi"] < 0.25
    tenths = world.rows(PREDICTION_CALIBRATION, LAST)
    assert tenths["customers"].sum() == 398
    assert tenths["hits"].sum() == row["hits"]
    assert row["lift"] == pytest.approx(
        hit[np.argsort(-score, kind="stable")][:40].mean() / hit.mean(), rel=0.1
    )


def test_beside_it_stands_the_baseline_with_the_rates_of_the_windows_over_by_then(
    world: PredictionWorld,
):
    (row,) = world.rows(PREDICTION_BACKTEST, LAST).iter_rows(named=True)
    assert row["baseline"] == "recency"

    def known(month: str) -> tuple[np.ndarray, np.ndarray]:
        matrix = world.warehouse.select(
            "SELECT customer_id, recency_days FROM features.feature_matrix WHERE "
            f"strftime(as_of, '%Y-%m') = '{month}' AND customer_id NOT IN ('c0007', 'c0008') "
            "ORDER BY customer_id"
        )
        silent = world.silent_after(month)
        hit = np.array([silent[who] for who in matrix["customer_id"]])
        return matrix["recency_days"].fill_null(9_999).to_numpy().astype(float), hit

    pasts = [known(month) for month in ("2024-01", "2024-02", "2024-03")]
    past, happened = (np.concatenate(each) for each in zip(*pasts, strict=True))
    fitted = IsotonicRegression(out_of_bounds="clip").fit(past, happened)
    # Each level with one customer more, of the rate of all.
    levels, of = np.unique(fitted.predict(past).round(12), return_inverse=True)
    sizes, hits = np.bincount(of), np.bincount(of, weights=happened)
    drawn = (hits + (hits.sum() + 0.5) / (sizes.sum() + 1)) / (sizes + 1)
    drawn = IsotonicRegression().fit_transform(levels, drawn, sample_weight=sizes)
    days, hit = known("2024-04")
    # Between two steps the warehouse keeps the rate of the one below.
    steps = np.unique(np.concatenate([each for each, _ in pasts]))
    below = steps[np.maximum(np.searchsorted(steps, days, side="right") - 1, 0)]
    probability = drawn[np.searchsorted(levels, fitted.predict(below).round(12))]
    assert row["baseline_brier"] == pytest.approx(brier_score_loss(hit, probability), abs=1e-6)
    tenths = world.rows(PREDICTION_CALIBRATION, LAST)
    mean = (tenths["baseline_predicted_rate"] * tenths["customers"]).sum() / 398
    assert mean == pytest.approx(probability.mean(), abs=1e-6)
    assert row["baseline_auc"] == pytest.approx(roc_auc_score(hit, days), abs=1e-6)
    assert row["baseline_auc"] < row["auc"]
    assert 1 < row["baseline_lift"] < row["lift"]


@pytest.mark.slow
def test_months_one_by_one_end_as_months_together(world: PredictionWorld, tmp_path: Path):
    single = PredictionWorld(tmp_path, customers=400, leaves={"c0007": "2024-04"})
    for month in single.month_names:
        single.predict([month])
    for table in (PREDICTION, PREDICTION_MODEL, PREDICTION_DECISION, PREDICTION_BACKTEST):
        keys = list(table.key)
        assert single.rows(table).sort(keys).equals(world.rows(table).sort(keys)), table.full_name
    single.warehouse.close()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[PredictionWorld]:
    world = PredictionWorld(tmp_path, customers=400, months=6)
    yield world
    world.warehouse.close()


def test_a_pinned_version_stays_and_an_approval_fits_anew(fresh: PredictionWorld):
    fresh.predict(fresh.month_names[:4])
    version = str(fresh.decision("2024-04")["model_version"])
    pin = decided(Action.PIN, "2024-05", version)
    again = decided(Action.APPROVE, "2024-06")
    fresh.predict(["2024-05", "2024-06"], [pin, again])
    may, june = fresh.decision("2024-05"), fresh.decision("2024-06")
    assert (may["action"], may["model_version"]) == ("pinned", version)
    assert "Li Na" in str(may["reason_en"])
    assert june["fitted_in"] == "2024-06"
    assert (june["action"], "approved" in str(june["reason_en"])) == ("refitted", True)


def test_a_version_that_no_month_has_leaves_the_baseline_and_says_so(fresh: PredictionWorld):
    fresh.predict(fresh.month_names[:4], [decided(Action.ROLLBACK, "2024-04", "deadbeef")])
    april = fresh.decision("2024-04")
    assert (april["basis"], april["action"]) == ("baseline", "baseline")
    assert "Version deadbeef" in str(april["reason_en"])


def test_the_baseline_can_be_pinned(fresh: PredictionWorld):
    fresh.predict(fresh.month_names[:4], [decided(Action.PIN, "2024-04", BASELINE)])
    april = fresh.decision("2024-04")
    assert (april["basis"], april["action"]) == ("baseline", "pinned")


def test_without_a_clue_the_baseline_stands_with_probabilities_that_come_true(tmp_path: Path):
    blind = PredictionWorld(tmp_path, customers=400, clue=0.0)
    blind.predict()
    april = blind.decision("2024-04")
    assert (april["basis"], april["action"]) == ("baseline", "baseline")
    assert "not surely better than the baseline" in str(april["reason_en"])
    rows, silent = blind.rows(PREDICTION, "2024-04"), blind.silent_after("2024-04")
    assert rows["reason_1"].null_count() == rows.height
    happened = np.mean([silent[who] for who in rows["customer_id"]])
    assert rows["score"].mean() == pytest.approx(happened, abs=0.06)
    blind.warehouse.close()


@pytest.mark.slow
def test_a_model_that_falls_below_its_baseline_is_replaced(tmp_path: Path):
    # The clue is gone from April on, so May finds the model of April below the baseline.
    fading = PredictionWorld(tmp_path, customers=600, months=6, fades_from="2024-04")
    fading.predict()
    may, june = fading.decision("2024-05"), fading.decision("2024-06")
    assert fading.decision("2024-04")["basis"] == "model"
    assert (may["tried_in"], may["basis"]) == ("2024-05", "baseline")
    assert june["action"] == "baseline"
    fading.warehouse.close()


def test_a_window_whose_targets_are_not_stored_is_left_out(tmp_path: Path):
    # As in the first months of a warehouse of an older version.
    older = PredictionWorld(tmp_path, customers=400, months=4)
    for table in TARGET_TABLES:
        older.warehouse.con.execute(f"DELETE FROM {table.full_name} WHERE month = '2024-02'")
        del older.warehouse._materialized[table.full_name]["2024-02"]
    older.predict(["2024-04"])
    april = older.decision("2024-04")
    assert (april["basis"], april["trained_from"]) == ("baseline", "2024-02")
    assert "There are 400 customer-months" in str(april["reason_en"])
    older.warehouse.close()
