"""The estimate of a run, and the messages where the machine is too small for it."""

from __future__ import annotations

import math
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from portrait_assets.app.cli.progress import shown_progress
from portrait_assets.app.runs.estimate import (
    Estimate,
    Stage,
    check_disk,
    duration,
    estimate,
    machine_memory_gib,
    memory_warning,
    size,
    stages,
)
from portrait_assets.app.runs.progress import Clock
from portrait_assets.core.errors import PortraitError
from portrait_assets.orchestration.planning import Run
from portrait_assets.stages.raw.inputs import source_rows
from portrait_assets.stages.raw.source import load_source
from portrait_assets.testing.worlds.shop import sales_file, shop

NEEDED = Estimate(seconds=540, memory_gib=4.3, disk_bytes=2.6e9)
MONTHS = ["2024-01", "2024-02"]
BANK = {"2024-01": 7_500_000, "2024-02": 7_600_000}


def test_it_reads_as_a_sentence():
    assert str(NEEDED) == "About 9 minutes, 4.3 GiB of memory and 2.6 GB of disk"


def test_a_bank_of_15_million_rows_takes_what_was_measured():
    needed = estimate(540, 15_100_000, 15_100_000, standing_bytes=0, memory_limit_gib=2)
    assert needed.memory_gib == pytest.approx(4.3, abs=0.5)
    assert needed.disk_bytes == pytest.approx(6.4e9, rel=0.1)


def test_a_warehouse_that_stands_needs_room_for_what_is_published_only():
    needed = estimate(60, 15_100_000, 0, standing_bytes=2_000_000_000, memory_limit_gib=2)
    assert size(needed.disk_bytes) == "764 MB"


def test_more_rows_take_longer_and_past_runs_move_the_estimate():
    runs = [Run(frozenset({"raw", "mart"}), MONTHS)]
    raw, mart = stages(runs, BANK)
    assert (raw.name, mart.name) == ("raw", "mart")
    assert raw.seconds > stages(runs, dict.fromkeys(MONTHS, 10))[0].seconds
    slow, same = stages(runs, BANK, [("raw", 2, 15_100_000, 2 * raw.seconds)])
    assert slow.seconds == pytest.approx(2 * raw.seconds)
    assert same.seconds == mart.seconds
    as_long = ("raw", 2, 15_100_000, raw.seconds)
    slower, _ = stages(runs, BANK, [("raw", 2, 15_100_000, 3 * raw.seconds), as_long])
    assert slower.seconds == pytest.approx(2 * raw.seconds), "all past runs count"
    worst, _ = stages(runs, BANK, [("raw", 2, 15_100_000, 100 * raw.seconds)])
    assert worst.seconds == pytest.approx(4 * raw.seconds)


def test_more_months_of_as_many_rows_take_longer():
    one, two = (
        stages([Run(frozenset({"clusters"}), months)], dict.fromkeys(MONTHS, 10))[0].seconds
        for months in (MONTHS[:1], MONTHS)
    )
    assert two > 1.2 * one


def test_a_disk_that_is_too_small_is_reported_with_what_is_lacking(tmp_path: Path):
    assert check_disk(NEEDED, tmp_path / "not" / "there", lambda _: int(3e9)) == 3e9
    with pytest.raises(
        PortraitError,
        match=r"needs about 2\.6 GB of disk in .* and 1\.0 GB are free; free room for 1\.6 GB, or "
        "set PORTRAIT_DATA_DIR",
    ):
        check_disk(NEEDED, tmp_path, lambda _: int(1e9))


def test_a_machine_with_less_memory_is_warned_of():
    assert memory_warning(NEEDED, 8) == ""
    assert "may take 4.3 GiB of memory and this machine gives 2.0" in memory_warning(NEEDED, 2)
    assert 0.1 < machine_memory_gib() < 100_000


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "1 second"),
        (1.49, "1 second"),
        (1.5, "2 seconds"),
        (40, "40 seconds"),
        (89.4, "89 seconds"),
        (90, "2 minutes"),
        (540, "9 minutes"),
        (5399, "90 minutes"),
        (5400, "1.5 hours"),
        (9000, "2.5 hours"),
    ],
)
def test_times_are_printed_in_the_unit_that_fits(seconds: float, words: str):
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "1 MB"), (1.4e6, "1 MB"), (999e6, "999 MB"), (1e9, "1.0 GB"), (80.26e9, "80.3 GB")],
)
def test_sizes_are_printed_in_the_unit_that_fits(count: float, words: str):
    assert size(count) == words


def test_seven_tenths_of_the_disk_and_all_of_the_memory_may_do(tmp_path: Path):
    enough = math.ceil(0.7 * NEEDED.disk_bytes)
    assert check_disk(NEEDED, tmp_path, lambda _: enough) == enough
    with pytest.raises(PortraitError, match="of disk"):
        check_disk(NEEDED, tmp_path, lambda _: enough - 1)
    assert memory_warning(NEEDED, NEEDED.memory_gib) == ""
    assert memory_warning(NEEDED, NEEDED.memory_gib - 0.1) != ""


