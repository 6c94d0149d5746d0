"""What has moved since the month before."""

from __future__ import annotations

from typing import Any

from portrait_assets.stages.mart.charts import evidence
from portrait_assets.stages.mart.findings import findings
from portrait_assets.stages.mart.reading import feature_labels, short, tags
from portrait_assets.stages.mart.sections import TEMPLATES
from portrait_assets.stages.mart.words import EXTRA
from portrait_assets.storage.published import Published, Row, Section

MOST_MOVED = 16
NAME = 31  # Letters of a name beside a chart.


def _charts(published: Published) -> dict[str, str]:
    labels, names = published.of(feature_labels), published.of(tags)
    rows: list[Row] = []
    words: dict[str, str] = {}
    for row in published.newest("validation.drift", "psi DESC NULLS LAST, subject"):
        if row["against"] != "month before" or row["psi"] is None or len(rows) >= MOST_MOVED:
            continue
        if row["kind"] == "feature":
            en, zh = labels.get(row["subject"], (row["subject"],) * 2)[:2]
        elif row["subject"] in names:
            en, zh = names[row["subject"]].en, names[row["subject"]].zh
        else:
            en, zh = EXTRA.get(row["subject"], (row["subject"],) * 2)
        kind = {"feature": ("feature", "特征"), "tag": ("tag", "标签")}.get(
            row["kind"], ("mix", "结构")
        )
        name = f"{short(en, NAME)} ({kind[0]})"
        words[name] = f"{zh}（{kind[1]}）"
        rows.append(
            {"name": name, "psi": row["psi"], "psi_p95": row["psi_p95"], "verdict": row["verdict"]}
        )
    return {"drift": evidence.drift(rows, words)} if rows else {}


def _show(published: Published) -> dict[str, Any]:
    return {"findings": published.of(findings), "charts": lambda: _charts(published)}


DRIFT = Section("drift", "Drift", "漂移", TEMPLATES / "drift.html", _show)
