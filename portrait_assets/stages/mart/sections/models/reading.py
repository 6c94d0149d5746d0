"""What the sections on models read: names of targets, and how a model or card treats groups."""

from __future__ import annotations

from collections.abc import Sequence

from portrait_assets.privacy.cells import pooled_name_in_chinese
from portrait_assets.stages.mart import words
from portrait_assets.stages.mart.findings import findings
from portrait_assets.stages.mart.reading import feature_labels
from portrait_assets.stages.mart.sections.fairness import named_groups
from portrait_assets.storage.published import Published, Row


def target_names(row: Row) -> Row:
    """The name of a decision's target as `en` and `zh`, and a name for links as `anchor`."""
    code = str(row["target"])
    en, zh = words.TARGETS.get(code, (code, code))
    letters = "".join(letter if letter.isalnum() else "-" for letter in code.lower())
    return {
        "en": row.get("name_en") or en,
        "zh": row.get("name_zh") or zh,
        "anchor": f"{letters}-{row['horizon']}",
    }


def signed_features(text: str | None, published: Published) -> tuple[str, str]:
    """A reason such as `+recency_days` as the feature's names with an arrow."""
    if text is None:
        return "–", "–"
    arrow = {"+": "↑ ", "-": "↓ "}.get(text[:1], "")
    name = text[1:] if arrow else text
    unnamed = (name, pooled_name_in_chinese(name), "")
    en, zh, _ = published.of(feature_labels).get(name, unnamed)
    return arrow + en, arrow + zh


def treated(published: Published, code: str) -> Row:
    """How groups are treated by a model or card: those that differ, and how many were judged."""
    rows = [row for row in published.of(named_groups) if row["tag_code"] == code]
    judged = [row for row in rows if row["verdict"] in ("differs", "parity")]
    return {
        "judged": len(judged),
        "differing": [row for row in judged if row["verdict"] == "differs"],
        "furthest": _furthest(judged),
    }


def _furthest(rows: Sequence[Row]) -> list[Row]:
    """Of each attribute and measure the group whose rate is furthest from that of all others."""
    found: dict[tuple[str, str], Row] = {}
    for row in rows:
        if row["difference"] is not None:
            found.setdefault((row["attribute"], row["measure"]), row)
    return [found[key] for key in sorted(found)]


def findings_on(published: Published, subjects: Sequence[str]) -> list[Row]:
    """The findings of the month on these subjects."""
    return [row for row in published.of(findings) if row["subject"] in subjects]
