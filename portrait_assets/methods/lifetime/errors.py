"""What a person can mend in a request for lifetime values."""

from __future__ import annotations

from portrait_assets.core.errors import PortraitError


class LifetimeError(PortraitError, ValueError):
    """Lifetime values cannot be computed as requested; the message is one sentence."""
