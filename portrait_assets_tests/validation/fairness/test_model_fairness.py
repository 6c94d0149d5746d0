"""Models and cards that pick out one group are found, others are not, with rates by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from portrait_assets.core.months import last_day
from portrait_assets.stages.predictions.contract import PREDICTION
from portrait_assets.stages.predictions.credit.contract import CREDIT_SCORE
from portrait_assets.stages.validation.contract import FAIRNESS
from portrait_assets.stages.validation.findings.fairness import fairness_findings
from portrait_assets.stages.validation.predictions.fairness import model_fairness
from portrait_assets_tests.predictions.credit.credit_world import CreditWorld

CUSTOMERS, LAST = 400, "2024-05"
HABIT = np.random.default_rng(7).uniform(0.05, 0.95, CUSTOMERS)
"""How often each buys, as `PredictionWorld` draws it."""
NOISE = np.random.default_rng(1).normal(0, 0.25, CUSTOMERS)
BY_HABIT = np.where(HABIT + NOISE < 0.4, "east", "west")
BY_TURNS = np.where(np.arange(CUSTOMERS) % 2 == 0, "east", "west")


class OfTwoRegions(CreditWorld):
    """The same customers, of the east and the west by turns."""

    region = BY_TURNS

    def _matrix(self, rows: pl.DataFrame) -> pl.DataFrame:
        return rows.with_columns(pl.Series("region", self.region))


class Apart(OfTwoRegions):
    """Those who seldom buy mostly live in the east."""

    region = BY_HABIT


def world_of(kind: type[CreditWorld], folder: Path) -> CreditWorld:
    world = kind(folder, customers=CUSTOMERS, months=5)
    world.predict()
    world.score()
    return world


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CreditWorld]:
    world = world_of(Apart, tmp_path_factory.mktemp("apart"))
    yield world
    world.warehouse.close()


def picked(world: CreditWorld, month: str) -> dict[str, dict[str, bool]]:
    """By model and card whom its scores of a month pick out."""
    on_top = world.rows(PREDICTION, month).select(
        "customer_id", pl.col("rank") <= 0.2 * CUSTOMERS + 0.5
    )
    accepted = world.rows(CREDIT_SCORE, month).select(
        "customer_id", pl.col("suggested") == "accept"
    )
    return {
        "model silence": dict(on_top.iter_rows()),
        "scorecard silence": dict(accepted.iter_rows()),
    }


def test_rates_are_those_counted_by_hand(apart: CreditWorld):
    rows = model_fairness(apart.warehouse, apart.targets, LAST)
    silent = apart.silent_after("2024-04")
    for row in rows.iter_rows(named=True):
        is_now = row["measure"] == "selection rate"
        chosen = picked(apart, LAST if is_now else "2024-04")[row["tag_code"]]
        of = [
            who
            for who in chosen
            if BY_HABIT[int(who[1:])] == row["level"]
            and (is_now or silent[who] == (row["tag_code"] == "model silence"))
        ]
        assert row["customers"] == len(of)
        assert row["selected"] == sum(chosen[who] for who in of)
        assert row["rate"] == pytest.approx(np.mean([chosen[who] for who in of]), abs=1e-6)
        assert row["said_as_of"] == last_day(LAST if is_now else "2024-04")
        assert row["low"] <= row["difference"] <= row["high"]
    assert rows.schema == FAIRNESS.polars_schema
    assert {*rows.select("tag_code", "tag_value", "outcome").iter_rows()} == {
        ("model silence", "(top fifth)", None),
        ("model silence", "(top fifth)", "silence"),
        ("scorecard silence", "accept", None),
        ("scorecard silence", "accept", "not silence"),
    }
    assert rows.height == 2 * 4, "two regions; sex and age are not known of anybody"


def test_a_model_and_a_card_that_go_by_region_differ_by_region(apart: CreditWorld):
    rows = model_fairness(apart.warehouse, apart.targets, LAST)
    assert set(rows["verdict"]) == {"differs"}
    found = fairness_findings(rows, {}).select("subject", "verdict", "value")
    assert found.rows() == [("model silence", "warn", 4), ("scorecard silence", "warn", 4)]


@pytest.mark.slow
def test_those_that_do_not_are_at_parity(tmp_path: Path):
    world = world_of(OfTwoRegions, tmp_path)
    rows = model_fairness(world.warehouse, world.targets, LAST)
    assert set(rows["verdict"]) == {"parity"}
    assert set(fairness_findings(rows, {})["verdict"]) == {"pass"}
    world.warehouse.close()


def test_a_month_without_predictions_has_no_rows(tmp_path: Path):
    world = CreditWorld(tmp_path, customers=40, months=2)
    assert model_fairness(world.warehouse, world.targets, "2024-02").is_empty()
    world.warehouse.close()
