"""The targets stage: what customers did after a month's end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from portrait_assets.storage.dagster.room import Context, Pace, Room

if TYPE_CHECKING:
    import dagster as dg

    from portrait_assets.schema.table import Table
    from portrait_assets.storage.dagster.checks import TableCheck


def _tables(_context: Context) -> Sequence[Table]:
    from portrait_assets.stages.targets.assets import TABLES

    return TABLES


def _steps(context: Context) -> Sequence[dg.AssetsDefinition]:
    from portrait_assets.stages.targets.assets import targets_assets

    return targets_assets(context.partitions)


def _checks(_context: Context) -> Mapping[Table, Sequence[TableCheck]]:
    from portrait_assets.stages.targets.checks import CHECKS

    return CHECKS


ROOM = Room(
    "targets",
    tables=_tables,
    steps=_steps,
    checks=_checks,
    pace=Pace(1.0, 0.7, 2.6),
)
