"""The targets stage: what customers did after a month's end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from portrait_assets.storage.dagster.room import Context, Pace, Room, declared

if TYPE_CHECKING:
    import dagster as dg


def _steps(context: Context) -> Sequence[dg.AssetsDefinition]:
    from portrait_assets.stages.targets.assets import targets_assets

    return targets_assets(context.partitions)


ROOM = Room(
    "targets",
    tables=declared("portrait_assets.stages.targets.assets:TABLES"),
    steps=_steps,
    checks=declared("portrait_assets.stages.targets.checks:CHECKS"),
    pace=Pace(1.0, 0.7, 2.6),
)
