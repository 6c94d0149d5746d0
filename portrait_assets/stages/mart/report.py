"""The report on the newest complete month, as one HTML file that needs no network."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb
from jinja2 import ChoiceLoader, Environment, PackageLoader, select_autoescape
from markupsafe import Markup

from portrait_assets.core.cells import SMALLEST_CELL
from portrait_assets.core.files import replace_files, written_beside
from portrait_assets.methods.drawing.available import can_draw, left_out
from portrait_assets.methods.drawing.font import FONT_FILE
from portrait_assets.stages.cleaned.accounting.completeness import COMPLETENESS
from portrait_assets.stages.mart import words
from portrait_assets.stages.mart.findings import findings
from portrait_assets.stages.mart.reading import tags
from portrait_assets.stages.mart.room import ROOM
from portrait_assets.stages.mart.sections.backtests import proposals
from portrait_assets.stages.mart.segments.profiles import segments
from portrait_assets.stages.raw.definition import Title
from portrait_assets.stages.validation.proposals.drafts import draft_file
from portrait_assets.storage.published import Published, Row, Section

REPORT_FILE = Path("report") / "index.html"
PROPOSALS_FILE = "tag_proposals.yaml"
NEWEST_MONTH = "newest_month"
THREADS = 2
NO_VALUE = "–"


@dataclass(frozen=True)
class RenderedSection:
    """A section as HTML, with the number of its charts."""

    key: str
    en: str
    zh: str
    html: Markup
    charts: int


def write_report(
    portrait_file: Path,
    title: Title,
    path: Path,
    currency: str | None = None,
    sections: Sequence[Section] | None = None,
    smallest: int = SMALLEST_CELL,
    before: Callable[[Path], object] = lambda whole: None,
) -> dict[str, int]:
    """Write the report on a published file's newest complete month; it appears whole or not at all.

    Beside it goes a file with the drafts of the tag versions that it proposes.

    Args:
        portrait_file: the published file; only read.
        title: of the source.
        path: where the report goes.
        currency: ISO code of amounts, where the source has one.
        sections: what the report consists of, in order; those of the mart by default.
        smallest: fewest customers of what is listed by itself.
        before: called with the whole report before it has its name; an error leaves the old one.

    Returns:
        The numbers of charts drawn, findings listed and versions proposed, by name.
    """
    opened = duckdb.connect(str(portrait_file), read_only=True, config={"threads": THREADS})
    with opened as con, _drawing():
        published = Published(con, NEWEST_MONTH, smallest)
        rendered = [
            _rendered(section, published, currency) for section in sections or ROOM.report()
        ]
        charts = sum(section.charts for section in rendered)
        page = (
            page_environment()
            .get_template("report.html")
            .render(title=title, sections=rendered, charts=charts, **_head(published))
        )
        drafts = [row["draft"] for row in published.of(proposals)]
        listed = len(published.of(findings))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = written_beside(path)
    try:
        temporary.write_text(page, encoding="utf-8")
        before(temporary)
        replace_files({path.with_name(PROPOSALS_FILE): draft_file(drafts).encode()})
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return {"charts": charts, "findings": listed, "proposals": len(drafts)}


def _drawing() -> AbstractContextManager[object]:
    """Draws without checking each chart against the schema: a test does, and it takes seconds."""
    if not can_draw():
        return nullcontext()
    from altair.utils.schemapi import debug_mode

    return debug_mode(False)


def _rendered(section: Section, published: Published, currency: str | None) -> RenderedSection:
    shown = dict(section.show(published))
    draw = shown.pop("charts", dict)
    charts = {name: Markup(svg) for name, svg in (draw() if can_draw() else {}).items()}
    template = page_environment().from_string(section.template.read_text(encoding="utf-8"))
    shown |= {"currency": currency or "", "left_out": None if can_draw() else left_out()}
    html = Markup(template.render(charts=charts, **shown))
    return RenderedSection(section.key, section.en, section.zh, html, len(charts))


def _head(published: Published) -> dict[str, object]:
    """What the page shows above and below the sections."""
    return {
        "as_of": published.as_of,
        "late": published.of(late_months),
        "publication": next(
            iter(published.rows("mart.publication", "SELECT * FROM {table}")), None
        ),
        "customers": published.rows(
            "tags.portrait_matrix",
            "SELECT as_of, count(*) AS customers FROM {table} WHERE as_of <= ? "
            "AND profiling_allowed IS NOT FALSE GROUP BY 1 ORDER BY 1",
            [published.as_of],
        ),
        "segments": len(published.of(segments)),
        "tags": len(published.of(tags)),
    }


def late_months(published: Published) -> list[Row]:
    """What is late or incomplete of the months after the one reported on."""
    if published.as_of is None:
        return []
    return published.rows(
        COMPLETENESS.full_name,
        "SELECT * FROM {table} WHERE NOT is_complete AND month > ? ORDER BY month, table_name",
        [f"{published.as_of:%Y-%m}"],
    )


# -- what the templates use ----------------------------------------------------------------


@cache
def page_environment(*packages: str) -> Environment:
    """What pages are rendered by: templates of these packages and then the mart's, and filters."""
    loaders = [PackageLoader(each) for each in (*packages, "portrait_assets.stages.mart")]
    environment = Environment(
        loader=ChoiceLoader(loaders),
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
    """The name of the key in the table, in both languages; the key itself where it has none."""
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
