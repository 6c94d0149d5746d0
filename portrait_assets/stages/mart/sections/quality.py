"""Conservation, what was set aside or given back, checks, and what the source leaves out."""

from __future__ import annotations

from typing import Any

from portrait_assets.stages.mart.sections import TEMPLATES
from portrait_assets.stages.validation.contract import UNIQUENESS
from portrait_assets.stages.validation.findings.returns import SHARE_RETURNED
from portrait_assets.storage.published import Published, Section


def quality(published: Published) -> dict[str, Any]:
    """Conservation, what was set aside or given back, checks, and what the source leaves out."""
    month = f"{published.as_of:%Y-%m}" if published.as_of else ""
    return {
        "receipts": published.rows(
            "raw.receipts",
            "SELECT table_name, bool_or(is_provided) AS is_provided, max(rows_placed) AS rows, "
            "max(rows_in_file) AS in_file, max(rows_unplaced) AS unplaced, "
            "coalesce(sum(rows_erased), 0)::BIGINT AS erased "
            "FROM {table} GROUP BY 1 ORDER BY 2 DESC, 3 DESC, 1",
        ),
        "rejects": published.rows(
            "cleaned.rejects",
            "SELECT table_name, coalesce(column_name, '–') AS column_name, rule, severity, "
            "count(*) AS n FROM {table} GROUP BY ALL ORDER BY n DESC, 1, 2, 3, 4 LIMIT 15",
        ),
        "returns": published.rows(
            "validation.validation_report",
            "SELECT strftime(as_of, '%Y-%m') AS month, value AS share, advice_en, advice_zh "
            "FROM {table} WHERE metric = ? ORDER BY month DESC",
            [SHARE_RETURNED],
        ),
        "uniqueness": published.rows(
            UNIQUENESS.full_name,
            "SELECT strftime(as_of, '%Y-%m') AS month, * FROM {table} "
            "WHERE len(quasi_identifiers) > 0 ORDER BY as_of DESC",
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


def _show(published: Published) -> dict[str, Any]:
    return {"quality": quality(published)}


QUALITY = Section("quality", "Quality", "质量", TEMPLATES / "quality.html", _show)
