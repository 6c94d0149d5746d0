"""Choice of family and number of segments by a written rule (`selection_rule`), with all numbers.

On a sample of customers:

0. Values on a grid, such as counts, are spread over its cells (`preparation.grids`).
1. Families and numbers of segments are scored (`scoring`) and one of them wins (`winner`).
2. Its segments must be separate: a density valley between two of them that data without structure
   do not have, tested on customers that the segments were not made with (`valleys.boundaries`), and
   in few dimensions a dip on every way between them, not on straight lines only (`valleys.ridges`).
   Where there is none, narrow gaps and overlapping bells are looked for (`second_look`). Otherwise
   the answer is one segment.
3. A mixture of more bells than that wins, where every two of them overlap as bells do (`bells`).
4. A large, compact segment that falls apart by the same rule and test is split again, but not
   where many dimensions made a centroid family the winner, nor where bells were found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import polars as pl

from portrait_assets.core.arrays import FloatMatrix, IntVector
from portrait_assets.core.machine.threads import one_thread
from portrait_assets.methods.clustering.families.family import Candidate
from portrait_assets.methods.clustering.preparation.grids import off_grid
from portrait_assets.methods.clustering.selection.bells import more_bells
from portrait_assets.methods.clustering.selection.candidates import (
    ONE_SEGMENT,
    candidates_for,
    fit_candidates,
    fit_one,
)
from portrait_assets.methods.clustering.selection.evidence import Neighbourhood, neighbourhood
from portrait_assets.methods.clustering.selection.refinement import Split, refine
from portrait_assets.methods.clustering.selection.scoring import (
    CANDIDATES_SCHEMA,
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
from portrait_assets.methods.clustering.selection.second_look import look_again
from portrait_assets.methods.clustering.selection.winner import NO_PROOF, Proof, Winner, find_winner
from portrait_assets.methods.clustering.selection_rule import RULE, SelectionRule
from portrait_assets.methods.clustering.valleys.boundaries import find_boundaries
from portrait_assets.methods.clustering.valleys.ridges import dips

Nature = Literal["separate", "division", "one"]


@dataclass(frozen=True)
class Choice:
    """Chosen labels of the sample (from 0), and every number that led to them.

    ``nature`` is whether the segments are separate, divide a continuum, or are one;
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
    rule: SelectionRule = RULE,
) -> Choice:
    """Choose family and k on a sample of prepared points, shape (rows, dims).

    ``unseen`` are further customers that only the test of valleys looks at. With ``segments``
    that many are fitted, and the choice states whether the data support it. One thread is used, so
    that the numbers do not depend on the machine.
    """
    with one_thread():
        return _Chooser(rule, seed).choose(
            points, points[:0] if unseen is None else unseen, segments
        )


def refit(
    points: FloatMatrix, candidate: Candidate, seed: int = 0, rule: SelectionRule = RULE
) -> IntVector:
    """Labels (from 0) of points by a candidate, refined where the candidate is."""
    return _Chooser(rule, seed).refit(points, candidate)


class _Separate(NamedTuple):
    """A candidate with separate segments, the proof in words, and whether they may be split."""

    line: Scored
    proof: str
    may_be_split: bool


