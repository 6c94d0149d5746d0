"""What the report tells, section by section, taken from the published file."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from portrait_assets.stages.mart.reading import Published, Row, TagName

VERDICTS = ("fail", "warn", "not judged", "pass")
ELEMENTS = ("entity", "symbol", "concept", "principle")
SMALLEST_GROUP = 10  # Fewer customers than this are not described, so that nobody is found.
MATRIX_ROWS = 9  # Tag values shown per element of the portrait.
LEAST_SHARE = 0.02
HORIZON = 1


def overview(published: Published) -> dict[str, Any]:
    """The verdicts, the headline numbers, and what to look at first."""
    findings = published.newest("validation.validation_report", "area, subject, metric")
    areas: dict[str, Counter[str]] = defaultdict(Counter)
    for finding in findings:
        areas[finding["area"]][finding["verdict"]] += 1
    return {
        "findings": findings,
        "verdicts": Counter(finding["verdict"] for finding in findings),
        "areas": dict(areas),
        "publication": next(
            iter(published.rows("mart.publication", "SELECT * FROM {table}")), None
        ),
        "customers": published.rows(
            "tags.portrait_matrix",
            "SELECT as_of, count(*) AS customers FROM {table} GROUP BY 1 ORDER BY 1",
        ),
        "tag_count": len(published.tags()),
    }


def segments(published: Published) -> list[Row]:
    """The segments of the newest month with their numbers."""
    rows = published.newest("clusters.cluster_segment", "segment_id")
    numbers = {row["segment_id"]: row for row in _numbers(published)}
    lines = _profile(published)
    silent = {
        int(row["bucket"]): row
        for row in published.newest("validation.backtest_bucket", "position")
        if row["test"] == "segment_id / silence" and row["horizon_months"] == HORIZON
    }
    for row in rows:
        row |= numbers.get(row["segment_id"], {})
        row["profile"] = lines.get(row["segment_id"], [])
        row["silent"] = silent.get(row["segment_id"])
        row["is_small"] = row["customers"] < SMALLEST_GROUP
        row["typical"] = [] if row["is_small"] else _typical(published, row["segment_id"])
    return rows


_JOINED = (
    "FROM {table} f JOIN clusters.cluster_assignment a USING (as_of, customer_id) WHERE as_of = ?"
)


def _numbers(published: Published) -> list[Row]:
    if published.as_of is None or "clusters.cluster_assignment" not in published.tables:
        return []
    return published.rows(
        "features.feature_matrix",
        "SELECT segment_id, avg(spend_12m) AS spend, avg(purchases_12m) AS purchases, "
        "median(recency_days) AS recency, avg(average_ticket_12m) AS ticket, "
        "sum(contacts_12m) AS contacts, "
        "count(*) FILTER (contacts_12m > 0) AS contacted, "
        "count(*) FILTER (contacts_12m > 0 AND responses_12m > 0) AS responded "
        + _JOINED
        + " GROUP BY segment_id",
        [published.as_of],
    )


def _profile(published: Published) -> dict[int, list[Row]]:
    lines: dict[int, list[Row]] = defaultdict(list)
    labels = feature_labels(published)
    rows = published.newest(
        "clusters.cluster_profile", "segment_id, abs(std_difference) DESC NULLS LAST, feature"
    )
    for row in rows:
        if row["std_difference"] is not None:
            row["en"], row["zh"], row["unit"] = labels.get(
                row["feature"], (row["feature"], row["feature"], "")
            )
            lines[row["segment_id"]].append(row)
    return lines


def feature_labels(published: Published) -> dict[str, tuple[str, str, str]]:
    """Each feature's English and Chinese name and its unit, from the comments of the file."""
    found = {}
    for row in published.con.execute(
        "SELECT column_name, comment FROM duckdb_columns() "
        "WHERE schema_name = 'features' AND table_name = 'feature_matrix'"
    ).fetchall():
        text, _, zh = (row[1] or row[0]).partition(" / ")
        # A formula may itself hold a slash between blanks; the Chinese name stands last.
        zh = (row[1] or row[0]).rpartition(" / ")[2] if zh else row[0]
        head, _, _ = text.partition(": ")
        unit = row[1].rpartition("[")[2].partition("]")[0] if row[1] and "[" in row[1] else ""
        found[row[0]] = (head.partition(" [")[0], zh, unit)
    return found


