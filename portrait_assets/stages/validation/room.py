"""The validation stage: drift, migration, backtests, fairness, and each month's findings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from portrait_assets.stages.raw.room import smallest_stored
from portrait_assets.stages.tags.room import catalogue_of
from portrait_assets.storage.dagster.room import Context, Pace, Room, declared

if TYPE_CHECKING:
    import dagster as dg


def _steps(context: Context) -> Sequence[dg.AssetsDefinition]:
    from portrait_assets.stages.tags.audiences.saved_audiences import source_audiences
    from portrait_assets.stages.tags.catalogue.classes.quasi_identifiers import (
        source_quasi_identifiers,
    )
    from portrait_assets.stages.validation.assets import READ, validation_assets

    catalogue = catalogue_of(context)
    quasi = context.folder.read(source_quasi_identifiers, catalogue)
    audiences = context.folder.read(source_audiences, catalogue)
    read_of = {each.table.schema for each in READ}
    before = context.rooms[: context.rooms.index(ROOM)]
    counted = [
        table for room in before if room.name not in read_of for table in room.tables(context)
    ]
    smallest = smallest_stored(context)
    return validation_assets(catalogue, quasi, audiences, context.partitions, smallest, counted)


ROOM = Room(
    "validation",
    tables=declared("portrait_assets.stages.validation.assets:TABLES"),
    steps=_steps,
    checks=declared("portrait_assets.stages.validation.checks:CHECKS"),
    pace=Pace(2.0, 0.35, 4.6),
)
