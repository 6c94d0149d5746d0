"""The consent room: what may be done with what is known of each customer, as of a month's end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from portrait_assets.storage.dagster.room import Context, Pace, Room, declared

if TYPE_CHECKING:
    import dagster as dg


def _steps(context: Context) -> Sequence[dg.AssetsDefinition]:
    from portrait_assets.stages.consent.assets import consent_assets
    from portrait_assets.stages.raw.source import load_source

    return consent_assets(context.folder.read(load_source), context.partitions)


ROOM = Room(
    "consent",
    tables=declared("portrait_assets.stages.consent.assets:TABLES"),
    steps=_steps,
    pace=Pace(0.2, 0.05, 0.2),
)
