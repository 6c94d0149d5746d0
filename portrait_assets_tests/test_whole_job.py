"""The whole job on the corner shop, from four files to the published one."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from portrait_assets.core.invocation import command
from portrait_assets.core.settings import Settings
from portrait_assets.testing.published import contents
from portrait_assets.testing.worlds.shop import (
    SHOP_MONTHS,
    clean_environment,
    run,
    sales_file,
    shop,
)
from portrait_assets_tests.faults.command import portrait, portrait_here, started


@pytest.fixture(scope="module")
def materialized(all_months: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The shop with all its months materialized, also again by tests of this file."""
    data = tmp_path_factory.mktemp("materialized") / "data"
    shutil.copytree(all_months.data_dir, data)
    return all_months.model_copy(update={"data_dir": data})


def query(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(settings.portrait_file), read_only=True) as con:
        return con.execute(sql).fetchall()


def test_every_month_has_a_row_per_customer_with_tags_and_a_segment(materialized: Settings):
    rows = query(
        materialized,
        "SELECT strftime(as_of, '%Y-%m'), count(*), count(segment_id), count(DISTINCT customer_id) "
        "FROM tags.portrait_matrix GROUP BY 1 ORDER BY 1",
    )
    assert [row[0] for row in rows] == SHOP_MONTHS
    assert all(count == segments == people for _, count, segments, people in rows)
    assert query(materialized, "SELECT count(DISTINCT as_of) FROM portrait") == [(1,)]


def test_every_table_view_and_column_of_the_file_has_a_comment(materialized: Settings):
    with duckdb.connect(str(materialized.portrait_file), read_only=True) as con:
        bare = con.execute(
            "SELECT table_name || '.' || column_name FROM duckdb_columns() "
            "WHERE NOT internal AND comment IS NULL "
            "UNION ALL SELECT table_name FROM duckdb_tables() WHERE comment IS NULL "
            "UNION ALL SELECT view_name FROM duckdb_views() WHERE NOT internal AND comment IS NULL"
        ).fetchall()
    assert bare == []


def test_rows_in_the_file_are_kept_set_aside_merged_or_unplaced(materialized: Settings):
    lines = len(sales_file(materialized).read_text().splitlines()) - 1
    received = query(
        materialized,
        "SELECT sum(rows_received), any_value(rows_in_file) FROM raw.receipts "
        "WHERE table_name = 'transactions'",
    )
    assert received == [(lines, lines)]
    assert query(
        materialized,
        "SELECT count(*) FROM validation.validation_report "
        "WHERE area = 'conservation' AND verdict <> 'pass'",
    ) == [(0,)]


def test_tables_that_the_source_lacks_are_not_judged_and_no_failure(materialized: Settings):
    missing = query(
        materialized,
        "SELECT DISTINCT subject FROM validation.validation_report WHERE verdict = 'not judged'",
    )
    assert ("balances",) in missing
    assert query(materialized, "SELECT count(*) FROM portrait") != [(0,)]


@pytest.mark.slow
def test_a_second_run_leaves_identical_contents(materialized: Settings):
    before = contents(materialized.portrait_file)
    assert run(materialized).success
    assert contents(materialized.portrait_file) == before


@pytest.mark.slow
def test_months_materialized_one_after_the_other_equal_one_run(
    materialized: Settings, tmp_path: Path
):
    settings = shop(tmp_path)
    with dg.DagsterInstance.ephemeral() as instance:
        for month in SHOP_MONTHS:
            assert run(settings, [month], instance).success
    assert contents(settings.portrait_file) == contents(materialized.portrait_file)


@pytest.mark.slow
def test_a_month_whose_history_is_missing_is_refused_with_the_command(tmp_path: Path):
    settings = shop(tmp_path)
    result = run(settings, ["2024-03"])
    assert not result.success
    remedy = command("run", "--months", "2024-01..2024-03", settings=settings)
    assert f"has not been materialized for 2024-01 yet; run `{remedy}` first" in str(
        [event.event_specific_data for event in result.all_events if event.is_step_failure]
    )


@pytest.mark.slow
def test_a_reader_does_not_stop_the_job_and_keeps_reading(materialized: Settings):
    reader = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import duckdb, sys\n"
            f"con = duckdb.connect({str(materialized.portrait_file)!r}, read_only=True)\n"
            "count = 'SELECT count(*) FROM tags.tag_table'\n"
            "print(con.execute(count).fetchone()[0], flush=True)\n"
            "sys.stdin.readline()\n"
            "print(con.execute(count).fetchone()[0], flush=True)\n",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert reader.stdout is not None
    first = reader.stdout.readline()
    assert run(materialized, SHOP_MONTHS[-1:]).success
    second, _ = reader.communicate("\n")
    assert second == first
    assert reader.returncode == 0


def test_check_results_cover_every_table_and_month(materialized: Settings):
    months, tables = query(
        materialized,
        "SELECT count(DISTINCT month), count(DISTINCT table_name) FROM validation.check_results",
    )[0]
    assert months == len(SHOP_MONTHS)
    assert tables >= 34
    failed = query(
        materialized,
        "SELECT table_name, check_name, detail FROM validation.check_results "
        "WHERE NOT passed AND severity = 'ERROR'",
    )
    assert failed == []


