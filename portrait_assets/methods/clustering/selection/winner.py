"""The winning candidate: by its score, and by the valleys that lie around its segments.

1. Among the candidates whose score is within `TOLERANCE` of the best and whose *clear share* (of
   customers in a segment with a valley on every border) is at least a quarter of the best of them,
   the one with the most segments wins; on a tie the higher score.
2. The most segments win that are as stable as `VERY_STABLE`, within `NEAR` of the best score, and
   clear for `MOSTLY` of the customers whose segments of step 1 they divide, when more segments
   (number x clear share) are clear than in step 1: groups of groups score best as groups.
3. In many dimensions (`scoring.MANY_DIMENSIONS`) hierarchies and densities, which go by single
   distances, drown in the noise of all columns, and their agreement says little. There the most
   segments of k-means win that are as stable as `VERY_STABLE` and clear for `A_THIRD`.
4. A winner with nearly everyone in one segment gives way to the best candidate without such a
   one, within `STRAYS_NEAR` of the best score, that is clear for a third.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from portrait_assets.methods.clustering.selection.scoring import (
    MANY_DIMENSIONS,
    SMALLEST_SHARE,
    TOLERANCE,
    Scored,
    is_allowed,
)

CLEAR_PART = 0.25
VERY_STABLE = 0.97
NEAR = 0.12
MOSTLY = 0.6
SAME = 0.9
"""Two segments with this part of their customers in common (Jaccard index) are the same."""
NEARLY_EVERYONE = 0.8
STRAYS_NEAR = 0.10
A_THIRD = 0.35
REAL = 0.01
"""A valley counts when data without structure have one as deep less often than this."""
REAL_WITH_SCORE = 0.2
"""So weak a valley is enough for a score that data without structure hardly reach either."""
HIGH_SCORE = 1.95


class Proof(NamedTuple):
    """How probable the clearest valley is without structure, and who stands behind valleys."""

    p_value: float
    clear_share: float

    def is_real(self, score: float) -> bool:
        """Whether data without structure hardly ever have such a valley, or such a score too."""
        return self.p_value < (REAL_WITH_SCORE if score >= HIGH_SCORE else REAL)


NO_PROOF = Proof(1.0, 0.0)


class Winner(NamedTuple):
    """The winning candidate, and the proof that its segments are separate."""

    line: Scored
    proof: Proof
    by_centres: bool = False
    """Whether step 3 made it the winner."""

    @property
    def is_real(self) -> bool:
        """Whether the segments are separate."""
        return self.proof.is_real(self.line.number("score"))


def find_winner(
    lines: list[Scored], prove: Callable[[Scored], Proof], dims: int = 1
) -> Winner | None:
    """The winner by the rule above; None where no candidate has segments large enough.

    ``dims`` is the number of dimensions of the points. ``prove`` looks for the valleys of a
    candidate; it is asked of few, whose clear share is then among their numbers. A winner of
    step 1 that is not real is final.
    """
    pool = _best_of_each_number([x for x in lines if "score" in x.numbers and is_allowed(x)])
    if not pool:
        return None
    proofs: dict[int, Proof] = {}

    def proved(line: Scored) -> Proof:
        if id(line) not in proofs:
            proofs[id(line)] = prove(line)
            line.numbers["clear_share"] = proofs[id(line)].clear_share
        return proofs[id(line)]

    top = max(line.number("score") for line in pool)
    winner = _most_within_tolerance(pool, top, proved)
    if not proved(winner).is_real(winner.number("score")):
        return Winner(winner, proved(winner))
    for line in sorted(pool, key=lambda x: -x.number("segments")):
        is_near = line.number("score") >= top - NEAR and line.number("stability") >= VERY_STABLE
        if line.number("segments") <= winner.number("segments"):
            break
        if not is_near or proved(line).clear_share < MOSTLY or _clear(line) <= _clear(winner):
            continue
        if _clear_where_divided(line, winner) >= MOSTLY:
            winner = line
            break
    if dims >= MANY_DIMENSIONS:
        centred = _stable_centres(lines, winner, proved)
        if centred is not None:
            return Winner(centred, proved(centred), by_centres=True)
    if winner.number("largest_share") > NEARLY_EVERYONE:
        winner = _without_dominance(pool, top, proved) or winner
    return Winner(winner, proved(winner))


def _stable_centres(
    lines: list[Scored], winner: Scored, proved: Callable[[Scored], Proof]
) -> Scored | None:
    """K-means with as many segments as the winner or more, stable and clear; the most of them."""
    pool = [
        line
        for line in lines
        if line.candidate.family == "k-means"
        and is_allowed(line)
        and line.number("stability") >= VERY_STABLE
        and line.number("segments") >= winner.number("segments")
    ]
    for line in sorted(pool, key=lambda line: -line.number("segments")):
        if proved(line).clear_share >= A_THIRD:
            return line
    return None


def _clear(line: Scored) -> float:
    """How many segments are clear: their number times the clear share."""
    return line.number("segments") * line.number("clear_share")


def _clear_where_divided(line: Scored, winner: Scored) -> float:
    """The clear share of a candidate among customers who are not in the winner's segments still."""
    shared = np.zeros((int(line.labels.max()) + 1, int(winner.labels.max()) + 1))
    np.add.at(shared, (line.labels, winner.labels), 1 / len(line.labels))
    either = shared.sum(axis=1, keepdims=True) + shared.sum(axis=0) - shared
    same = float(shared[shared >= SAME * either].sum())
    if same > 1 - SMALLEST_SHARE:
        return 0.0
    return (line.number("clear_share") - same * winner.number("clear_share")) / (1 - same)


def _best_of_each_number(pool: list[Scored]) -> list[Scored]:
    best: dict[float, Scored] = {}
    for line in sorted(pool, key=lambda line: -line.number("score")):
        best.setdefault(line.number("segments"), line)
    return list(best.values())


def _most_within_tolerance(
    pool: list[Scored], top: float, proved: Callable[[Scored], Proof]
) -> Scored:
    good = [line for line in pool if line.number("score") >= top - TOLERANCE]
    if len(good) > 1:
        clearest = max(proved(line).clear_share for line in good)
        good = [line for line in good if proved(line).clear_share >= CLEAR_PART * clearest]
    return max(good, key=lambda line: line.number("segments"))


def _without_dominance(
    pool: list[Scored], top: float, proved: Callable[[Scored], Proof]
) -> Scored | None:
    for line in sorted(pool, key=lambda line: -line.number("score")):
        if line.number("score") < top - STRAYS_NEAR:
            return None
        is_even = line.number("largest_share") <= NEARLY_EVERYONE
        if is_even and proved(line).clear_share >= A_THIRD:
            return line
    return None
