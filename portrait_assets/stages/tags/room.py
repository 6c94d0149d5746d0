"""The tags stage: the catalogue, each customer's tags, their quality, and saved audiences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from portrait_assets.stages.raw.room import smallest_stored
from portrait_assets.storage.dagster.room import Context, Pace, Room

if TYPE_CHECKING:
    import dagster as dg

    from portrait_assets.schema.table import Table
    from portrait_assets.stages.tags.audiences.saved_audiences import SavedAudience
    from portrait_assets.stages.tags.catalogue.tag import Catalogue
    from portrait_assets.storage.dagster.checks import TableCheck
    from portrait_assets.storage.publishing.file import View


def catalogue_of(context: Context) -> Catalogue:
    """The tag catalogue of the source."""
    from portrait_assets.stages.tags.catalogue.load import source_catalogue

    return context.folder.read(source_catalogue)


def _audiences(context: Context) -> Sequence[SavedAudience]:
    from portrait_assets.stages.tags.audiences.saved_audiences import source_audiences

    return context.folder.read(source_audiences, catalogue_of(context))


def _tables(context: Context) -> Sequence[Table]:
    from portrait_assets.stages.tags.assets import tag_tables

    return tag_tables(catalogue_of(context))


def _steps(context: Context) -> Sequence[dg.AssetsDefinition]:
    from portrait_assets.stages.tags.assets import tags_assets

    smallest = smallest_stored(context)
    return tags_assets(catalogue_of(context), _audiences(context), context.partitions, smallest)


def _checks(context: Context) -> Mapping[Table, Sequence[TableCheck]]:
    from portrait_assets.stages.tags.checks import tags_checks

    return tags_checks(catalogue_of(context), _audiences(context))


def _views(context: Context) -> Sequence[View]:
    from portrait_assets.stages.tags.changes import changes_view
    from portrait_assets.stages.tags.views import (
        CUSTOMER_CONSENT_VIEW,
        NEWEST_MONTH_VIEW,
        PORTRAIT_HISTORY_VIEW,
        PORTRAIT_VIEW,
        evidence_view,
    )

    catalogue = catalogue_of(context)
    return (
        NEWEST_MONTH_VIEW,
        PORTRAIT_VIEW,
        PORTRAIT_HISTORY_VIEW,
        CUSTOMER_CONSENT_VIEW,
        evidence_view(catalogue),
        changes_view(catalogue),
    )


ROOM = Room(
    "tags",
    tables=_tables,
    steps=_steps,
    checks=_checks,
    views=_views,
    commands=(
        "portrait_assets.app.cli.rooms.card",
        "portrait_assets.app.cli.rooms.audience",
        "portrait_assets.app.cli.rooms.lookalike",
        "portrait_assets.app.cli.rooms.tags",
    ),
    pace=Pace(1.0, 0.35, 10.0),
)