@dataclass(frozen=True)
class _Chooser:
    """The rule and the seed that every step of a choice goes by."""

    rule: SelectionRule
    seed: int

    def choose(self, points: FloatMatrix, unseen: FloatMatrix, segments: int | None) -> Choice:
        """The choice for points, as :func:`choose` describes it."""
        rule = self.rule
        rows, dims = points.shape
        distinct = len(np.unique(points, axis=0)) if points.size else min(1, rows)
        if segments == 1:
            return one_segment(rows, "one segment was asked for")
        if distinct < 2 or (segments is None and distinct < rule.samples.fewest_rows):
            return one_segment(rows, _why_too_few(distinct))
        points, unseen = off_grid(points, unseen, self.seed)
        wanted = candidates_for(rows, dims, rule.compared, segments)
        lines = scored(fit_candidates(points, wanted, seed=self.seed))
        add_stability(lines, points, rule.scoring, segments=segments, seed=self.seed, unseen=unseen)
        near = neighbourhood(points)
        for line in leading(lines, rule.scoring):
            add_evidence(line, near, points)
        eligible = [line for line in lines if is_eligible(line, rule.scoring)]
        first = find_winner(eligible, lambda line: self.prove(points, line, unseen), rule, dims)
        separate = self.find_separate(first, eligible, near, points, unseen)
        if segments is not None:
            requested = best(eligible, rule.scoring, segments)
            if requested is None:
                return one_segment(rows, self.why_one(first), candidates_table(lines, None))
            free = None if separate is None else separate.line
            supported = free is not None and self.as_good(requested, free)
            winner, reason = requested, self.why_requested(requested, free)
        elif separate is None:
            return one_segment(rows, self.why_one(first), candidates_table(lines, None))
        else:
            supported, winner = True, separate.line
            labels = winner.labels
            if separate.may_be_split:
                labels = refine(points, unseen, labels, self.best_split, rule.refinement)
            if labels.max() > winner.labels.max():
                winner = _refined(winner, labels)
            reason = f"{_numbers(winner)}; {separate.proof}"
        if not any(line is winner for line in lines):
            lines.append(winner)
        add_evidence(winner, near, points)
        table = candidates_table(lines, winner)
        nature: Nature = "separate" if supported else "division"
        return Choice(winner.candidate, winner.labels, table, reason, supported, nature)

    def find_separate(
        self,
        first: Winner | None,
        lines: list[Scored],
        near: Neighbourhood,
        points: FloatMatrix,
        unseen: FloatMatrix,
    ) -> _Separate | None:
        """The first winner where its valley is real, or what is found in its place: more bells, or
        what the second look finds.
        """
        found = None
        if first is not None and self.is_apart(first, points):
            if not self.is_of_many_dimensions(points):
                found = more_bells(first.line, lines, points, unseen, self.rule)
            if found is None:
                return _Separate(first.line, _valley(first.proof), not first.by_centres)
        again = found or look_again(lines, near, points, unseen, self.rule, self.seed)
        if again is None:
            return None
        # What is shown of a winner, and what a requested number is compared by.
        add_stability([again.line], points, self.rule.scoring, seed=self.seed, unseen=unseen)
        return _Separate(again.line, again.reason, False)

    def is_apart(self, first: Winner, points: FloatMatrix) -> bool:
        """Whether the winner's valley is real, and not one of straight lines only."""
        if not first.is_real or self.is_of_many_dimensions(points):
            return first.is_real
        ridges = self.rule.ridges
        is_weak = first.proof.p_value >= self.rule.winning.real_p_value
        least = ridges.dip_of_weak if is_weak else ridges.dip
        is_measured = False
        for dip in dips(points, first.line.labels, ridges):
            if dip >= least:
                return True
            is_measured = True
        # Where segments are too small for a density, nothing speaks against the valley.
        return not is_measured

    def is_of_many_dimensions(self, points: FloatMatrix) -> bool:
        """Whether centroids are looked at by themselves, as densities drown in noise."""
        return bool(points.shape[1] >= self.rule.scoring.many_dimensions)

    def refit(self, points: FloatMatrix, candidate: Candidate) -> IntVector:
        """Labels (from 0) of points by a candidate, refined where the candidate is."""
        labels = np.unique(fit_one(points, candidate, seed=self.seed), return_inverse=True)[1]
        labels = labels.astype(np.int64)
        if not candidate.refined:
            return labels
        return refine(points, points[:0], labels, self.best_split, self.rule.refinement)

    def prove(self, points: FloatMatrix, line: Scored, unseen: FloatMatrix) -> Proof:
        """Look for valleys between the segments of a candidate on customers it was not made of.

        Where fewer are unseen than seen, all are halved, and each half is the other's unseen one.
        """
        if len(unseen) >= len(points):
            return self.proof(points, line.labels, unseen)
        everyone = np.vstack([points, unseen])
        halves = everyone[::2], everyone[1::2]
        proofs = []
        for known, other in (halves, halves[::-1]):
            k = line.candidate.k
            if k > len(known) or len(known) < self.rule.samples.fewest_rows // 2:
                return NO_PROOF
            proofs.append(self.proof(known, self.refit(known, line.candidate), other))
        clearest = min(proof.p_value for proof in proofs)
        clear_share = sum(proof.clear_share for proof in proofs) / 2
        return Proof(min(1.0, 2 * clearest), clear_share)

    def proof(self, points: FloatMatrix, labels: IntVector, unseen: FloatMatrix) -> Proof:
        """The clearest valley between segments, and the share of those with valleys all around."""
        found = find_boundaries(points, labels, unseen, self.rule.boundaries)
        if not found:
            return NO_PROOF
        shares = np.bincount(labels) / len(labels)
        clear = np.ones(len(shares), dtype=bool)
        for boundary in found:
            clear[[boundary.first, boundary.second]] &= (
                boundary.p_value < self.rule.winning.real_p_value
            )
        p_value = min(1.0, len(found) * min(boundary.p_value for boundary in found))
        return Proof(p_value, round(float(shares[clear].sum()), 6))

    def best_split(self, points: FloatMatrix, unseen: FloatMatrix) -> Split | None:
        """The best partition of one segment's points, among few k."""
        scoring, refinement = self.rule.scoring, self.rule.refinement
        rows, dims = points.shape
        wanted = [
            c
            for c in candidates_for(rows, dims, self.rule.compared)
            if c.k <= refinement.most_parts and c.parameter in c.family.split_parameters
        ]
        lines = scored(fit_candidates(points, wanted, seed=self.seed))
        agreed = most_agreed(lines, scoring)
        if agreed is None or self.prove(points, agreed, unseen).p_value > refinement.hopeless:
            return None
        # Others need no more of their stability than whether they come near its score.
        add_stability([agreed], points, scoring, seed=self.seed, unseen=unseen)
        least = agreed.number("score") - scoring.tolerance
        add_stability(lines, points, scoring, seed=self.seed, unseen=unseen, least=least)
        line = best(lines, scoring)
        if line is None:
            return None
        shares = np.sort(np.bincount(line.labels))[::-1] / len(line.labels)
        return Split(line.labels, self.prove(points, line, unseen).p_value, float(shares[1]))

    def as_good(self, winner: Scored, free: Scored) -> bool:
        """Whether the winner's score is alike that of the free choice."""
        least = free.number("score") - self.rule.scoring.tolerance
        return winner is free or winner.number("score") >= least

    def why_one(self, free: Winner | None) -> str:
        """Why all customers are one segment."""
        if free is None:
            return "no separate segments: every candidate leaves a segment too small to use"
        line = free.line
        if free.is_real:
            return (
                "no separate segments: between those of the best candidate "
                f"({line.candidate.algorithm}, {line.number('segments'):.0f} segments) lies a "
                "valley on straight lines only, and density is as high on a way around it"
            )
        return (
            "no separate segments: between those of the best candidate "
            f"({line.candidate.algorithm}, {line.number('segments'):.0f} segments, score "
            f"{line.number('score'):.3f}) lies no valley that data without structure would not "
            f"have (p = {free.proof.p_value:.2g}, asked for is less than "
            f"{self.rule.winning.real_p_value:g})"
        )

    def why_requested(self, requested: Scored, free: Scored | None) -> str:
        """Whether the data support the requested number, in words."""
        if free is not None and self.as_good(requested, free):
            return f"{_numbers(requested)}; this number was asked for and the data support it"
        better = "one segment" if free is None else f"{free.number('segments'):.0f} segments"
        return f"{_numbers(requested)}; this number was asked for, but the data support {better}"


