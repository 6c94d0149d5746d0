"""The targets stage: what customers did after a month's end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from portrait_assets.storage.dagster.room import Context, Pace, Room, declared

if TYPE_CHECKING:
    import dagster as dg

    from portrait_assets.schema.table import Table
    from portrait_assets.stages.targets.declared.outcomes import Targets
    from portrait_assets.storage.dagster.checks import TableCheck


def _targets(context: Context) -> Targets:
    from portrait_assets.stages.targets.declared.outcomes import source_targets

    return context.folder.read(source_targets)


def _steps(context: Context) -> Sequence[dg.AssetsDefinition]:
    from portrait_assets.stages.targets.assets import targets_assets

    return targets_assets(_targets(context), context.partitions)


def _checks(context: Context) -> Mapping[Table, Sequence[TableCheck]]:
    from portrait_assets.stages.targets.checks import targets_checks

    return targets_checks(_targets(context))


ROOM = Room(
    "targets",
    tables=declared("portrait_assets.stages.targets.assets:TABLES"),
    steps=_steps,
    checks=_checks,
    pace=Pace(1.0, 0.7, 4.5),
)
