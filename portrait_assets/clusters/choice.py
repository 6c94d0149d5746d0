"""Choice of family and number of segments by a written rule, with all its numbers.

The rule, on a sample of about 1,500 customers:

1. Families and numbers of segments are scored and the best is taken as `scoring` says.
2. Its segments must be separate: a density valley between two of them that data without structure
   do not have, tested on customers that the segments were not made with (`borders`). Otherwise
   the answer is one segment.
3. A large, compact segment that falls apart by the same rule and test is split again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
from threadpoolctl import threadpool_limits

from portrait_assets.clusters.borders import borders
from portrait_assets.clusters.evidence import neighbourhood
from portrait_assets.clusters.families import (
    Candidate,
    candidates_for,
    fit_candidates,
    fit_one,
)
from portrait_assets.clusters.refinement import Split, refine
from portrait_assets.clusters.scoring import (
    CANDIDATES_SCHEMA,
    TOLERANCE,
    Scored,
    add_evidence,
    add_stability,
    best,
    candidates_table,
    leading,
    most_agreed,
    scored,
)

__all__ = ["CANDIDATES_SCHEMA", "ONE_SEGMENT", "Choice", "choose"]

FloatMatrix = npt.NDArray[np.float64]
IntVector = npt.NDArray[np.int64]
Nature = Literal["separate", "division", "one"]

CHOICE_ROWS = 1_500
REAL = 0.01
"""A valley counts when data without structure have one as deep less often than this."""
REAL_WITH_SCORE = 0.2
"""So weak a valley is enough for a score that data without structure hardly reach either."""
HIGH_SCORE = 1.95
MOST_PARTS = 12
"""A segment is split into at most this many parts at once."""
HOPELESS = 0.2
"""Where the most agreed split has no better valley than this, none is looked for further."""
FEWEST_ROWS = 20
"""Fewer customers than this are one segment unless a number is asked for."""
ONE_SEGMENT = Candidate("one segment", 0, 1)


@dataclass(frozen=True)
class Choice:
    """Chosen labels of the sample (from 0), and every number that led to them.

    ``nature`` says whether the segments are separate, divide a continuum, or are one;
    ``supported`` whether the data bear them out.
    """

    candidate: Candidate
    labels: IntVector
    candidates: pl.DataFrame
    reason: str
    supported: bool
    nature: Nature

    @property
    def algorithm(self) -> str:
        """Family and parameter in words."""
        return self.candidate.algorithm


class Proof(NamedTuple):
    """How probable the clearest valley is without structure, and who stands behind valleys.

    ``clear_share`` is the share of customers in a segment with a valley on each of its borders.
    """

    p_value: float
    clear_share: float

    def is_real(self, score: float) -> bool:
        """Whether data without structure hardly ever have such a valley, or such a score too."""
        return self.p_value < (REAL_WITH_SCORE if score >= HIGH_SCORE else REAL)


def choose(
    points: FloatMatrix,
    *,
    segments: int | None = None,
    seed: int = 0,
    unseen: FloatMatrix | None = None,
) -> Choice:
    """Choose family and k on a sample of prepared points, shape (rows, dims).

    ``unseen`` are further customers that only the test of valleys looks at. With ``segments``
    that many are made, and the choice says whether the data support it. One thread is used, so
    that the numbers do not depend on the machine.
    """
    with threadpool_limits(1):
        return _choose(points, points[:0] if unseen is None else unseen, segments, seed)


def _choose(points: FloatMatrix, unseen: FloatMatrix, segments: int | None, seed: int) -> Choice:
    rows, dims = points.shape
    distinct = len(np.unique(points, axis=0)) if points.size else min(1, rows)
    if segments == 1:
        return _one_segment(rows, "one segment was asked for")
    if distinct < 2 or (segments is None and distinct < FEWEST_ROWS):
        return _one_segment(rows, f"{distinct} different customers are too few to tell apart")
    lines = scored(fit_candidates(points, candidates_for(rows, dims, segments), seed=seed))
    add_stability(lines, points, segments, seed)
    free, asked = best(lines), None if segments is None else best(lines, segments)
    near = neighbourhood(points)
    for line in {id(x): x for x in (free, asked, *leading(lines)) if x is not None}.values():
        add_evidence(line, near, points)
    proof = Proof(1.0, 0.0) if free is None else prove(points, free, unseen, seed)
    if free is not None:
        free.numbers["clear_share"] = proof.clear_share
    is_real = free is not None and proof.is_real(free.number("score"))
    winner = asked if segments is not None else (free if is_real else None)
    if winner is None:
        return _one_segment(rows, _why_one(free, proof), candidates_table(lines, None))
    supported = is_real and free is not None and _as_good(winner, free)
    if segments is None:
        labels = refine(points, unseen, winner.labels, lambda p, u: _best_split(p, u, seed))
        if labels.max() > winner.labels.max():
            winner = _refined(winner, labels)
            add_evidence(winner, near, points)
            lines.append(winner)
    reason = _why(winner, free if is_real else None, segments, proof)
    table = candidates_table(lines, winner)
    nature: Nature = "separate" if supported else "division"
    return Choice(winner.candidate, winner.labels, table, reason, supported, nature)


def refit(points: FloatMatrix, candidate: Candidate, seed: int = 0) -> IntVector:
    """Labels (from 0) of points by a candidate, refined where the candidate is."""
    labels = np.unique(fit_one(points, candidate, seed=seed), return_inverse=True)[1]
    labels = labels.astype(np.int64)
    if not candidate.refined:
        return labels
    return refine(points, points[:0], labels, lambda p, u: _best_split(p, u, seed))


def prove(points: FloatMatrix, line: Scored, unseen: FloatMatrix, seed: int = 0) -> Proof:
    """Look for valleys between the segments of a candidate on customers that it was not made of.

    Where fewer are unseen than seen, all are halved, and each half is the other's unseen one.
    """
    if len(unseen) >= len(points):
        return _proof(points, line.labels, unseen)
    everyone = np.vstack([points, unseen])
    halves = everyone[::2], everyone[1::2]
    proofs = []
    for known, other in (halves, halves[::-1]):
        k = line.candidate.k
        if k > len(known) or len(known) < FEWEST_ROWS // 2:
            return Proof(1.0, 0.0)
        labels = refit(known, line.candidate, seed)
        proofs.append(_proof(known, labels, other))
    clearest = min(proof.p_value for proof in proofs)
    clear_share = sum(proof.clear_share for proof in proofs) / 2
    return Proof(min(1.0, 2 * clearest), clear_share)


def _proof(points: FloatMatrix, labels: IntVector, unseen: FloatMatrix) -> Proof:
    found = borders(points, labels, unseen)
    if not found:
        return Proof(1.0, 0.0)
    shares = np.bincount(labels) / len(labels)
    clear = np.ones(len(shares), dtype=bool)
    for border in found:
        clear[[border.first, border.second]] &= border.p_value < REAL
    p_value = min(1.0, len(found) * min(border.p_value for border in found))
    return Proof(p_value, round(float(shares[clear].sum()), 6))


def _best_split(points: FloatMatrix, unseen: FloatMatrix, seed: int) -> Split | None:
    """The best partition of one segment's points, among few k."""
    wanted = [c for c in candidates_for(*points.shape) if c.k <= MOST_PARTS]
    lines = scored(fit_candidates(points, wanted, seed=seed))
    agreed = most_agreed(lines)
    if agreed is None or prove(points, agreed, unseen, seed).p_value > HOPELESS:
        return None
    add_stability(lines, points, None, seed)
    line = best(lines)
    if line is None:
        return None
    shares = np.sort(np.bincount(line.labels))[::-1] / len(line.labels)
    return Split(line.labels, prove(points, line, unseen, seed).p_value, float(shares[1]))


