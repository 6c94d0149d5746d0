"""The raw room: the source's rows as they come, placed in their months."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from portrait_assets.core.cells import SMALLEST_CELL
from portrait_assets.storage.dagster.room import Context, Pace, Room, declared

if TYPE_CHECKING:
    import dagster as dg


def _steps(context: Context) -> Sequence[dg.AssetsDefinition]:
    from portrait_assets.privacy.tombstones import read_tombstones
    from portrait_assets.stages.raw.assets import raw_assets
    from portrait_assets.stages.raw.source import load_source

    source, settings = context.folder.read(load_source), context.settings
    return raw_assets(source, context.partitions, lambda: read_tombstones(settings))


def steps_of_source(reference: str) -> Callable[[Context], Sequence[dg.AssetsDefinition]]:
    """Gives the steps that the function under a reference makes of the source and its months."""

    def steps(context: Context) -> Sequence[dg.AssetsDefinition]:
        from portrait_assets.stages.raw.source import load_source

        source = context.folder.read(load_source)
        assets: list[dg.AssetsDefinition] = declared(reference)(context)(source, context.partitions)
        return assets

    return steps


def smallest_published(context: Context) -> int:
    """Fewest customers that what is published of the source may rest on; 1 of a public one."""
    from portrait_assets.privacy.cells import smallest_cell
    from portrait_assets.stages.raw.source import load_source

    return smallest_cell(context.settings, context.folder.read(load_source).definition.public)


def smallest_stored(context: Context) -> int:
    """Fewest customers that a row rests on of what an erasure does not count again.

    No fewer of a public source, nor where fewer are allowed to be published: such a row would be
    about one who is erased.
    """
    from portrait_assets.privacy.cells import CellOfPublic
    from portrait_assets.stages.raw.source import load_source

    smallest = max(context.settings.smallest_group, SMALLEST_CELL)
    is_public = context.folder.read(load_source).definition.public
    return CellOfPublic(SMALLEST_CELL) if is_public else smallest


ROOM = Room(
    "raw",
    tables=declared("portrait_assets.stages.raw.assets:TABLES"),
    steps=_steps,
    checks=declared("portrait_assets.stages.raw.checks:CHECKS"),
    pace=Pace(1.0, 0.0, 0.8),
)
