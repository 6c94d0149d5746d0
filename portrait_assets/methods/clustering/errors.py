"""What a person can mend in a request for clusters."""

from __future__ import annotations

from portrait_assets.core.errors import PortraitError


class ClusterError(PortraitError, ValueError):
    """The requested segments cannot be fitted; the message is one sentence with the remedy."""