def one_segment(rows: int, reason: str, table: pl.DataFrame | None = None) -> Choice:
    """The choice of one segment for all."""
    labels = np.zeros(rows, dtype=np.int64)
    frame = pl.DataFrame(schema=CANDIDATES_SCHEMA) if table is None else table
    return Choice(ONE_SEGMENT, labels, frame, reason, False, "one")


def _refined(winner: Scored, labels: IntVector) -> Scored:
    """The refined partition as a line of its own, with the scores of the line it came from."""
    shares = np.bincount(labels) / len(labels)
    kept = ("agreement", "stability", "score", "clear_share")
    numbers = {name: winner.numbers[name] for name in kept}
    numbers["segments"] = float(len(shares))
    numbers["smallest_share"] = float(shares.min())
    numbers["largest_share"] = float(shares.max())
    return Scored(winner.candidate._replace(refined=True), labels, numbers)


def _why_too_few(distinct: int) -> str:
    if distinct < 2:
        return "nothing tells one customer from another"
    return f"{distinct} different customers are too few to tell apart"


def _numbers(line: Scored) -> str:
    return (
        f"{line.candidate.algorithm} with {line.number('segments'):.0f} segments: stability "
        f"{line.number('stability'):.3f}, agreement of other families "
        f"{line.number('agreement'):.3f}, smallest share {line.number('smallest_share'):.1%}"
    )


def _valley(proof: Proof) -> str:
    return (
        f"{proof.clear_share:.0%} of customers are in a segment with a valley on every boundary, "
        f"and data without structure have such a one with p = {proof.p_value:.2g}"
    )
