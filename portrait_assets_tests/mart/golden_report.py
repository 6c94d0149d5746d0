"""The golden file of the report on the small file: its words, and what its charts are drawn from.

    python -m portrait_assets_tests.mart.golden_report

writes it. It shows that the page has changed, not that it is right: for that there are the values
that other tests of this folder compute from the rows.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import vl_convert

from portrait_assets.stages.mart.report import RenderedSection
from portrait_assets.testing.golden.file import FOLDER, read, write

GOLDEN_FILE = FOLDER / "report.json"
COMMAND = "python -m portrait_assets_tests.mart.golden_report"
OF_THE_CONTRACTS = ("dictionary",)
"""Sections that say what the contracts say, which the published schema is held to."""
DIGITS = 6

Lines = dict[str, Any]
"""By section and language its words; by chart and layer what it is drawn from."""


@dataclass
class Drawn:
    """What was given to be drawn, chart by chart, in the order of drawing."""

    specs: list[dict[str, Any]] = field(default_factory=list)

    def lines(self) -> Lines:
        """A line for each layer of each chart: mark, encoding and rows, without the style."""
        return {
            f"chart {number:02} {part}": line
            for number, spec in enumerate(self.specs)
            for part, line in _of_chart(spec)
        }


@contextmanager
def noted() -> Iterator[Drawn]:
    """Notes what is given to be drawn meanwhile, which is drawn as ever."""
    drawn = Drawn()
    draw = vl_convert.vegalite_to_svg

    def note(spec: dict[str, Any]) -> str:
        drawn.specs.append(spec)
        drawing: str = draw(spec)
        return drawing

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vl_convert, "vegalite_to_svg", note)
        yield drawn


def _of_chart(spec: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "size", [spec["width"], spec["height"]]
    for number, layer in enumerate(_layers(spec)):
        rows = spec["datasets"][layer["data"]["name"]]
        yield (
            f"layer {number}",
            [layer["mark"], layer.get("encoding"), sorted({key for row in rows for key in row})]
            + [[_rounded(value) for _, value in sorted(row.items())] for row in rows],
        )


def _layers(spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The layers within layers; rows given for several stand outside of them."""
    if "layer" not in spec:
        yield spec
    for layer in spec.get("layer", ()):
        yield from _layers({"data": spec.get("data")} | layer)


def _rounded(value: object) -> object:
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def words(name: str, body: str) -> Lines:
    """What readers of each language see of the HTML of a section, with colours and anchors."""
    return {
        f"{name} {language}": _plain(re.sub(rf'<span class="{other}"[^>]*>[^<]*</span>', "", body))
        for language, other in (("en", "zh"), ("zh", "en"))
    }


def _plain(body: str) -> str:
    # A chart is what its label says; what it is drawn from stands in its own lines.
    chart = r'<svg [^>]*?aria-label="([^"]*)".*?</svg>'
    without = re.sub(chart, r" {\1} ", body, flags=re.DOTALL)
    kept = re.sub(r'<[^>]*?\b(?:style|id)="([^"]*)"[^>]*>', r" {\1} ", without)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", kept)).split())


def of_page(page: str, drawn: Drawn) -> Lines:
    """The lines of a whole page."""
    found = _named("page", drawn.lines())
    for name, body in re.findall(r'<section id="(\w+)">(.*?)</section>', page, re.DOTALL):
        if name not in OF_THE_CONTRACTS:
            found |= _named("page", words(name, body))
    return found


def of_section(section: RenderedSection, drawn: Drawn) -> Lines:
    """The lines of one section that is rendered alone."""
    return _named(section.key, drawn.lines() | words("words", str(section.html)))


def _named(what: str, lines: Lines) -> Lines:
    return {f"{what}: {name}": line for name, line in lines.items()}


def golden(what: str) -> Lines:
    """The lines of the golden file of the page, or of the section of that name."""
    return {name: line for name, line in read(GOLDEN_FILE).items() if name.startswith(f"{what}: ")}


def _now() -> Lines:
    # They compare with what this module writes.
    from portrait_assets_tests.mart import test_templates
    from portrait_assets_tests.mart.sections import test_market
    from portrait_assets_tests.mart.small_file import write_small_file

    with TemporaryDirectory() as folder, noted() as drawn:
        page = test_templates.write(write_small_file(Path(folder)), Path(folder))
    return of_page(page, drawn) | of_section(*test_market.section())


if __name__ == "__main__":
    write(_now(), GOLDEN_FILE)
    print(GOLDEN_FILE)
