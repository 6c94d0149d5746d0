"""The warehouse while people, or what is too old, are removed from it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from portrait_assets.app.erasure.people.undated import unplaced_lines
from portrait_assets.app.erasure.proof import digests_of
from portrait_assets.app.erasure.rows.recounting import Recounting, recounted_steps
from portrait_assets.app.erasure.rows.removed_rows import Removed
from portrait_assets.app.erasure.rows.too_old import too_old
from portrait_assets.app.runs.estimate import size
from portrait_assets.core.files import written_beside
from portrait_assets.core.settings import Settings
from portrait_assets.orchestration.definitions import context_of
from portrait_assets.orchestration.record import closed_months
from portrait_assets.privacy.departures.register import Register
from portrait_assets.privacy.erasure import ErasureError, Plan
from portrait_assets.privacy.pseudonyms import key_of_publication
from portrait_assets.privacy.tombstones import Tombstones, key_of_tombstones
from portrait_assets.schema.table import Table
from portrait_assets.stages.mart.report import REPORT_FILE
from portrait_assets.stages.raw.inputs import inputs_of
from portrait_assets.stages.raw.room import smallest_published
from portrait_assets.stages.raw.source import Source, load_source
from portrait_assets.storage.check_results import CHECK_RESULTS
from portrait_assets.storage.duckdb.connection import require_file, spill_folder
from portrait_assets.storage.duckdb.exclusive import exclusive_writer
from portrait_assets.storage.publishing.file import published_key, remove_database


def id_columns(tables: list[Table]) -> frozenset[str]:
    """The names of the columns that say who a row is about."""
    return frozenset(
        column.name for table in tables for column in table.stored.all_columns if column.identifies
    )


def tables_of(settings: Settings) -> list[Table]:
    """The contracts of the source's tables."""
    return [*context_of(settings).tables, CHECK_RESULTS]


def recounting_of(settings: Settings, source: Source, con: duckdb.DuckDBPyConnection) -> Recounting:
    """How rows of few customers are counted again; not those of months whose rows are gone."""
    closed = frozenset(closed_months(con, source))
    smallest = smallest_published(context_of(settings))
    return Recounting(recounted_steps(smallest, source.definition.consent_default), closed)


def removed_of(
    settings: Settings,
    source: Source,
    plan: Plan,
    tables: list[Table],
    con: duckdb.DuckDBPyConnection,
) -> Removed:
    """What goes from the warehouse by a plan: rows of its people, or rows that are too old."""
    columns = id_columns(tables)
    if not plan.is_of_people:
        return too_old(con, source, plan.kept_from, tables, columns)
    key = key_of_tombstones(settings)
    tombstones = Tombstones(frozenset(digests_of(plan, key)), key)
    lines = unplaced_lines(settings, source, con, tombstones)
    inputs = (plan.inputs, digests_noted(settings))
    return Removed(
        *(con, tables, columns, key, plan.texts, lines, inputs),
        recounting=recounting_of(settings, source, con),
    )


def digests_noted(settings: Settings) -> tuple[str, str]:
    """The digests of the source's files and definitions, as runs note them."""
    inputs = inputs_of(load_source(settings.source_dir))
    return inputs.files, inputs.definitions


@contextmanager
def opened(settings: Settings, tables: list[Table]) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse, held and brought up to the contracts of this version."""
    with exclusive_writer(settings, "portrait erase", tables) as warehouse:
        yield warehouse.con


def require_ready(settings: Settings) -> None:
    """Check that the warehouse can be written anew beside itself, and then be published.

    Raises:
        ErasureError: when the disk has no room for it.
        PseudonymError: when the key of the published file is missing.
        RegisterError: when the register of what left is broken, so that nothing can be published.
        WarehouseError: when there is no warehouse.
    """
    require_file(settings.warehouse_file)
    needed = settings.warehouse_file.stat().st_size
    free = shutil.disk_usage(settings.warehouse_dir).free
    if free < needed:
        raise ErasureError(
            f"The warehouse is written anew, which takes {size(needed)}, and {size(free)} are "
            "free; free room on the disk. Nothing was erased."
        )
    Register.of(settings).verify()  # What is published again is entered in it.
    # The file goes, and with it the note of the key that the next one must be made with.
    if fingerprint := published_key(settings.portrait_file):
        key_of_publication(settings, fingerprint)


@contextmanager
def new_file(settings: Settings) -> Iterator[Path]:
    """Where the warehouse is written anew; what is still there at the end of the block is removed.

    So is what was left there by a process that was killed.
    """
    new = written_beside(settings.warehouse_file)
    _remove_with_spill(new)
    try:
        yield new
    finally:
        _remove_with_spill(new)


def _remove_with_spill(database: Path) -> None:
    remove_database(database)
    shutil.rmtree(spill_folder(database), ignore_errors=True)


def remove_published(settings: Settings) -> None:
    """Remove what was published, which is then made anew and not from what it held."""
    for published in (settings.portrait_file, settings.warehouse_dir / REPORT_FILE):
        published.unlink(missing_ok=True)
    shutil.rmtree(spill_folder(settings.warehouse_file), ignore_errors=True)
