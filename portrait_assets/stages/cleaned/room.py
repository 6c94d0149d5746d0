"""The cleaned room: typed tables by customer, and what was set aside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from portrait_assets.storage.dagster.room import Context, Pace, Room, declared

if TYPE_CHECKING:
    import dagster as dg


def _steps(context: Context) -> Sequence[dg.AssetsDefinition]:
    from portrait_assets.stages.cleaned.assets import cleaned_assets
    from portrait_assets.stages.raw.source import load_source

    return cleaned_assets(context.folder.read(load_source), context.partitions)


ROOM = Room(
    "cleaned",
    tables=declared("portrait_assets.stages.cleaned.assets:TABLES"),
    steps=_steps,
    checks=declared("portrait_assets.stages.cleaned.checks:CHECKS"),
    pace=Pace(0.7, 0.07, 3.9),
)
