"""What the report reads from the published file: rows as plain dictionaries, newest month first.

A table that is not there, or has no row, gives no rows: the page then says what could not be
judged, and still opens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import duckdb

from portrait_assets.storage.duckdb.connection import quote

Row = dict[str, Any]


@dataclass(frozen=True)
class TagName:
    """What a tag and its values are called."""

    code: str
    en: str
    zh: str
    element: str
    values: Mapping[str, tuple[str, str]]
    is_enumerated: bool


@dataclass
class Published:
    """An open published file, and the newest month in it."""

    con: duckdb.DuckDBPyConnection
    tables: frozenset[str] = field(init=False)
    as_of: date | None = field(init=False)

    def __post_init__(self) -> None:
        found = self.con.execute(
            "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE NOT internal"
        ).fetchall()
        self.tables = frozenset(name for (name,) in found)
        newest = self.rows("tags.portrait_matrix", "SELECT max(as_of) AS day FROM {table}")
        self.as_of = newest[0]["day"] if newest else None

    def rows(self, table: str, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """What the query over `{table}` gives; nothing where the file lacks the table."""
        if table not in self.tables:
            return []
        cursor = self.con.execute(sql.format(table=table), list(parameters))
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def newest(self, table: str, order: str) -> list[Row]:
        """The table's rows of the newest month."""
        if self.as_of is None:
            return []
        sql = f"SELECT * FROM {{table}} WHERE as_of = ? ORDER BY {order}"
        return self.rows(table, sql, [self.as_of])

    def columns(self, table: str) -> list[str]:
        """Names of the table's columns; none where it is not there."""
        schema, name = table.split(".")
        found = self.con.execute(
            "SELECT column_name FROM duckdb_columns() WHERE schema_name = ? AND table_name = ? "
            "ORDER BY column_index",
            [schema, name],
        ).fetchall()
        return [column for (column,) in found]

    def tags(self) -> dict[str, TagName]:
        """The tags in force in the newest month, by code."""
        found = {}
        for row in self.newest("tags.tag_catalogue", "element, tag_code"):
            if row["in_force"]:
                names = zip(row["value_names_en"], row["value_names_zh"], strict=True)
                values = dict(zip(row["tag_values"], names, strict=True))
                if row["type"] == "BOOLEAN":
                    values = {"true": ("yes", "是"), "false": ("no", "否")}
                found[row["tag_code"]] = TagName(
                    row["tag_code"],
                    row["name_en"],
                    row["name_zh"],
                    row["element"],
                    values,
                    bool(values),
                )
        return found

    def counts_by_segment(self, tags: Sequence[TagName]) -> list[Row]:
        """Customers of the newest month by segment, tag and value; each row has `n`."""
        held = self.columns("tags.portrait_matrix")
        there = [tag.code for tag in tags if tag.is_enumerated and tag.code in held]
        if not there or self.as_of is None:
            return []
        lists = {
            name
            for (name,) in self.con.execute(
                "SELECT column_name FROM duckdb_columns() WHERE table_name = 'portrait_matrix' "
                "AND data_type LIKE '%[]'"
            ).fetchall()
        }
        base = f"SELECT * FROM tags.portrait_matrix WHERE as_of = DATE '{self.as_of}'"
        parts = [
            f"SELECT segment_id, '{code}' AS tag, unnest({quote(code)}) AS value FROM ({base})"
            for code in there
            if code in lists
        ]
        plain = [code for code in there if code not in lists]
        if plain:
            columns = ", ".join(f"{quote(code)}::VARCHAR AS {quote(code)}" for code in plain)
            parts.append(
                f"SELECT segment_id, tag, value FROM (SELECT segment_id, {columns} FROM ({base})) "
                f"UNPIVOT (value FOR tag IN ({', '.join(map(quote, plain))}))"
            )
        sql = " UNION ALL ".join(
            f"SELECT segment_id, tag, value, count(*) AS n FROM ({part}) GROUP BY ALL"
            for part in parts
        )
        return self.rows("tags.portrait_matrix", sql)
