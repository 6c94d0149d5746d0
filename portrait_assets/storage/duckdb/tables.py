"""From a contract to a DuckDB table: created before any row, commented, changed only explicitly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import duckdb

from portrait_assets.core.errors import WarehouseError
from portrait_assets.core.invocation import command
from portrait_assets.schema.table import Table, Type
from portrait_assets.storage.duckdb.connection import (
    is_number,
    literal,
    number_text,
    qualified,
    quote,
)


def column_types(table: Table, received: Mapping[str, str] | None = None) -> dict[str, str]:
    """DuckDB type by column name; `received` holds the types of a source's files."""
    received = received or {}
    return {
        column.name: received.get(column.name, str(column.type)) for column in table.all_columns
    }


def existing_types(
    con: duckdb.DuckDBPyConnection, full_name: str, database: str | None = None
) -> dict[str, str]:
    """DuckDB type by column name of the table as it is; empty when there is no such table.

    Args:
        con: the connection.
        full_name: schema and name.
        database: the attached database that it stands in; the connection's own by default.
    """
    return {name: kind for name, kind, _ in _columns(con, full_name, database)}


def table_names(con: duckdb.DuckDBPyConnection, database: str | None = None) -> set[str]:
    """The full names of all tables that there are: asked for once, where many are looked for.

    Args:
        con: the connection.
        database: the attached database that they stand in; the connection's own by default.
    """
    rows = con.execute(
        "SELECT concat_ws('.', schema_name, table_name) FROM duckdb_tables() "
        "WHERE database_name = coalesce(?, current_database())",
        [database],
    ).fetchall()
    return {name for (name,) in rows}


def _columns(
    con: duckdb.DuckDBPyConnection, full_name: str, database: str | None = None
) -> list[tuple[str, str, bool]]:
    """Name, type and whether null is refused, of each column of what is there.

    `duckdb_columns` would list those of all tables, which takes milliseconds.
    """
    name = qualified(f"{database}.{full_name}" if database else full_name)
    if not _is_there(con, name):
        return []
    return con.execute('SELECT name, type, "notnull" FROM pragma_table_info(?)', [name]).fetchall()


def _is_there(con: duckdb.DuckDBPyConnection, name: str) -> bool:
    # SQL that names a table that is not there aborts the transaction, which a relation does not;
    # test_upstream shows it. To list all tables takes milliseconds.
    try:
        con.table(name)
    except duckdb.CatalogException:
        return False
    return True


def create_table_sql(table: Table, types: Mapping[str, str], full_name: str | None = None) -> str:
    """The CREATE TABLE statement of the contract."""
    columns = ", ".join(
        f"{quote(column.name)} {types[column.name]}" + ("" if column.nullable else " NOT NULL")
        for column in table.all_columns
    )
    return f"CREATE TABLE {qualified(full_name or table.full_name)} ({columns})"


def create_view_sql(table: Table) -> str:
    """The CREATE VIEW statement of a table that is stored as another."""
    return f"CREATE OR REPLACE VIEW {qualified(table.full_name)} AS {table.view_sql}"


def comment_sql(table: Table) -> str:
    """The statements that put the contract's comments on the table, or view, and its columns."""
    name = qualified(table.full_name)
    kind = "VIEW" if table.stored_as else "TABLE"
    statements = [f"COMMENT ON {kind} {name} IS {literal(table.comment)}"]
    statements += [
        f"COMMENT ON COLUMN {name}.{quote(column.name)} IS {literal(column.comment)}"
        for column in table.all_columns
    ]
    return "; ".join(statements)


def ensure_table(
    con: duckdb.DuckDBPyConnection, table: Table, received: Mapping[str, str] | None = None
) -> None:
    """Create the table from its contract, or bring the existing one up to it.

    A new nullable column is added, one that may have become null is allowed to be, and one that is
    no longer there stays where the table keeps former columns. Anything else would change or lose
    what is stored. For a table that is stored as another, that one is created, and the view over
    it.

    Raises:
        WarehouseError: when the existing table differs in any other way.
    """
    if table.stored_as is not None:
        ensure_table(con, table.stored_as, received)
        con.execute(create_view_sql(table))
        con.execute(comment_sql(table))
        return
    wanted = column_types(table, received)
    columns = _columns(con, table.full_name)
    standing = {name: kind for name, kind, _ in columns}
    if not standing:
        con.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(table.schema)}")
        con.execute(create_table_sql(table, wanted))
        con.execute(comment_sql(table))
        return
    for name in standing:
        if name not in wanted and not table.keeps_former_columns:
            raise WarehouseError(
                f"{table.full_name} holds a column {name} that its contract no longer has; "
                f"{_remedy()}."
            )
    for name in wanted:
        if name not in standing:
            _refuse_unless_nullable(table, name)
            con.execute(
                f"ALTER TABLE {qualified(table.full_name)} ADD COLUMN {quote(name)} {wanted[name]}"
            )
        elif standing[name] != wanted[name]:
            _retype(con, table, name, standing[name], wanted[name], received)
    _allow_nulls(con, table, [name for name, _, refuses_null in columns if refuses_null])
    if wanted.keys() - standing.keys():
        con.execute(comment_sql(table))


def _allow_nulls(con: duckdb.DuckDBPyConnection, table: Table, required: Iterable[str]) -> None:
    """Take NOT NULL from those required columns that may be null by now."""
    nullable = {column.name for column in table.all_columns if column.nullable}
    for name in required:
        if name in nullable:
            con.execute(
                f"ALTER TABLE {qualified(table.full_name)} ALTER COLUMN {quote(name)} DROP NOT NULL"
            )


def _remedy() -> str:
    return f"make every month again with `{command('run', '--fresh')}`, or undo the change"


def _refuse_unless_nullable(table: Table, name: str) -> None:
    if not table.column(name).nullable:
        raise WarehouseError(
            f"{table.full_name} lacks the column {name}, which may not be null; {_remedy()}."
        )


def _retype(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    name: str,
    standing: str,
    wanted: str,
    received: Mapping[str, str] | None,
) -> None:
    """Change a type where nothing is lost, of a column as received.

    That is one that has held nothing so far, or numbers that are text by the contract.
    """
    if table.types_as_received:
        if name not in (received or {}):
            return
        found = con.execute(
            f"SELECT 1 FROM {qualified(table.full_name)} WHERE {quote(name)} IS NOT NULL LIMIT 1"
        ).fetchone()
        is_text = table.column(name).type is Type.TEXT and wanted == Type.TEXT
        if found is None or (is_text and is_number(standing)):
            value = (
                number_text(quote(name), standing) if found else f"CAST({quote(name)} AS {wanted})"
            )
            con.execute(
                f"ALTER TABLE {qualified(table.full_name)} "
                f"ALTER COLUMN {quote(name)} SET DATA TYPE {wanted} USING {value}"
            )
            return
    raise WarehouseError(
        f"{table.full_name}.{name} is stored as {standing} and now comes as {wanted}; {_remedy()}."
    )
