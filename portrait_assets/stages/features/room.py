"""The features room: monthly aggregates, and the feature matrix as of each month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from portrait_assets.storage.dagster.room import Context, Pace, Room

if TYPE_CHECKING:
    import dagster as dg

    from portrait_assets.schema.table import Table
    from portrait_assets.storage.dagster.checks import TableCheck


def _tables(_context: Context) -> Sequence[Table]:
    from portrait_assets.stages.features.assets import TABLES

    return TABLES


def _steps(context: Context) -> Sequence[dg.AssetsDefinition]:
    from portrait_assets.stages.features.assets import features_assets

    return features_assets(context.partitions)


def _checks(_context: Context) -> Mapping[Table, Sequence[TableCheck]]:
    from portrait_assets.stages.features.checks import CHECKS

    return CHECKS


ROOM = Room(
    "features",
    tables=_tables,
    steps=_steps,
    checks=_checks,
    pace=Pace(1.0, 0.35, 6.3),
)
