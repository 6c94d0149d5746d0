"""`portrait retain`: rows older than their source keeps them, removed as people are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl

from portrait_assets.app.erasure.people.persons import name_ids
from portrait_assets.app.erasure.publishing import publish_apart
from portrait_assets.app.erasure.rows.removal import copy_without, put_in_place
from portrait_assets.app.erasure.rows.removed_rows import LINE_SCHEMA, Removed
from portrait_assets.app.erasure.traces import shown, source_files
from portrait_assets.app.erasure.warehouse import (
    id_columns,
    new_file,
    opened,
    remove_published,
    require_ready,
    tables_of,
)
from portrait_assets.app.runs.progress import Progress
from portrait_assets.app.runs.run import machine_failures_in_a_sentence
from portrait_assets.core.invocation import commands_for
from portrait_assets.core.settings import Settings
from portrait_assets.privacy.certificate import Certificate, write_certificate
from portrait_assets.privacy.erasure import require_none_half_done
from portrait_assets.privacy.keys import Key, KeyName
from portrait_assets.stages.raw.contract import CANONICAL_BY_NAME
from portrait_assets.stages.raw.source import Source, load_source
from portrait_assets.storage.duckdb.tables import existing_types

_NOBODY = Key(KeyName.TOMBSTONES, b"")
"""Nobody is erased, so that no tombstone is made with it."""


@dataclass(frozen=True)
class Past:
    """Rows of a canonical table before the first month whose rows are kept."""

    table: str
    kept_from: str
    rows: int


def past_retention(con: duckdb.DuckDBPyConnection, source: Source) -> list[Past]:
    """The tables with rows that are older than they are kept, and how many."""
    found = []
    for name, past in _past(con, source).items():
        table = CANONICAL_BY_NAME[name].raw_table().full_name
        count = con.execute(f"SELECT count(*) FROM {table} WHERE {past}").fetchall()[0][0]
        found.append(Past(name, source.kept_from[name], int(count)))
    return [each for each in found if each.rows]


def _past(con: duckdb.DuckDBPyConnection, source: Source) -> dict[str, str]:
    """By canonical table that there is, SQL of whether a row as received is past its time."""
    tables = {name: CANONICAL_BY_NAME[name] for name in source.kept_from}
    types = {name: existing_types(con, of.raw_table().full_name) for name, of in tables.items()}
    return {
        name: source.is_past(canonical, source.kept_from[name], types[name])
        for name, canonical in tables.items()
        if types[name]
    }


def to_retain(settings: Settings) -> list[Past]:
    """What `retain` would remove.

    Raises:
        ErasureError: when an erasure was stopped while it removed rows.
        WarehouseError: when there is no warehouse, or a run holds it.
    """
    require_none_half_done(settings)
    source = load_source(settings.source_dir)
    with opened(settings, tables_of(settings)) as con:
        return past_retention(con, source)


def retain(settings: Settings, progress: Progress) -> Path:
    """Remove what is older than it is kept, raw and cleaned, and publish; the certificate's page.

    Features, tags and models of those months stay, first-ever facts among them.

    Raises:
        PortraitError: when it cannot be done; the warehouse then stands as it was.
    """
    with commands_for(settings), machine_failures_in_a_sentence():
        require_none_half_done(settings)
        require_ready(settings)
        began, source = datetime.now(UTC), load_source(settings.source_dir)
        tables = tables_of(settings)
        with new_file(settings) as new, opened(settings, tables) as con:
            name_ids(con, [], [])
            nothing = pl.DataFrame(schema=LINE_SCHEMA)
            removed = Removed(
                *(con, tables, id_columns(tables), _NOBODY, (), nothing, ((), ())),
                past=_past(con, source),
            )
            rows = copy_without(removed, new, settings.memory_limit_gib, settings.threads)
            con.close()
            put_in_place(new, settings.warehouse_file)
        remove_published(settings)
        publish_apart(settings, source.months(), progress)
        certificate = Certificate(
            number=f"R{began:%Y%m%dT%H%M%SZ}",
            kind="retention",
            source=settings.source,
            asked_by=_declared(source),
            began_at=began,
            ended_at=datetime.now(UTC),
            persons=0,
            ids=0,
            tombstones=(),
            key_fingerprint="",
            rows=tuple(each for each in rows if each.is_changed),
            source_files=tuple(shown(path, settings) for path in source_files(source)),
        )
        return write_certificate(settings, certificate)


def _declared(source: Source) -> str:
    spans = (f"{name}: {months}" for name, months in source.definition.keep_months.items())
    return f"source.yaml, keep_months: {{{', '.join(spans)}}}"
