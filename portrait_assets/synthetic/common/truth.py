"""What is known about a synthetic bank and written beside it, never read by the pipeline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from portrait_assets.synthetic.common.randomness import Ints

WHOLE_ROW = ""
"""The column of a bad value that concerns its whole row."""


@dataclass(frozen=True)
class Planted:
    """Bad values of one kind in one column; rows count within the piece, from 0."""

    column: str
    kind: str
    rows: Ints
    true_values: list[str | None]

    @classmethod
    def nulls(cls, column: str, kind: str, rows: Ints) -> Planted:
        """Bad values whose true value isn't worth keeping."""
        return cls(column, kind, np.asarray(rows, dtype=np.int64), [None] * len(rows))
