"""`portrait correct`, `object` and `subject` on the corner shop, up to the run that follows."""

from __future__ import annotations

import json
import shutil
from io import StringIO
from pathlib import Path

import duckdb
import pytest

from portrait_assets.core.settings import Settings
from portrait_assets.orchestration.planning import read_plan
from portrait_assets.orchestration.request import read_request
from portrait_assets.stages.raw.amendments import CORRECTIONS_FILE, OBJECTIONS_FILE
from portrait_assets.testing.worlds.shop import SHOP_MONTHS
from portrait_assets_tests.faults.command import portrait_here


@pytest.fixture
def materialized(all_months: Settings, tmp_path: Path) -> Settings:
    """A copy of the shop with all its months materialized."""
    shutil.copytree(all_months.data_dir, tmp_path / "data")
    return all_months.model_copy(update={"data_dir": tmp_path / "data"})


def test_the_commands_add_a_line_and_refuse_whom_nobody_is(
    materialized: Settings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sys.stdin", StringIO("west\n"))
    data = materialized.data_dir
    why = ("--reason", "a letter", "--by", "a clerk")
    answer = portrait_here(
        "correct", "K001", "region", "-", "--from", "2024-03-05", *why, data=data
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith(
        "region is corrected from 2024-03-05 on; written to corrections"
    )
    assert "west" not in answer.stdout
    answer = portrait_here("object", "K002", "--purpose", "profiling", *why, data=data)
    assert answer.returncode == 0, answer.stderr
    refused = portrait_here("object", "K002", "--channel", "smss", *why, data=data)
    assert refused.returncode == 1
    assert "channel" in refused.stderr
    refused = portrait_here("object", "K99999", *why, data=data)
    assert refused.returncode == 1
    assert "K99999" not in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    folder = materialized.source_dir
    lines = (folder / CORRECTIONS_FILE).read_text().splitlines()
    assert lines[1:] == ["2024-03-05,K001,region,west,a clerk,a letter"]
    assert (
        (folder / OBJECTIONS_FILE)
        .read_text()
        .splitlines()[1]
        .endswith(",K002,profiling,,a clerk,a letter")
    )
    shown = json.loads(portrait_here("subject", "K001", "--json", data=data).stdout)
    assert [each["reason"] for each in shown["corrections"]] == ["a letter"]
    assert not (data / "subjects").exists()


@pytest.mark.slow
def test_a_correction_holds_from_its_month_and_no_earlier_month_is_made_again(
    materialized: Settings,
):
    data = materialized.data_dir
    why = ("--reason", "a letter")
    with duckdb.connect(str(materialized.warehouse_file), read_only=True) as con:
        (was,) = con.execute(
            "SELECT region FROM cleaned.customers WHERE customer_id = 'K001'"
        ).fetchall()[0]
    right = "north" if was != "north" else "south"
    for words in (
        ("correct", "K001", "region", right, "--from", "2024-03-05"),
        ("object", "K002", "--purpose", "profiling", "--from", "2024-03-09"),
    ):
        assert portrait_here(*words, *why, data=data).returncode == 0
    plan = read_plan(read_request(materialized, None))
    assert (plan.raw, plan.months) == (SHOP_MONTHS, [])
    assert "files have changed" in plan.reason
    ran = portrait_here("run", data=data)
    assert ran.returncode == 0, ran.stderr
    with duckdb.connect(str(materialized.warehouse_file), read_only=True) as con:
        regions = con.execute(
            "SELECT month, region, list_contains(origins, 'region: corrections.csv 1') "
            "FROM cleaned.golden_record WHERE customer_id = 'K001' ORDER BY month"
        ).fetchall()
        features = con.execute(
            "SELECT strftime(as_of, '%Y-%m'), region FROM features.feature_matrix "
            "WHERE customer_id = 'K001' ORDER BY 1"
        ).fetchall()
        requests = con.execute(
            "SELECT month, customer_id, kind, purpose FROM cleaned.requests"
        ).fetchall()
        runs = con.execute(
            "SELECT month, run_id FROM meta.partitions WHERE table_name = 'tags.portrait_matrix'"
        ).fetchall()
        balance = con.execute(
            "SELECT rows_received, rows_kept, completeness, timeliness FROM cleaned.quality "
            "WHERE month = '2024-03' AND table_name = 'customers'"
        ).fetchall()
    assert (regions[0][1], regions[-1]) == (was, ("2024-03", right, True))
    assert features == [
        *((m, was) for m in SHOP_MONTHS[:2]),
        *((m, right) for m in SHOP_MONTHS[2:]),
    ]
    assert requests == [("2024-03", "K002", "objection", "profiling")]
    by_month = dict(runs)
    assert by_month["2024-01"] == by_month["2024-02"] != by_month["2024-03"]
    assert balance == [(1, 1, None, 1.0)]
    assert read_plan(read_request(materialized, None)).is_empty
    assert portrait_here("doctor", data=data).returncode == 0
    found = portrait_here("subject", "K001", data=data)
    assert found.returncode == 0
    account = json.loads(Path(found.stdout.splitlines()[0]).read_text())
    golden = {each["name"]: each for each in account["golden_record"]}
    assert (golden["region"]["value"], golden["region"]["origin"]) == (right, "corrections.csv 1")
