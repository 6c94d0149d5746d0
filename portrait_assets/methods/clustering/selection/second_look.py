"""Separate segments that the first look misses: narrow gaps, shallow valleys, overlapping bells.

The first look (`winner`) tests a valley on customers that the segments were not made of, in windows
along lines between few middles. Of few customers half are too few for it, curved segments have more
middles than it takes, and bells may be too near for a valley. Where it finds nothing, a second look
takes all customers and asks for more than data without structure were seen to have:

1. *Gaps*: of the candidates that other families agree with, one whose segments lie farther apart
   than their own points do, by density-based validation (D. Moulavi et al. 2014).
2. *Valleys*: of the candidates that follow gaps, the one with the clearest valley along lines at
   its least clear boundary.
3. *Bells*: a mixture whose every two components are explained much better by two normals than by
   any density with one peak (`statistics.one_peak`), along the line that tells them best apart,
   and whose components are neither flat nor bent, as a box, a ring or a wave cut in pieces is. In
   the manner of C. Hennig (2010), "Methods for merging Gaussian mixture components". Of the
   mixtures that hold, the one with the least BIC counts.

The numbers are those of `selection_rule.SecondLook`.
"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from portrait_assets.methods.clustering.algorithms.bells import (
    Bells,
    fit_bells,
    form,
    line_between,
)
from portrait_assets.methods.clustering.selection.boundaries import least_contrast
from portrait_assets.methods.clustering.selection.evidence import Neighbourhood, separation
from portrait_assets.methods.clustering.selection.scoring import Scored, is_allowed
from portrait_assets.methods.clustering.selection_rule import SecondLook, SelectionRule

FloatMatrix = npt.NDArray[np.float64]
FloatVector = npt.NDArray[np.float64]
IntVector = npt.NDArray[np.int64]


class Found(NamedTuple):
    """A candidate with separate segments, and the proof in words."""

    line: Scored
    reason: str


class Looked(NamedTuple):
    """A candidate, and its density-based separation."""

    line: Scored
    apart: float


class _Held(NamedTuple):
    """A mixture of bells, and what its least certain pair gains on one peak."""

    line: Scored
    gain: float
    bic: float


def look_again(
    lines: list[Scored],
    near: Neighbourhood,
    points: FloatMatrix,
    unseen: FloatMatrix,
    rule: SelectionRule,
) -> Found | None:
    """The candidate whose segments are separate by gaps, valleys or bells; None where none is.

    ``points`` are those that the candidates label, ``near`` their neighbourhood; ``unseen`` are
    further points that are looked at for bells.
    """
    if points.shape[1] >= rule.scoring.many_dimensions:
        return None
    how = rule.second_look
    pool = [
        Looked(line, separation(near, line.labels))
        for line in lines
        if is_allowed(line, rule.scoring) and line.number("smallest_share") >= how.smallest_share
    ]
    return (
        _find_gaps(pool, rule)
        or _find_valleys(pool, points, how)
        or _find_bells([each.line for each in pool], points, unseen, how)
    )


def _find_gaps(pool: list[Looked], rule: SelectionRule) -> Found | None:
    """The most agreed candidate with gaps between its segments; of those alike, the most."""
    least = rule.second_look.separation
    found = [
        each
        for each in pool
        if each.apart >= least and each.line.number("agreement") >= rule.scoring.least_agreement
    ]
    if not found:
        return None
    top = max(each.line.number("agreement") for each in found) - rule.scoring.tolerance
    alike = [each for each in found if each.line.number("agreement") >= top]
    best = max(alike, key=lambda each: (each.line.number("segments"), each.apart))
    return Found(
        best.line,
        "segments lie farther apart than their own customers do (density-based separation "
        f"{best.apart:.2f}, asked for is {least:g})",
    )


def _find_valleys(pool: list[Looked], points: FloatMatrix, rule: SecondLook) -> Found | None:
    """The candidate whose least clear valley is the clearest; of those alike, the most agreed."""
    found: dict[bytes, tuple[float, Looked]] = {}
    for each in pool:
        line, labels = each.line, each.line.labels
        is_looked_at = (
            line.candidate.family.follows_gaps
            and line.number("segments") <= rule.most_segments
            and line.number("agreement") >= rule.agreement_of_valleys
            and each.apart >= rule.separation_of_valleys
        )
        if is_looked_at and labels.tobytes() not in found:
            found[labels.tobytes()] = (least_contrast(points, labels, rule.valleys), each)
    clear = [each for each in found.values() if each[0] >= rule.contrast]
    if not clear:
        return None
    contrast, best = max(clear, key=lambda each: (each[0], each[1].line.number("agreement")))
    return Found(
        best.line,
        f"a valley lies on every boundary, of {contrast:.1f} standard errors on a line between "
        f"segments (asked for are {rule.contrast:g})",
    )


def _find_bells(
    pool: list[Scored], points: FloatMatrix, unseen: FloatMatrix, rule: SecondLook
) -> Found | None:
    """The mixture with the least BIC whose components are bells apart from each other."""
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
        "between every two segments two overlapping normals explain customers better than any "
        f"single peak, by {gain:.1f} in the logarithm of likelihood (asked for is {needed:g}, and "
        f"{rule.gain_of_more:g} of further numbers of segments)",
    )


def _gain_of_bells(points: FloatMatrix, bells: Bells, rule: SecondLook) -> float:
    """The smallest gain of all pairs; minus infinity where a component is no bell."""
    gain = _least_gain(points, bells.labels, rule.gain_of_more, rule)
    if gain < rule.gain_of_more:
        return -np.inf
    are_bells = all(_is_bell(points, own, rule) for own in bells.shares.T)
    return gain if are_bells else -np.inf


def _least_gain(points: FloatMatrix, labels: IntVector, enough: float, rule: SecondLook) -> float:
    """The smallest gain of two normals on one peak over all pairs of labels.

    Minus infinity where two are not apart, or a label has too few points; where it is less than
    ``enough``, an upper bound of it.
    """
    counts = np.bincount(labels)
    if len(counts) < 2 or counts.min() < rule.smallest_rows:
        return -np.inf
    pairs = [line_between(points, labels, *pair) for pair in combinations(range(len(counts)), 2)]
    least = np.inf
    for pair in sorted(pairs, key=lambda pair: pair.distance):
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
