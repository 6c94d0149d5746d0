"""What a person can mend in a request for a scorecard."""

from __future__ import annotations

from portrait_assets.core.errors import PortraitError


class ScorecardError(PortraitError, ValueError):
    """The card cannot be fitted or applied; the message is one sentence with the remedy."""
