"""One stage of the feature benchmark, as a process of its own.

`python -m benchmarks.features_stage STAGE BANK WORK [GIB]`: `cleaned` reads the bank's Parquet into
the raw, identity and cleaned tables of all months; `features` aggregates all months and computes
the last month's matrix; `month` materializes the last month again from Parquet to matrix, as a new
month is; `by_hand` runs the one query. DuckDB may use GIB gibibytes, by default as in a run.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import dagster as dg
import duckdb

from portrait_assets.core.settings import Settings
from portrait_assets.orchestration.automation import JOB, range_tags
from portrait_assets.orchestration.definitions import build_defs
from portrait_assets.schema.describe import asset_key
from portrait_assets.schema.table import Table
from portrait_assets.stages.cleaned import assets as cleaned
from portrait_assets.stages.consent import assets as consent
from portrait_assets.stages.features import assets as features
from portrait_assets.stages.features.monthly import steps as monthly
from portrait_assets.stages.features.monthly.products import PRODUCT
from portrait_assets.stages.identity import assets as identity
from portrait_assets.stages.raw import assets as raw
from portrait_assets.stages.raw.contract import CANONICAL
from portrait_assets.stages.raw.source import load_source
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Scope
from portrait_assets.testing.oracles.features_by_hand import features_by_hand

MEMORY_LIMIT_GIB = Settings().memory_limit_gib
"""For the pipeline, as people run it; the query by hand has half as much again."""
FROM_FILES = (*raw.TABLES, *identity.TABLES, *cleaned.TABLES, *consent.TABLES)
MONTHLY = len(monthly.STEPS)
QUIET = {"loggers": {"console": {"config": {"log_level": "ERROR"}}}}


def materialize(settings: Settings, tables: Sequence[Table], months: Sequence[str]) -> None:
    """Materialize the tables for the months, without checks, and print the seconds of each step."""
    job = build_defs(settings).resolve_job_def(JOB)
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.get_subset(
            asset_selection={asset_key(table) for table in tables}, asset_check_selection=set()
        ).execute_in_process(instance=instance, tags=range_tags(months), run_config=QUIET)
    assert result.success
    for event in result.all_events:
        if event.is_step_success:
            seconds = event.step_success_data.duration_ms / 1000
            print(f"  {event.step_key} {seconds:.1f} s", file=sys.stderr, flush=True)


def query_by_hand(bank: Path, month: str, target: Path, limit_gib: float) -> None:
    """Run the one query over the bank's files; the matrix goes into a table of its own."""
    target.unlink(missing_ok=True)
    with duckdb.connect(str(target), config={"memory_limit": f"{limit_gib}GiB"}) as con:
        con.execute("CREATE SCHEMA cleaned")
        for table in CANONICAL:
            path = bank / table.name
            files = path / "*.parquet" if path.is_dir() else f"{path}.parquet"
            # Days of birth come as text, some of them unreadable.
            typed = "TRY_CAST(birth_date AS DATE) AS birth_date"
            columns = f"* REPLACE ({typed})" if table.name == "customers" else "*"
            con.execute(
                f"CREATE VIEW {table.name} AS SELECT {columns}, file_row_number + 1 AS source_row "
                f"FROM read_parquet('{files}', file_row_number = true)"
            )
        con.execute(
            f"CREATE VIEW cleaned.products AS SELECT *, '{month}' AS month FROM main.products"
        )
        con.register("known", Engine(con).frame(PRODUCT, Scope(month)))
        con.execute("CREATE TEMP TABLE product AS FROM known")
        con.execute(f"CREATE TABLE matrix AS {features_by_hand(month)}")


def main(stage: str, bank: Path, work: Path, limit_gib: float = MEMORY_LIMIT_GIB) -> None:
    work.mkdir(exist_ok=True)
    if not (work / "sources").exists():
        (work / "sources").symlink_to(bank / "sources")
    source = load_source(bank / "sources" / "synthetic_bank")
    months = source.months()
    settings = Settings(
        data_dir=work, source=source.name, memory_limit_gib=limit_gib, lock_wait_seconds=1
    )
    if stage == "cleaned":
        materialize(settings, FROM_FILES, months)
    elif stage == "features":
        materialize(settings, features.TABLES[:MONTHLY], months)
        materialize(settings, features.TABLES[MONTHLY:], months[-1:])
    elif stage == "month":
        materialize(settings, (*FROM_FILES, *features.TABLES), months[-1:])
    else:
        query_by_hand(bank, months[-1], work / "by_hand.duckdb", 1.5 * limit_gib)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "yes"
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), *map(float, sys.argv[4:]))
