"""Whether groups of customers get what tags decide as often as others."""

from __future__ import annotations

from typing import Any

from portrait_assets.stages.mart import words
from portrait_assets.stages.mart.charts import evidence
from portrait_assets.stages.mart.findings import findings
from portrait_assets.stages.mart.reading import Tags, short, tags
from portrait_assets.stages.mart.sections import TEMPLATES
from portrait_assets.stages.validation.predictions.fairness import NOT
from portrait_assets.storage.published import Published, Row, Section

DRAWN = 16  # Groups, those that are furthest apart.
LISTED = 60
NAME = 46  # Letters of a name beside a chart.
_JUDGED = ("differs", "parity")


def named_groups(published: Published) -> list[Row]:
    """What was compared in the newest month, those that differ first, the largest difference first.

    Each has the names of tag, value and group as `en` and `zh`; segments, which describe, are none
    of them.
    """
    names = published.of(tags)
    rows = published.newest(
        "validation.fairness",
        "verdict = 'differs' DESC, abs(difference) DESC NULLS LAST, tag_code, tag_value, attribute,"
        " level, measure",
    )
    return [row | _named(row, names) for row in rows if row["tag_code"] != "segment_id"]


def judged(published: Published) -> list[Row]:
    """Those of them that were judged."""
    return [row for row in published.of(named_groups) if row["verdict"] in _JUDGED]


def _named(row: Row, names: Tags) -> Row:
    tag = names.get(row["tag_code"])
    value = words.GROUPS.get(row["tag_value"], (row["tag_value"],) * 2)
    if tag is not None:
        value = tag.values.get(row["tag_value"], value)
    group = words.GROUPS.get(row["level"], (row["level"],) * 2)
    en, zh = (tag.en, tag.zh) if tag else words.model_name(row["tag_code"])
    attribute = words.ATTRIBUTES[row["attribute"]]
    return {
        "en": f"{en}: {value[0]}",
        "zh": f"{zh}：{value[1]}",
        "group_en": f"{attribute[0]} {group[0]}",
        "group_zh": f"{attribute[1]} {group[1]}",
        "counted": "of good" if str(row["outcome"]).startswith(NOT) else row["measure"],
    }


def _charts(published: Published) -> dict[str, str]:
    drawn: list[Row] = []
    names: dict[str, str] = {}
    for row in published.of(judged):
        if row["measure"] != "selection rate" or row["low"] is None or len(drawn) >= DRAWN:
            continue
        name = short(f"{row['group_en']} · {row['en']}", NAME)
        if name not in names:
            names[name] = f"{row['group_zh']} · {row['zh']}"
            kept = {key: row[key] for key in ("difference", "low", "high", "verdict")}
            drawn.append({"name": name, **kept})
    return {"fairness": evidence.differences(drawn, names)} if drawn else {}


def _show(published: Published) -> dict[str, Any]:
    rows = published.of(judged)
    return {
        "rows": [row for row in rows if row["verdict"] == "differs"][:LISTED],
        "differing": sum(row["verdict"] == "differs" for row in rows),
        "judged": len(rows),
        "unknown": [
            row
            for row in published.of(findings)
            if row["area"] == "fairness"
            and row["subject"] in words.ATTRIBUTES
            and row["verdict"] == "not judged"
        ],
        "charts": lambda: _charts(published),
    }


FAIRNESS = Section("fairness", "Fairness", "公平性", TEMPLATES / "fairness.html", _show)
