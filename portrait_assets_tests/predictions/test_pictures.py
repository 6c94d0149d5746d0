"""Pictures of how predictions came true are drawn where there is something to draw."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import altair as alt
import dagster as dg
import polars as pl
import pytest

from portrait_assets.core.months import last_day
from portrait_assets.stages.predictions.contract import PREDICTION_BACKTEST, PREDICTION_CALIBRATION
from portrait_assets.stages.predictions.credit.contract import CREDIT_CURVE
from portrait_assets.stages.predictions.pictures import plots
from portrait_assets.stages.predictions.value.contract import VALUE_MODEL
from portrait_assets.storage.dagster.pictures import picture_metadata
from portrait_assets_tests.mart.small_models import values
from portrait_assets_tests.predictions.credit.credit_world import CreditWorld

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CreditWorld]:
    world = CreditWorld(tmp_path_factory.mktemp("drawn"), customers=300, months=5)
    world.predict()
    world.score()
    yield world
    world.warehouse.close()


def test_a_month_of_models_and_cards_is_drawn(world: CreditWorld):
    tests, tenths, curve = (
        world.rows(table).filter(pl.col("as_of") == last_day("2024-05"))
        for table in (PREDICTION_BACKTEST, PREDICTION_CALIBRATION, CREDIT_CURVE)
    )
    drawn = plots.of_backtests(tests, tenths) | plots.of_cards(curve)
    assert set(drawn) == {"areas", "calibration", "approval", "vintages"}
    for picture in drawn.values():
        assert picture.startswith(PNG)
        assert len(picture) > 5_000


def test_values_are_drawn_and_are_metadata_of_the_asset():
    rows = pl.DataFrame(values(["a"])["predictions.value_model"], schema=VALUE_MODEL.polars_schema)
    shown = picture_metadata(f"{plots.__name__}:of_values", rows)
    assert isinstance(shown["total_bias"], dg.MarkdownMetadataValue)
    assert str(shown["total_bias"].value).startswith("![total_bias](data:image/png;base64,iVBORw0")


def test_of_nothing_nothing_is_drawn():
    empty = [t.empty() for t in (PREDICTION_BACKTEST, PREDICTION_CALIBRATION)]
    assert plots.of_backtests(*empty) == {}
    assert plots.of_cards(CREDIT_CURVE.empty()) == {}
    assert plots.of_values(VALUE_MODEL.empty()) == {}


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[list[dict[str, Any]]]:
    """Of each chart that is drawn from now on, the rows that it is drawn from."""
    given: list[list[dict[str, Any]]] = []

    def kept(chart: alt.TopLevelMixin) -> bytes:
        rows = chart.to_dict()["datasets"].values()
        given.append([row for each in rows for row in each])
        return PNG

    monkeypatch.setattr(plots, "png", kept)
    return given


def test_areas_are_drawn_beside_those_of_baselines_where_they_are_known(
    drawn: list[list[dict[str, Any]]],
):
    tests = pl.DataFrame(
        [("a", 0.8, 0.75, 0.85, 0.7), ("b", None, None, None, 0.6), ("c", 0.9, None, None, None)],
        schema=["target", "auc", "auc_low", "auc_high", "baseline_auc"],
        orient="row",
    )
    assert plots.of_backtests(tests, pl.DataFrame()).keys() == {"areas"}
    (rows,) = drawn
    areas = [(row["target"], row["side"], row["area"]) for row in rows if "area" in row]
    assert sorted(areas) == [
        ("a", "baseline", 0.7),
        ("a", "prediction", 0.8),
        ("c", "prediction", 0.9),
    ]
    intervals = [row for row in rows if "auc_low" in row]
    assert intervals == [{"target": "a", "auc_low": 0.75, "auc_high": 0.85}]


def test_a_card_is_drawn_where_outcomes_are_known(drawn: list[list[dict[str, Any]]]):
    curve = pl.DataFrame(
        [("cut", 0.5, 0.02, 0.03), ("cut", 0.9, None, 0.05), ("vintage", None, 0.04, 0.01)],
        schema=["kind", "approval_share", "actual_bad_rate", "expected_of_known"],
        orient="row",
    ).with_columns(
        target=pl.lit("default"),
        base_month=pl.lit("2024-01"),
        low=pl.col("actual_bad_rate") / 2,
        high=pl.col("actual_bad_rate") * 2,
    )
    assert plots.of_cards(curve).keys() == {"approval", "vintages"}
    found = [
        [(row["approval_share"], row["side"], row["value"], row["low"]) for row in rows]
        for rows in drawn
    ]
    assert found == [
        [(0.5, "actual", 0.02, 0.01), (0.5, "expected", 0.03, 0.01)],
        [(None, "actual", 0.04, 0.02), (None, "expected", 0.01, 0.02)],
    ]
