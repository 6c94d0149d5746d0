"""The predictions stage: what customers will probably do, and how well that came true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from portrait_assets.stages.raw.room import smallest_stored
from portrait_assets.storage.dagster.room import Context, Pace, Room

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


def _tables(_context: Context) -> Sequence[Table]:
    from portrait_assets.stages.predictions import assets
    from portrait_assets.stages.predictions.credit import assets as credit
    from portrait_assets.stages.predictions.lifecycle import assets as lifecycle
    from portrait_assets.stages.predictions.value import assets as value
    from portrait_assets.stages.predictions.value.contracts import assets as contracts

    return (
        *assets.TABLES,
        *credit.TABLES,
        *lifecycle.TABLES,
        *value.TABLES,
        *contracts.TABLES,
    )


def _checks(_context: Context) -> Mapping[Table, Sequence[TableCheck]]:
    from portrait_assets.stages.predictions import checks
    from portrait_assets.stages.predictions.credit import checks as credit
    from portrait_assets.stages.predictions.lifecycle import checks as lifecycle
    from portrait_assets.stages.predictions.value import checks as value
    from portrait_assets.stages.predictions.value.contracts import checks as contracts

    return {
        **checks.CHECKS,
        **credit.CHECKS,
        **lifecycle.CHECKS,
        **value.CHECKS,
        **contracts.CHECKS,
    }


ROOM = Room(
    "predictions",
    tables=_tables,
    steps=_steps,
    checks=_checks,
    commands=("portrait_assets.app.cli.rooms.predictions",),
    pace=Pace(1.0, 1.0, 25.0),
)
