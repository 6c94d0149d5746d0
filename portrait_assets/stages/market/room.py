"""The market stage: what is in demand, what changed and for whom, competitors, product design."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from portrait_assets.storage.dagster.room import Context, Pace, Room, declared

if TYPE_CHECKING:
    import dagster as dg


def _steps(context: Context) -> Sequence[dg.AssetsDefinition]:
    from portrait_assets.privacy.cells import smallest_cell
    from portrait_assets.stages.market.assets import market_assets
    from portrait_assets.stages.raw.source import load_source

    is_public = context.folder.read(load_source).definition.public
    return market_assets(context.partitions, smallest_cell(context.settings, is_public))


ROOM = Room(
    "market",
    tables=declared("portrait_assets.stages.market.assets:TABLES"),
    steps=_steps,
    pace=Pace(1.0, 0.5, 5.0),
)
