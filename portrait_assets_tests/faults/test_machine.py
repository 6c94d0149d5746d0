"""A machine that fails in the middle of a run: one sentence, nothing harmed, and it can go on."""

from __future__ import annotations

import resource
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from portrait_assets.core.settings import Settings
from portrait_assets.schema.table import Column, Table, Type
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.testing.published import contents
from portrait_assets.testing.worlds.shop import sales_file, short_shop
from portrait_assets_tests.faults.command import (
    PORTRAIT,
    environment_of,
    fails_in_a_sentence,
    portrait,
    started,
)

THING = Table("cleaned", "thing", "A thing", "物", (Column("x", Type.TEXT, "X", "X"),))


def mounted(folder: Path, *options: str) -> bool:
    """Whether the folder could be mounted as a file system of its own; only root may."""
    command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    if not mounted(folder, "size=200m"):
        pytest.skip("a file system can be mounted by root only")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path, leave: int) -> Path:
    """Fill the disk but for so many bytes; the file that does it."""
    filler = folder / "filler"
    filler.write_bytes(bytes(shutil.disk_usage(folder).free - leave))
    return filler


@pytest.mark.slow
def test_a_disk_that_is_full_stops_the_run_and_harms_nothing(
    first_months: Settings, small_disk: Path
):
    data = small_disk / "data"
    shutil.copytree(first_months.data_dir, data)
    settings = first_months.model_copy(update={"data_dir": data})
    before = contents(settings.portrait_file)
    for leave in (0, 500_000):
        filler = fill(small_disk, leave)
        ran = portrait("run", "--months", "2024-01..2024-02", data=data)
        fails_in_a_sentence(ran, "o space left|disk is full|free room")
        assert contents(settings.portrait_file) == before
        filler.unlink()
    assert portrait("run", data=data).returncode == 0
    assert contents(settings.portrait_file) == before
    assert portrait("doctor", data=data).returncode == 0


@pytest.mark.slow
def test_a_file_that_may_not_grow_stops_the_run_and_harms_nothing(materialized: Settings):
    before = contents(materialized.portrait_file)
    text = sales_file(materialized).read_text()
    header, *lines = text.splitlines(keepends=True)
    sales_file(materialized).write_text("".join([header, *lines * 300]))
    limit = materialized.warehouse_file.stat().st_size + 20_000
    limited = subprocess.run(
        [*PORTRAIT, "run"],
        env=environment_of(materialized.data_dir),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        capture_output=True,
        text=True,
        check=False,
    )
    fails_in_a_sentence(limited, "free room")
    assert contents(materialized.portrait_file) == before
    sales_file(materialized).write_text(text)
    assert portrait("run", data=materialized.data_dir).returncode == 0
    assert contents(materialized.portrait_file) == before


@pytest.mark.slow
def test_a_read_only_folder_is_reported_in_a_sentence(materialized: Settings, small_disk: Path):
    data = small_disk / "data"
    shutil.copytree(materialized.data_dir, data)
    before = contents(materialized.portrait_file)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for verb in ("run", "doctor"):
        fails_in_a_sentence(portrait(verb, data=data), "written to|[Rr]ead-only")
    assert portrait("status", data=data).returncode == 0
    assert contents(data / "warehouse" / "corner_shop" / "portrait.duckdb") == before


@pytest.mark.slow
@pytest.mark.parametrize("event", ["vanishes", "grows"])
def test_a_source_file_that_changes_in_the_middle_is_not_half_read(
    materialized: Settings, event: str
):
    before = contents(materialized.portrait_file)
    text = sales_file(materialized).read_text()
    arguments = ("run", "--months", "2024-01..2024-02")
    with started("raw:", *arguments, data=materialized.data_dir) as process:
        if event == "vanishes":
            sales_file(materialized).unlink()
        else:
            sales_file(materialized).write_text(text + text.splitlines()[-1] + "\n")
        _, err = process.communicate()
    # The file was read once, at the start.
    assert process.returncode == 0, err
    assert contents(materialized.portrait_file) == before


@pytest.mark.slow
@pytest.mark.long
def test_a_damaged_parquet_page_is_reported_and_nothing_is_published(tmp_path: Path):
    settings = short_shop(tmp_path)
    frame = pl.read_csv(sales_file(settings), infer_schema=False)
    parquet = sales_file(settings).with_suffix(".parquet")
    frame.write_parquet(parquet, compression="zstd", statistics=False)
    source_yaml = settings.source_dir / "source.yaml"
    source_yaml.write_text(source_yaml.read_text().replace("sales.csv", "sales.parquet"))
    whole = parquet.read_bytes()
    for place in (200, len(whole) // 2):
        damaged = bytearray(whole)
        damaged[place : place + 64] = b"\xff" * 64
        parquet.write_bytes(damaged)
        fails_in_a_sentence(portrait("run", data=tmp_path), "sales")
        assert not settings.portrait_file.exists()
    parquet.write_bytes(whole[: len(whole) // 2])
    cut = portrait("run", data=tmp_path)
    assert cut.returncode == 1
    assert "the file 'sales.parquet' cannot be read" in cut.stdout
    assert not settings.portrait_file.exists()
    parquet.write_bytes(whole)
    assert portrait("run", data=tmp_path).returncode == 0


def test_a_later_write_has_a_later_time_even_when_the_clock_was_put_back(tmp_path: Path):
    path = tmp_path / "warehouse.duckdb"
    rows = pl.DataFrame({"month": ["2024-01"], "x": ["a"]})
    ahead = datetime.now(UTC) + timedelta(days=400)
    times = []
    for _ in range(2):
        warehouse = Warehouse(path, "shop", "run")
        for _ in range(2):
            warehouse.write(THING, ["2024-01"], rows)
            made_at = "SELECT epoch_us(made_at) FROM meta.partitions"
            times.append(warehouse.con.execute(made_at).fetchall()[0][0])
        warehouse.con.execute(f"UPDATE meta.partitions SET made_at = '{ahead.isoformat()}'")
        warehouse.close()
    assert times == sorted(set(times))
    assert times[2] > ahead.timestamp() * 1e6


@pytest.mark.slow
def test_more_rows_than_fit_the_memory_limit_spill_to_the_disk(tmp_path: Path):
    path = tmp_path / "warehouse.duckdb"
    warehouse = Warehouse(path, "shop", "run", memory_limit_gib=0.1, threads=1)
    sorted_rows = warehouse.con.execute(
        "SELECT count(*) FROM (SELECT *, row_number() OVER (ORDER BY hash(x)) AS n FROM "
        "(SELECT range AS x, md5(range::VARCHAR) AS text FROM range(3_000_000))) WHERE n % 2 = 0"
    ).fetchall()
    assert sorted_rows == [(1_500_000,)]
    warehouse.close()
    with duckdb.connect(str(path), read_only=True):
        assert not list(tmp_path.glob("*.spill/*"))
