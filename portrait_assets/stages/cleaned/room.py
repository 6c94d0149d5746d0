"""The cleaned room: typed tables by customer, and what was set aside."""

from __future__ import annotations

from portrait_assets.stages.raw.room import steps_of_source
from portrait_assets.storage.dagster.room import Pace, Room, declared

ROOM = Room(
    "cleaned",
    tables=declared("portrait_assets.stages.cleaned.assets:TABLES"),
    steps=steps_of_source("portrait_assets.stages.cleaned.assets:cleaned_assets"),
    checks=declared("portrait_assets.stages.cleaned.checks:CHECKS"),
    pace=Pace(0.7, 0.07, 3.9),
)
