"""The offers room: what suits each customer by rule, and what of it to offer next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from portrait_assets.storage.dagster.room import Context, Pace, Room, declared

if TYPE_CHECKING:
    import dagster as dg

    from portrait_assets.schema.table import Table
    from portrait_assets.stages.offers.sets.declared import ProductSet
    from portrait_assets.stages.tags.catalogue.tag import Catalogue
    from portrait_assets.storage.dagster.checks import TableCheck


def _catalogue(context: Context) -> Catalogue:
    from portrait_assets.stages.tags.catalogue.load import source_catalogue

    return context.folder.read(source_catalogue)


def _sets(context: Context) -> Sequence[ProductSet]:
    from portrait_assets.stages.offers.sets.declared import source_sets

    return context.folder.read(source_sets, _catalogue(context))


def _steps(context: Context) -> Sequence[dg.AssetsDefinition]:
    from portrait_assets.privacy.cells import smallest_cell
    from portrait_assets.stages.offers.assets import offers_assets
    from portrait_assets.stages.raw.source import load_source

    is_public = context.folder.read(load_source).definition.public
    smallest = smallest_cell(context.settings, is_public)
    return offers_assets(_sets(context), _catalogue(context), context.partitions, smallest)


def _checks(context: Context) -> Mapping[Table, Sequence[TableCheck]]:
    from portrait_assets.privacy.cells import smallest_cell
    from portrait_assets.stages.offers.affinity.checks import affinity_checks
    from portrait_assets.stages.offers.next_product import checks as next_product
    from portrait_assets.stages.offers.sets.checks import sets_checks
    from portrait_assets.stages.offers.suitability import checks as suitability
    from portrait_assets.stages.raw.source import load_source

    is_public = context.folder.read(load_source).definition.public
    smallest = smallest_cell(context.settings, is_public)
    return {
        **affinity_checks(smallest),
        **suitability.CHECKS,
        **next_product.CHECKS,
        **sets_checks(_sets(context)),
    }


ROOM = Room(
    "offers",
    tables=declared("portrait_assets.stages.offers.assets:TABLES"),
    steps=_steps,
    checks=_checks,
    pace=Pace(1.0, 0.35, 5.0),
)
