"""The wealth segments, whether data support their number, and parts of segments that earn it."""

from __future__ import annotations

from typing import Any

from portrait_assets.stages.clusters.names.contract import WEALTH as OF_WEALTH
from portrait_assets.stages.mart.sections import TEMPLATES
from portrait_assets.stages.mart.sections.segments import events_of
from portrait_assets.storage.published import Published, Row, Section

PRODUCTS = 4
"""Products that a segment is shown with."""


def wealth_segments(published: Published) -> list[Row]:
    """The wealth segments of the month, each with the products that it holds and takes most.

    Those of too few customers are without numbers.
    """
    rows = published.newest("clusters.wealth_description", "segment_id")
    products = published.newest("clusters.wealth_holding", "segment_id, category")
    for row in rows:
        own = [each for each in products if each["segment_id"] == row["segment_id"]]
        row["is_counted"] = row["customers"] >= published.smallest
        row["holds"] = _most(own, "holders_share", "base_share")
        row["takes"] = _most(own, "taken_share", "base_taken_share")
    return rows


def _most(products: list[Row], share: str, base: str) -> list[Row]:
    """The products that more of the segment have than of all customers, by how many more."""
    known = [row for row in products if row[share] and row[base] and row[share] > row[base]]
    known.sort(key=lambda row: (row[base] - row[share], row["category"]))
    return [row | {"share": row[share], "of_all": row[base]} for row in known[:PRODUCTS]]


def _show(published: Published) -> dict[str, Any]:
    tried = published.newest("clusters.micro_proof", "segment_id, parts, outcome")
    parts = published.newest("clusters.micro_segment", "segment_id, micro_id")
    counts: dict[tuple[int, int], Row] = {}
    for row in parts:
        own = counts.setdefault((row["segment_id"], row["micro_id"]), row | {"customers": 0})
        own["customers"] += 1
    decisions = published.newest("clusters.wealth_decision", "as_of")
    return {
        "wealth_decision": next(iter(decisions), None),
        "wealth": wealth_segments(published),
        "events": events_of(published, OF_WEALTH),
        "proof": published.newest("clusters.wealth_proof", "segments"),
        "tried": tried,
        "taken": [row for row in tried if row["is_taken"]],
        "parts": [row for row in counts.values() if row["customers"] >= published.smallest],
    }


WEALTH = Section("wealth", "Wealth segments", "财富客群", TEMPLATES / "wealth.html", _show)
