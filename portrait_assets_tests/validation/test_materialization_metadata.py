"""What an engineer sees in Dagster when a month is materialized."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from portrait_assets.stages.validation.checks import NAMED, VERDICTS
from portrait_assets.stages.validation.contract import VALIDATION_REPORT
from portrait_assets.storage.dagster.checks import Subject
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.testing.worlds.shop import SHOP_MONTHS, run, shop

pytestmark = pytest.mark.slow  # They need a whole run.


@pytest.fixture(scope="module")
def materialized(
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[tuple[str, str], dg.AssetMaterialization]:
    """The materialization of every asset and month, of a run over two months."""
    result = run(shop(tmp_path_factory.mktemp("two")), SHOP_MONTHS[:2])
    assert result.success
    materializations = {}
    for event in result.get_asset_materialization_events():
        written = event.step_materialization_data.materialization
        materializations[".".join(written.asset_key.path), str(written.partition)] = written
    return materializations


@pytest.mark.parametrize(
    ("table", "entry", "text"),
    [
        ("validation.validation_report", "verdicts", "| area |"),
        ("validation.validation_report", "look_first", "| verdict |"),
        # All are active in the first month by construction: nothing is compared with it.
        ("validation.drift", "table", "There is no row."),
        ("validation.backtest", "table", "lapse_risk / silence"),
        ("validation.migration", "table", "value_before"),
        ("tags.tag_table", "distribution", "value_tier"),
        ("cleaned.rejects", "conservation", "transactions"),
    ],
)
def test_tables_are_shown_with_the_asset(
    materialized: dict[tuple[str, str], dg.AssetMaterialization],
    table: str,
    entry: str,
    text: str,
):
    shown = materialized[table, SHOP_MONTHS[1]].metadata[entry]
    assert isinstance(shown, dg.MarkdownMetadataValue)
    assert text in (shown.value or "")


def test_the_report_links_its_file_and_counts_its_charts(
    materialized: dict[tuple[str, str], dg.AssetMaterialization],
):
    metadata = materialized["mart.report", SHOP_MONTHS[1]].metadata
    path = metadata["file"].value
    assert isinstance(path, str)
    assert Path(path).exists()
    assert metadata["charts"].value


def test_a_check_that_fails_names_the_findings_and_how_to_get_at_their_rows(warehouse: Warehouse):
    warehouse.con.execute(
        "UPDATE validation.validation_report SET verdict = 'fail' "
        "WHERE as_of = '2024-03-31' AND area = 'tags'"
    )
    rows = warehouse.read(VALIDATION_REPORT, ["2024-03"])
    found = VERDICTS["portrait"].find(
        Subject(warehouse, VALIDATION_REPORT, "2024-03", lambda: rows)
    )
    assert found.failures > NAMED
    assert "tags / " in found.detail
    assert "more" in found.detail
    query = found.detail.split("Rows: ")[1].split("; in the report")[0]
    listed = warehouse.select(f"SELECT * {query}")
    assert listed.filter(listed["area"] == "tags").height == found.failures