@pytest.mark.slow
def test_a_row_that_is_lost_stops_the_run_before_it_is_published(tmp_path: Path):
    settings = shop(tmp_path)
    sql = settings.source_dir / "transactions.sql"
    sql.write_text(sql.read_text() + "WHERE paid <> '0.0' AND category <> 'tea'\n")
    result = run(settings)
    assert not result.success
    failed = {
        (".".join(e.asset_key.path), e.check_name)
        for e in result.get_asset_check_evaluations()
        if not e.passed
    }
    assert failed == {("raw.receipts", "all_received")}
    assert not settings.portrait_file.exists()


@pytest.mark.slow
def test_bad_values_are_set_aside_and_warned_of(tmp_path: Path):
    settings = shop(tmp_path)
    with sales_file(settings).open("a") as file:
        file.write("2024-02-03 10:00,K001,B1,tea,much,0,east\n")
        file.write("someday,K001,B1,tea,1,0,east\n")
    assert run(settings, SHOP_MONTHS[:2]).success
    rejects = query(settings, "SELECT column_name, rule, severity FROM cleaned.rejects ORDER BY 1")
    assert rejects == [
        ("amount", "unreadable", "row"),
        ("occurred_at", "no readable date", "unplaced"),
    ]
    balances = query(
        settings,
        "SELECT detail FROM validation.check_results WHERE check_name = 'conserved' ORDER BY month",
    )
    assert [detail for (detail,) in balances[:2]] == [
        "280 received = 279 kept + 0 set aside + 0 merged + 1 unplaced + 0 erased",
        "321 received = 320 kept + 1 set aside + 0 merged + 0 unplaced + 0 erased",
    ]
    lost = "SELECT DISTINCT verdict, value FROM validation.validation_report "
    assert query(settings, lost + "WHERE metric = 'rows lost'") == [("pass", 0.0)]
    warned = query(
        settings,
        "SELECT table_name, month FROM validation.check_results WHERE NOT passed ORDER BY ALL",
    )
    assert ("cleaned.rejects", "2024-02") in warned
    assert ("raw.unplaced", "2024-01") in warned


@pytest.mark.slow
@pytest.mark.parametrize("last_seen", ["cleaned:", pytest.param("tags:", marks=pytest.mark.long)])
def test_killed_at_any_moment_and_run_again_it_ends_the_same(
    materialized: Settings, tmp_path: Path, last_seen: str
):
    settings = shop(tmp_path)
    with started(last_seen, "run", data=tmp_path) as process:
        time.sleep(random.uniform(0, 0.5))
        process.send_signal(signal.SIGKILL)
    assert run(settings).success
    assert contents(settings.portrait_file) == contents(materialized.portrait_file)


@pytest.mark.slow
def test_the_command_line_runs_shows_and_lists(tmp_path: Path):
    shop(tmp_path)
    ran = portrait("run", "--months", "2024-02", data=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "looks back on 2024-01, which was never completed" in ran.stdout
    for heading in ("Rows per table", "Set aside or corrected", "Segments", "Checks", "Try:"):
        assert heading in ran.stdout
    queries = [line for line in ran.stdout.splitlines() if "import duckdb" in line]
    assert len(queries) == 3
    for line in queries:
        assert (
            subprocess.run(line, shell=True, env=clean_environment(), check=False).returncode == 0
        )
    status = portrait("status", data=tmp_path)
    assert "months materialized: 2 of 4" in status.stdout
    assert "never materialized: 2024-03, 2024-04" in status.stdout
    sources = portrait("sources", data=tmp_path)
    assert "街角小店" in sources.stdout
    assert "ready" in sources.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "--months", "2024-13"], "'2024-13' is not a month"),
        (["run", "--months", "2025-01"], "2025-01 is outside the source, which covers 2024-01"),
        (["run", "--months", "2024-03..2024-01"], "ends before it begins"),
        (["run", "--source", "bank"], "There is no source 'bank'"),
    ],
)
def test_a_mistake_on_the_command_line_ends_in_one_sentence(
    tmp_path: Path, arguments: list[str], says: str
):
    shop(tmp_path)
    ran = portrait_here(*arguments, data=tmp_path)
    assert ran.returncode == 1
    assert says in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "warehouse").exists()


@pytest.mark.slow
def test_the_other_commands_answer_from_what_was_materialized(
    materialized: Settings, tmp_path: Path
):
    shown = portrait("show", "K001", data=materialized.data_dir)
    assert shown.returncode == 0, shown.stderr
    assert "K001" in shown.stdout
    nobody = portrait("show", "nobody", data=materialized.data_dir)
    assert (nobody.returncode, nobody.stdout) == (1, "")
    assert "nobody" in nobody.stderr
    table, labels = tmp_path / "table.parquet", tmp_path / "labels.parquet"
    duckdb.sql(f"COPY (SELECT range % 2 * 9.0 AS x FROM range(60)) TO '{table}'")
    found = portrait(
        "cluster", str(table), "--out", str(labels), "--segments", "2", data=materialized.data_dir
    )
    assert found.returncode == 0, found.stderr
    assert duckdb.execute(f"SELECT count(DISTINCT segment) FROM '{labels}'").fetchall() == [(2,)]
    bank = portrait(
        "generate",
        "bank",
        "--customers",
        "200",
        "--months",
        "2",
        "--out",
        str(tmp_path / "bank"),
        data=materialized.data_dir,
    )
    assert bank.returncode == 0, bank.stderr
    assert (tmp_path / "bank" / "SYNTHETIC").exists()
