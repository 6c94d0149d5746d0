"""Whether the portrait can be trusted, and what to look at first."""

from __future__ import annotations

from collections import Counter
from typing import Any

from portrait_assets.stages.mart.findings import areas, findings
from portrait_assets.stages.mart.sections import TEMPLATES
from portrait_assets.storage.published import Published, Row, Section

MOST_FIRST = 6


def _first(findings: list[Row]) -> list[Row]:
    """What to look at first: the failures and then the warnings, each thing once."""
    by_subject: dict[str, Row] = {}
    for verdict in ("fail", "warn"):
        for finding in findings:
            if finding["verdict"] == verdict:
                by_subject.setdefault(finding["subject"], finding)
    return list(by_subject.values())[:MOST_FIRST]


def _show(published: Published) -> dict[str, Any]:
    rows = published.of(findings)
    return {
        "findings": rows,
        "verdicts": Counter(finding["verdict"] for finding in rows),
        "areas": published.of(areas),
        "first": _first(rows),
    }


OVERVIEW = Section("overview", "Overview", "总览", TEMPLATES / "overview.html", _show)
