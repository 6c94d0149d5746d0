"""All findings, by area."""

from __future__ import annotations

from typing import Any

from portrait_assets.stages.mart.findings import areas, findings
from portrait_assets.stages.mart.sections import TEMPLATES
from portrait_assets.storage.published import Published, Section


def _show(published: Published) -> dict[str, Any]:
    return {"findings": published.of(findings), "areas": published.of(areas)}


FINDINGS = Section("findings", "Findings", "发现", TEMPLATES / "findings.html", _show)
