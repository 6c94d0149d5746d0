"""Charts as SVG text in two languages: drawn once, with each label in both."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from functools import cache

from portrait_assets.methods.drawing.available import can_draw
from portrait_assets.methods.drawing.font import FONT_FILE

if can_draw():
    # The extra `pictures`: what only reads these modules does without.
    import altair as alt
    import vl_convert

FONT_FAMILY = "Noto Sans CJK SC"
INK, SOFT, LINE = "#1f2a37", "#5b6876", "#dfe4ea"
WIDTH = 460
_TEXT = re.compile(r"(<text\b[^>]*>)([^<]+)(</text>)")

Words = Mapping[str, str]
"""What an English label reads in Chinese."""


@cache
def register_font() -> None:
    """Have charts drawn with the bundled font; without it Chinese texts are boxes."""
    vl_convert.register_font_directory(str(FONT_FILE.parent))


def draw(
    chart: alt.Chart | alt.LayerChart | alt.FacetChart,
    words: Words,
    label: tuple[str, str],
    height: int = 280,
) -> str:
    """The chart as an SVG element as wide as its column, with every known label in both languages.

    Args:
        chart: without size, title or configuration.
        words: the Chinese of its axis titles, categories and legend.
        label: what the chart shows, in English and Chinese, for those who cannot see it.
        height: in pixels at a width of WIDTH.
    """
    register_font()
    sized = chart.properties(
        width=WIDTH, height=height, autosize={"type": "fit", "contains": "padding"}
    ).configure(
        font=FONT_FAMILY,
        background="transparent",
        padding={"left": 2, "right": 6, "top": 6, "bottom": 2},
        view=alt.ViewConfig(stroke=None),
        axis=alt.AxisConfig(
            labelColor=SOFT,
            titleColor=INK,
            labelFontSize=11.5,
            titleFontSize=12,
            titleFontWeight="normal",
            titlePadding=8,
            gridColor=LINE,
            domainColor="#aab4bf",
            tickColor="#aab4bf",
            labelLimit=240,
        ),
        legend=alt.LegendConfig(
            labelColor=INK,
            titleColor=SOFT,
            labelFontSize=11.5,
            titleFontSize=11.5,
            titleFontWeight="normal",
            orient="top",
            labelLimit=220,
            symbolType="square",
            columnPadding=14,
        ),
    )
    # Validating the schema takes longer than drawing; the tests draw every chart.
    svg: str = vl_convert.vegalite_to_svg(sized.to_dict(validate=False))
    return _labelled(_bilingual(svg, words), label)


def _bilingual(svg: str, words: Words) -> str:
    def both(match: re.Match[str]) -> str:
        text = html.unescape(match[2])
        zh = words.get(text)
        if zh is None or zh == text:
            return match[0]
        spans = (
            f'<tspan class="en">{html.escape(text)}</tspan>'
            f'<tspan class="zh">{html.escape(zh)}</tspan>'
        )
        return f"{match[1]}{spans}{match[3]}"

    return _TEXT.sub(both, svg)


def _labelled(svg: str, label: tuple[str, str]) -> str:
    """One image with one label, instead of a hundred marks each with its own."""
    svg = re.sub(r' (aria-[a-z]+|role|aria-roledescription)="[^"]*"', "", svg)
    # Hundredths of a pixel are enough, in paths only: a label keeps its digits.
    svg = re.sub(r"(?<![>\d.])(\d+\.\d{2})\d+", r"\1", svg)
    svg = re.sub(r' width="\d+" height="\d+"', "", svg, count=1)
    name = html.escape(" / ".join(label), quote=True)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{name}" ', 1)
