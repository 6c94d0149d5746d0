"""Lines of a source that stand in no month, and people who stand in such lines alone.

`raw.unplaced` names their places, and nothing of what is in them; so they are looked for in the
source's files as they are now.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

import duckdb
import polars as pl

from portrait_assets.app.erasure.rows.removed_rows import LINE_SCHEMA, LINES
from portrait_assets.app.subject.person import PROSPECT_ID, Person
from portrait_assets.core.errors import SourceError
from portrait_assets.core.settings import Settings
from portrait_assets.privacy.keys import Key, KeyName
from portrait_assets.privacy.tombstones import CUSTOMERS, Tombstones, digest_of
from portrait_assets.stages.raw.contract import UNPLACED
from portrait_assets.stages.raw.placing.months import Placing, placings
from portrait_assets.stages.raw.reading.files import SourceReader
from portrait_assets.stages.raw.source import Source
from portrait_assets.storage.duckdb.connection import spill_folder
from portrait_assets.storage.duckdb.tables import existing_types


def unplaced_lines(
    settings: Settings, source: Source, con: duckdb.DuckDBPyConnection, erased: Tombstones
) -> pl.DataFrame:
    """The lines of `raw.unplaced` that are of the erased, columns as LINE_SCHEMA."""
    with _placed(settings, source, con, erased) as placed:
        found = [each.erased_unplaced().select(LINES) for each in placed]
    lines = pl.concat([pl.DataFrame(schema=LINE_SCHEMA), *found])
    if lines.is_empty():
        return lines
    stored = con.sql(f"SELECT {', '.join(LINES)} FROM {UNPLACED.full_name}").pl()
    return lines.join(stored, on=LINES, how="semi")


def standing_there(
    settings: Settings,
    source: Source,
    con: duckdb.DuckDBPyConnection,
    ids: Mapping[str, Collection[str]],
) -> dict[str, frozenset[str]]:
    """Which of the ids stand in lines of no month.

    Args:
        settings: the warehouse's.
        source: whose files are read.
        con: a connection to the warehouse.
        ids: by the column that names them.

    Returns:
        By the same columns, ids without what stands around them.
    """
    key = _of_this_look_up()
    digests = {digest_of(key, value, column) for column in ids for value in ids[column]}
    found: dict[str, set[str]] = {column: set() for column in ids}
    if not digests:
        return {column: frozenset() for column in ids}
    with _placed(settings, source, con, Tombstones(frozenset(digests), key)) as placed:
        for each in placed:
            if each.erased is not None and each.erased.column in found:
                found[each.erased.column] |= {value.strip() for value in each.erased_outside()}
    return {column: frozenset(values) for column, values in found.items()}


@contextmanager
def _placed(
    settings: Settings, source: Source, con: duckdb.DuckDBPyConnection, erased: Tombstones
) -> Iterator[list[Placing]]:
    """The source's tables of which lines are in no month, as they are placed."""
    tables = _with_unplaced(con)
    if not tables:
        yield []
        return
    scratch = spill_folder(settings.warehouse_file)
    scratch.mkdir(exist_ok=True)
    with SourceReader(con, source, scratch) as reader:
        try:
            placed = [*placings(reader, erased, tables=tables).values()]
        except SourceError:
            placed = []  # What cannot be read any more names nobody.
        yield placed


def _with_unplaced(con: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """The tables of which lines are in no month."""
    if not existing_types(con, UNPLACED.full_name):
        return frozenset()
    rows = con.execute(f"SELECT DISTINCT table_name FROM {UNPLACED.full_name}").fetchall()
    return frozenset(name for (name,) in rows)


def person_in_no_month(
    settings: Settings, source: Source, con: duckdb.DuckDBPyConnection, known_as: str
) -> Person | None:
    """Who has the identifier in lines of no month; None where nobody has.

    Who has it as a customer is meant before who has it as a prospect.
    """
    known_as = known_as.strip()
    ids = {name: [known_as] for name in (CUSTOMERS, PROSPECT_ID)}
    found = standing_there(settings, source, con, ids)
    for name in ids:
        if known_as in found[name]:
            return Person(known_as, (known_as,), is_prospect=name == PROSPECT_ID)
    return None


def lines_of(
    settings: Settings, source: Source, con: duckdb.DuckDBPyConnection, person: Person
) -> pl.DataFrame:
    """The lines of `raw.unplaced` that are of the person, columns as LINE_SCHEMA."""
    key = _of_this_look_up()
    column = PROSPECT_ID if person.is_prospect else CUSTOMERS
    digests = frozenset(digest_of(key, value, column) for value in person.ids)
    return unplaced_lines(settings, source, con, Tombstones(digests, key))


def _of_this_look_up() -> Key:
    return Key(KeyName.TOMBSTONES, secrets.token_bytes(32))