def test_past_runs_move_the_estimate_to_a_quarter_at_the_least():
    runs = [Run(frozenset({"raw"}), MONTHS)]
    (raw,) = stages(runs, BANK)
    (fast,) = stages(runs, BANK, [("raw", 2, 15_100_000, raw.seconds / 100)])
    assert fast.seconds == pytest.approx(raw.seconds / 4)


def test_memory_grows_with_the_root_of_rows_up_to_what_duckdb_and_python_take():
    few, many, most = (estimate(1, 1, rows, 0, 2) for rows in (0, 1_000_000, 10**9))
    assert (few.memory_gib, many.memory_gib, most.memory_gib) == (0.8, 1.8, 5.3)
    # What is there is not needed again, and what is published is written beside the old.
    whole, more = (estimate(1, 10**6, 0, standing, 2).disk_bytes for standing in (0, 10**9))
    assert (whole, more) == (10e6 + 126e6 + 9e6 + 50e6, 9e6 + 50e6)
    assert estimate(1, 10**6, 1_000, 10**9, 2).disk_bytes == more + 240_000


def test_rows_of_parquet_are_counted_and_those_of_text_estimated(tmp_path: Path):
    settings = shop(tmp_path)
    estimated = source_rows(load_source(settings.source_dir))
    assert estimated == pytest.approx(1276, rel=0.5)
    sources = settings.source_dir / "source.yaml"
    declared = "files:\n"
    sources.write_text(
        sources.read_text().replace(declared, f"{declared}  leaflets: leaflets.csv\n")
    )
    (settings.source_dir / "leaflets.csv").write_text("shown\n" * 99_999)
    assert source_rows(load_source(settings.source_dir)) == estimated
    frame = pl.read_csv(sales_file(settings), infer_schema=False)
    frame.write_parquet(settings.source_dir / "sales.parquet")
    sources.write_text(sources.read_text().replace("sales.csv", "sales.parquet"))
    assert source_rows(load_source(settings.source_dir)) == 1276
    (settings.source_dir / "sales.parquet").write_bytes(b"damaged")
    assert source_rows(load_source(settings.source_dir)) == 0


def test_rows_of_several_files_add_up_those_of_parquet_and_by_the_size_those_of_text(
    tmp_path: Path,
):
    settings = shop(tmp_path)
    folder = settings.source_dir
    sources = folder / "source.yaml"
    sources.write_text(sources.read_text().replace("sales.csv", "'part-*'"))
    text = sales_file(settings).read_bytes()
    frame = pl.read_csv(sales_file(settings), infer_schema=False)
    for number, rows in enumerate((300, 200, 1)):
        frame.head(rows).write_parquet(folder / f"part-{number}.parquet")
    assert source_rows(load_source(folder)) == 501
    (folder / "part-3.csv").write_bytes(text[:6000])
    assert source_rows(load_source(folder)) == 501 + 100
    (folder / "part-4.csv.gz").write_bytes(text[:600])
    assert source_rows(load_source(folder)) == 501 + 100 + 50


def test_the_time_left_goes_by_the_pace_so_far():
    clock = Clock([Stage("raw", 10), Stage("cleaned", 20), Stage("mart", 5)])
    assert clock.left == 35
    clock.ended("raw", 20)
    assert clock.left == 50
    clock.ended("unknown", 99)
    assert clock.left == 50
    twice = Clock([Stage("raw", 10), Stage("mart", 5), Stage("raw", 30)])
    twice.ended("raw", 10)
    assert twice.left == 35, "of two runs one has ended the stage"


def test_each_stage_of_a_run_is_a_line_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str],
):
    times = iter([0.0, 0.0, 3.0, 4.0, 4.0, 9.0, 10.5, 10.5, 11.0, 11.0, 13.0])
    with shown_progress(Console(), lambda: next(times)) as progress:
        progress.expect([Stage("raw", 2), Stage("targets", 1), Stage("mart", 3)])
        progress.start(MONTHS, {"raw": 2, "targets": 1, "clusters": 2, "mart": 2})
        progress.on_written("raw.customers", 10)
        progress.on_written("raw.transactions", 1_000)
        # Dagster writes tables of stages that do not need each other in any order.
        progress.on_written("clusters.cluster_model", 70)
        progress.on_written("targets.target", 500)
        progress.on_written("clusters.cluster_segment", 30)
        progress.end("mart")
    assert capsys.readouterr().out.splitlines() == [
        "  2024-01 to 2024-02 raw: 1,010 rows in 4.0 s, about 8 seconds left",
        "  2024-01 to 2024-02 targets: 500 rows in 1.5 s, about 6 seconds left",
        "  2024-01 to 2024-02 clusters: 100 rows in 5.5 s, about 6 seconds left",
        "  2024-01 to 2024-02 mart: 0 rows in 2.0 s",
    ]
