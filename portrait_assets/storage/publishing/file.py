"""Tables to a file of their own, which appears whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from portrait_assets.core.files import sync, written_beside
from portrait_assets.schema.table import Table
from portrait_assets.storage.duckdb.connection import (
    literal,
    noted_key,
    open_database,
    qualified,
    quote,
)
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.duckdb.tables import (
    column_types,
    comment_sql,
    create_table_sql,
    create_view_sql,
)
from portrait_assets.storage.publishing.content import PUBLICATION, Content, Extract
from portrait_assets.storage.publishing.pseudonymizing import Pseudonyms
from portrait_assets.storage.publishing.updating import can_be_updated, update


class View:
    """A view of the published file: its name, SELECT and comments.

    Columns that it takes over from the table `shows` keep their comments; `columns` has those of
    the others.
    """

    def __init__(
        self,
        name: str,
        sql: str,
        en: str,
        zh: str,
        shows: str = "",
        columns: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.sql = sql
        self.comment = f"{en} / {zh}"
        self.shows = shows
        self.columns = columns or {}


def publish(
    warehouse: Warehouse,
    tables: Iterable[Table],
    views: Sequence[View | Extract],
    target: Path,
    source: str,
    pseudonyms: Pseudonyms | None = None,
    before: Callable[[Path], object] = lambda whole: None,
) -> dict[str, int]:
    """Copy the published tables into a new file and put it in the place of the old one.

    Whoever has the old file open keeps it; whoever opens next gets the new one. Columns that a
    contract calls private stay behind.

    Args:
        warehouse: the open warehouse.
        tables: the contracts of its tables, of which those that are `published` are copied.
        views: what the file has besides.
        target: the file.
        source: the source's name.
        pseudonyms: what it has in the place of customers' identifiers; None where it has these.
        before: called with the whole file before it has its name; an error leaves the old one.

    Returns:
        Rows by table name.

    Raises:
        OSError: when the folder cannot be written; the old file then stands as it was.
    """
    temporary = written_beside(target)
    remove_database(temporary)
    content = Content.of(tables, [v for v in views if isinstance(v, Extract)], pseudonyms)
    try:
        if can_be_updated(warehouse, content, target):
            # Copying a file is an order of magnitude faster than writing its rows again.
            shutil.copyfile(target, temporary)
        rows = update(warehouse, content, temporary)
        _describe(warehouse, content, [v for v in views if isinstance(v, View)], temporary, source)
        sync(temporary)
        before(temporary)
        os.replace(temporary, target)
        sync(target.parent)
    finally:
        remove_database(temporary)
    return rows


def published_key(target: Path) -> str | None:
    """The fingerprint of the key that the file's pseudonyms were made with.

    None where there is no file, it is damaged, or has the source's identifiers.
    """
    if not target.exists():
        return None
    try:
        with duckdb.connect(str(target), read_only=True) as con:
            return noted_key(con)
    except duckdb.Error:
        return None


def remove_database(path: Path) -> None:
    """Remove a database file that may be there, after its log, which another must not find."""
    path.with_name(f"{path.name}.wal").unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def _describe(
    warehouse: Warehouse,
    content: Content,
    views: Sequence[View],
    temporary: Path,
    source: str,
) -> None:
    months = warehouse.con.execute(
        "SELECT min(month), max(month) FROM meta.partitions WHERE month <> ''"
    ).fetchone() or (None, None)
    with open_database(temporary) as con:
        # A commit waits for the disk: one for all the comments, not one for each.
        con.begin()
        for schema, name in con.execute(
            "SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal"
        ).fetchall():
            con.execute(f"DROP VIEW {quote(schema)}.{quote(name)}")
        con.execute(f"DROP TABLE IF EXISTS {qualified(PUBLICATION.full_name)}")
        con.execute(create_table_sql(PUBLICATION, column_types(PUBLICATION)))
        for table in (*content.contracts, PUBLICATION):
            if table.stored_as is not None:
                con.execute(create_view_sql(table))
                con.execute(comment_sql(table.stored_as))
            con.execute(comment_sql(table))
        con.execute(
            f"INSERT INTO {qualified(PUBLICATION.full_name)} VALUES (?, ?, ?, ?, ?, ?)",
            [
                *(source, *months, warehouse.run_id, datetime.now(UTC).replace(tzinfo=None)),
                content.key,
            ],
        )
        comments = _column_comments(con)
        for view in views:
            comments[view.name] = _create_view(con, view, comments.get(view.shows, {}))
        con.commit()


def _create_view(
    con: duckdb.DuckDBPyConnection, view: View, of_shown: Mapping[str, str]
) -> dict[str, str]:
    """Create the view; the comments of its columns are its own, or those of what it shows."""
    con.execute(f"CREATE VIEW {qualified(view.name)} AS {view.sql}")
    name = qualified(view.name)
    con.execute(f"COMMENT ON VIEW {name} IS {literal(view.comment)}")
    comments = {**of_shown, **view.columns}
    statements = [
        f"COMMENT ON COLUMN {name}.{quote(column)} IS {literal(comments[column])}"
        for column in con.sql(f"FROM {name} LIMIT 0").columns
        if column in comments
    ]
    con.execute("; ".join(statements))
    return comments


def _column_comments(con: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """Comments by column, by the full name of each table and view."""
    comments: dict[str, dict[str, str]] = {}
    for name, column, comment in con.execute(
        "SELECT concat_ws('.', schema_name, table_name), column_name, comment "
        "FROM duckdb_columns() WHERE comment IS NOT NULL"
    ).fetchall():
        comments.setdefault(name, {})[column] = comment
    return comments
