"""Pictures of how predictions came true are drawn where there is something to draw."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import polars as pl
import pytest

from portrait_assets.stages.predictions.contract import PREDICTION_BACKTEST, PREDICTION_CALIBRATION
from portrait_assets.stages.predictions.credit.contract import CREDIT_CURVE
from portrait_assets.stages.predictions.pictures.draw import (
    drawn_backtests,
    drawn_cards,
    drawn_values,
    of_month,
)
from portrait_assets.stages.predictions.value.contract import VALUE_MODEL
from portrait_assets.storage.dagster.pictures import picture_metadata
from portrait_assets_tests.mart.small_models import values
from portrait_assets_tests.predictions.credit_world import CreditWorld

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
        of_month(world.rows(table), "2024-05")
        for table in (PREDICTION_BACKTEST, PREDICTION_CALIBRATION, CREDIT_CURVE)
    )
    drawn = drawn_backtests(tests, tenths) | drawn_cards(curve)
    assert set(drawn) == {"areas", "calibration", "approval", "vintages"}
    for picture in drawn.values():
        assert picture.startswith(PNG)
        assert len(picture) > 5_000


def test_values_are_drawn_and_are_metadata_of_the_asset():
    rows = pl.DataFrame(values(["a"])["predictions.value_model"], schema=VALUE_MODEL.polars_schema)
    shown = picture_metadata(lambda: drawn_values(rows))
    assert isinstance(shown["total_bias"], dg.MarkdownMetadataValue)
    assert str(shown["total_bias"].value).startswith("![total_bias](data:image/png;base64,iVBORw0")


def test_of_nothing_nothing_is_drawn():
    empty = [t.empty() for t in (PREDICTION_BACKTEST, PREDICTION_CALIBRATION)]
    assert drawn_backtests(*empty) == {}
    assert drawn_cards(CREDIT_CURVE.empty()) == {}
    assert drawn_values(VALUE_MODEL.empty()) == {}
