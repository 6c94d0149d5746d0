"""Charts as PNG for Dagster's UI: drawn by vl-convert, so that no browser is needed."""

from __future__ import annotations

from portrait_assets.methods.drawing.available import can_draw
from portrait_assets.methods.drawing.svg import FONT_FAMILY, register_font

if can_draw():
    # The extra `pictures`: what only reads these modules does without.
    import altair as alt
    import vl_convert

SCALE = 2.0


def png(chart: alt.TopLevelMixin) -> bytes:
    """The chart as a picture."""
    register_font()
    styled = chart.configure(font=FONT_FAMILY)
    drawn: bytes = vl_convert.vegalite_to_png(styled.to_json(), scale=SCALE)
    return drawn
