"""The validation stage: drift, migration and backtests, and the findings of each month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from portrait_assets.storage.dagster.room import Context, Pace, Room

if TYPE_CHECKING:
    import dagster as dg

    from portrait_assets.schema.table import Table
    from portrait_assets.storage.dagster.checks import TableCheck


def _tables(_context: Context) -> Sequence[Table]:
    from portrait_assets.stages.validation.assets import TABLES

    return TABLES


def _steps(context: Context) -> Sequence[dg.AssetsDefinition]:
    from portrait_assets.stages.tags.catalogue.load import source_catalogue
    from portrait_assets.stages.validation.assets import validation_assets

    return validation_assets(context.folder.read(source_catalogue), context.partitions)


def _checks(_context: Context) -> Mapping[Table, Sequence[TableCheck]]:
    from portrait_assets.stages.validation.checks import CHECKS

    return CHECKS


ROOM = Room(
    "validation",
    tables=_tables,
    steps=_steps,
    checks=_checks,
    pace=Pace(2.0, 0.35, 4.6),
)