def _typical(published: Published, segment: int) -> list[Row]:
    """The customers in the middle of the segment, without saying who they are."""
    if "clusters.cluster_typical" not in published.tables:
        return []
    return published.rows(
        "features.feature_matrix",
        "SELECT spend_12m, purchases_12m, recency_days, tenure_days, top_category, responses_12m "
        "FROM {table} JOIN clusters.cluster_typical t USING (as_of, customer_id) "
        "WHERE as_of = ? AND segment_id = ? ORDER BY t.position LIMIT 3",
        [published.as_of, segment],
    )


def matrix(
    tags: Mapping[str, TagName], counts: list[Row], found: list[Row]
) -> list[dict[str, Any]]:
    """The portrait matrix: for each element the tag values that differ most between segments.

    `counts` are those of `Published.counts_by_segment`. Each line has `cells`, one per segment of
    `found`: the share of its customers, and how many times that of all; None for a segment too
    small to describe.
    """
    sizes = {row["segment_id"]: row["customers"] for row in found}
    everyone = sum(sizes.values())
    by_value: dict[tuple[str, str], dict[int, int]] = defaultdict(dict)
    for row in counts:
        by_value[row["tag"], row["value"]][row["segment_id"]] = row["n"]
    lines = []
    for (code, value), held in by_value.items():
        base = sum(held.values()) / max(everyone, 1)
        if value == "false" or base < LEAST_SHARE:
            continue
        cells = [_cell(row, held, base) for row in found]
        spread = [abs(cell["share"] - base) for cell in cells if cell]
        lines.append(
            _matrix_line(tags[code], value)
            | {"base": base, "cells": cells, "spread": max(spread, default=0.0)}
        )
    return [
        {"element": element, "lines": _telling([x for x in lines if x["element"] == element])}
        for element in ELEMENTS
    ]


def _cell(segment: Row, held: dict[int, int], base: float) -> dict[str, float] | None:
    if segment["is_small"]:
        return None
    share = held.get(segment["segment_id"], 0) / segment["customers"]
    return {"share": share, "times": share / base}


def _matrix_line(tag: TagName, value: str) -> dict[str, Any]:
    en, zh = tag.values.get(value, (value, value))
    return {
        "code": tag.code,
        "value": value,
        "element": tag.element,
        "en": tag.en if value == "true" else f"{tag.en}: {en}",
        "zh": tag.zh if value == "true" else f"{tag.zh}:{zh}",
        "value_en": tag.en if value == "true" else en,
        "value_zh": tag.zh if value == "true" else zh,
    }


