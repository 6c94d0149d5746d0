"""What is wrong with a file that somebody named, in one sentence."""

from __future__ import annotations

from portrait_assets.core.errors import PortraitError


class TableFileError(PortraitError):
    """A file that is no table, or a place where none can be written."""
