"""Choice of family and number of segments by a written rule, with all its numbers.

The rule, on a sample of about 1,500 customers:

1. Every family is fitted for every k. Candidates with a segment below 2 % of the sample, or below
   15 of its customers (5 % of a small one), are out; where 0.3 / k is less, that is enough.
2. *Agreement* is how far at least two other families find the same partition. Only candidates
   within ``SHORTLIST`` of the best agreement go on.
3. *Stability* is the mean adjusted Rand index between the fit and refits on 80 % subsets.
4. Among the candidates whose score (stability + agreement) is within ``TOLERANCE`` of the best,
   the one with the most segments wins; on a tie the higher score.
5. The winner must beat structureless data of the same rows, dimensions and number of segments, by
   its score or by a clear density valley; otherwise the answer is one segment.
6. A large, compact segment that falls apart clearly by the same rule is split again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from sklearn.metrics import silhouette_score
from threadpoolctl import threadpool_limits

from portrait_assets.clusters.evidence import (
    Neighbourhood,
    adjusted_rand,
    adjusted_rand_matrix,
    agreement,
    neighbourhood,
    purity,
    separation,
    valley,
)
from portrait_assets.clusters.families import Candidate, candidates_for, fit_candidates
from portrait_assets.clusters.null_reference import (
    NullCase,
    beats_structureless,
    effective_dimensions,
    null_score,
)
from portrait_assets.clusters.refinement import Split, refine

FloatMatrix = npt.NDArray[np.float64]
IntVector = npt.NDArray[np.int64]

SMALLEST_SHARE = 0.02
SMALLEST_PART = 0.3
"""With many segments, this part of an even share is enough."""
SMALLEST_ROWS = 15
SHORTLIST = 0.08
TOLERANCE = 0.02
SUBSETS = 6
MOST_LISTED = 30
SHOWN_WITH_EVIDENCE = 10
MOST_PARTS = 12
"""A segment is split into at most this many parts at once."""
SUBSET_SHARE = 0.8
FEWEST_ROWS = 20
"""Fewer customers than this are one segment unless a number is asked for."""
ONE_SEGMENT = Candidate("one segment", 0, 1)

CANDIDATES_SCHEMA: dict[str, pl.DataType] = {
    "family": pl.String(),
    "parameter": pl.Float64(),
    "k": pl.Int64(),
    "segments": pl.Int64(),
    "smallest_share": pl.Float64(),
    "largest_share": pl.Float64(),
    "agreement": pl.Float64(),
    "stability": pl.Float64(),
    "score": pl.Float64(),
    "purity": pl.Float64(),
    "separation": pl.Float64(),
    "valley": pl.Float64(),
    "silhouette": pl.Float64(),
    "chosen": pl.Boolean(),
}
"""Numbers of every candidate; what the rule did not need to compute is null."""


@dataclass(frozen=True)
class Choice:
    """Chosen labels of the sample (from 0), and every number that led to them.

    ``supported`` says whether the data bear out separate segments; with an asked number, whether
    they bear out that number.
    """

    candidate: Candidate
    labels: IntVector
    candidates: pl.DataFrame
    reason: str
    supported: bool

    @property
    def algorithm(self) -> str:
        """Family and parameter in words."""
        return self.candidate.algorithm


def choose(points: FloatMatrix, *, segments: int | None = None, seed: int = 0) -> Choice:
    """Choose family and k on a sample of prepared points, shape (rows, dims).

    With ``segments`` that many are made, and the choice says whether the data support it.
    One thread is used, so that the numbers do not depend on the machine.
    """
    with threadpool_limits(1):
        return _choose(points, segments, seed)


def _choose(points: FloatMatrix, segments: int | None, seed: int) -> Choice:
    rows, dims = points.shape
    distinct = len(np.unique(points, axis=0)) if points.size else min(1, rows)
    if segments == 1:
        return _one_segment(rows, "one segment was asked for")
    if distinct < 2 or (segments is None and distinct < FEWEST_ROWS):
        return _one_segment(rows, f"{distinct} different customers are too few to tell apart")
    fitted = fit_candidates(points, candidates_for(rows, dims, segments), seed=seed)
    lines = _lines(fitted)
    _add_stability(lines, points, segments, seed)
    free, asked = _best(lines), None if segments is None else _best(lines, segments)
    near = neighbourhood(points)
    for line in {id(x): x for x in (free, asked, *_leading(lines)) if x is not None}.values():
        _add_evidence(line, near, points)
    found = free is not None and _is_real(free, points)
    winner = asked if segments is not None else (free if found else None)
    if winner is None:
        return _one_segment(rows, _why_one(free, points), _frame(lines, None))
    supported = found and free is not None and _as_good(winner, free)
    if segments is None:
        labels = refine(points, winner.labels, lambda part: _best_split(part, seed))
        if labels.max() > winner.labels.max():
            winner = _refined(winner, labels, near, points, lines)
    reason = _why(winner, free if found else None, segments is not None, supported, points)
    return Choice(winner.candidate, winner.labels, _frame(lines, winner), reason, supported)


@dataclass
class _Line:
    """A candidate with its labels and the numbers found so far."""

    candidate: Candidate
    labels: IntVector
    numbers: dict[str, float]

    def number(self, name: str) -> float:
        return self.numbers.get(name, float("-inf"))


def _lines(fitted: dict[Candidate, IntVector]) -> list[_Line]:
    """Candidates that have at least two segments, with shares and agreement."""
    lines = []
    for candidate, raw in fitted.items():
        labels = np.unique(raw, return_inverse=True)[1].astype(np.int64)
        shares = np.bincount(labels) / len(labels)
        if len(shares) >= 2:
            numbers = {
                "segments": float(len(shares)),
                "smallest_share": float(shares.min()),
                "largest_share": float(shares.max()),
            }
            lines.append(_Line(candidate, labels, numbers))
    if lines:
        similar = adjusted_rand_matrix([line.labels for line in lines])
        found = agreement(similar, [line.candidate.family for line in lines])
        for line, value in zip(lines, found, strict=True):
            line.numbers["agreement"] = float(value)
    return lines


def _allowed(line: _Line) -> bool:
    """Whether no segment is too small to act on or to be told from a few strays."""
    rows = len(line.labels)
    least = max(SMALLEST_SHARE, min(SMALLEST_ROWS / rows, 0.05))
    least = min(least, SMALLEST_PART / line.number("segments"))
    return line.number("smallest_share") >= least


def _add_stability(
    lines: list[_Line], points: FloatMatrix, segments: int | None, seed: int
) -> None:
    """Stability and score of the candidates that may win, by refits on subsets."""
    free = [line for line in lines if _allowed(line)]
    asked = [line for line in lines if line.number("segments") == segments]
    listed: dict[Candidate, _Line] = {}
    for group in (free, asked):
        top = max((line.number("agreement") for line in group), default=0.0)
        near_top = [line for line in group if line.number("agreement") >= top - SHORTLIST]
        near_top.sort(key=lambda line: -line.number("agreement"))
        listed |= {line.candidate: line for line in near_top[:MOST_LISTED]}
    rng = np.random.default_rng(seed)
    found: dict[Candidate, list[float]] = {candidate: [] for candidate in listed}
    for subset in range(SUBSETS):
        picked = np.sort(rng.permutation(len(points))[: int(SUBSET_SHARE * len(points))])
        refits = fit_candidates(
            points[picked], _fitting(listed, len(picked)), seed=seed + subset + 1
        )
        for candidate, labels in refits.items():
            found[candidate].append(adjusted_rand(listed[candidate].labels[picked], labels))
    for candidate, values in found.items():
        numbers = listed[candidate].numbers
        # A k that no subset can carry has shown no stability.
        numbers["stability"] = float(np.mean(values)) if values else 0.0
        numbers["score"] = numbers["stability"] + numbers["agreement"]


def _fitting(listed: dict[Candidate, _Line], rows: int) -> list[Candidate]:
    return [c for c in listed if c.k <= rows and (c.family != "density" or rows >= 10)]


def _best(lines: list[_Line], segments: int | None = None) -> _Line | None:
    """The line that wins by the rule, among all allowed or among those with so many segments."""
    pool = [line for line in lines if "score" in line.numbers]
    if segments is None:
        pool = [line for line in pool if _allowed(line)]
    else:
        pool = [line for line in pool if line.number("segments") == segments]
    if not pool:
        return None
    top = max(line.number("score") for line in pool)
    good = [line for line in pool if line.number("score") >= top - TOLERANCE]
    return max(good, key=lambda line: (line.number("segments"), line.number("score")))


def _leading(lines: list[_Line]) -> list[_Line]:
    scored = [line for line in lines if "score" in line.numbers]
    return sorted(scored, key=lambda line: -line.number("score"))[:SHOWN_WITH_EVIDENCE]


def _add_evidence(line: _Line, near: Neighbourhood, points: FloatMatrix) -> None:
    line.numbers["purity"] = purity(near, line.labels)
    line.numbers["separation"] = separation(near, line.labels)
    line.numbers["valley"] = valley(near, line.labels)
    if line.number("segments") < len(points):
        line.numbers["silhouette"] = float(silhouette_score(points, line.labels))


def _best_split(points: FloatMatrix, seed: int) -> Split | None:
    """The best partition of one segment's points, among few k."""
    wanted = [c for c in candidates_for(*points.shape) if c.k <= MOST_PARTS]
    lines = _lines(fit_candidates(points, wanted, seed=seed))
    _add_stability(lines, points, None, seed)
    dims = effective_dimensions(points)
    splits = []
    for line in lines:
        shares = np.sort(np.bincount(line.labels))[::-1] / len(line.labels)
        if "score" in line.numbers and _allowed(line):
            above = line.number("score") - null_score(NullCase(len(points), dims, len(shares)))
            splits.append((above, line.labels, float(shares[1])))
    if not splits:
        return None
    # What counts is the gain over structureless data, or a few far strays would hide the parts.
    above, labels, second = max(splits, key=lambda split: (split[0], split[2]))
    return Split(labels, above, valley(neighbourhood(points), labels), second)


