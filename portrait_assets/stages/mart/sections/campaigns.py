"""Who was reached by campaigns, who responded, and whether tags predicted it."""

from __future__ import annotations

from typing import Any

import numpy as np

from portrait_assets.methods.statistics.intervals import wilson
from portrait_assets.privacy.cells import EVERY_CELL
from portrait_assets.stages.mart.charts import evidence, portrait
from portrait_assets.stages.mart.reading import buckets
from portrait_assets.stages.mart.sections import TEMPLATES
from portrait_assets.stages.mart.segments.profiles import labels_in_chinese, segments
from portrait_assets.storage.published import Published, Row, Section


def _charts(published: Published) -> dict[str, str]:
    drawn = {}
    contacts = published.rows(
        "raw.receipts",
        "SELECT month, table_name AS what, rows_received AS n FROM {table} "
        "WHERE table_name IN ('contacts', 'responses') AND is_provided ORDER BY ALL",
    )
    if contacts:
        drawn["contacts"] = portrait.contacts(contacts)
    segment_rows = published.of(segments)
    lines = _responses(segment_rows, published.smallest)
    if any(row["rate"] for row in lines):
        drawn["segment_response"] = evidence.rates(
            lines,
            ("customers reached who responded in 12 months", "近12月被触达客户中的响应占比"),
            ("Response by segment", "各客群响应率"),
            labels_in_chinese(segment_rows),
        )
    if predicted := buckets(published, "campaign_response / response"):
        drawn["response_buckets"] = evidence.rates(
            predicted,
            ("responded in the month after, of those reached", "次月被触达者中的响应占比"),
            ("Later response by tag value", "按标签的后续响应率"),
            {row["name"]: row["zh"] for row in predicted},
        )
    return drawn


def _responses(segment_rows: list[Row], smallest: int = EVERY_CELL) -> list[Row]:
    """Of each segment of which enough were reached, the rate of responses with its interval."""
    reached = [
        row
        for row in segment_rows
        if not row["is_small"] and (row.get("contacted") or 0) >= smallest
    ]
    responded, contacted = (
        np.array([row[name] for row in reached], dtype=np.int64)
        for name in ("responded", "contacted")
    )
    rates = np.column_stack([responded / contacted, *wilson(responded, contacted)])
    return [
        {"name": row["label"], "rate": rate, "low": low, "high": high}
        for row, (rate, low, high) in zip(reached, rates.tolist(), strict=True)
    ]


def _show(published: Published) -> dict[str, Any]:
    return {"charts": lambda: _charts(published)}


CAMPAIGNS = Section("campaigns", "Campaigns", "营销响应", TEMPLATES / "campaigns.html", _show)
