"""Predictions among the other stages: what makes them stale, what is published, what is listed."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from portrait_assets.app.cli import app
from portrait_assets.core.settings import Settings
from portrait_assets.core.source_folder import PACKAGED_SOURCES
from portrait_assets.orchestration.definitions import context_of, upstream_tables
from portrait_assets.schema.table import Column
from portrait_assets.stages.predictions.contract import PREDICTION, PREDICTION_MODEL
from portrait_assets.storage.staleness.states import State, stale_months

SHOP = Settings(data_dir=PACKAGED_SOURCES.parent, source="corner_shop")


@pytest.fixture(scope="module")
def upstream() -> dict[str, list[str]]:
    return {table: list(of) for table, of in upstream_tables(context_of(SHOP)).items()}


def test_predictions_are_computed_from_features_and_targets_and_from_no_tag(
    upstream: dict[str, list[str]],
):
    read = set(upstream["predictions.prediction"])
    assert {"features.feature_matrix", "features.unprofiled", "targets.target"} <= read
    read |= set(upstream["predictions.lifecycle_stage"])
    assert not [table for table in read if table.startswith(("tags.", "clusters."))]


def test_tags_are_computed_from_predictions(upstream: dict[str, list[str]]):
    assert {
        *("predictions.prediction", "predictions.prediction_decision"),
        *("predictions.customer_value", "predictions.lifecycle_stage"),
    } <= set(upstream["tags.portrait_matrix"])


def test_a_change_of_a_past_month_makes_that_and_later_predictions_stale(
    upstream: dict[str, list[str]],
):
    months = ["2024-01", "2024-02", "2024-03", "2024-04"]
    states = {
        month: {
            "targets.target": State(10 + at, 10 + at),
            "predictions.prediction": State(20 + at, 20 + at),
        }
        for at, month in enumerate(months)
    }
    assert stale_months(states, upstream) == []
    states["2024-02"]["targets.target"] = State(99, 99)
    stale = stale_months(states, upstream)
    assert [(each.month, each.changed_table) for each in stale] == [
        (month, "targets.target") for month in months[1:]
    ]


def test_a_prediction_is_about_a_customer_and_a_model_about_none():
    def about(columns: tuple[Column, ...]) -> list[str]:
        return [column.name for column in columns if column.identifies]

    assert about(PREDICTION.all_columns) == ["customer_id"]
    assert about(PREDICTION_MODEL.all_columns) == []


@pytest.mark.slow
def test_the_shop_has_baselines_for_everyone_which_are_listed(all_months: Settings, tmp_path: Path):
    with duckdb.connect(str(all_months.portrait_file), read_only=True) as con:
        counts = con.execute(
            "SELECT m.as_of, count(*), count(p.customer_id) FROM features.feature_matrix AS m "
            "LEFT JOIN (FROM predictions.prediction WHERE target = 'silence') AS p "
            "USING (as_of, customer_id) WHERE m.as_of > '2024-01-31' GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        bases = con.execute("SELECT DISTINCT basis FROM predictions.prediction").fetchall()
    assert len(counts) == 3
    assert all(everyone == scored for _, everyone, scored in counts)
    assert bases == [("baseline",)]
    options = ["--source", "corner_shop", "--data-dir", str(all_months.data_dir)]
    printed = CliRunner().invoke(app, ["predictions", *options])
    assert printed.exit_code == 0
    assert "silence within 1 month: baseline, version" in printed.stdout
    assert "the best baseline stands in its place" in printed.stdout
