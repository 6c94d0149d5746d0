"""Whether the portrait can be trusted, and what to look at first."""

from __future__ import annotations

from collections import Counter
from typing import Any

from portrait_assets.stages.features.declared.needs import OR
from portrait_assets.stages.features.given import need_in_chinese
from portrait_assets.stages.mart.findings import areas, findings
from portrait_assets.stages.mart.sections import TEMPLATES
from portrait_assets.storage.published import Published, Row, Section

MOST_FIRST = 6
MOST_NEEDS = 6


def _first(findings: list[Row]) -> list[Row]:
    """What to look at first: the failures and then the warnings, each thing once."""
    by_subject: dict[str, Row] = {}
    for verdict in ("fail", "warn"):
        for finding in findings:
            if finding["verdict"] == verdict:
                by_subject.setdefault(finding["subject"], finding)
    return list(by_subject.values())[:MOST_FIRST]


def _without_value(published: Published) -> Row | None:
    """How many tags nobody has a value of, and for want of what; None where all have some."""
    active = [row for row in published.newest("tags.tag_catalogue", "tag_code") if row["in_force"]]
    lacking = [row["lacks"] for row in active if row.get("lacks")]
    if not lacking:
        return None
    missing = Counter(need for needs in lacking for need in needs)
    # Tables first: they are missing as a whole. Of alternatives one that is named anyway is enough.
    single = {need for need in missing if OR not in need}
    shown = [need for need in missing if need in single or single.isdisjoint(need.split(OR))]
    named = sorted(shown, key=lambda need: ("." in need, -missing[need], need))
    return {
        "tags": len(lacking),
        "of": len(active),
        "needs": named[:MOST_NEEDS],
        "needs_zh": [*map(need_in_chinese, named[:MOST_NEEDS])],
        "more": len(named[MOST_NEEDS:]),
    }


def _unprofiled(published: Published) -> int:
    """How many customers of the month may not be profiled and have a row of nulls."""
    rows = published.rows(
        "tags.portrait_matrix",
        "SELECT count(*) AS customers FROM {table} WHERE as_of = ? AND profiling_allowed IS FALSE",
        [published.as_of],
    )
    return rows[0]["customers"] if rows else 0


def _show(published: Published) -> dict[str, Any]:
    rows = published.of(findings)
    return {
        "findings": rows,
        "verdicts": Counter(finding["verdict"] for finding in rows),
        "areas": published.of(areas),
        "first": _first(rows),
        "without_value": _without_value(published),
        "unprofiled": _unprofiled(published),
    }


OVERVIEW = Section("overview", "Overview", "总览", TEMPLATES / "overview.html", _show)
