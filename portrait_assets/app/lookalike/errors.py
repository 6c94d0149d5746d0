"""Why no prospect can be ranked."""

from __future__ import annotations

from portrait_assets.core.errors import PortraitError


class LookalikeError(PortraitError):
    """A seed, or the prospects, from which no lookalike can be made."""
