"""The predictions stage: what customers will probably do, and how well that came true."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from portrait_assets.stages.raw.room import smallest_stored
from portrait_assets.storage.dagster.room import Context, Pace, Room, declared

if TYPE_CHECKING:
    import dagster as dg

    from portrait_assets.schema.table import Table
    from portrait_assets.storage.dagster.checks import TableCheck


def _steps(context: Context) -> Sequence[dg.AssetsDefinition]:
    from portrait_assets.stages.predictions.assets import predictions_assets
    from portrait_assets.stages.predictions.credit.assets import credit_assets
    from portrait_assets.stages.predictions.governance.approvals import source_decisions
    from portrait_assets.stages.predictions.lifecycle.assets import lifecycle_assets
    from portrait_assets.stages.predictions.value.assets import value_assets
    from portrait_assets.stages.predictions.value.contracts.assets import contract_assets
    from portrait_assets.stages.raw.source import load_source
    from portrait_assets.stages.targets.declared.outcomes import source_targets

    currency = context.folder.read(load_source).definition.currency
    targets = context.folder.read(source_targets)
    smallest = smallest_stored(context)
    approvals = context.folder.read(source_decisions)
    return [
        *predictions_assets(targets, approvals, context.partitions, smallest),
        *credit_assets(targets, approvals, context.partitions, smallest),
        *lifecycle_assets(targets, context.partitions, smallest),
        *value_assets(context.partitions, currency),
        *contract_assets(context.partitions, currency),
    ]


_PARTS = ("", ".credit", ".lifecycle", ".value", ".value.contracts")
"""The folders of the stage that have tables and checks of their own."""


def _of_each_part(context: Context, name: str) -> Iterator[Any]:
    for part in _PARTS:
        yield declared(f"portrait_assets.stages.predictions{part}.{name}")(context)


def _tables(context: Context) -> Sequence[Table]:
    return [table for tables in _of_each_part(context, "assets:TABLES") for table in tables]


def _checks(context: Context) -> Mapping[Table, Sequence[TableCheck]]:
    checks = _of_each_part(context, "checks:CHECKS")
    return {table: own for of_part in checks for table, own in of_part.items()}


ROOM = Room(
    "predictions",
    tables=_tables,
    steps=_steps,
    checks=_checks,
    commands=("portrait_assets.app.cli.rooms.predictions",),
    pace=Pace(1.0, 1.0, 25.0),
)
