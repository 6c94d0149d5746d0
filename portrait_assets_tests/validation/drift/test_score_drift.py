"""Scores that moved are found, and those of another version are not held against customers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from portrait_assets.stages.predictions.contract import (
    PREDICTION,
    PREDICTION_DECISION,
    PREDICTION_MODEL,
)
from portrait_assets.stages.validation.contract import DRIFT
from portrait_assets.stages.validation.drift.moves import LeftOut
from portrait_assets.stages.validation.findings.evidence import drift_findings
from portrait_assets.stages.validation.predictions.scores import score_drift
from portrait_assets_tests.predictions.prediction_world import PredictionWorld

MONTHS = ["2024-01", "2024-02"]
PLACE = np.arange(2_000)
USUAL = (PLACE % 100 + 0.5) / 100


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PredictionWorld]:
    """Two months with a feature matrix of whom nobody is scored yet."""
    found = PredictionWorld(tmp_path, customers=40, months=2)
    yield found
    found.warehouse.close()


def score(
    world: PredictionWorld,
    month: str,
    scores: np.ndarray,
    version: str = "m1",
    target: str = "silence",
    reads: str = "purchases_1m",
) -> None:
    """Scores of 2,000 customers in a month, of a model that reads one feature."""
    rows = pl.DataFrame(
        {"customer_id": [f"c{place:04d}" for place in PLACE], "score": scores}
    ).with_columns(
        target=pl.lit(target),
        horizon=pl.lit(1),
        model_version=pl.lit(version),
        as_of=pl.lit(month).str.to_date("%Y-%m").dt.month_end(),
    )
    head = rows.head(1)
    world._write(PREDICTION, [month], rows)
    world._write(PREDICTION_MODEL, [month], head.with_columns(feature=pl.lit(reads)))
    world._write(PREDICTION_DECISION, [month], head)


def moved(world: PredictionWorld) -> pl.DataFrame:
    return score_drift(world.warehouse, MONTHS[1:], MONTHS)


@pytest.mark.parametrize(
    ("later", "verdict"),
    [(USUAL[::-1], "pass"), (USUAL**1.5, "warn"), (USUAL / 3, "fail")],
    ids=["other customers", "somewhat lower", "much lower"],
)
def test_scores_of_one_version_that_moved_are_found(
    world: PredictionWorld, later: np.ndarray, verdict: str
):
    score(world, MONTHS[0], USUAL)
    score(world, MONTHS[1], later)
    found = moved(world)
    assert found["against"].to_list() == ["month before", "baseline"]
    assert found["verdict"].to_list() == [verdict] * 2
    assert found.schema == DRIFT.polars_schema
    named = drift_findings(found).filter(pl.col("subject") == "score silence")
    assert named["verdict"].to_list() == [verdict] * 2 * (verdict != "pass")


def test_the_psi_is_that_of_tenths_counted_by_hand(world: PredictionWorld):
    score(world, MONTHS[0], USUAL)
    score(world, MONTHS[1], USUAL**2)
    ends = np.sort(USUAL)[199:1_999:200]
    tenths = np.searchsorted(ends, USUAL**2, side="left")
    now = (np.bincount(tenths, minlength=10) + 0.5) / (2_000 + 5)
    then = np.full(10, 200.5 / 2_005)
    expected = ((now - then) * np.log(now / then)).sum()
    assert moved(world)["psi"].to_list() == pytest.approx([expected] * 2, rel=1e-6)


def test_scores_of_another_version_are_measured_and_not_judged(world: PredictionWorld):
    score(world, MONTHS[0], USUAL)
    score(world, MONTHS[1], USUAL / 3, version="m2")
    found = moved(world)
    assert found["verdict"].to_list() == ["not judged"] * 2
    assert (found["psi"] > 0.25).all()


def test_scores_of_windows_that_are_not_full_are_not_judged(world: PredictionWorld):
    score(world, MONTHS[0], USUAL, reads="spend_12m")
    score(world, MONTHS[1], USUAL / 3, reads="spend_12m")
    found = moved(world)
    assert found["verdict"].to_list() == ["not judged"] * 2
    assert found["is_filling"].all()


def test_a_target_that_is_scored_in_one_month_alone_is_not_compared(world: PredictionWorld):
    score(world, MONTHS[0], USUAL)
    score(world, MONTHS[1], USUAL, target="spend")
    assert moved(world).is_empty()


def test_nothing_is_compared_with_a_month_that_is_left_out(world: PredictionWorld):
    score(world, MONTHS[0], USUAL)
    score(world, MONTHS[1], USUAL / 3)
    left_out = LeftOut(first=MONTHS[0])
    assert score_drift(world.warehouse, MONTHS[1:], MONTHS, left_out).is_empty()
    assert score_drift(world.warehouse, MONTHS[:1], MONTHS).is_empty(), "the first of all"


def test_a_month_is_judged_by_its_own_model_whichever_months_are_judged_with_it(tmp_path: Path):
    """The model of March reads a year, of which little has passed; that of February a month."""
    world = PredictionWorld(tmp_path, customers=40, months=3)
    months = [*MONTHS, "2024-03"]
    score(world, months[0], USUAL)
    score(world, months[1], USUAL / 3)
    score(world, months[2], USUAL / 9, version="m2", reads="spend_12m")
    alone = score_drift(world.warehouse, months[1:2], months)
    together = score_drift(world.warehouse, months[1:], months)
    world.warehouse.close()
    february, march = together.partition_by("as_of", maintain_order=True)
    assert february.equals(alone)
    assert alone["verdict"].to_list() == ["fail"] * 2
    assert march["is_filling"].all()
