"""Bands of scores, and what is suggested for each; a person decides."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from portrait_assets.methods.disclosure.holders import EVERY_ROW, Holders, together
from portrait_assets.methods.scorecard.card.parts import Band
from portrait_assets.methods.scorecard.card.scale import Scale
from portrait_assets.methods.scorecard.fitting.binning import FALLING, Base, pool
from portrait_assets.methods.statistics.intervals import wilson

NAMES = "ABCDE"
ACCEPT, REVIEW, DECLINE = "accept", "review", "decline"
_HALF = len(NAMES) // 2
_SMOOTHING = 1.0


def bands_of(
    score: npt.NDArray[np.int64],
    bads: npt.NDArray[np.bool_],
    scale: Scale,
    holders: Holders = EVERY_ROW,
) -> tuple[Band, ...]:
    """Up to five ranges of scores, A the best, whose bad rates fall from each to the one above.

    From the odds of all rows on, each band above begins at twice the odds of the one below: C at
    those of all rows, A at four times as many good rows to a bad one, and E ends at half. Bands
    are pooled where the bad rates do not fall, or few `holders` have one. `accept` is suggested
    where the rate is surely below that of all rows (E. Wilson's 95 % interval), `decline` where it
    is surely above, and `review` in between. These are suggestions: credit is not decided by a
    score alone (GDPR, article 22; Personal Information Protection Law, article 24).
    """
    base = Base(len(score), int(bads.sum()), _SMOOTHING)
    of_all = scale.offset + scale.factor * np.log(base.rows / base.bads - 1)
    leasts = [round(of_all + scale.pdo * step) for step in range(1 - _HALF, _HALF + 1)]
    at = np.searchsorted(np.array(leasts), score, side="right")
    rows, bad_rows = (np.bincount(each, minlength=len(NAMES)) for each in (at, at[bads]))
    groups = pool(rows, bad_rows, range(len(leasts)), base, FALLING).groups
    groups = together(at.astype(np.int64), groups, len(NAMES), holders)
    found = []
    for name, group in zip(NAMES, reversed(groups), strict=False):
        n, b = int(rows[list(group)].sum()), int(bad_rows[list(group)].sum())
        least = leasts[group[0] - 1] if group[0] else None
        found.append(Band(name, least, n, b, _suggested(n, b, base.bads / base.rows)))
    return tuple(found)


def _suggested(rows: int, bads: int, base_rate: float) -> str:
    low, high = (float(end[0]) for end in wilson(np.array([bads]), np.array([rows])))
    if high < base_rate:
        return ACCEPT
    return DECLINE if low > base_rate else REVIEW
