"""The mart: the published file and the report, written from the tables of all stages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from portrait_assets.storage.dagster.room import Context, Pace, Room

if TYPE_CHECKING:
    import dagster as dg

    from portrait_assets.storage.published import Section
    from portrait_assets.storage.publishing.file import View


def _steps(context: Context) -> Sequence[dg.AssetsDefinition]:
    from portrait_assets.stages.mart.assets import mart_assets

    return mart_assets(context)


def _views(context: Context) -> Sequence[View]:
    from portrait_assets.stages.mart.grid import business_grid

    return [business_grid(table for table in context.tables if table.published)]


def _report() -> Sequence[Section]:
    from portrait_assets.stages.mart.sections.backtests import BACKTESTS
    from portrait_assets.stages.mart.sections.campaigns import CAMPAIGNS
    from portrait_assets.stages.mart.sections.dictionary import DICTIONARY
    from portrait_assets.stages.mart.sections.drift import DRIFT
    from portrait_assets.stages.mart.sections.fairness import FAIRNESS
    from portrait_assets.stages.mart.sections.findings import FINDINGS
    from portrait_assets.stages.mart.sections.market import MARKET
    from portrait_assets.stages.mart.sections.matrix import MATRIX
    from portrait_assets.stages.mart.sections.migration import MIGRATION
    from portrait_assets.stages.mart.sections.models.credit import CREDIT
    from portrait_assets.stages.mart.sections.models.lifetime import LIFETIME
    from portrait_assets.stages.mart.sections.models.predictions import PREDICTIONS
    from portrait_assets.stages.mart.sections.overview import OVERVIEW
    from portrait_assets.stages.mart.sections.quality import QUALITY
    from portrait_assets.stages.mart.sections.segments import SEGMENTS
    from portrait_assets.stages.mart.sections.value import VALUE
    from portrait_assets.stages.mart.sections.wealth import WEALTH

    return (
        OVERVIEW,
        MATRIX,
        SEGMENTS,
        WEALTH,
        VALUE,
        MARKET,
        CAMPAIGNS,
        PREDICTIONS,
        LIFETIME,
        CREDIT,
        BACKTESTS,
        FAIRNESS,
        DRIFT,
        MIGRATION,
        QUALITY,
        FINDINGS,
        DICTIONARY,
    )


ROOM = Room(
    "mart",
    steps=_steps,
    views=_views,
    report=_report,
    commands=("portrait_assets.app.cli.rooms.publish",),
    pace=Pace(3.0, 0.15, 4.4),
)
