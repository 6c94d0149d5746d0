"""The validation stage: drift, migration and backtests, and the findings of each month."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from portrait_assets.storage.dagster.room import Context, Pace, Room, declared

if TYPE_CHECKING:
    import dagster as dg


def _steps(context: Context) -> Sequence[dg.AssetsDefinition]:
    from portrait_assets.stages.tags.catalogue.load import source_catalogue
    from portrait_assets.stages.tags.catalogue.quasi_identifiers import source_quasi_identifiers
    from portrait_assets.stages.validation.assets import validation_assets

    catalogue = context.folder.read(source_catalogue)
    quasi = context.folder.read(source_quasi_identifiers, catalogue)
    return validation_assets(catalogue, quasi, context.partitions)


ROOM = Room(
    "validation",
    tables=declared("portrait_assets.stages.validation.assets:TABLES"),
    steps=_steps,
    checks=declared("portrait_assets.stages.validation.checks:CHECKS"),
    pace=Pace(2.0, 0.35, 4.6),
)
