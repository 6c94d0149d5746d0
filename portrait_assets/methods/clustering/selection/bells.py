"""Overlapping bells: mixtures whose components are groups, though they may have no valley.

Every two near components of it must be explained much better by two normals than by any density
with one peak (`statistics.one_peak`), along the line that tells them best apart, and none may be
flat or bent, as a box, a ring or a wave cut in pieces is. In the manner of C. Hennig (2010),
"Methods for merging Gaussian mixture components". Of the mixtures that hold, the one with the least
BIC counts.

Bells decide in two cases: where no segments were found otherwise (`second_look`), and where those
that follow gaps are groups of several bells (`more_bells`): where many groups overlap, some of them
always lie a little apart, and the families agree on these few gaps best.

The numbers are those of `selection_rule.SecondLook`.
"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np

from portrait_assets.core.arrays import FloatMatrix, FloatVector, IntVector
from portrait_assets.methods.clustering.algorithms.bells import Bells, fit_bells, form, line_between
from portrait_assets.methods.clustering.families.mixture import SPHERED
from portrait_assets.methods.clustering.selection.candidates import fit_candidates
from portrait_assets.methods.clustering.selection.scoring import Scored, is_allowed, scored
from portrait_assets.methods.clustering.selection_rule import SecondLook, SelectionRule

_GAIN = "between every two segments two overlapping normals explain customers better than"


class Found(NamedTuple):
    """A candidate with separate segments, and the proof in words."""

    line: Scored
    reason: str


class _Held(NamedTuple):
    """A mixture of bells, and what its least certain pair gains on one peak."""

    line: Scored
    gain: float
    bic: float


def find_bells(
    pool: list[Scored], points: FloatMatrix, unseen: FloatMatrix, rule: SecondLook
) -> Found | None:
    """The mixture with the least BIC whose components are bells apart from each other.

    ``points`` are those that the candidates label; None where no mixture holds.
    """
    everyone = np.vstack([points, unseen])[: max(rule.rows, len(points))]
    needed = rule.gain + rule.gain_of_dimension * max(0, points.shape[1] - 2)
    found = []
    for line in sorted(pool, key=lambda line: line.number("segments")):
        is_looked_at = line.candidate.family.may_overlap
        if is_looked_at and line.number("segments") <= rule.most_segments:
            bells = fit_bells(points, line.labels, everyone)
            gain = _gain_of_bells(everyone, bells, rule)
            if gain >= rule.gain_of_more:
                found.append(_Held(line, gain, bells.bic))
    if not any(each.gain >= needed for each in found):
        return None
    line, gain, _ = min(found, key=lambda each: each.bic)
    return Found(
        line,
        f"{_GAIN} any single peak, by {gain:.1f} in the logarithm of likelihood (asked for is "
        f"{needed:g}, and {rule.gain_of_more:g} of further numbers of segments)",
    )


def more_bells(
    first: Scored,
    lines: list[Scored],
    points: FloatMatrix,
    unseen: FloatMatrix,
    rule: SelectionRule,
) -> Found | None:
    """The mixture of more bells than the first winner has segments; None where none holds.

    Only the mixtures of least BIC are looked at, as long as they have more segments than the first
    winner, and the first of them that holds is taken.
    """
    how = rule.second_look
    everyone = np.vstack([points, unseen])[: max(how.rows, len(points))]
    mixtures = [
        (fit_bells(points, line.labels, points).bic, line)
        for line in lines
        if line.candidate.family.may_overlap and is_allowed(line, rule.scoring)
    ]
    likeliest = [
        (fit_bells(points, line.labels, everyone), line)
        for _, line in sorted(mixtures, key=lambda each: each[0])[: how.likeliest]
    ]
    for bells, line in sorted(likeliest, key=lambda each: each[0].bic):
        if line.number("segments") <= first.number("segments"):
            return None
        gain = _gain_of_bells(everyone, bells, how)
        if gain >= how.gain_of_more:
            return Found(
                line,
                f"{_GAIN} any single peak, by {gain:.1f} in the logarithm of likelihood (asked "
                f"for is {how.gain_of_more:g} where fewer segments have valleys between them)",
            )
    return None


def from_sphered(
    lines: list[Scored], points: FloatMatrix, seed: int, rule: SelectionRule
) -> list[Scored]:
    """The mixtures with few segments that start from sphered points, where none is too small.

    They have the agreement of the families of ``lines``.
    """
    rows, dims = points.shape
    numbers = range(2, rule.second_look.most_from_sphered + 1)
    fitted = fit_candidates(points, SPHERED.candidates(rows, dims, numbers), seed=seed)
    together = scored({line.candidate: line.labels for line in lines} | fitted)
    return [line for line in together if line.candidate in fitted and is_large_enough(line, rule)]


def is_large_enough(line: Scored, rule: SelectionRule) -> bool:
    """Whether a candidate has no segment that few strays could pass for."""
    least = rule.second_look.smallest_share
    return is_allowed(line, rule.scoring) and line.number("smallest_share") >= least


def _gain_of_bells(points: FloatMatrix, bells: Bells, rule: SecondLook) -> float:
    """The smallest gain of all pairs; minus infinity where a component is no bell."""
    gain = _least_gain(points, bells.labels, rule.gain_of_more, rule)
    if gain < rule.gain_of_more:
        return -np.inf
    are_bells = all(_is_bell(points, own, rule) for own in bells.shares.T)
    return gain if are_bells else -np.inf


def _least_gain(points: FloatMatrix, labels: IntVector, enough: float, rule: SecondLook) -> float:
    """The smallest gain of two normals on one peak over all pairs of labels that are near.

    Minus infinity where two are not apart, or a label has too few points; where it is less than
    ``enough``, an upper bound of it.
    """
    counts = np.bincount(labels)
    if len(counts) < 2 or counts.min() < rule.smallest_rows:
        return -np.inf
    pairs = [line_between(points, labels, *pair) for pair in combinations(range(len(counts)), 2)]
    least = np.inf
    for pair in sorted(pairs, key=lambda pair: pair.distance):
        if pair.distance > rule.surely_apart**2 and np.isfinite(least):
            return least
        found = pair.against_one_peak(enough)
        least = min(least, found.gain)
        if found.separation < rule.means_apart:
            return -np.inf
        if least < enough:
            return least
    return least


def _is_bell(points: FloatMatrix, weights: FloatVector, rule: SecondLook) -> bool:
    found = form(points, weights)
    is_flat = found.flatness > rule.flat and found.flatness_beyond_chance > rule.flat_by_errors
    return not is_flat and not (
        found.bend > rule.bent and found.bend_by_chance < rule.bent_by_chance
    )
