"""What a person can mend in a request for predictions."""

from __future__ import annotations

from portrait_assets.core.errors import PortraitError


class PredictionError(PortraitError, ValueError):
    """Nothing can be learned or predicted from these rows; one sentence with the remedy."""