def _refined(
    winner: _Line, labels: IntVector, near: Neighbourhood, points: FloatMatrix, lines: list[_Line]
) -> _Line:
    """The refined partition as a line of its own, with the scores of the line it came from."""
    shares = np.bincount(labels) / len(labels)
    family = f"{winner.candidate.algorithm}, refined"
    numbers = {name: winner.numbers[name] for name in ("agreement", "stability", "score")}
    numbers["segments"] = float(len(shares))
    numbers["smallest_share"] = float(shares.min())
    numbers["largest_share"] = float(shares.max())
    line = _Line(Candidate(family, 0, len(shares)), labels, numbers)
    _add_evidence(line, near, points)
    lines.append(line)
    return line


def _case(line: _Line, points: FloatMatrix) -> NullCase:
    return NullCase(len(points), effective_dimensions(points), int(line.number("segments")))


def _is_real(line: _Line, points: FloatMatrix) -> bool:
    return beats_structureless(line.number("score"), line.number("valley"), _case(line, points))


def _as_good(winner: _Line, free: _Line) -> bool:
    return winner is free or winner.number("score") >= free.number("score") - TOLERANCE


def _one_segment(rows: int, reason: str, table: pl.DataFrame | None = None) -> Choice:
    labels = np.zeros(rows, dtype=np.int64)
    frame = pl.DataFrame(schema=CANDIDATES_SCHEMA) if table is None else table
    return Choice(ONE_SEGMENT, labels, frame, reason, False)


