"""The door out of a source's application, as its definition and consents ask for it."""

from __future__ import annotations

from portrait_assets.core.settings import Settings
from portrait_assets.privacy.consent import consent_of
from portrait_assets.privacy.egress import Door
from portrait_assets.stages.consent.channels import require_channel
from portrait_assets.stages.raw.source import load_source
from portrait_assets.storage.duckdb.exclusive import exclusive_reader


def door_of(settings: Settings) -> Door:
    """The door of the settings' source; one that is public shows groups of any size.

    Raises:
        SourceError: when the source cannot be used.
    """
    public = load_source(settings.source_dir).definition.public
    return Door(settings, consent_of(settings.portrait_file), public)


def known_channel(settings: Settings, channel: str) -> str:
    """The channel, which the warehouse has, as consents are compared by it.

    Raises:
        ChannelError: when it has no such channel.
        WarehouseError: when there is no warehouse, or a run holds it.
    """
    with exclusive_reader(settings, "a command that names a channel") as con:
        return require_channel(con, channel)
