"""Whether a density valley lies between neighbouring segments: an exact test on unseen customers.

Data without structure (Gaussian, uniform, exponential, however stretched and turned) have a
log-concave density. Such a density stays log-concave within any convex region and in any
projection, so it has one peak along any line (A. Prékopa 1973, "On logarithmic concave measures
and functions"). A valley between two segments therefore speaks against it: along the line
between the middles of two neighbouring parts, within a cylinder around it, fewer customers lie in
a window between them than the windows on either side would have by their width. The windows are
found on some customers and the counts are tested on others, by the binomial distribution, so the
probability is exact whatever was searched for. The numbers are those of
`selection_rule.Boundaries`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import bdtr

from portrait_assets.core.arrays import FloatMatrix, FloatVector, IntVector
from portrait_assets.methods.clustering.algorithms.kmeans import kmeans_centres
from portrait_assets.methods.clustering.algorithms.nearest import nearest_rows, squared_distances
from portrait_assets.methods.clustering.selection_rule import Boundaries


class Boundary(NamedTuple):
    """Two neighbouring segments, and how probable their valley is in data with one peak."""

    first: int
    second: int
    p_value: float


class Line(NamedTuple):
    """A line between the middles of two parts, and the radius of the cylinder around it."""

    start: FloatVector
    step: FloatVector
    radius: float


class Windows(NamedTuple):
    """Windows along a line as ranges of bins: before, in and after the valley."""

    before: tuple[int, int]
    valley: tuple[int, int]
    after: tuple[int, int]


def find_boundaries(
    points: FloatMatrix, labels: IntVector, unseen: FloatMatrix, rule: Boundaries
) -> list[Boundary]:
    """The boundaries between neighbouring segments of labelled points, tested on unseen points.

    Each is looked at from the middles of the segments, and where that is not enough from those
    of their parts; the probability is that of the clearest line, times the number of lines that
    there are (Bonferroni).
    """
    whole, parts = (_Middles.of(points, labels, m, rule) for m in (1, rule.most_parts))
    whole_lines, part_lines = whole.lines(), parts.lines()
    found = []
    for pair in sorted({*whole_lines, *part_lines}):
        first, second = whole_lines.get(pair, []), part_lines.get(pair, [])
        p_value = min((whole.p_value(points, unseen, line) for line in first), default=1.0)
        if p_value > rule.enough:
            p_value = min(p_value, *(parts.p_value(points, unseen, line) for line in second), 1.0)
        found.append(Boundary(*pair, min(1.0, p_value * (len(first) + len(second)))))
    return found


def least_contrast(points: FloatMatrix, labels: IntVector, rule: Boundaries) -> float:
    """How clear the valley of the least clear boundary is on its clearest line, in standard errors.

    The lines are between parts only, as one between the middles of two halves of a ring crosses
    what is empty. The points are those that the segments were made of, and windows are found and
    counted on the same ones; so chance alone reaches more than in a test on unseen points.
    """
    parts = _Middles.of(points, labels, rule.most_parts, rule)
    clearest = (max(parts.contrast(points, at) for at in own) for own in parts.lines().values())
    return min(clearest, default=-np.inf)


class _Middles(NamedTuple):
    """Middles of the segments' parts, the segment of each part, and the part of each point."""

    middles: FloatMatrix
    owner: IntVector
    part: IntVector
    rule: Boundaries

    @classmethod
    def of(cls, points: FloatMatrix, labels: IntVector, most: int, rule: Boundaries) -> _Middles:
        """At most so many parts of every segment, by k-means."""
        middles: list[FloatMatrix] = []
        owner: list[int] = []
        part = np.zeros(len(points), dtype=np.int64)
        for segment in np.unique(labels):
            inside = labels == segment
            members = points[inside]
            wanted = int(np.clip(len(members) // rule.part_rows, 1, most))
            centres = members.mean(axis=0, keepdims=True)
            if wanted > 1:
                centres = kmeans_centres(members, wanted, restarts=1, seed=0)
            part[inside] = len(owner) + nearest_rows(members, centres)
            middles.append(centres)
            owner += [int(segment)] * len(centres)
        return cls(np.vstack(middles), np.array(owner, dtype=np.int64), part, rule)

    def lines(self) -> dict[tuple[int, int], list[tuple[int, int]]]:
        """The shortest lines between parts of different segments with no third between them.

        Neighbours in the graph of K. Gabriel and R. Sokal (1969): no other middle lies within
        the ball that has the line as its diameter. A segment has few neighbours: the nearest.
        """
        squared = squared_distances(self.middles, self.middles)
        found: dict[tuple[int, int], list[tuple[int, int]]] = {}
        neighbours = np.zeros(int(self.owner.max()) + 1, dtype=np.int64)
        i, j = np.nonzero(self.owner[:, None] < self.owner)
        for at in np.argsort(squared[i, j], kind="stable"):
            a, b = int(i[at]), int(j[at])
            pair = (int(self.owner[a]), int(self.owner[b]))
            earlier = found.get(pair)
            if earlier is not None and len(earlier) >= self.rule.lines:
                continue
            if earlier is None and min(neighbours[list(pair)]) >= self.rule.neighbours:
                continue
            if ((squared[a] + squared[b]) < squared[a, b] * (1 - 1e-9)).any():
                continue
            if earlier is None:
                neighbours[list(pair)] += 1
            found.setdefault(pair, []).append((a, b))
        return found

    def p_value(self, points: FloatMatrix, unseen: FloatMatrix, line: tuple[int, int]) -> float:
        """How probable the valley along the line is in data with one peak."""
        cylinder = self._cylinder(points, line)
        if cylinder is None:
            return 1.0
        bins = self.rule.bins
        windows, _ = _windows(_counts(points, cylinder, bins), self.rule)
        return _valley_probability(_counts(unseen, cylinder, bins), windows)

    def contrast(self, points: FloatMatrix, line: tuple[int, int]) -> float:
        """How clear the valley along the line is, in standard errors."""
        cylinder = self._cylinder(points, line)
        if cylinder is None:
            return -np.inf
        return _windows(_counts(points, cylinder, self.rule.bins), self.rule)[1]

    def _cylinder(self, points: FloatMatrix, line: tuple[int, int]) -> Line | None:
        """The line with its radius; None where both middles are the same."""
        start, end = self.middles[line[0]], self.middles[line[1]]
        if not ((end - start) ** 2).sum() > 0:
            return None
        members = points[(self.part == line[0]) | (self.part == line[1])]
        _, away = _along(members, start, end - start)
        return Line(start, end - start, float(np.quantile(away, self.rule.cylinder)))


def _along(
    points: FloatMatrix, start: FloatVector, step: FloatVector
) -> tuple[FloatVector, FloatVector]:
    """Position along the line (0 at its start, 1 at its end) and distance from it."""
    from_start = points - start
    position = from_start @ step / (step**2).sum()
    away = (from_start**2).sum(axis=1) - position**2 * (step**2).sum()
    return position, np.sqrt(np.maximum(away, 0.0))


def _counts(points: FloatMatrix, line: Line, bins: int) -> FloatVector:
    """Cumulated counts of the points within the cylinder, shape (bins + 1,)."""
    position, away = _along(points, line.start, line.step)
    inside = position[away <= line.radius]
    counts, _ = np.histogram(inside, bins=bins, range=(-1.0, 2.0))
    return np.asarray(np.r_[0.0, np.cumsum(counts)])


def _windows(cumulated: FloatVector, rule: Boundaries) -> tuple[Windows, float]:
    """The windows whose counts speak most clearly for a valley, and how clearly."""
    best, found = -np.inf, Windows((0, 1), (1, 2), (2, 3))
    for width in rule.middle_widths:
        low = np.array(rule.middles) - width // 2
        high = low + width
        inside = cumulated[high] - cumulated[low]
        density, ends = inside / width, np.full_like(high, rule.bins)
        before, before_z = _sides(cumulated, density, width, (np.zeros_like(low), low), rule)
        after, after_z = _sides(cumulated, density, width, (high, ends), rule)
        clearest = np.minimum(before_z, after_z)
        at = int(clearest.argmax())
        if clearest[at] > best:
            best = float(clearest[at])
            valley = (int(low[at]), int(high[at]))
            found = Windows((before[0][at], before[1][at]), valley, (after[0][at], after[1][at]))
    return found, best


def _sides(
    cumulated: FloatVector,
    inside: FloatVector,
    inside_width: int,
    within: tuple[IntVector, IntVector],
    rule: Boundaries,
) -> tuple[tuple[IntVector, IntVector], FloatVector]:
    """Per valley, the window ``within`` the bins given whose density exceeds its most clearly."""
    first, end = within
    best = np.full(len(inside), -np.inf)
    starts, ends = first.copy(), first + 1
    for width in rule.side_widths:
        at = np.arange(rule.bins - width + 1)
        density = (cumulated[at + width] - cumulated[at]) / width
        common = density * width + inside[:, None] * inside_width + 1
        common /= width + inside_width
        z = (density - inside[:, None]) / np.sqrt(common * (1 / width + 1 / inside_width))
        z[(at < first[:, None]) | (at + width > end[:, None])] = -np.inf
        top = z.argmax(axis=1)
        value = z[np.arange(len(z)), top]
        better = value > best
        best = np.where(better, value, best)
        starts, ends = np.where(better, top, starts), np.where(better, top + width, ends)
    return (starts, ends), best


def _valley_probability(cumulated: FloatVector, windows: Windows) -> float:
    """How probable so few customers in the valley are when it is as dense as either side."""
    low, high = windows.valley
    inside = int(cumulated[high] - cumulated[low])
    values = []
    for start, end in (windows.before, windows.after):
        beside = int(cumulated[end] - cumulated[start])
        share = (high - low) / (high - low + end - start)
        values.append(float(bdtr(inside, inside + beside, share)))
    return max(values)
