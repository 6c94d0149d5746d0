"""The offers room: what suits each customer by rule, and what of it to offer next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from portrait_assets.storage.dagster.room import Context, Pace, Room

if TYPE_CHECKING:
    import dagster as dg

    from portrait_assets.schema.table import Table
    from portrait_assets.storage.dagster.checks import TableCheck


def _tables(_context: Context) -> Sequence[Table]:
    return ()


def _steps(_context: Context) -> Sequence[dg.AssetsDefinition]:
    return []


def _checks(_context: Context) -> Mapping[Table, Sequence[TableCheck]]:
    return {}


ROOM = Room(
    "offers",
    tables=_tables,
    steps=_steps,
    checks=_checks,
    pace=Pace(1.0, 0.35, 5.0),
)
