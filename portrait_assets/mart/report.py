"""The report: what was found in the newest month, as one HTML file that needs no network."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
from jinja2 import Environment, PackageLoader, select_autoescape

from portrait_assets.raw.source import Title

REPORT_FILE = Path("report") / "index.html"


def write_report(portrait_file: Path, title: Title, path: Path) -> None:
    """Write the report on the newest month of a published file; it appears whole or not at all."""
    environment = Environment(
        loader=PackageLoader("portrait_assets.mart"), autoescape=select_autoescape()
    )
    with duckdb.connect(str(portrait_file), read_only=True) as con:
        page = environment.get_template("report.html").render(title=title, **_facts(con))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(page, encoding="utf-8")
    os.replace(temporary, path)


def _facts(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    newest = "(SELECT max(as_of) FROM validation.validation_report)"
    findings = _rows(
        con,
        f"SELECT * FROM validation.validation_report WHERE as_of = {newest} "
        "ORDER BY area, subject, metric",
    )
    return {
        "as_of": findings[0]["as_of"] if findings else None,
        "verdicts": Counter(row["verdict"] for row in findings),
        "findings": findings,
        "customers": _rows(
            con,
            "SELECT as_of, count(*) AS customers FROM tags.portrait_matrix GROUP BY 1 ORDER BY 1",
        ),
        "segments": _rows(
            con,
            f"SELECT * FROM clusters.cluster_segment WHERE as_of = {newest} ORDER BY segment_id",
        ),
    }


def _rows(con: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    cursor = con.execute(sql)
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
