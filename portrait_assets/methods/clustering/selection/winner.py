"""The winning candidate: by its score, and by the valleys that lie around its segments.

1. Among the candidates whose score is alike the best and whose *clear share* (of customers in a
   segment with a valley on every boundary) is a part of the best of them, the one with the most
   segments wins; on a tie the higher score.
2. The most segments win that are very stable, near the best score, and mostly clear for the
   customers whose segments of step 1 they divide, when more segments (number x clear share) are
   clear than in step 1: groups of groups score best as groups.
3. In many dimensions hierarchies and densities, which go by single distances, drown in the noise of
   all columns, and their agreement is weak evidence. There the winner has the most segments of a
   centroid family that are very stable and clear for a third.
4. A winner with nearly everyone in one segment gives way to the best candidate without such a
   one, near the best score, that is clear for a third.

The numbers are those of `selection_rule.Winning` and `selection_rule.Scoring`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from portrait_assets.methods.clustering.selection.scoring import Scored, is_allowed
from portrait_assets.methods.clustering.selection_rule import SelectionRule, Winning


class Proof(NamedTuple):
    """How probable the clearest valley is without structure, and who stands behind valleys."""

    p_value: float
    clear_share: float

    def is_real(self, score: float, rule: Winning) -> bool:
        """Whether data without structure hardly ever have such a valley, or such a score too."""
        return self.p_value < (rule.weak_p_value if score >= rule.high_score else rule.real_p_value)


NO_PROOF = Proof(1.0, 0.0)


class Winner(NamedTuple):
    """The winning candidate, and the proof that its segments are separate."""

    line: Scored
    proof: Proof
    is_real: bool
    """Whether the segments are separate."""
    by_centres: bool = False
    """Whether step 3 made it the winner."""


def find_winner(
    lines: list[Scored], prove: Callable[[Scored], Proof], rule: SelectionRule, dims: int = 1
) -> Winner | None:
    """The winner by the rule above; None where no candidate has segments large enough.

    ``dims`` is the number of dimensions of the points. ``prove`` looks for the valleys of a
    candidate; it is called for few, whose clear share is then among their numbers. A winner of
    step 1 that is not real is final.
    """
    scoring, winning = rule.scoring, rule.winning
    allowed = [line for line in lines if "score" in line.numbers and is_allowed(line, scoring)]
    pool = _best_of_each_number(allowed)
    if not pool:
        return None
    proofs: dict[int, Proof] = {}

    def proved(line: Scored) -> Proof:
        if id(line) not in proofs:
            proofs[id(line)] = prove(line)
            line.numbers["clear_share"] = proofs[id(line)].clear_share
        return proofs[id(line)]

    def won(line: Scored, by_centres: bool = False) -> Winner:
        is_real = proved(line).is_real(line.number("score"), winning)
        return Winner(line, proved(line), is_real, by_centres)

    top = max(line.number("score") for line in pool)
    first = won(_most_within_tolerance(pool, top, proved, rule))
    if not first.is_real:
        return first
    winner = _more_segments(pool, first.line, top, proved, rule)
    if dims >= scoring.many_dimensions:
        centred = _stable_centres(lines, winner, proved, rule)
        if centred is not None:
            return won(centred, by_centres=True)
    if winner.number("largest_share") > winning.dominant_share:
        winner = _without_dominance(pool, top, proved, winning) or winner
    return won(winner)


def _more_segments(
    pool: list[Scored],
    winner: Scored,
    top: float,
    proved: Callable[[Scored], Proof],
    rule: SelectionRule,
) -> Scored:
    """The winner of step 2: the most segments that are stable and clear, or the winner so far."""
    winning = rule.winning
    for line in sorted(pool, key=lambda x: -x.number("segments")):
        if line.number("segments") <= winner.number("segments"):
            break
        is_near = line.number("score") >= top - winning.near_score
        if not is_near or line.number("stability") < winning.very_stable:
            continue
        if proved(line).clear_share < winning.mostly_clear or _clear(line) <= _clear(winner):
            continue
        if _clear_where_divided(line, winner, rule) >= winning.mostly_clear:
            return line
    return winner


def _stable_centres(
    lines: list[Scored],
    winner: Scored,
    proved: Callable[[Scored], Proof],
    rule: SelectionRule,
) -> Scored | None:
    """Centroids, as many as the winner's segments or more, stable and clear; the most of them."""
    pool = [
        line
        for line in lines
        if line.candidate.is_centroid
        and is_allowed(line, rule.scoring)
        and line.number("stability") >= rule.winning.very_stable
        and line.number("segments") >= winner.number("segments")
    ]
    for line in sorted(pool, key=lambda line: -line.number("segments")):
        if proved(line).clear_share >= rule.winning.least_clear_share:
            return line
    return None


def _clear(line: Scored) -> float:
    """How many segments are clear: their number times the clear share."""
    return line.number("segments") * line.number("clear_share")


def _clear_where_divided(line: Scored, winner: Scored, rule: SelectionRule) -> float:
    """The clear share of a candidate among customers who are not in the winner's segments still."""
    shared = np.zeros((int(line.labels.max()) + 1, int(winner.labels.max()) + 1))
    np.add.at(shared, (line.labels, winner.labels), 1 / len(line.labels))
    either = shared.sum(axis=1, keepdims=True) + shared.sum(axis=0) - shared
    same = float(shared[shared >= rule.winning.same_overlap * either].sum())
    if same > 1 - rule.scoring.smallest_share:
        return 0.0
    return (line.number("clear_share") - same * winner.number("clear_share")) / (1 - same)


def _best_of_each_number(pool: list[Scored]) -> list[Scored]:
    best: dict[float, Scored] = {}
    for line in sorted(pool, key=lambda line: -line.number("score")):
        best.setdefault(line.number("segments"), line)
    return list(best.values())


def _most_within_tolerance(
    pool: list[Scored], top: float, proved: Callable[[Scored], Proof], rule: SelectionRule
) -> Scored:
    good = [line for line in pool if line.number("score") >= top - rule.scoring.tolerance]
    least = rule.winning.clear_part * max(proved(line).clear_share for line in good)
    good = [line for line in good if proved(line).clear_share >= least]
    return max(good, key=lambda line: line.number("segments"))


def _without_dominance(
    pool: list[Scored], top: float, proved: Callable[[Scored], Proof], rule: Winning
) -> Scored | None:
    for line in sorted(pool, key=lambda line: -line.number("score")):
        if line.number("score") < top - rule.near_score_of_even:
            return None
        is_even = line.number("largest_share") <= rule.dominant_share
        if is_even and proved(line).clear_share >= rule.least_clear_share:
            return line
    return None
