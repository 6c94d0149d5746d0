"""The report: what was found in the newest month, as one HTML file that needs no network."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup

from portrait_assets.methods.drawing.available import can_draw, left_out
from portrait_assets.methods.drawing.font import FONT_FILE
from portrait_assets.stages.mart import advice, facts, words
from portrait_assets.stages.mart.labels import segment_colours, short, test_name
from portrait_assets.stages.mart.reading import Published, Row, TagName
from portrait_assets.stages.raw.source import Title
from portrait_assets.stages.validation.proposals import draft_file
from portrait_assets.storage.duckdb.publishing import temporary_file

REPORT_FILE = Path("report") / "index.html"
PROPOSALS_FILE = "tag_proposals.yaml"
THREADS = 2
NO_VALUE = "–"
MOST_FIRST = 6
LABEL, LABEL_ZH = 28, 10  # Characters of a segment's name beside a chart: about the same width.


def write_report(
    portrait_file: Path, title: Title, path: Path, currency: str | None = None
) -> dict[str, int]:
    """Write the report on the newest month of a published file; it appears whole or not at all.

    Beside it goes a file with the drafts of the tag versions that it proposes.

    Args:
        portrait_file: the published file; only read.
        title: of the source.
        path: where the report goes.
        currency: ISO code of amounts, where the source has one.

    Returns:
        How many charts were drawn, findings told and versions proposed, by name.
    """
    opened = duckdb.connect(str(portrait_file), read_only=True, config={"threads": THREADS})
    with opened as con:
        context = gather(Published(con))
    drafts = [row["draft"] for row in context["proposals"]]
    page = (
        _environment()
        .get_template("report.html")
        .render(title=title, currency=currency or "", **context)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    _replace(path.with_name(PROPOSALS_FILE), draft_file(drafts))
    _replace(path, page)
    return {
        "charts": len(context["charts"]),
        "findings": len(context["overview"]["findings"]),
        "proposals": len(drafts),
    }


def _replace(path: Path, text: str) -> None:
    temporary = temporary_file(path)
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


def gather(published: Published) -> dict[str, Any]:
    """Everything that the page shows."""
    segments = facts.segments(published)
    for row in segments:
        row["label"] = short(f"{row['segment_id']} {row['name_en']}", LABEL)
        zh = row["name_zh"]
        cut = zh if len(zh) <= LABEL_ZH else f"{zh[: LABEL_ZH - 1]}…"
        row["label_zh"] = f"{row['segment_id']} {cut}"
    tags = published.tags()
    counts = published.counts_by_segment(list(tags.values()))
    told = facts.tags_of_segments(tags, counts, segments)
    for row in segments:
        row["tags"] = told.get(row["segment_id"], [])
        row["use"] = advice.suggested_use(row, row["tags"])
    overview = facts.overview(published)
    labels = facts.feature_labels(published)
    for finding in overview["findings"]:
        finding["en"], finding["zh"] = subject_name(finding["subject"], tags, labels, segments)
    backtests = published.newest("validation.backtest", "test, horizon_months, metric")
    for row in backtests:
        row["en"], row["zh"] = test_name(row, tags)
    return {
        "as_of": published.as_of,
        "overview": overview,
        "first": _first(overview["findings"]),
        "segments": segments,
        "decision": next(iter(published.newest("clusters.cluster_decision", "as_of")), None),
        "colours": segment_colours(segments),
        "matrix": facts.matrix(tags, counts, segments),
        "charts": _charts(published, segments),
        "left_out": None if can_draw() else left_out(),
        "backtests": [row for row in backtests if row["metric"] == "auc"],
        "measures": [row for row in backtests if row["metric"] != "auc"],
        "proposals": facts.proposals(published),
        "migration": published.newest("validation.migration", "ALL"),
        "quality": facts.quality(published),
        "dictionary": facts.dictionary(published),
        "tags": tags,
    }


def _charts(published: Published, segments: list[Row]) -> dict[str, Markup]:
    """The charts as SVG by name; none where the extra that draws them is not installed."""
    if not can_draw():
        return {}
    # Imported late: what draws takes most of a second to load.
    from altair.utils.schemapi import debug_mode

    from portrait_assets.stages.mart.pictures import pictures

    # Every chart is drawn by a test; checking each against the schema again takes seconds.
    with debug_mode(False):
        return {name: Markup(svg) for name, svg in pictures(published, segments).items()}


def _first(findings: list[Row]) -> list[Row]:
    """What to look at first: the failures and then the warnings, each thing once."""
    found: dict[str, Row] = {}
    for verdict in ("fail", "warn"):
        for finding in findings:
            if finding["verdict"] == verdict:
                found.setdefault(finding["subject"], finding)
    return list(found.values())[:MOST_FIRST]


def subject_name(
    subject: str,
    tags: Mapping[str, TagName],
    labels: Mapping[str, tuple[str, str, str]],
    segments: Sequence[Row],
) -> tuple[str, str]:
    """What a finding is about, in words: its tag and outcome, or its feature, where it has one."""
    kind, _, name = subject.partition(" ")
    code, _, outcome = subject.partition(" / ")
    if outcome:
        return test_name({"tag_code": code, "outcome": outcome}, tags)
    for prefix, known in (
        (("tag", "标签"), subject),
        (("tag", "标签"), name if kind == "tag" else ""),
    ):
        if known in tags:
            return f"{prefix[0]} {tags[known].en}", f"{prefix[1]} {tags[known].zh}"
    feature = name if kind == "feature" else subject
    if feature in labels:
        return f"feature {labels[feature][0]}", f"特征 {labels[feature][1]}"
    segment = next(
        (row for row in segments if f"{row['segment_id']} {row['name_en']}" == subject), None
    )
    if segment is not None:
        return f"segment {subject}", f"客群 {segment['segment_id']} {segment['name_zh']}"
    return words.SUBJECTS.get(subject, (subject, subject))


# -- what the templates use ----------------------------------------------------------------


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("portrait_assets.stages.mart"),
        autoescape=select_autoescape(),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": number,
        "percent": percent,
        "slug": slug,
        "both": both,
        "heat": heat,
        "signed": signed,
    }
    environment.globals |= {
        "t": t,
        "words": words,
        "font": base64.b64encode(FONT_FILE.read_bytes()).decode(),
    }
    return environment


def t(en: object, zh: object) -> Markup:
    """The text in both languages, of which the page shows one."""
    return Markup('<span class="en">{}</span><span class="zh" lang="zh">{}</span>').format(en, zh)


def both(key: str, table: Mapping[str, tuple[str, str] | str]) -> Markup:
    """What the table calls the key, in both languages; the key itself where it has no name."""
    named = table.get(key, key)
    return t(key, named) if isinstance(named, str) else t(*named)


def number(value: object, digits: int = 0) -> str:
    """The number with thousands separated; a dash where there is none."""
    return NO_VALUE if value is None else f"{float(str(value)):,.{digits}f}"


def percent(value: object, digits: int = 1) -> str:
    """The share as a percentage; a dash where there is none."""
    return NO_VALUE if value is None else f"{float(str(value)):.{digits}%}"


def signed(value: float) -> str:
    """The number with its sign, to a tenth; what rounds to nothing has none."""
    text = f"{value:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", "−")


def slug(row: Row) -> str:
    """The name under which a finding can be linked to."""
    text = f"{row['area']}-{row['subject']}-{row['metric']}".lower()
    return "f-" + re.sub(r"[^a-z0-9]+", "-", text).strip("-")


def heat(value: float | None, middle: float = 0.0, most: float = 1.0) -> str:
    """The colour of a cell, blue below and orange above the middle, and its text's."""
    if value is None:
        return "background:#f3f5f7;color:#7d8793"
    share = max(-1.0, min(1.0, (value - middle) / most))
    full = (198, 93, 33) if share > 0 else (38, 95, 143)
    strength = abs(share) ** 0.8
    red, green, blue = (round(255 + (end - 255) * strength) for end in full)
    ink = "#fff" if strength > 0.62 else "#1f2a37"
    return f"background:rgb({red},{green},{blue});color:{ink}"
