"""The clusters room: the active model, and who is in which segment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from portrait_assets.stages.raw.room import smallest_stored
from portrait_assets.storage.dagster.room import Context, Pace, Room, declared

if TYPE_CHECKING:
    import dagster as dg

    from portrait_assets.schema.table import Table


def _steps(context: Context) -> Sequence[dg.AssetsDefinition]:
    from portrait_assets.stages.clusters.assets import clusters_assets
    from portrait_assets.stages.clusters.micro.assets import micro_assets
    from portrait_assets.stages.clusters.micro.run import OUTCOMES
    from portrait_assets.stages.clusters.wealth.assets import wealth_assets
    from portrait_assets.stages.raw.source import load_source
    from portrait_assets.stages.targets.declared.outcomes import source_targets

    asked = context.folder.read(load_source).definition.wealth_segments
    smallest = smallest_stored(context)
    targets = context.folder.read(source_targets).derived
    outcomes = [targets[code] for code in OUTCOMES if code in targets]
    return [
        *clusters_assets(context.folder.path, context.partitions, smallest),
        *wealth_assets(context.partitions, asked, smallest),
        *micro_assets(context.partitions, outcomes, smallest),
    ]


def _tables(_context: Context) -> Sequence[Table]:
    from portrait_assets.stages.clusters.assets import TABLES
    from portrait_assets.stages.clusters.micro.contract import TABLES as MICRO
    from portrait_assets.stages.clusters.wealth.contract import TABLES as WEALTH

    return (*TABLES, *WEALTH, *MICRO)


ROOM = Room(
    "clusters",
    tables=_tables,
    steps=_steps,
    checks=declared("portrait_assets.stages.clusters.checks:CHECKS"),
    commands=("portrait_assets.app.cli.rooms.clusters",),
    pace=Pace(1.0, 0.35, 2.0),
)
