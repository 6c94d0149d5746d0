"""Shares as people read them."""

from __future__ import annotations

from math import ceil, log10


def percent(share: float, digits: int = 0) -> str:
    """So many digits, and as many as tell it from 0 and 100: such as 42, 0.07, 99.8."""
    whole = 100 * share
    apart = min(whole, 100 - whole)
    needed = 0 if apart >= 1 or apart == 0 else ceil(-log10(apart))
    return f"{whole:.{max(digits, needed)}f}"
