"""What `portrait doctor` reports of a warehouse that was damaged or changed by hand."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from portrait_assets.app.doctor import examine
from portrait_assets.core.errors import WarehouseError
from portrait_assets.core.invocation import command
from portrait_assets.core.settings import Settings
from portrait_assets.schema.table import Type
from portrait_assets.stages.mart.report import REPORT_FILE
from portrait_assets.storage.duckdb.lock import warehouse_lock
from portrait_assets.testing.worlds.shop import SHOP_MONTHS, run, shop, short_shop
from portrait_assets_tests.faults.command import portrait

pytestmark = pytest.mark.slow


def issues(settings: Settings) -> str:
    return "\n".join(map(str, examine(settings)))


def execute(path: Path, sql: str) -> None:
    with duckdb.connect(str(path)) as con:
        con.execute(sql)


def test_a_freshly_materialized_warehouse_has_no_issues_and_is_not_changed(materialized: Settings):
    before = materialized.warehouse_file.read_bytes()
    doctor = portrait("doctor", data=materialized.data_dir)
    assert doctor.returncode == 0, doctor.stderr
    assert "all is well" in doctor.stdout
    assert materialized.warehouse_file.read_bytes() == before


def test_months_that_were_never_requested_are_no_issue(tmp_path: Path):
    settings = shop(tmp_path)
    assert run(settings, SHOP_MONTHS[:2]).success
    assert examine(settings) == []


@pytest.mark.parametrize(
    ("sql", "issue"),
    [
        ("DROP TABLE cleaned.products", "cleaned.products: was materialized and is not there"),
        (
            "ALTER TABLE cleaned.transactions DROP COLUMN channel",
            "cleaned.transactions: lacks the column channel of its contract",
        ),
        (
            "ALTER TABLE cleaned.transactions ADD COLUMN extra INTEGER",
            "cleaned.transactions: holds a column extra that its contract does not have",
        ),
        (
            "ALTER TABLE cleaned.transactions ALTER amount SET DATA TYPE DOUBLE",
            f"holds amount as DOUBLE, its contract says {Type.MONEY}",
        ),
        (
            "DELETE FROM cleaned.transactions WHERE month = '2024-02' "
            "AND source_row = (SELECT min(source_row) FROM cleaned.transactions "
            "WHERE month = '2024-02')",
            "were noted when they were materialized; run `",
        ),
        (
            "UPDATE cleaned.transactions SET amount = amount + 1 WHERE month = '2024-01'",
            "features.customer_month: fails 'adds_up' of 2024-01",
        ),
        (
            "UPDATE meta.partitions SET row_count = row_count + 1 "
            "WHERE table_name = 'cleaned.transactions' AND month = '2024-01'",
            "cleaned.rejects: fails 'conserved' of 2024-01",
        ),
        (
            "UPDATE features.feature_matrix SET customer_id = 'K001' WHERE customer_id = 'K002'",
            "features.feature_matrix: fails 'contract' of 2024-01",
        ),
        (
            "UPDATE clusters.cluster_assignment SET customer_id = 'nobody' "
            "WHERE customer_id = 'K002'",
            "clusters.cluster_assignment: fails 'everyone_assigned' of 2024-01",
        ),
        ("CREATE TABLE cleaned.mine (x INTEGER)", "cleaned.mine: belongs to no contract"),
        (
            "DELETE FROM meta.partitions WHERE table_name = 'validation.drift' "
            "AND month = '2024-02'; DELETE FROM validation.drift WHERE as_of = '2024-02-29'",
            "2024-02: validation.drift was not materialized; run `",
        ),
        (
            "UPDATE meta.partitions SET changed_at = changed_at + INTERVAL 1 DAY "
            "WHERE table_name = 'raw.transactions' AND month = '2024-02'",
            "is older than raw.transactions; run `",
        ),
        (
            "UPDATE meta.partitions SET changed_at = changed_at + INTERVAL 1 DAY "
            "WHERE table_name = 'raw.receipts' AND month = '2024-01'",
            "2024-02: raw.receipts is older than raw.receipts of 2024-01",
        ),
        (
            "UPDATE meta.partitions SET run_id = 'other', made_at = made_at + INTERVAL 1 HOUR "
            "WHERE month = '2024-01'",
            "portrait.duckdb: does not hold what was materialized last of 2024-01",
        ),
    ],
)
def test_damage_to_the_warehouse_is_reported_with_the_remedy(
    materialized: Settings, sql: str, issue: str
):
    execute(materialized.warehouse_file, sql)
    reported = issues(materialized)
    remedy = command("run", "--months", "2024-02", settings=materialized)
    assert issue.replace("portrait run --months 2024-02", remedy) in reported


def test_months_that_the_source_no_longer_covers_are_reported(materialized: Settings):
    source_yaml = materialized.source_dir / "source.yaml"
    source_yaml.write_text(
        source_yaml.read_text().replace("last_month: 2024-02", "last_month: 2024-01")
    )
    assert "2024-02: was materialized and is no month of the source; make every month" in issues(
        materialized
    )


def test_the_published_file_and_the_report_are_examined_too(materialized: Settings):
    execute(materialized.portrait_file, "DELETE FROM clusters.cluster_segment")
    reported = issues(materialized)
    assert "portrait.duckdb: holds 0 rows of clusters.cluster_segment" in reported
    assert "report/index.html: is older than portrait.duckdb or missing" in reported
    (materialized.warehouse_dir / REPORT_FILE).unlink()
    materialized.portrait_file.with_name(".portrait.duckdb.new").touch()
    materialized.portrait_file.unlink()
    reported = issues(materialized)
    assert (
        f"portrait.duckdb: is not there; run `{command('run', settings=materialized)}`" in reported
    )
    assert ".portrait.duckdb.new: was left by a run that was cut off" in reported


def test_what_cannot_be_examined_is_reported_in_one_sentence(
    materialized: Settings, tmp_path: Path
):
    with (
        warehouse_lock(materialized.warehouse_dir / "warehouse.lock", "run-7", 0),
        pytest.raises(WarehouseError, match="held by run run-7"),
    ):
        examine(materialized)
    with pytest.raises(WarehouseError, match=r"does not exist yet; run `.*portrait run.*` first"):
        examine(short_shop(tmp_path / "new"))
    materialized.warehouse_file.write_bytes(b"no database" * 10_000)
    with pytest.raises(WarehouseError, match="cannot be opened"):
        examine(materialized)
