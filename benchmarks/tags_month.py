"""One month of tags for a million customers: time, memory, and size on disk.

Run `python -m benchmarks.tags_month [customers] [tags]`. The target for 1,000,000 customers and 60
tags on 2 cores is 60 s and 6 GiB, and 60 MiB for the tag table on disk.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import duckdb

from portrait_assets.core.months import last_day
from portrait_assets.stages.tags.catalogue.listing import catalogue_rows
from portrait_assets.stages.tags.catalogue.load import load_catalogue
from portrait_assets.stages.tags.catalogue.tag import Catalogue, Shape
from portrait_assets.stages.tags.contract import TAG_CATALOGUE, portrait_matrix_table
from portrait_assets.stages.tags.evaluation.inputs import NO_PERMISSIONS, NO_SEGMENTS
from portrait_assets.stages.tags.evaluation.steps import evaluation_steps
from portrait_assets.stages.tags.evaluation.tag_table import tag_table
from portrait_assets.storage.duckdb.rows import Query
from portrait_assets.storage.duckdb.tables import ensure_table
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Scope, Source, Step
from portrait_assets.testing.worlds.many_customers import make_features

MONTHS = ("2017-05", "2017-06")


def of_size(catalogue: Catalogue, tags: int) -> Catalogue:
    """The catalogue cut to so many tags, enumerated ones kept first."""
    order = sorted(catalogue.active("2017-06"), key=lambda tag: tag.shape is Shape.OPEN)
    kept = {tag.code for tag in order}
    for tag in reversed(order):
        read = {name for code in kept for name in catalogue.tag(code).inputs}
        if len(kept) > tags and tag.code not in read:
            kept.discard(tag.code)
    return replace(catalogue, tags=tuple(tag for tag in catalogue.tags if tag.code in kept))


def size(path: Path, con: duckdb.DuckDBPyConnection) -> float:
    """MiB of the database file, with everything in it."""
    con.execute("CHECKPOINT")
    return path.stat().st_size / 2**20


def taken(month: str, what: str, start: float, busy: float) -> str:
    """Time since the month's start, by the clock and of both processors together."""
    wall, cpu = time.perf_counter() - start, time.process_time() - busy
    return f"{month}  {what:<18}{wall:7.1f} s ({cpu:.1f} s of CPU)"


def insert(engine: Engine, step: Step, scope: Scope, table: str) -> None:
    """Add the rows of the step to the table."""
    with engine.rows(step, scope) as rows:
        assert isinstance(rows, Query)
        engine.con.execute(f"INSERT INTO {table} BY NAME SELECT * FROM ({rows.sql})")


def main(customers: int, tags: int) -> None:
    """Print one line per step."""
    catalogue = of_size(load_catalogue(), tags)
    print(f"{customers:,} customers, {len(catalogue.tags)} tags, DuckDB {duckdb.__version__}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.duckdb"
        con = duckdb.connect(
            str(path),
            config={"threads": 2, "memory_limit": "4GiB", "temp_directory": folder + "/spill"},
        )
        make_features(con, customers)
        for table in (TAG_CATALOGUE, portrait_matrix_table(catalogue), tag_table(catalogue)):
            ensure_table(con, table)
        before = None
        for month in MONTHS:
            con.register("listed", catalogue_rows(catalogue, last_day(month)))
            con.execute("INSERT INTO tags.tag_catalogue BY NAME FROM listed")
            empty = size(path, con)
            start, busy = time.perf_counter(), time.process_time()
            steps = evaluation_steps(catalogue, [month], before)
            features = f"(SELECT * REPLACE ({steps.scope.day} AS as_of) FROM features)"
            given: dict[Source, str] = {steps.features: features, steps.segment: NO_SEGMENTS}
            engine = Engine(con, {**given, steps.permission: NO_PERMISSIONS})
            with engine.shared([steps.evaluated], steps.scope):
                print(taken(month, "evaluated", start, busy))
                insert(engine, steps.matrix, steps.scope, "tags.portrait_matrix")
                middle = size(path, con)
                print(taken(month, "matrix written", start, busy))
                insert(engine, steps.details, steps.scope, "tags.tag_details")
                after = size(path, con)
            print(taken(month, "tag table written", start, busy))
            print(f"{month}  matrix {middle - empty:.1f} MiB, tag table {after - middle:.1f} MiB")
            before = month
        rows = con.execute("SELECT count(*) FROM tags.tag_table").fetchall()[0][0]
        start = time.perf_counter()
        con.execute(
            "SELECT tag_value, count(DISTINCT customer_id) FROM tags.tag_table "
            "WHERE as_of = DATE '2017-06-30' AND tag_code = 'value_tier' GROUP BY ALL"
        ).fetchall()
        print(
            f"{rows:,} rows; one tag counted through the view {time.perf_counter() - start:.2f} s"
        )
        con.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak memory {peak:.2f} GiB")


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:]]
    main(*(numbers + [1_000_000, 60][len(numbers) :]))
