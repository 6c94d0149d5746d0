"""Confidence intervals."""

from __future__ import annotations

import math

Z95 = 1.959964


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % interval of a rate after Wilson (1927): (low, high), within 0 and 1."""
    rate, z2 = hits / n, Z95**2
    centre = (rate + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * math.sqrt(rate * (1 - rate) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(centre - half, 0.0), min(centre + half, 1.0)
