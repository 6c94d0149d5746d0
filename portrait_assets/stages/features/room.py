"""The features room: monthly aggregates, and the feature matrix as of each month."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from portrait_assets.storage.dagster.room import Context, Pace, Room, declared

if TYPE_CHECKING:
    import dagster as dg


def _steps(context: Context) -> Sequence[dg.AssetsDefinition]:
    from portrait_assets.stages.features.assets import features_assets

    return features_assets(context.partitions)


ROOM = Room(
    "features",
    tables=declared("portrait_assets.stages.features.assets:TABLES"),
    steps=_steps,
    checks=declared("portrait_assets.stages.features.checks:CHECKS"),
    pace=Pace(1.0, 0.35, 6.3),
)
