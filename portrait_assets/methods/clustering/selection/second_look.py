"""Separate segments that the first look misses: narrow gaps, shallow valleys, overlapping bells.

The first look (`winner`) tests a valley on customers that the segments were not made of, in windows
along lines between few middles. Of few customers half are too few for it, curved segments have more
middles than it takes, and bells may be too near for a valley. Where it finds nothing, a second look
takes all customers and asks for more than data without structure were seen to have:

1. *Gaps*: of the candidates that other families agree with, one whose segments lie farther apart
   than their own points do, by density-based validation (D. Moulavi et al. 2014).
2. *Valleys*: of the candidates that follow gaps, the one with the clearest valley along lines at
   its least clear boundary.
3. *Bells*: a mixture whose every two components are bells apart (`bells`), and where none is, one
   of few that start from sphered points, as k-means cuts long groups that lie side by side across.

The numbers are those of `selection_rule.SecondLook`.
"""

from __future__ import annotations

from typing import NamedTuple

from portrait_assets.core.arrays import FloatMatrix
from portrait_assets.methods.clustering.selection.bells import (
    Found,
    find_bells,
    from_sphered,
    is_large_enough,
)
from portrait_assets.methods.clustering.selection.evidence import Neighbourhood, separation
from portrait_assets.methods.clustering.selection.scoring import Scored
from portrait_assets.methods.clustering.selection_rule import SecondLook, SelectionRule
from portrait_assets.methods.clustering.valleys.boundaries import least_contrast


class Looked(NamedTuple):
    """A candidate, and its density-based separation."""

    line: Scored
    apart: float


def look_again(
    lines: list[Scored],
    near: Neighbourhood,
    points: FloatMatrix,
    unseen: FloatMatrix,
    rule: SelectionRule,
    seed: int = 0,
) -> Found | None:
    """The candidate whose segments are separate by gaps, valleys or bells; None where none is.

    ``points`` are those that the candidates label, ``near`` their neighbourhood; ``unseen`` are
    further points that are looked at for bells. ``seed`` is that of further fits.
    """
    if points.shape[1] >= rule.scoring.many_dimensions:
        return None
    how = rule.second_look
    pool = [
        Looked(line, separation(near, line.labels)) for line in lines if is_large_enough(line, rule)
    ]
    return (
        _find_gaps(pool, rule)
        or _find_valleys(pool, points, how)
        or find_bells([each.line for each in pool], points, unseen, how)
        or find_bells(from_sphered(lines, points, seed, rule), points, unseen, how)
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
