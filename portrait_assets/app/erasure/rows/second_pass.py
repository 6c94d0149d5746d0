"""What a scan still finds in the warehouse after an erasure, removed where it was found.

The first pass removes what is known to be of the people; a text of theirs may stand where nobody
expected one, in a value of another type or in a row that came after.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import duckdb
import polars as pl

from portrait_assets.app.erasure.people.persons import name_ids
from portrait_assets.app.erasure.rows.removal import copy_without, marked, marks_of, put_in_place
from portrait_assets.app.erasure.rows.removed_rows import LINE_SCHEMA, Removed
from portrait_assets.app.erasure.traces import shown
from portrait_assets.app.erasure.warehouse import id_columns, new_file, opened, remove_published
from portrait_assets.core.settings import Settings
from portrait_assets.privacy.erasure import Plan, Rows, note_rows
from portrait_assets.privacy.keys import Key
from portrait_assets.privacy.scan.values import holding
from portrait_assets.privacy.scan.wanted import Hits, Wanted
from portrait_assets.privacy.tombstones import key_of_tombstones
from portrait_assets.schema.table import Table
from portrait_assets.storage.duckdb.connection import literals, qualified, quote
from portrait_assets.storage.duckdb.tables import existing_types

MOST_PASSES = 2
_MARKED = ("VARCHAR", "VARCHAR[]")


def ours(settings: Settings) -> tuple[str, str]:
    """The warehouse and the published file, as a scan names them."""
    return shown(settings.warehouse_file, settings), shown(settings.portrait_file, settings)


def pass_again(
    settings: Settings, plan: Plan, tables: Sequence[Table], wanted: Wanted, hits: Iterable[Hits]
) -> None:
    """Write the warehouse anew without what a scan found in it, and remove what was published.

    A text is replaced by its tombstone where the column is of text; of other types, and of ids,
    the row goes. What stands in the bytes alone goes with the old file. Rows removed and values
    replaced of each table that held something are noted in the plan first.

    Args:
        settings: the warehouse's.
        plan: the erasure's.
        tables: the contracts of the warehouse's tables.
        wanted: what was looked for.
        hits: where it was found, in whatever files.
    """
    found: dict[str, set[str]] = {}
    for each in hits:
        table, _, column = each.place.rpartition(".")
        if each.file in ours(settings) and "." in table:
            found.setdefault(table, set()).add(column)
    key = key_of_tombstones(settings)
    with new_file(settings) as new, opened(settings, list(tables)) as con:
        name_ids(con, list(plan.customers), list(plan.prospects))
        gone, written, replaced = _where(con, found, wanted, key)
        removed = Removed(
            *(con, tables, id_columns(list(tables)), key, plan.texts),
            *(pl.DataFrame(schema=LINE_SCHEMA), ((), ())),
            also_gone=gone,
            also_written=written,
        )
        rows = copy_without(removed, new, settings.memory_limit_gib, settings.threads)
        con.close()
        again = {"what": "rows removed by a second pass"}
        changed = (each.model_copy(update=again) for each in rows if each.is_changed)
        note_rows(settings, *changed, *replaced)
        put_in_place(new, settings.warehouse_file)
    remove_published(settings)


def _where(
    con: duckdb.DuckDBPyConnection, found: Mapping[str, Collection[str]], wanted: Wanted, key: Key
) -> tuple[dict[str, str], dict[str, dict[str, str]], list[Rows]]:
    """By table the rows that go and the columns that are written otherwise, as SQL; and counts."""
    gone: dict[str, list[str]] = {}
    written: dict[str, dict[str, str]] = {}
    counts = []
    marks = marks_of(key, wanted.forms)
    for table, columns in sorted(found.items()):
        types = existing_types(con, table)
        for name in sorted(types.keys() & columns):
            text = f"CAST({quote(name)} AS VARCHAR)"
            values = con.sql(f"SELECT DISTINCT {text} AS v FROM {qualified(table)}").pl()["v"]
            theirs = values.filter(holding(values, wanted.forms))
            is_marked = types[name] in _MARKED and len(theirs) > 0
            if is_marked:
                written.setdefault(table, {})[name] = marked(con, table, name, marks)
                sql = (
                    f"SELECT count(*) FROM {qualified(table)} WHERE {text} IN ({literals(theirs)})"
                )
                count = int(con.execute(sql).fetchall()[0][0])
                what = f"values of {name} replaced by a second pass"
                counts.append(Rows(name=table, before=count, after=0, what=what))
            ids = [
                each.strip() for each in values.drop_nulls() if each.strip() in _ids(wanted, name)
            ]
            if others := [*ids, *(() if is_marked else theirs)]:
                gone.setdefault(table, []).append(f"trim({text}) IN ({literals(others)})")
    return {table: " OR ".join(each) for table, each in gone.items()}, written, counts


def _ids(wanted: Wanted, column: str) -> frozenset[str]:
    return frozenset(wanted.ids.get(column, ()))
