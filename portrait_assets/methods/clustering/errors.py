"""What a person can mend in a request for clusters."""

from __future__ import annotations

from portrait_assets.core.errors import PortraitError


class ClusterError(PortraitError, ValueError):
    """Segments can't be made as asked; the message is one sentence with the remedy."""
