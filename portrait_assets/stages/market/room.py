"""The market stage: what is in demand, what changed and for whom, competitors, product design."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from portrait_assets.stages.raw.room import smallest_published
from portrait_assets.storage.dagster.room import Context, Pace, Room, declared

if TYPE_CHECKING:
    import dagster as dg

    from portrait_assets.schema.table import Table
    from portrait_assets.storage.dagster.checks import TableCheck


def _steps(context: Context) -> Sequence[dg.AssetsDefinition]:
    from portrait_assets.stages.market.assets import market_assets

    return market_assets(context.partitions, smallest_published(context))


def _checks(context: Context) -> Mapping[Table, Sequence[TableCheck]]:
    from portrait_assets.stages.market.checks import market_checks

    return market_checks(smallest_published(context))


ROOM = Room(
    "market",
    tables=declared("portrait_assets.stages.market.assets:TABLES"),
    steps=_steps,
    checks=_checks,
    pace=Pace(1.0, 0.5, 3.8),
)
