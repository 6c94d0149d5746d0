"""The door out of a source's application, as its definition and consents ask for it."""

from __future__ import annotations

from portrait_assets.core.settings import Settings
from portrait_assets.privacy.consent import consent_of
from portrait_assets.privacy.egress import Door
from portrait_assets.stages.raw.source import load_source


def door_of(settings: Settings) -> Door:
    """The door of the settings' source; one that is public shows groups of any size.

    Raises:
        SourceError: when the source cannot be used.
    """
    public = load_source(settings.source_dir).definition.public
    return Door(settings, consent_of(settings.portrait_file), public)
