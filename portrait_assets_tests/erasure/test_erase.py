"""What an erasure removes, what it leaves, and what it says of both."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from portrait_assets.app.doctor import examine
from portrait_assets.app.erasure.people.persons import PROSPECTS
from portrait_assets.app.runs.run import run_portrait
from portrait_assets.orchestration.planning import read_plan
from portrait_assets.orchestration.request import read_request
from portrait_assets.privacy.erasure import plan_file
from portrait_assets.privacy.keys import KeyFileError, KeyName, find_key, key_file
from portrait_assets.privacy.tombstones import MARK, digest_of, read_tombstones
from portrait_assets_tests.erasure.conftest import Done, copied, quiet
from portrait_assets_tests.erasure.world import ALIAS, OTHER, PERSON, STAYS, THEIRS, UNDATED, rows

pytestmark = pytest.mark.slow  # Whole shops, materialized.

IDS = {PERSON, ALIAS, OTHER, UNDATED}


def test_the_certificate_counts_what_was_removed_and_a_scan_that_found_it_only_before(
    done: Done,
) -> None:
    certificate = done.erased.certificate
    assert (certificate.persons, certificate.ids) == (3, 5)
    removed = {each.name: (each.before, each.after) for each in certificate.rows}
    assert removed["raw.customers"] == (4, 1)
    assert removed["raw.transactions"] == (560, 510)
    assert removed["identity.identity_map"] == (55, 52)
    assert removed["cleaned.rejects"] == (3, 1)
    assert removed["raw.unplaced"] == (3, 1)
    assert removed["identity_review.csv"] == (2, 1)
    assert removed["warehouse/corner_shop/audience.csv"] == (2, 1)
    before, after = certificate.scan_before, certificate.scan_after
    assert before is not None and after is not None  # noqa: PT018
    assert before.found.keys() >= {
        "warehouse/corner_shop/warehouse.duckdb",
        "warehouse/corner_shop/portrait.duckdb",
        "warehouse/corner_shop/audience.csv",
    }
    assert (before.files, before.size_bytes) != (after.files, after.size_bytes)
    assert after.found == {}
    assert after.patterns == 18
    assert "sources/corner_shop/sales.csv" in certificate.source_files


def test_an_export_elsewhere_is_searched_and_cleaned_where_the_register_says(done: Done) -> None:
    path = done.settings.data_dir.parent / "campaign.csv"
    assert path.read_text() == "customer_id,spend\nK011,11\n"
    removed = {each.name: (each.before, each.after) for each in done.erased.certificate.rows}
    assert removed[str(path)] == (2, 1)
    (left,) = [line for line in done.erased.certificate.left if "audience" in line]
    assert left.endswith(f"written to {path}, searched there")


def test_a_prospect_with_a_telephone_of_theirs_goes_too_and_others_stay(done: Done) -> None:
    """One of the others has the identifier of a customer, whom it is not."""
    for table in ("raw.prospects", "cleaned.prospects"):
        left = rows(done.settings, f"SELECT DISTINCT prospect_id FROM {table} ORDER BY ALL")
        assert left == [("K035",), ("P002",)]


def test_the_certificate_names_nobody_and_is_a_page_too(done: Done) -> None:
    page = done.erased.page.read_text()
    data = json.loads(done.erased.page.with_suffix(".json").read_text())
    for text in (*THEIRS, *IDS):
        assert text not in page
        assert text not in json.dumps(data)
    key = find_key(done.settings, KeyName.TOMBSTONES)
    assert key is not None
    digests = [*(digest_of(key, value) for value in IDS), digest_of(key, "P003", PROSPECTS)]
    assert data["tombstones"] == sorted(digests)
    assert "were not touched" in page
    assert "删除证明" in page


def test_nothing_of_them_is_in_any_table_and_others_are_untouched(done: Done) -> None:
    with (
        duckdb.connect(str(done.settings.warehouse_file), read_only=True) as now,
        duckdb.connect(str(done.before.warehouse_file), read_only=True) as then,
    ):
        tables = now.execute(
            "SELECT concat_ws('.', schema_name, table_name) FROM duckdb_columns() "
            "WHERE column_name = 'customer_id' AND schema_name <> 'meta' AND "
            "table_name IN (SELECT table_name FROM duckdb_tables()) ORDER BY 1"
        ).fetchall()
        assert len(tables) > 15
        for (table,) in tables:
            of_others = f"FROM {table} WHERE trim(customer_id) NOT IN ('K035', 'K008', 'K908')"
            assert (
                now.execute(
                    f"FROM ({of_others} AND customer_id NOT LIKE '{MARK}%') ORDER BY ALL"
                ).fetchall()
                == then.execute(f"{of_others} ORDER BY ALL").fetchall()
            ), table
            assert not now.execute(
                f"SELECT 1 FROM {table} WHERE trim(customer_id) IN ('K035', 'K008', 'K908')"
            ).fetchall(), table


def test_a_prospect_of_the_same_id_and_lines_of_others_stay(done: Done) -> None:
    assert rows(done.settings, "SELECT count(*) FROM raw.prospects WHERE prospect_id = 'K035'") == [
        (1,)
    ]
    assert rows(done.settings, "SELECT dated FROM raw.unplaced") == [("also never",)]


def test_assignments_keep_arm_and_count_under_a_tombstone(done: Done) -> None:
    key = find_key(done.settings, KeyName.TOMBSTONES)
    assert key is not None
    expected = [
        (STAYS, "mail"),
        *sorted(
            (MARK + digest_of(key, value), arm)
            for value, arm in ((PERSON, "control"), (ALIAS, "mail"))
        ),
    ]
    for stage in ("raw", "cleaned"):
        found = rows(done.settings, f"SELECT customer_id, arm FROM {stage}.assignments ORDER BY 1")
        assert found == expected


def test_the_account_of_rows_names_the_erased(done: Done) -> None:
    account = rows(
        done.settings,
        "SELECT month, table_name, rows_received, rows_erased FROM raw.receipts "
        "WHERE table_name IN ('customers', 'interactions') ORDER BY ALL",
    )
    assert account == [
        ("2024-01", "customers", 3, 2),
        ("2024-01", "interactions", 4, 3),
        ("2024-02", "customers", 1, 1),
        ("2024-02", "interactions", 2, 1),
    ]


def test_no_month_is_stale_and_the_doctor_is_well(done: Done) -> None:
    assert examine(done.settings) == []
    plan = read_plan(read_request(done.settings, None))
    assert plan.is_empty
    assert plan.reason.startswith("nothing has changed since it was published")
    noted = "SELECT table_name, month, made_at, changed_at FROM meta.partitions ORDER BY ALL"
    assert rows(done.settings, noted) == rows(done.before, noted)


def test_the_plan_is_gone_and_tombstones_say_who(done: Done) -> None:
    assert not plan_file(done.settings).exists()
    tombstones = read_tombstones(done.settings)
    ids = pl.Series([" K035 ", ALIAS, STAYS])
    assert tombstones.among(ids)["value"].to_list() == [" K035 ", ALIAS]
    assert len(tombstones.among(pl.Series([UNDATED]))) == 1, "who is dated one day stays away"


def test_reading_the_files_again_changes_nothing(done: Done, tmp_path: Path) -> None:
    settings = copied(done.settings, tmp_path / "data")
    file = settings.source_dir / "customers.csv"
    file.write_text(file.read_text() + "K035,2024-02-03,Zhao Longzhi,1,2,3,teacher\n")
    done_again = run_portrait(read_request(settings, "2024-01..2024-02"), quiet())
    assert not done_again.has_failed
    for table in ("raw.customers", "cleaned.interactions", "raw.unplaced", "raw.assignments"):
        sql = f"FROM {table} ORDER BY ALL"
        assert rows(settings, sql) == rows(done.settings, sql), table
    assert rows(
        settings, "SELECT sum(rows_erased) FROM raw.receipts WHERE table_name = 'customers'"
    ) == [(4,)]
    assert examine(settings) == []


def test_a_missing_key_is_refused_and_names_its_place(done: Done, tmp_path: Path) -> None:
    settings = copied(done.settings, tmp_path / "data")
    key_file(settings, KeyName.TOMBSTONES).unlink()
    with pytest.raises(KeyFileError, match=r"lists 5 ids that were erased.*is missing"):
        run_portrait(read_request(settings, None, fresh=True), quiet())
    assert settings.warehouse_file.exists()
    assert any("is missing" in str(issue) for issue in examine(settings))


def test_people_who_are_back_in_an_older_warehouse_are_an_issue(done: Done, tmp_path: Path) -> None:
    settings = copied(done.settings, tmp_path / "data")
    settings.warehouse_file.write_bytes(done.before.warehouse_file.read_bytes())
    assert any("3 ids of people who were erased" in str(issue) for issue in examine(settings))


def test_a_number_of_an_erasure_is_of_its_moment(done: Done) -> None:
    began = done.erased.certificate.began_at
    assert done.erased.certificate.number == f"E{began:%Y%m%dT%H%M%SZ}"
    assert began < datetime.now(UTC)
