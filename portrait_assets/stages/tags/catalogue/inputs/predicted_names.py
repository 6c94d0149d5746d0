"""How tags name what is predicted: by the target, and what of its prediction.

Imports nothing, so that a card is printed without a frame library.
"""

from __future__ import annotations

from collections.abc import Iterator

PREFIX = "predicted_"
PARTS = {"": "score", "_low": "low", "_high": "high", "_band": "band"}
"""The column of `predictions.prediction` by what follows the target's code."""
_BAND = "_band"


def names_of(target: str) -> Iterator[tuple[str, str]]:
    """What tags call the columns of a target's prediction, each with the column."""
    return ((f"{PREFIX}{target}{suffix}", column) for suffix, column in PARTS.items())


def is_band(name: str) -> bool:
    """Whether a column that tags read is a band of ranks, of which the rule sets the shares."""
    return name.startswith(PREFIX) and name.endswith(_BAND)
