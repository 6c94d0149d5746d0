"""The offers stage: affinities, what suits each customer by rule, and what to offer next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from portrait_assets.stages.raw.room import smallest_published, smallest_stored
from portrait_assets.stages.tags.room import catalogue_of
from portrait_assets.storage.dagster.room import Context, Pace, Room, declared

if TYPE_CHECKING:
    import dagster as dg

    from portrait_assets.schema.table import Table
    from portrait_assets.stages.offers.sets.declared import ProductSet
    from portrait_assets.storage.dagster.checks import TableCheck


def _sets(context: Context) -> Sequence[ProductSet]:
    from portrait_assets.stages.offers.sets.declared import source_sets

    return context.folder.read(source_sets, catalogue_of(context))


def _steps(context: Context) -> Sequence[dg.AssetsDefinition]:
    from portrait_assets.stages.offers.assets import offers_assets

    sets, catalogue = _sets(context), catalogue_of(context)
    smallest = smallest_published(context), smallest_stored(context)
    return offers_assets(sets, catalogue, context.partitions, *smallest)


def _checks(context: Context) -> Mapping[Table, Sequence[TableCheck]]:
    from portrait_assets.stages.offers.affinity.checks import affinity_checks
    from portrait_assets.stages.offers.next_product import checks as next_product
    from portrait_assets.stages.offers.sets.checks import sets_checks
    from portrait_assets.stages.offers.suitability import checks as suitability

    return {
        **affinity_checks(smallest_published(context)),
        **suitability.CHECKS,
        **next_product.CHECKS,
        **sets_checks(_sets(context)),
    }


ROOM = Room(
    "offers",
    tables=declared("portrait_assets.stages.offers.assets:TABLES"),
    steps=_steps,
    checks=_checks,
    pace=Pace(1.0, 0.35, 3.0),
)
