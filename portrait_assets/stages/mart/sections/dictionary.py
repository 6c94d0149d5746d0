"""Every table of the published file with its columns."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from portrait_assets.stages.mart.sections import TEMPLATES
from portrait_assets.storage.published import Published, Section


def dictionary(published: Published) -> list[dict[str, Any]]:
    """Every table of the file with its columns, types and meaning in both languages."""
    comments = dict(
        published.con.execute(
            "SELECT schema_name || '.' || table_name, comment FROM duckdb_tables() "
            "WHERE NOT internal AND database_name = current_database()"
        ).fetchall()
    )
    columns: dict[str, list[dict[str, str]]] = defaultdict(list)
    for name, column, kind, comment in published.con.execute(
        "SELECT schema_name || '.' || table_name, column_name, data_type, comment "
        "FROM duckdb_columns() WHERE NOT internal AND database_name = current_database() "
        "ORDER BY 1, column_index"
    ).fetchall():
        en, zh = _both(comment)
        columns[name].append({"name": column, "type": kind, "en": en, "zh": zh})
    tables = []
    for name, comment in sorted(comments.items()):
        en, zh = _both(comment)
        tables.append({"name": name, "en": en, "zh": zh, "columns": columns[name]})
    return tables


def _both(comment: str | None) -> tuple[str, str]:
    en, _, zh = (comment or "").rpartition(" / ")
    return (en, zh) if en else (zh, zh)


def _show(published: Published) -> dict[str, Any]:
    return {"dictionary": dictionary(published)}


DICTIONARY = Section("dictionary", "Dictionary", "字典", TEMPLATES / "dictionary.html", _show)