def _why_one(free: _Line | None, points: FloatMatrix) -> str:
    if free is None:
        return "no separate segments: every candidate leaves a segment too small to use"
    return (
        f"no separate segments: the best candidate ({free.candidate.algorithm}, "
        f"{free.number('segments'):.0f} segments) scores {free.number('score'):.3f} with a valley "
        f"of {free.number('valley'):.2f}, and data without structure of this shape reach "
        f"{null_score(_case(free, points)):.3f}"
    )


def _why(
    winner: _Line, free: _Line | None, asked: bool, supported: bool, points: FloatMatrix
) -> str:
    numbers = (
        f"{winner.candidate.algorithm} with {winner.number('segments'):.0f} segments: stability "
        f"{winner.number('stability'):.3f}, agreement of other families "
        f"{winner.number('agreement'):.3f}, smallest share {winner.number('smallest_share'):.1%}"
    )
    if not asked:
        bar = null_score(_case(winner, points))
        return (
            f"{numbers}; the most segments among candidates within {TOLERANCE:g} of the best "
            f"score; data without structure of this shape reach {bar:.3f}"
        )
    if supported:
        return f"{numbers}; this number was asked for and the data support it"
    better = "one segment" if free is None else f"{free.number('segments'):.0f} segments"
    return f"{numbers}; this number was asked for, but the data support {better}"


def _frame(lines: list[_Line], winner: _Line | None) -> pl.DataFrame:
    """All candidates as a table, the best score first."""
    rows = []
    for line in lines:
        rounded = {name: round(value, 6) for name, value in line.numbers.items()}
        candidate = line.candidate
        rows.append(
            {
                **dict.fromkeys(CANDIDATES_SCHEMA),
                **rounded,
                "family": candidate.family,
                "parameter": candidate.parameter,
                "k": candidate.k,
                "segments": int(line.number("segments")),
                "chosen": line is winner,
            }
        )
    frame = pl.DataFrame(rows, schema=CANDIDATES_SCHEMA)
    return frame.sort(
        ["chosen", "score", "agreement", "family", "parameter", "k"],
        descending=[True, True, True, False, False, False],
        nulls_last=True,
    )
