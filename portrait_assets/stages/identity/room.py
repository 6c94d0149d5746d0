"""The identity room: which records are of one person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from portrait_assets.storage.dagster.room import Context, Pace, Room, declared

if TYPE_CHECKING:
    import dagster as dg


def _steps(context: Context) -> Sequence[dg.AssetsDefinition]:
    from portrait_assets.stages.identity.assets import identity_assets
    from portrait_assets.stages.raw.source import load_source

    return identity_assets(context.folder.read(load_source), context.partitions)


ROOM = Room(
    "identity",
    tables=declared("portrait_assets.stages.identity.assets:TABLES"),
    steps=_steps,
    views=declared("portrait_assets.stages.identity.views:VIEWS"),
    commands=("portrait_assets.app.cli.rooms.identity",),
    pace=Pace(0.9, 0.03, 1.8),
)
