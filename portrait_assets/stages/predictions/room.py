"""The predictions stage: what customers will probably do, and how well that came true."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from portrait_assets.storage.dagster.room import Context, Pace, Room, declared

if TYPE_CHECKING:
    import dagster as dg


def _steps(context: Context) -> Sequence[dg.AssetsDefinition]:
    from portrait_assets.privacy.cells import smallest_cell
    from portrait_assets.stages.predictions.assets import predictions_assets
    from portrait_assets.stages.predictions.governance.approvals import source_decisions
    from portrait_assets.stages.raw.source import load_source
    from portrait_assets.stages.targets.outcomes import source_targets

    is_public = context.folder.read(load_source).definition.public
    return predictions_assets(
        context.folder.read(source_targets),
        context.folder.read(source_decisions),
        context.partitions,
        smallest_cell(context.settings, is_public),
    )


ROOM = Room(
    "predictions",
    tables=declared("portrait_assets.stages.predictions.assets:TABLES"),
    steps=_steps,
    checks=declared("portrait_assets.stages.predictions.checks:CHECKS"),
    commands=("portrait_assets.app.cli.rooms.predictions",),
    pace=Pace(1.0, 1.2, 5.0),
)
