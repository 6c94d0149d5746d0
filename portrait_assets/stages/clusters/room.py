"""The clusters room: the active model, and who is in which segment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from portrait_assets.storage.dagster.room import Context, Pace, Room, declared

if TYPE_CHECKING:
    import dagster as dg


def _steps(context: Context) -> Sequence[dg.AssetsDefinition]:
    from portrait_assets.privacy.cells import smallest_cell
    from portrait_assets.stages.clusters.assets import clusters_assets
    from portrait_assets.stages.raw.source import load_source

    is_public = context.folder.read(load_source).definition.public
    smallest = smallest_cell(context.settings, is_public)
    return clusters_assets(context.folder.path, context.partitions, smallest)


ROOM = Room(
    "clusters",
    tables=declared("portrait_assets.stages.clusters.assets:TABLES"),
    steps=_steps,
    checks=declared("portrait_assets.stages.clusters.checks:CHECKS"),
    commands=("portrait_assets.app.cli.rooms.clusters",),
    pace=Pace(1.0, 0.35, 2.0),
)
