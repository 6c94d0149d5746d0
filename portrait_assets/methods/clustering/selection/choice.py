"""Choice of family and number of segments by a written rule, with all its numbers.

The rule, on a sample of about 1,500 customers:

1. Families and numbers of segments are scored (`scoring`) and one of them wins (`winner`).
2. Its segments must be separate: a density valley between two of them that data without structure
   do not have, tested on customers that the segments were not made with (`borders`). Otherwise
   the answer is one segment.
3. A large, compact segment that falls apart by the same rule and test is split again, but not
   where many dimensions made k-means the winner.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl
from threadpoolctl import threadpool_limits

from portrait_assets.methods.clustering.selection.boundaries import borders
from portrait_assets.methods.clustering.selection.evidence import neighbourhood
from portrait_assets.methods.clustering.selection.families import (
    Candidate,
    candidates_for,
    fit_candidates,
    fit_one,
)
from portrait_assets.methods.clustering.selection.refinement import Split, refine
from portrait_assets.methods.clustering.selection.scoring import (
    CANDIDATES_SCHEMA,
    TOLERANCE,
    Scored,
    add_evidence,
    add_stability,
    best,
    candidates_table,
    is_eligible,
    leading,
    most_agreed,
    scored,
)
from portrait_assets.methods.clustering.selection.winner import (
    NO_PROOF,
    REAL,
    Proof,
    Winner,
    find_winner,
)

__all__ = ["CANDIDATES_SCHEMA", "ONE_SEGMENT", "Choice", "choose"]

FloatMatrix = npt.NDArray[np.float64]
IntVector = npt.NDArray[np.int64]
Nature = Literal["separate", "division", "one"]

CHOICE_ROWS = 1_500
MOST_PARTS = 10
"""A segment is split into at most this many parts at once."""
SPLITTING = (
    ("k-means", 0),
    ("mixture", 0),
    ("ward", 0),
    ("genie", 0.3),
    ("genie by reach", 0.5),
)
"""Families and parameters that a segment is split by."""
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
        return _one_segment(rows, _why_too_few(distinct))
    lines = scored(fit_candidates(points, candidates_for(rows, dims, segments), seed=seed))
    add_stability(lines, points, segments, seed, unseen)
    near = neighbourhood(points)
    for line in leading(lines):
        add_evidence(line, near, points)
    eligible = [line for line in lines if is_eligible(line)]
    free = find_winner(eligible, lambda line: prove(points, line, unseen, seed), dims)
    is_real = free is not None and free.is_real
    if segments is not None:
        asked = best(eligible, segments)
        if asked is None:
            return _one_segment(rows, _why_one(free), candidates_table(lines, None))
        supported = free is not None and is_real and _as_good(asked, free.line)
        winner, reason = asked, _why_asked(asked, free if is_real else None)
    elif free is None or not is_real:
        return _one_segment(rows, _why_one(free), candidates_table(lines, None))
    else:
        supported, winner = True, free.line
        labels = winner.labels
        if not free.by_centres:
            labels = refine(points, unseen, labels, lambda p, u: _best_split(p, u, seed))
        if labels.max() > winner.labels.max():
            winner = _refined(winner, labels)
            lines.append(winner)
        reason = _why(winner, free.proof)
    add_evidence(winner, near, points)
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
            return NO_PROOF
        labels = refit(known, line.candidate, seed)
        proofs.append(_proof(known, labels, other))
    clearest = min(proof.p_value for proof in proofs)
    clear_share = sum(proof.clear_share for proof in proofs) / 2
    return Proof(min(1.0, 2 * clearest), clear_share)


def _proof(points: FloatMatrix, labels: IntVector, unseen: FloatMatrix) -> Proof:
    found = borders(points, labels, unseen)
    if not found:
        return NO_PROOF
    shares = np.bincount(labels) / len(labels)
    clear = np.ones(len(shares), dtype=bool)
    for border in found:
        clear[[border.first, border.second]] &= border.p_value < REAL
    p_value = min(1.0, len(found) * min(border.p_value for border in found))
    return Proof(p_value, round(float(shares[clear].sum()), 6))


def _best_split(points: FloatMatrix, unseen: FloatMatrix, seed: int) -> Split | None:
    """The best partition of one segment's points, among few k."""
    wanted = [
        c
        for c in candidates_for(*points.shape)
        if c.k <= MOST_PARTS and (c.family, c.parameter) in SPLITTING
    ]
    lines = scored(fit_candidates(points, wanted, seed=seed))
    agreed = most_agreed(lines)
    if agreed is None or prove(points, agreed, unseen, seed).p_value > HOPELESS:
        return None
    # Others need no more of their stability than whether they come near its score.
    add_stability([agreed], points, None, seed, unseen)
    add_stability(lines, points, None, seed, unseen, agreed.number("score") - TOLERANCE)
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


def _why_too_few(distinct: int) -> str:
    if distinct < 2:
        return "nothing tells one customer from another"
    return f"{distinct} different customers are too few to tell apart"


def _why_one(free: Winner | None) -> str:
    if free is None:
        return "no separate segments: every candidate leaves a segment too small to use"
    line = free.line
    return (
        f"no separate segments: between those of the best candidate ({line.candidate.algorithm}, "
        f"{line.number('segments'):.0f} segments, score {line.number('score'):.3f}) lies no "
        f"valley that data without structure would not have (p = {free.proof.p_value:.2g}, "
        f"asked for is less than {REAL:g})"
    )


def _numbers(line: Scored) -> str:
    return (
        f"{line.candidate.algorithm} with {line.number('segments'):.0f} segments: stability "
        f"{line.number('stability'):.3f}, agreement of other families "
        f"{line.number('agreement'):.3f}, smallest share {line.number('smallest_share'):.1%}"
    )


def _why(winner: Scored, proof: Proof) -> str:
    return (
        f"{_numbers(winner)}; {proof.clear_share:.0%} of customers are in a segment with a valley "
        f"on every border, and data without structure have such a one with p = {proof.p_value:.2g}"
    )


def _why_asked(asked: Scored, free: Winner | None) -> str:
    if free is not None and _as_good(asked, free.line):
        return f"{_numbers(asked)}; this number was asked for and the data support it"
    better = "one segment" if free is None else f"{free.line.number('segments'):.0f} segments"
    return f"{_numbers(asked)}; this number was asked for, but the data support {better}"
