"""Pictures as metadata of an asset, which Dagster's UI shows."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from importlib import import_module

import dagster as dg

from portrait_assets.methods.drawing.available import can_draw, left_out


def picture_metadata(draws: str, *of: object) -> dict[str, dg.MetadataValue]:
    """The PNG pictures by name, or the sentence in their place where nothing can draw them.

    Args:
        draws: the function that gives them by name, as `package.module:name`. It is imported only
            where it draws: what it draws with takes most of a second to load.
        of: its arguments.
    """
    if not can_draw():
        return {"pictures": dg.MetadataValue.text(left_out()[0])}
    module, _, function = draws.partition(":")
    drawn: Mapping[str, bytes] = getattr(import_module(module), function)(*of)
    return {
        name: dg.MetadataValue.md(
            f"![{name}](data:image/png;base64,{base64.b64encode(png).decode('ascii')})"
        )
        for name, png in drawn.items()
    }
