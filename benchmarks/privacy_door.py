"""What the door costs: a file of an audience, an answer, and a publication, with it and without.

Both ways do the same work in turn, so that a busy machine slows both; the medians of the ratios are
printed. The register holds 10,000 entries when it begins. The target is 1.20 for a file.

Run `python -m benchmarks.privacy_door [customers] [rounds]`.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median

import duckdb
import polars as pl

from portrait_assets.core.settings import Settings
from portrait_assets.privacy.departures.register import NO_HASH, _line
from portrait_assets.privacy.egress import Departure, Door, digest_of
from portrait_assets.schema.table import CUSTOMER_ID, Column, PartitionBy, Table, Type
from portrait_assets.stages.mart.leaving import departures, record
from portrait_assets.stages.tags.audiences.audience import select_audience
from portrait_assets.stages.tags.audiences.export import export_audience
from portrait_assets.stages.tags.audiences.finding import find_audience
from portrait_assets.storage.duckdb.connection import open_published
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.publishing.file import publish

TAGS = [f"tag_{number}" for number in range(60)]
VALUES = ("high", "medium", "low")
TEXT = "tag_0 <> 'low' AND tag_1 <> 'high'"
JUNE = date(2017, 6, 30)
ENTRIES, ANSWERS = 10_000, 10
MATRIX = Table(
    "tags",
    "portrait_matrix",
    "Matrix",
    "矩阵",
    (
        CUSTOMER_ID,
        Column("customer_no", Type.COUNTER, "Number", "序号"),
        *(Column(tag, Type.TEXT, tag, tag, allowed=VALUES) for tag in TAGS),
    ),
    key=("as_of", "customer_id"),
    partition_by=PartitionBy.AS_OF,
    published=True,
    published_as_enums=True,
)


def main(customers: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), source="bench", threads=2)
        door = Door(settings)
        warehouse = _warehouse(settings, customers)
        leaving = next(iter(departures([MATRIX]).values()))

        def publication() -> None:
            settings.portrait_file.unlink(missing_ok=True)
            publish(warehouse, [MATRIX], [], settings.portrait_file, "bench")

        def publication_with_door() -> None:
            door.open(leaving)
            publication()
            record(door, leaving, settings.portrait_file, settings.portrait_file)

        _fill(door)
        _compare("publication", publication, publication_with_door, rounds)
        warehouse.close()
        _add_catalogue(settings.portrait_file)
        for name in ("customers.csv", "customers.parquet"):
            out = Path(folder) / name
            _compare(
                name,
                lambda out=out: _without_door(settings, out),  # type: ignore[misc]
                lambda out=out: find_audience(
                    settings.portrait_file, TEXT, door, out=out, purpose="analysis"
                ),  # type: ignore[misc]
                rounds,
            )
        _compare(
            f"answer beside {ANSWERS} others",
            lambda: _without_door(settings, None),
            lambda: find_audience(settings.portrait_file, TEXT, door),
            rounds,
        )


def _compare(
    name: str, without: Callable[[], object], with_door: Callable[[], object], rounds: int
) -> None:
    taken = [(_seconds(without), _seconds(with_door)) for _ in range(rounds)]
    line = []
    for number, clock in enumerate(("wall", "CPU")):
        before, after = ([each[number] for each in times] for times in zip(*taken, strict=True))
        ratio = median(late / early for early, late in zip(before, after, strict=True))
        line.append(f"{clock} {median(before):.2f} s, {median(after):.2f} s, ratio {ratio:.3f}")
    print(f"{name}, without and with the door: {'; '.join(line)}")


def _seconds(work: Callable[[], object]) -> tuple[float, float]:
    start, busy = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - busy


def _without_door(settings: Settings, out: Path | None) -> None:
    con = open_published(settings.portrait_file)
    try:
        audience = select_audience(con, TEXT)
        if out is not None:
            export_audience(con, audience, out)
    finally:
        con.close()


def _warehouse(settings: Settings, customers: int) -> Warehouse:
    warehouse = Warehouse(settings.warehouse_file, "bench", "run-1", threads=2)
    tags = ", ".join(
        f"['high', 'medium', 'low'][1 + (hash(c, {n}) % 3)::INT] AS tag_{n}" for n in range(60)
    )
    rows: pl.DataFrame = (
        duckdb.connect()
        .sql(
            f"SELECT DATE '{JUNE}' AS as_of, 'C' || lpad(c::VARCHAR, 8, '0') AS customer_id, "
            f"c::UINTEGER + 1 AS customer_no, {tags} FROM range({customers}) AS customers(c)"
        )
        .pl()
    )
    warehouse.write(MATRIX, ["2017-06"], rows.cast(MATRIX.polars_schema))
    return warehouse


def _add_catalogue(path: Path) -> None:
    with duckdb.connect(str(path)) as con:
        con.execute(
            "CREATE TABLE tags.tag_catalogue AS SELECT 'tag_' || n AS tag_code, "
            "['high', 'medium', 'low'] AS tag_values, 'C1' AS sensitivity FROM range(60) AS t(n)"
        )


def _fill(door: Door) -> None:
    """Cards that were shown before, and a few answers about the month."""
    register, departure = door.register, Departure("card", "analysis", MATRIX.columns[:30])
    previous, lines = NO_HASH, []
    values = door.record(departure, 1, digest_of("")).values
    for number in range(1, ENTRIES + 1):
        lines.append(_line(number, datetime.now(UTC), values, previous))
        previous = lines[-1][-66:-2].decode()
    # An append waits for the disk, so they are written at once.
    register.head.unlink()
    register.file.write_bytes(b"".join(line + b"\n" for line in lines))
    for number in range(ANSWERS):
        about = {"month": "2017-06", "question": f"tag_{number + 10} = 'high'"}
        asked = Departure("audience", "analysis", (), aggregated=True, about=about)
        door.record(asked, 1000 + number, digest_of(""))


if __name__ == "__main__":
    given = [int(number) for number in sys.argv[1:]]
    main(*given, *(300_000, 5)[len(given) :])
