"""All rooms in the order of the flow. A new room is a folder of its own, and a line here."""

from __future__ import annotations

from importlib import import_module

from portrait_assets.storage.dagster.room import Room

FOLDERS = (
    "raw",
    "identity",
    "cleaned",
    "consent",
    "features",
    "targets",
    "clusters",
    "predictions",
    "tags",
    "offers",
    "market",
    "validation",
    "mart",
)

ROOMS: tuple[Room, ...] = tuple(
    import_module(f"portrait_assets.stages.{folder}.room").ROOM for folder in FOLDERS
)
