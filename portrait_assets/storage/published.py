"""The published file as a report reads it, and what a section of a report is.

A table that is absent or empty gives no rows: a page then states what could not be judged, and
still opens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar, cast

import duckdb

from portrait_assets.core.cells import SMALLEST_CELL

Row = dict[str, Any]
_Fact = TypeVar("_Fact")


class Published:
    """An open published file, and the month to report on.

    Args:
        con: the open file; only read.
        month_of: a view or table whose one row has that month's last day as `as_of`.
        smallest: fewest customers of what a section may list by itself.
    """

    def __init__(
        self, con: duckdb.DuckDBPyConnection, month_of: str, smallest: int = SMALLEST_CELL
    ) -> None:
        self.con = con
        self.smallest = smallest
        found = con.execute(
            "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE NOT internal "
            "AND database_name = current_database() "
            "UNION ALL SELECT view_name FROM duckdb_views() WHERE NOT internal "
            "AND database_name = current_database() AND schema_name = 'main'"
        ).fetchall()
        self.tables = frozenset(name for (name,) in found)
        self._facts: dict[Callable[..., Any], Any] = {}
        months = self.rows(month_of, "SELECT as_of FROM {table}")
        self.as_of: date | None = months[0]["as_of"] if months else None

    def of(self, fact: Callable[[Published], _Fact]) -> _Fact:
        """What the function finds in the file, computed once for all callers."""
        if fact not in self._facts:
            self._facts[fact] = fact(self)
        return cast(_Fact, self._facts[fact])

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
            "AND database_name = current_database() ORDER BY column_index",
            [schema, name],
        ).fetchall()
        return [column for (column,) in found]


@dataclass(frozen=True)
class Section:
    """A section of the report.

    Args:
        key: where the page's links lead; the template's outermost element has it as `id`.
        en: the title in the page's navigation.
        zh: the same in Chinese.
        template: a file of HTML for Jinja. What `show` gives is there by name, beside `t(en, zh)`
            for a text in both languages, the filters of `mart.report`, and the macros of
            `macros.html`.
        show: finds what the template shows; `charts` are SVG texts by the name of their figure.
    """

    key: str
    en: str
    zh: str
    template: Path
    show: Callable[[Published], Mapping[str, Any]]
