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
    found: dict[str, Row] = {}
    for verdict in ("fail", "warn"):
        for finding in findings:
            if finding["verdict"] == verdict:
                found.setdefault(finding["subject"], finding)
    return list(found.values())[:MOST_FIRST]


def _show(published: Published) -> dict[str, Any]:
    found = published.of(findings)
    return {
        "findings": found,
        "verdicts": Counter(finding["verdict"] for finding in found),
        "areas": published.of(areas),
        "first": _first(found),
    }


OVERVIEW = Section("overview", "Overview", "总览", TEMPLATES / "overview.html", _show)
