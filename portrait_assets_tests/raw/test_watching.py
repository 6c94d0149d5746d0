"""The sensor on the source's files requests only the months whose rows have changed."""

from __future__ import annotations

import json
from pathlib import Path

import dagster as dg
import pytest

from portrait_assets.orchestration.definitions import build_defs
from portrait_assets.stages.raw.source import load_source
from portrait_assets.stages.raw.watching import as_ranges, changed_months, month_digests
from portrait_assets.testing.shop import SHOP_MONTHS, run, sales_file, shop


def tick(settings, instance: dg.DagsterInstance, cursor: str | None):
    sensor = build_defs(settings).resolve_sensor_def("source_files")
    context = dg.build_sensor_context(instance=instance, cursor=cursor)
    return sensor.evaluate_tick(context)


def requested(data) -> list[tuple[str, str]]:
    return [
        (
            request.tags["dagster/asset_partition_range_start"],
            request.tags["dagster/asset_partition_range_end"],
        )
        for request in data.run_requests or []
    ]


def test_a_new_source_requests_all_months_and_an_unchanged_one_none(tmp_path: Path):
    settings = shop(tmp_path)
    with dg.DagsterInstance.ephemeral() as instance:
        first = tick(settings, instance, None)
        assert requested(first) == [("2024-01", "2024-04")]
        second = tick(settings, instance, first.cursor)
        assert requested(second) == []
        assert "No file of the source has changed" in second.skip_message


@pytest.mark.slow
def test_months_already_materialized_are_not_requested_again(tmp_path: Path):
    settings = shop(tmp_path)
    with dg.DagsterInstance.ephemeral() as instance:
        assert run(settings, SHOP_MONTHS[:2], instance).success
        assert requested(tick(settings, instance, None)) == [("2024-03", "2024-04")]


def test_a_changed_row_requests_its_month_alone(tmp_path: Path):
    settings = shop(tmp_path)
    with dg.DagsterInstance.ephemeral() as instance:
        before = tick(settings, instance, None)
        with sales_file(settings).open("a") as file:
            file.write("2024-03-30 09:00,K001,B999,tea,5.00,0,east\n")
        assert requested(tick(settings, instance, before.cursor)) == [("2024-03", "2024-03")]


def test_rows_in_another_order_request_nothing(tmp_path: Path):
    settings = shop(tmp_path)
    before = month_digests(load_source(settings.source_dir))
    assert changed_months(before, month_digests(load_source(settings.source_dir))) == []
    edited = json.loads(json.dumps(before))
    edited["transactions"]["2024-02"] = "another"
    assert changed_months(before, edited) == ["2024-02"]


@pytest.mark.parametrize(
    ("months", "ranges"),
    [
        ([], []),
        (["2024-01"], [("2024-01", "2024-01")]),
        (["2023-12", "2024-01", "2024-03"], [("2023-12", "2024-01"), ("2024-03", "2024-03")]),
    ],
)
def test_months_without_a_gap_are_one_range(months, ranges):
    assert as_ranges(months) == ranges
