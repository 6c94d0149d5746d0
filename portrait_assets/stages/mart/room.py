"""The mart: the published file and the report, made from what all other rooms have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from portrait_assets.storage.dagster.room import Context, Pace, Room

if TYPE_CHECKING:
    import dagster as dg


def _steps(context: Context) -> Sequence[dg.AssetsDefinition]:
    from portrait_assets.stages.mart.assets import mart_assets

    return mart_assets(context)


ROOM = Room("mart", steps=_steps, pace=Pace(3.0, 0.15, 4.4))
