"""The identity room: which records are of one person."""

from __future__ import annotations

from portrait_assets.stages.raw.room import steps_of_source
from portrait_assets.storage.dagster.room import Pace, Room, declared

ROOM = Room(
    "identity",
    tables=declared("portrait_assets.stages.identity.assets:TABLES"),
    steps=steps_of_source("portrait_assets.stages.identity.assets:identity_assets"),
    views=declared("portrait_assets.stages.identity.views:VIEWS"),
    commands=("portrait_assets.app.cli.rooms.identity",),
    pace=Pace(0.9, 0.03, 1.8),
)
