"""Charts as PNG for Dagster's UI: drawn by vl-convert, so that no browser is needed."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from portrait_assets.methods.drawing.available import can_draw
from portrait_assets.methods.drawing.font import FONT_FILE
from portrait_assets.methods.drawing.svg import FONT_FAMILY

if can_draw():
    # The extra `pictures`: what only reads these modules does without.
    import altair as alt
    import vl_convert

SCALE = 2.0


@cache
def _register(folder: Path) -> None:
    vl_convert.register_font_directory(str(folder))


def png(chart: alt.TopLevelMixin, font_file: str | Path | None = FONT_FILE) -> bytes:
    """The chart as a picture; without a font Chinese texts are boxes.

    Raises:
        FileNotFoundError: when there is no such font file.
    """
    if font_file is not None:
        path = Path(font_file)
        if not path.is_file():
            raise FileNotFoundError(f"there is no font file {path}")
        _register(path.parent)
        chart = chart.configure(font=FONT_FAMILY)
    drawn: bytes = vl_convert.vegalite_to_png(chart.to_json(), scale=SCALE)
    return drawn
