"""The SQL that makes the tables and views of a database, without rows."""

from __future__ import annotations

import duckdb

from portrait_assets.storage.duckdb.connection import literal, qualified, quote

_HERE = "database_name = current_database() AND NOT internal"


def definitions(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Statements that make what the open database has: schemas, tables, views, and comments."""
    schemas = _rows(con, f"SELECT schema_name FROM duckdb_schemas() WHERE {_HERE} ORDER BY 1")
    statements = [f"CREATE SCHEMA IF NOT EXISTS {quote(name)}" for (name,) in schemas]
    statements += [sql for (sql,) in _rows(con, _made_sql("table"))]
    statements += [sql for (sql,) in _rows(con, _made_sql("view"))]
    for kind in ("table", "view"):
        statements += [
            f"COMMENT ON {kind} {qualified(name)} IS {literal(comment)}"
            for name, comment in _rows(
                con,
                f"SELECT concat_ws('.', schema_name, {kind}_name), comment FROM duckdb_{kind}s() "
                f"WHERE {_HERE} AND NOT temporary AND comment IS NOT NULL ORDER BY 1",
            )
        ]
    statements += [
        f"COMMENT ON COLUMN {qualified(name)}.{quote(column)} IS {literal(comment)}"
        for name, column, comment in _rows(
            con,
            "SELECT concat_ws('.', schema_name, table_name), column_name, comment "
            f"FROM duckdb_columns() WHERE {_HERE} AND comment IS NOT NULL ORDER BY ALL",
        )
    ]
    return statements


def _made_sql(kind: str) -> str:
    return (
        f"SELECT sql FROM duckdb_{kind}s() WHERE {_HERE} AND NOT temporary "
        f"ORDER BY schema_name, {kind}_name"
    )


def _rows(con: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[str, ...]]:
    return con.execute(sql).fetchall()
