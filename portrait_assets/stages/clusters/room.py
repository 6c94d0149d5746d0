"""The clusters room: the active model, and who is in which segment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from portrait_assets.storage.dagster.room import Context, Pace, Room

if TYPE_CHECKING:
    import dagster as dg

    from portrait_assets.schema.table import Table
    from portrait_assets.storage.dagster.checks import TableCheck


def _tables(_context: Context) -> Sequence[Table]:
    from portrait_assets.stages.clusters.assets import TABLES

    return TABLES


def _steps(context: Context) -> Sequence[dg.AssetsDefinition]:
    from portrait_assets.stages.clusters.assets import clusters_assets

    return clusters_assets(context.folder.path, context.partitions)


def _checks(_context: Context) -> Mapping[Table, Sequence[TableCheck]]:
    from portrait_assets.stages.clusters.checks import CHECKS

    return CHECKS


ROOM = Room(
    "clusters",
    tables=_tables,
    steps=_steps,
    checks=_checks,
    commands=("portrait_assets.app.cli.rooms.clusters",),
    pace=Pace(1.0, 0.35, 2.0),
)
