"""The cleaned room: typed tables by customer, and what was set aside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from portrait_assets.storage.dagster.room import Context, Pace, Room

if TYPE_CHECKING:
    import dagster as dg

    from portrait_assets.schema.table import Table
    from portrait_assets.storage.dagster.checks import TableCheck
    from portrait_assets.storage.duckdb.publishing import View


def _tables(_context: Context) -> Sequence[Table]:
    from portrait_assets.stages.cleaned.assets import TABLES

    return TABLES


def _steps(context: Context) -> Sequence[dg.AssetsDefinition]:
    from portrait_assets.stages.cleaned.assets import cleaned_assets
    from portrait_assets.stages.raw.source import load_source

    return cleaned_assets(context.folder.read(load_source), context.partitions)


def _checks(_context: Context) -> Mapping[Table, Sequence[TableCheck]]:
    from portrait_assets.stages.cleaned.checks import CHECKS

    return CHECKS


def _views(_context: Context) -> Sequence[View]:
    from portrait_assets.stages.cleaned.views import FORMER_NAMES

    return FORMER_NAMES


ROOM = Room(
    "cleaned",
    tables=_tables,
    steps=_steps,
    checks=_checks,
    views=_views,
    pace=Pace(0.7, 0.07, 3.9),
)
