"""Pictures as metadata of an asset, which Dagster's UI shows."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping

import dagster as dg

from portrait_assets.methods.drawing.available import can_draw, left_out


def picture_metadata(draw: Callable[[], Mapping[str, bytes]]) -> dict[str, dg.MetadataValue]:
    """The PNG pictures by name, or the sentence in their place where nothing can draw them.

    Args:
        draw: draws them; not called where nothing can draw.
    """
    if not can_draw():
        return {"pictures": dg.MetadataValue.text(left_out()[0])}
    return {
        name: dg.MetadataValue.md(
            f"![{name}](data:image/png;base64,{base64.b64encode(png).decode('ascii')})"
        )
        for name, png in draw().items()
    }