def _refined(winner: Scored, labels: IntVector) -> Scored:
    """The refined partition as a line of its own, with the scores of the line it came from."""
    shares = np.bincount(labels) / len(labels)
    kept = ("agreement", "stability", "score", "clear_share")
    numbers = {name: winner.numbers[name] for name in kept}
    numbers["segments"] = float(len(shares))
    numbers["smallest_share"] = float(shares.min())
    numbers["largest_share"] = float(shares.max())
    return Scored(winner.candidate._replace(refined=True), labels, numbers)


def _as_good(winner: Scored, free: Scored) -> bool:
    return winner is free or winner.number("score") >= free.number("score") - TOLERANCE


def _one_segment(rows: int, reason: str, table: pl.DataFrame | None = None) -> Choice:
    labels = np.zeros(rows, dtype=np.int64)
    frame = pl.DataFrame(schema=CANDIDATES_SCHEMA) if table is None else table
    return Choice(ONE_SEGMENT, labels, frame, reason, False, "one")


def _why_one(free: Scored | None, proof: Proof) -> str:
    if free is None:
        return "no separate segments: every candidate leaves a segment too small to use"
    return (
        f"no separate segments: between those of the best candidate ({free.candidate.algorithm}, "
        f"{free.number('segments'):.0f} segments, score {free.number('score'):.3f}) lies no "
        f"valley that data without structure would not have (p = {proof.p_value:.2g}, "
        f"asked for is less than {REAL:g})"
    )


def _why(winner: Scored, free: Scored | None, asked: int | None, proof: Proof) -> str:
    numbers = (
        f"{winner.candidate.algorithm} with {winner.number('segments'):.0f} segments: stability "
        f"{winner.number('stability'):.3f}, agreement of other families "
        f"{winner.number('agreement'):.3f}, smallest share {winner.number('smallest_share'):.1%}"
    )
    if asked is None:
        return (
            f"{numbers}; the most segments among candidates within {TOLERANCE:g} of the best "
            f"score; data without structure have such a valley with p = {proof.p_value:.2g}, and "
            f"{proof.clear_share:.0%} of customers are in a segment with one on every border"
        )
    if free is not None and _as_good(winner, free):
        return f"{numbers}; this number was asked for and the data support it"
    better = "one segment" if free is None else f"{free.number('segments'):.0f} segments"
    return f"{numbers}; this number was asked for, but the data support {better}"
