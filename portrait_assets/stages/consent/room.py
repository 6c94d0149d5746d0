"""The consent room: what may be done with what is known of each customer, as of a month's end."""

from __future__ import annotations

from portrait_assets.stages.raw.room import steps_of_source
from portrait_assets.storage.dagster.room import Pace, Room, declared

ROOM = Room(
    "consent",
    tables=declared("portrait_assets.stages.consent.assets:TABLES"),
    steps=steps_of_source("portrait_assets.stages.consent.assets:consent_assets"),
    pace=Pace(0.2, 0.05, 0.2),
)
