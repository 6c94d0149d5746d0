"""Bands of scores, and what is suggested for each; a person decides."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from portrait_assets.methods.scorecard.card.parts import Band
from portrait_assets.methods.scorecard.fitting.binning import FALLING, Base, pool, quantile_cuts
from portrait_assets.methods.statistics.intervals import wilson

NAMES = "ABCDE"
ACCEPT, REVIEW, DECLINE = "accept", "review", "decline"


def bands_of(score: npt.NDArray[np.int64], bads: npt.NDArray[np.bool_]) -> tuple[Band, ...]:
    """Up to five ranges of scores, A the best, whose bad rates fall from each to the one above.

    They are fifths of the rows, pooled where the rates do not fall. `accept` is suggested where
    the rate is surely below that of all rows (E. Wilson's 95 % interval), `decline` where it is
    surely above, and `review` in between. These are suggestions: credit is not decided by a score
    alone (GDPR, article 22; Personal Information Protection Law, article 24).
    """
    known, at = np.unique(score, return_inverse=True)
    rows = np.bincount(at, minlength=len(known))
    bad_rows = np.bincount(at[bads], minlength=len(known))
    base = Base(len(score), int(bads.sum()), 1.0)
    cuts = quantile_cuts(rows, len(NAMES))
    groups = pool(rows, bad_rows, cuts, base, FALLING).groups
    found = []
    for name, group in zip(NAMES, reversed(groups), strict=False):
        n, b = int(rows[list(group)].sum()), int(bad_rows[list(group)].sum())
        least = int(known[group[0]]) if group[0] else None
        found.append(Band(name, least, n, b, _suggested(n, b, base.bads / base.rows)))
    return tuple(found)


def _suggested(rows: int, bads: int, base_rate: float) -> str:
    low, high = (float(end[0]) for end in wilson(np.array([bads]), np.array([rows])))
    if high < base_rate:
        return ACCEPT
    return DECLINE if low > base_rate else REVIEW