def _telling(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines that differ most, at most two of a tag, in an order that keeps tags together."""
    kept: list[dict[str, Any]] = []
    per_tag: Counter[str] = Counter()
    for line in sorted(lines, key=lambda line: (-line["spread"], line["code"], line["value"])):
        if per_tag[line["code"]] < 2 and len(kept) < MATRIX_ROWS:
            per_tag[line["code"]] += 1
            kept.append(line)
    return sorted(kept, key=lambda line: line["code"])


def tags_of_segments(
    tags: Mapping[str, TagName], counts: list[Row], found: list[Row]
) -> dict[int, list[dict[str, Any]]]:
    """Per segment the tag values that it holds, those first that it holds most above the rest."""
    sizes = {row["segment_id"]: row for row in found}
    everyone = sum(row["customers"] for row in found)
    totals: Counter[tuple[str, str]] = Counter()
    for row in counts:
        totals[row["tag"], row["value"]] += row["n"]
    told: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in counts:
        segment = sizes.get(row["segment_id"])
        if segment is None or segment["is_small"] or row["value"] == "false":
            continue
        share = row["n"] / segment["customers"]
        base = totals[row["tag"], row["value"]] / max(everyone, 1)
        told[row["segment_id"]].append(
            _matrix_line(tags[row["tag"]], row["value"])
            | {"share": share, "base": base, "tgi": 100 * share / base}
        )
    for lines in told.values():
        lines.sort(key=lambda line: (line["base"] - line["share"], line["code"], line["value"]))
    return told


def by_month(published: Published, column: str) -> list[Row]:
    """Customers by month and value of a tag or the segment; nothing where there is no such tag."""
    if column not in published.columns("tags.portrait_matrix"):
        return []
    return published.rows(
        "tags.portrait_matrix",
        f"SELECT as_of, {column}::VARCHAR AS value, count(*) AS n FROM {{table}} "
        f"WHERE {column} IS NOT NULL GROUP BY ALL ORDER BY ALL",
    )


def concentration(published: Published) -> list[Row]:
    """Cumulative share of 12-month spend by share of customers, highest spenders first."""
    if published.as_of is None:
        return []
    rows = published.rows(
        "features.feature_matrix",
        "SELECT least(floor(rank * 20), 19) AS part, count(*) AS n, sum(spend_12m) AS spend "
        "FROM (SELECT spend_12m, percent_rank() OVER (ORDER BY spend_12m DESC) AS rank "
        "FROM {table} WHERE as_of = ?) GROUP BY 1 ORDER BY 1",
        [published.as_of],
    )
    everyone = sum(row["n"] for row in rows)
    spend = float(sum(row["spend"] or 0 for row in rows))
    if not everyone or spend <= 0:
        return []
    points, customers, amount = [{"customers": 0.0, "spend": 0.0}], 0, 0.0
    for row in rows:
        customers, amount = customers + row["n"], amount + float(row["spend"] or 0)
        points.append({"customers": customers / everyone, "spend": amount / spend})
    return points


def quality(published: Published) -> dict[str, Any]:
    """Conservation, what was set aside, checks, and what the source leaves out."""
    month = f"{published.as_of:%Y-%m}" if published.as_of else ""
    return {
        "receipts": published.rows(
            "raw.receipts",
            "SELECT table_name, bool_or(is_provided) AS is_provided, sum(rows_received) AS rows, "
            "max(rows_in_file) AS in_file, max(rows_unplaced) AS unplaced "
            "FROM {table} GROUP BY 1 ORDER BY 2 DESC, 3 DESC, 1",
        ),
        "rejects": published.rows(
            "cleaned.rejects",
            "SELECT table_name, coalesce(column_name, '–') AS column_name, rule, severity, "
            "count(*) AS n FROM {table} GROUP BY ALL ORDER BY n DESC, 1, 2, 3, 4 LIMIT 15",
        ),
        "checks": published.rows(
            "validation.check_results",
            "SELECT check_name, count(*) AS tables, count(*) FILTER (NOT passed) AS failed, "
            "string_agg(table_name || ': ' || detail, '; ' ORDER BY table_name) "
            "FILTER (NOT passed) AS which FROM {table} WHERE month = ? GROUP BY 1 "
            "ORDER BY failed DESC, 1",
            [month],
        ),
        "features": [
            row
            for row in published.newest("features.feature_selection", "reason, feature")
            if not row["is_kept"]
        ],
        "cards": [
            row
            for row in published.newest("tags.tag_quality", "recommendation DESC, tag_code")
            if row["recommendation"] != "keep"
        ],
    }


def proposals(published: Published) -> list[Row]:
    """The newest quarter's proposals of versions that have not been put into force since."""
    if published.as_of is None:
        return []
    return published.rows(
        "validation.tag_proposal",
        "SELECT p.* FROM {table} p JOIN tags.tag_catalogue c ON c.as_of = ? AND c.in_force "
        "AND c.tag_code = p.tag_code AND c.tag_version = p.tag_version "
        "WHERE p.as_of > ?::DATE - INTERVAL 3 MONTH ORDER BY p.tag_code",
        [published.as_of, published.as_of],
    )


def dictionary(published: Published) -> list[dict[str, Any]]:
    """Every table of the file with its columns, types and meaning in both languages."""
    comments = dict(
        published.con.execute(
            "SELECT schema_name || '.' || table_name, comment FROM duckdb_tables() "
            "WHERE NOT internal"
        ).fetchall()
    )
    columns: dict[str, list[dict[str, str]]] = defaultdict(list)
    for name, column, kind, comment in published.con.execute(
        "SELECT schema_name || '.' || table_name, column_name, data_type, comment "
        "FROM duckdb_columns() WHERE NOT internal ORDER BY 1, column_index"
    ).fetchall():
        en, zh = _both(comment)
        columns[name].append({"name": column, "type": kind, "en": en, "zh": zh})
    found = []
    for name, comment in sorted(comments.items()):
        en, zh = _both(comment)
        found.append({"name": name, "en": en, "zh": zh, "columns": columns[name]})
    return found


def _both(comment: str | None) -> tuple[str, str]:
    en, _, zh = (comment or "").rpartition(" / ")
    return (en, zh) if en else (zh, zh)
