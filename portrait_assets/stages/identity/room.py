"""The identity room: which records are of one person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from portrait_assets.storage.dagster.room import Context, Pace, Room

if TYPE_CHECKING:
    import dagster as dg

    from portrait_assets.schema.table import Table
    from portrait_assets.storage.duckdb.publishing import View


def _tables(_context: Context) -> Sequence[Table]:
    from portrait_assets.stages.identity.assets import TABLES

    return TABLES


def _steps(context: Context) -> Sequence[dg.AssetsDefinition]:
    from portrait_assets.stages.identity.assets import identity_assets
    from portrait_assets.stages.raw.source import load_source

    return identity_assets(context.folder.read(load_source), context.partitions)


def _views(_context: Context) -> Sequence[View]:
    from portrait_assets.stages.identity.views import CURRENT_CUSTOMER_VIEW

    return (CURRENT_CUSTOMER_VIEW,)


ROOM = Room(
    "identity",
    tables=_tables,
    steps=_steps,
    views=_views,
    commands=("portrait_assets.app.cli.rooms.identity",),
    pace=Pace(0.9, 0.03, 1.8),
)
