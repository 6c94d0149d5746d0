"""All models' scores of one month, for as many customers as its matrix has times the copies.

    python -W ignore -m benchmarks.predictions_scale --folder DATA --source NAME --copies 12

Takes a copy of a finished warehouse (without `--folder`, of a bank that it makes), writes each
customer of the newest month so many times, and scores them as the stage does: probability, rank,
band and reasons of every target by what was active, read in the stage's own parts and written to
`predictions.prediction`. The bound for a million customers is 240 s and 4 GiB.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import dagster as dg
import polars as pl

from portrait_assets.core.months import month_range, next_month
from portrait_assets.core.settings import Settings
from portrait_assets.orchestration.automation import JOB, range_tags
from portrait_assets.orchestration.definitions import build_defs
from portrait_assets.schema.table import CUSTOMER_ID, Table
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.predictions.asked import Asked, asked_of
from portrait_assets.stages.predictions.assets import active_before
from portrait_assets.stages.predictions.contract import PREDICTION
from portrait_assets.stages.predictions.learning.active import Active
from portrait_assets.stages.predictions.learning.past.labels import askable_step
from portrait_assets.stages.predictions.scoring import scored
from portrait_assets.stages.rooms import ROOMS
from portrait_assets.stages.targets.declared.outcomes import source_targets
from portrait_assets.storage.duckdb.partitions import select_sql
from portrait_assets.storage.duckdb.rows import Query
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.duckdb.tables import ensure_table
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Read, upstream
from portrait_assets.synthetic.bank import generate_bank
from portrait_assets.testing.measured import keep
from portrait_assets.testing.worlds.shop import QUIET

SOURCE, FIRST = "synthetic_bank", "2023-01"
CUSTOMERS, MONTHS, COPIES = 20_000, 12, 60
UNTIL = "predictions"


def prepared(folder: Path) -> Settings:
    """A bank with its warehouse, as far as predictions need it."""
    generate_bank(folder, CUSTOMERS, MONTHS, 1, FIRST)
    settings = Settings(data_dir=folder, source=SOURCE)
    until = [room.name for room in ROOMS].index(UNTIL) + 1
    job = build_defs(settings, rooms=ROOMS[:until]).resolve_job_def(JOB)
    months = month_range(FIRST, next_month(FIRST, MONTHS - 1))
    with dg.DagsterInstance.ephemeral() as instance:
        job.execute_in_process(instance=instance, tags=range_tags(months), run_config=QUIET)
    return settings


def active_of(warehouse: Warehouse, settings: Settings, month: str) -> list[tuple[Asked, Active]]:
    """What scored the month, by target."""
    before = active_before(warehouse, next_month(month, 1))
    codes = {code for code, _ in before}
    asked = asked_of(warehouse, source_targets(settings.source_dir), month, codes)
    return [(each, before[each.key].active) for each in asked if each.key in before]


def tables_of(active: list[tuple[Asked, Active]]) -> set[Table]:
    """Tables that scoring reads with rows of one customer each."""
    steps = [askable_step(asked) for asked, _ in active]
    reads = (each.table for each in upstream(*steps) if isinstance(each, Read))
    found = {FEATURE_MATRIX, *reads}
    return {
        table
        for table in found
        if [column.name for column in table.columns if column.identifies] == [CUSTOMER_ID.name]
    }


def copied(warehouse: Warehouse, table: Table, month: str, copies: int) -> int:
    """Write each row of the month so many times, for customers of other names; gives the rows."""
    if month not in warehouse.materialized(table):
        return 0
    ensure_table(warehouse.con, table)
    customer = CUSTOMER_ID.name
    warehouse.con.execute(
        f"CREATE OR REPLACE TEMP TABLE copies AS SELECT * REPLACE ({customer} || '-' || copy AS "
        f"{customer}), FROM ({select_sql(table, [month])}), range({copies}) AS r(copy)"
    )
    rows = Query(f"SELECT * EXCLUDE (copy) FROM copies ORDER BY {customer}")
    (count,) = warehouse.write(table, [month], rows).values()
    warehouse.con.execute("DROP TABLE copies")
    return count


def copy_month(settings: Settings, file: Path, copies: int) -> None:
    """Make a copy of the settings' warehouse in which the newest month has so many customers."""
    shutil.copy(settings.warehouse_file, file)
    warehouse = Warehouse(file, settings.source or SOURCE, "benchmark")
    month = max(warehouse.materialized(FEATURE_MATRIX))
    for table in tables_of(active_of(warehouse, settings, month)):
        rows = copied(warehouse, table, month, copies)
        print(f"{table.full_name}: {rows:,} rows of {month}", flush=True)
    warehouse.close()


def measured(settings: Settings, file: Path) -> dict[str, float]:
    """The figures of the newest month of the warehouse in the file."""
    warehouse = Warehouse(file, settings.source or SOURCE, "benchmark")
    month = max(warehouse.materialized(FEATURE_MATRIX))
    customers, active = (
        warehouse.materialized(FEATURE_MATRIX)[month],
        active_of(warehouse, settings, month),
    )
    models = sum(each.basis == "model" for _, each in active)
    began, busy, engine = time.perf_counter(), time.process_time(), Engine(warehouse.con)
    warehouse.write(PREDICTION, [month], scores(warehouse, engine, month, active, began))
    figures = {
        "s": time.perf_counter() - began,
        "s of processor time": time.process_time() - busy,
        "peak GiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }
    engine.close()
    rows = warehouse.materialized(PREDICTION)[month]
    warehouse.close()
    print(f"{customers:,} customers, {len(active)} targets, {models} models, {rows:,} rows")
    named = f"{customers:,} customers, {len(active)} targets"
    return {f"{named}, {name}": value for name, value in figures.items()}


def scores(
    warehouse: Warehouse,
    engine: Engine,
    month: str,
    active: list[tuple[Asked, Active]],
    began: float,
) -> Iterator[pl.DataFrame]:
    """The scores by target, as the stage gives them."""
    rows = scored(warehouse, engine, month, active)
    for (asked, by), found in zip(active, rows, strict=True):
        took = time.perf_counter() - began
        print(f"{asked.code} by {by.family}: {found.height:,} rows after {took:.0f} s", flush=True)
        yield found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="data folder of a finished warehouse")
    parser.add_argument("--source", default=SOURCE)
    parser.add_argument("--copies", type=int, default=COPIES, help="of each customer")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        bank, file = Path(temporary) / "bank", Path(temporary) / "copy.duckdb"
        # In a process of its own, whose memory is not counted.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as other:
            settings = (
                Settings(data_dir=given.folder, source=given.source)
                if given.folder
                else other.submit(prepared, bank).result()
            )
            other.submit(copy_month, settings, file, given.copies).result()
        figures = measured(settings, file)
    for name, value in figures.items():
        print(f"{name}: {value:.2f}")
    keep("predictions_scale", figures)


if __name__ == "__main__":
    main()
