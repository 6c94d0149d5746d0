"""What the mart hands out, as departures: the published file and the report on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from portrait_assets import __version__
from portrait_assets.privacy.egress import (
    Departure,
    Door,
    Outlet,
    Purpose,
    digest_of,
    digest_of_file,
)
from portrait_assets.schema.table import Table
from portrait_assets.storage.duckdb.connection import open_published
from portrait_assets.storage.publishing.content import PUBLICATION, TABLE_ROWS

_CONTENTS = "contents"


def departures(tables: Iterable[Table], extracts: Iterable[Table] = ()) -> dict[Outlet, Departure]:
    """The published file and the report on it.

    Args:
        tables: of the warehouse; the file has those that are published, without what is private.
        extracts: which only the file has.
    """
    published = (table.without(*table.private) for table in tables if table.published)
    columns = tuple(column for table in (*published, *extracts) for column in table.all_columns)
    return {
        outlet: Departure(outlet, Purpose.PROFILING, columns)
        for outlet in (Outlet.PUBLICATION, Outlet.REPORT)
    }


def record(door: Door, departure: Departure, portrait_file: Path, left: Path) -> None:
    """Enter in the register what left, unless its contents are those that left before.

    Args:
        door: what it passed.
        departure: one of `departures`.
        portrait_file: the published file.
        left: the file that left: the published one, or the report.
    """
    contents, rows = _contents(portrait_file)
    departure = replace(departure, about={_CONTENTS: digest_of(f"{__version__}\n{contents}")})
    if not door.left_before(departure):
        door.record(departure, rows, digest_of_file(left))


def _contents(portrait_file: Path) -> tuple[str, int]:
    """What the published file holds, as text that changes when that does, and its rows."""
    con = open_published(portrait_file)
    try:
        of_source = con.execute(
            f"SELECT * EXCLUDE (run_id, published_at) FROM {PUBLICATION.full_name}"
        ).fetchall()
        by_month = con.execute(
            f"SELECT row_count, table_name, month, changed_at FROM {TABLE_ROWS.full_name} "
            "ORDER BY ALL"
        ).fetchall()
    finally:
        con.close()
    return f"{of_source}\n{by_month}", sum(row[0] for row in by_month)
