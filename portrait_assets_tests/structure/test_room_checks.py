"""Each room's own checks fail on the damage that they are for, and only in its month."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from portrait_assets.core.settings import Settings
from portrait_assets.core.source_folder import PACKAGED_SOURCES
from portrait_assets.schema.table import Table
from portrait_assets.stages.clusters.checks import EVERYONE_ASSIGNED, NO_TINY_SEGMENT
from portrait_assets.stages.clusters.contract import CLUSTER_ASSIGNMENT, CLUSTER_SEGMENT
from portrait_assets.stages.features.checks import ADDS_UP, EVERYONE
from portrait_assets.stages.features.contract import CUSTOMER_MONTH, FEATURE_MATRIX
from portrait_assets.stages.tags.catalogue.load import source_catalogue
from portrait_assets.stages.tags.checks import ONLY_FROM_CATALOGUE
from portrait_assets.stages.tags.evaluation.tag_table import tag_table
from portrait_assets.stages.targets.checks import adds_up, ends_with_month
from portrait_assets.stages.targets.contract import TARGET
from portrait_assets.stages.targets.declared.outcome import HORIZONS
from portrait_assets.stages.validation.checks import VERDICTS
from portrait_assets.stages.validation.contract import VALIDATION_REPORT
from portrait_assets.storage.dagster.checks import CONTRACT, TableCheck, run_checks
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.testing.worlds.shop import SHOP_MONTHS

pytestmark = pytest.mark.slow
BROKEN = {"2024-03"}
TAG_TABLE = tag_table(source_catalogue(PACKAGED_SOURCES / "corner_shop"))


@pytest.mark.parametrize(
    ("check", "table", "damage"),
    [
        (
            ADDS_UP,
            CUSTOMER_MONTH,
            "UPDATE features.customer_month SET amount = amount + 1 WHERE month = '2024-03'",
        ),
        (
            EVERYONE,
            FEATURE_MATRIX,
            "DELETE FROM features.feature_matrix "
            "WHERE as_of = '2024-03-31' AND customer_id = 'K001'",
        ),
        (
            EVERYONE,
            FEATURE_MATRIX,
            "UPDATE features.feature_matrix SET customer_id = 'stranger' "
            "WHERE as_of = '2024-03-31' AND customer_id = 'K001'",
        ),
        (
            CONTRACT,
            FEATURE_MATRIX,
            "UPDATE features.feature_matrix SET weekend_spend_share_12m = 1.5 "
            "WHERE as_of = '2024-03-31'",
        ),
        (
            adds_up(HORIZONS),
            TARGET,
            "UPDATE targets.target SET spend = spend + 1 WHERE month = '2024-03' AND horizon = 2",
        ),
        (
            adds_up(HORIZONS),
            TARGET,
            "DELETE FROM targets.target WHERE month = '2024-03' AND horizon = 1",
        ),
        (
            ends_with_month(HORIZONS),
            TARGET,
            "UPDATE targets.target SET base_month = '2023-12' WHERE month = '2024-03'",
        ),
        (
            EVERYONE_ASSIGNED,
            CLUSTER_ASSIGNMENT,
            "UPDATE clusters.cluster_assignment SET customer_id = 'stranger' "
            "WHERE as_of = '2024-03-31' AND customer_id = 'K001'",
        ),
        (
            CONTRACT,
            CLUSTER_ASSIGNMENT,
            "UPDATE clusters.cluster_assignment SET customer_id = 'K002' "
            "WHERE as_of = '2024-03-31' AND customer_id = 'K001'",
        ),
        (
            NO_TINY_SEGMENT,
            CLUSTER_SEGMENT,
            "UPDATE clusters.cluster_segment SET share = 0.001 WHERE as_of = '2024-03-31'",
        ),
        (
            ONLY_FROM_CATALOGUE,
            TAG_TABLE,
            "UPDATE tags.portrait_matrix SET value_tier = 'invented' WHERE as_of = '2024-03-31'",
        ),
        (
            CONTRACT,
            TAG_TABLE,
            "UPDATE tags.tag_details SET lapse_risk__confidence = 1.5 WHERE as_of = '2024-03-31'",
        ),
        (
            VERDICTS["data"],
            VALIDATION_REPORT,
            "UPDATE validation.validation_report SET verdict = 'fail' "
            "WHERE as_of = '2024-03-31' AND area = 'conservation'",
        ),
    ],
)
def test_the_check_fails_in_the_month_that_is_broken_and_in_no_other(
    all_months: Settings, tmp_path: Path, check: TableCheck, table: Table, damage: str
):
    file = Path(shutil.copy(all_months.warehouse_file, tmp_path / "warehouse.duckdb"))
    warehouse = Warehouse(file, "corner_shop", "run-2")
    try:
        before = run_checks([check], warehouse, table, SHOP_MONTHS)
        assert all(result["passed"] for result in before)
        warehouse.con.execute(damage)
        after = run_checks([check], warehouse, table, SHOP_MONTHS)
    finally:
        warehouse.close()
    assert {result["month"] for result in after if not result["passed"]} == BROKEN
    assert all(result["detail"] for result in after)
