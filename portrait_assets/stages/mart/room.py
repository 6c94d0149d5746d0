"""The mart: the published file and the report, written from the tables of all stages."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
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
    from portrait_assets.stages.mart.segments.grid import business_grid

    return [business_grid(table for table in context.tables if table.published)]


_SECTIONS = (
    "overview",
    "matrix",
    "segments",
    "wealth",
    "value",
    "market",
    "campaigns",
    "models.predictions",
    "models.lifetime",
    "models.credit",
    "backtests",
    "fairness",
    "drift",
    "migration",
    "quality",
    "findings",
    "dictionary",
)
"""Modules of `sections` in the order of the report; each has one of its own name in capitals."""


def _report() -> Sequence[Section]:
    folder = "portrait_assets.stages.mart.sections"
    modules = (import_module(f"{folder}.{name}") for name in _SECTIONS)
    return [getattr(module, module.__name__.rpartition(".")[2].upper()) for module in modules]


ROOM = Room(
    "mart",
    steps=_steps,
    views=_views,
    report=_report,
    commands=("portrait_assets.app.cli.rooms.publish",),
    pace=Pace(3.0, 0.15, 4.4),
)
