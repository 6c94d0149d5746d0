"""Candidates scored on a sample: shares, agreement of families, stability.

1. Every family is fitted for every k. Candidates with a segment that is too small are out.
2. *Agreement* is how far at least two other families find the same partition. Candidates near the
   best agreement go on, and the best of every number of segments.
3. *Stability* is the mean adjusted Rand index between the fit and refits on subsets; the *score* is
   agreement + stability.

The numbers are those of `selection_rule.Scoring`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from sklearn.metrics import adjusted_rand_score, silhouette_score

from portrait_assets.core.arrays import FloatMatrix, IntVector
from portrait_assets.core.cells import SMALLEST_CELL
from portrait_assets.core.machine.threads import workers
from portrait_assets.methods.clustering.algorithms.kmeans import fit_several
from portrait_assets.methods.clustering.families.family import Candidate
from portrait_assets.methods.clustering.selection.candidates import fit_candidates
from portrait_assets.methods.clustering.selection.evidence import (
    Neighbourhood,
    agreement,
    purity,
    separation,
)
from portrait_assets.methods.clustering.selection_rule import Scoring
from portrait_assets.methods.statistics.agreement import adjusted_rand_matrix

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
    "clear_share": pl.Float64(),
    "silhouette": pl.Float64(),
    "chosen": pl.Boolean(),
}
"""Numbers of every candidate; what the rule did not need to compute is null."""


@dataclass
class Scored:
    """A candidate with its labels and the numbers found so far."""

    candidate: Candidate
    labels: IntVector
    numbers: dict[str, float]

    def number(self, name: str) -> float:
        """The number of that name; minus infinity where it was not computed."""
        return self.numbers.get(name, float("-inf"))


def scored(fitted: Mapping[Candidate, IntVector]) -> list[Scored]:
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
            lines.append(Scored(candidate, labels, numbers))
    if lines:
        similar = adjusted_rand_matrix([line.labels for line in lines])
        similar[:, [not line.candidate.family.is_evidence for line in lines]] = -1.0
        found = agreement(similar, [line.candidate.kind for line in lines])
        for line, value in zip(lines, found, strict=True):
            line.numbers["agreement"] = float(value)
    return lines


def is_allowed(line: Scored, rule: Scoring) -> bool:
    """Whether no segment is too small to act on, to differ from a few strays, or to be of few."""
    of_few = min(rule.smallest_rows / len(line.labels), rule.smallest_share_of_few)
    least = max(rule.smallest_share, of_few)
    least = min(least, rule.smallest_part / line.number("segments"))
    least = max(least, SMALLEST_CELL / len(line.labels))
    return line.number("smallest_share") >= least


def add_stability(
    lines: list[Scored],
    points: FloatMatrix,
    rule: Scoring,
    *,
    segments: int | None = None,
    seed: int = 0,
    unseen: FloatMatrix | None = None,
    least: float = float("-inf"),
) -> None:
    """Stability and score of the candidates that may win, by refits on subsets.

    In many dimensions that of centroid families is taken over more customers, the points and
    ``unseen``. With ``segments`` candidates with so many are also scored. Refits take long:
    candidates that cannot reach the score ``least`` may be left without, and those that have a
    score keep it.
    """
    free = [line for line in lines if is_allowed(line, rule)]
    requested = [line for line in lines if line.number("segments") == segments]
    centred = _centred(free, points, rule)
    shortlist = (*_shortlist(free, rule), *_shortlist(requested, rule))
    listed = {line.candidate: line for line in (*shortlist, *centred)}
    labels = {candidate: line.labels for candidate, line in listed.items()}
    needed = {
        candidate: np.inf if "score" in line.numbers else least - line.number("agreement")
        for candidate, line in listed.items()
    }
    found: dict[Candidate, float] = {}
    if centred and unseen is not None and len(unseen):
        everyone = np.vstack([points, unseen])[: rule.centres_rows]
        of_everyone = [line.candidate for line in centred]
        wanted = [c for c in of_everyone if needed[c] <= 1 + rule.rounding]
        fitted = fit_candidates(everyone, wanted, seed=seed)
        found = _stability(everyone, fitted, needed, seed, rule)
        labels = {c: own for c, own in labels.items() if c not in of_everyone}
    found |= _stability(points, labels, needed, seed, rule)
    for candidate, stability in found.items():
        numbers = listed[candidate].numbers
        numbers["stability"] = stability
        numbers["score"] = stability + numbers["agreement"]


def _stability(
    points: FloatMatrix,
    labels: Mapping[Candidate, IntVector],
    needed: Mapping[Candidate, float],
    seed: int,
    rule: Scoring,
) -> dict[Candidate, float]:
    """Mean adjusted Rand index between labels of the points and refits on subsets of them.

    A candidate is left out as soon as its mean cannot be as high as needed.
    """
    rng = np.random.default_rng(seed)
    found: dict[Candidate, list[float]] = {candidate: [] for candidate in labels}
    subsets, rows = rule.subsets, int(rule.subset_share * len(points))
    drawn = [np.sort(rng.permutation(len(points))[:rows]) for _ in range(subsets)]

    def may_do(found: Mapping[Candidate, list[float]]) -> dict[Candidate, list[float]]:
        return {
            c: values
            for c, values in found.items()
            if (sum(values) + subsets - len(values)) / subsets >= needed[c] - rule.rounding
        }

    def refit(subset: int) -> dict[Candidate, IntVector]:
        wanted = _fitting(_with_starts(labels, found), rows)
        return fit_candidates(points[drawn[subset]], wanted, seed=seed + subset + 1)

    # As many at a time as there are processors, and what each leaves is that of one after another.
    at_once = workers()
    for first in range(0, subsets, at_once):
        together = range(first, min(first + at_once, subsets))
        found = may_do(found)
        for subset, refits in zip(together, fit_several(refit, together), strict=True):
            found = may_do(found)
            for candidate in found.keys() & refits.keys():
                known = labels[candidate][drawn[subset]]
                agreed = adjusted_rand_score(known, refits[candidate])
                found[candidate].append(float(agreed))
    # A k that no subset can carry has shown no stability.
    return {c: float(np.mean(values)) if values else 0.0 for c, values in found.items()}


def _with_starts(labels: Iterable[Candidate], wanted: Collection[Candidate]) -> list[Candidate]:
    """The wanted candidates, and those that their fits start from."""
    starts = {Candidate(c.family.starts_from, 0.0, c.k) for c in wanted if c.family.starts_from}
    return [candidate for candidate in labels if candidate in wanted or candidate in starts]


def _centred(lines: list[Scored], points: FloatMatrix, rule: Scoring) -> list[Scored]:
    """In many dimensions, the candidates of centroid families with few centres."""
    if points.shape[1] < rule.many_dimensions:
        return []
    return [
        line
        for line in lines
        if line.candidate.is_centroid and line.candidate.k <= rule.most_centres
    ]


def _shortlist(group: list[Scored], rule: Scoring) -> list[Scored]:
    """The most agreed candidates, and the most agreed of every number of segments."""
    ordered = sorted(group, key=lambda line: -line.number("agreement"))
    top = ordered[0].number("agreement") if ordered else 0.0
    near_top = [line for line in ordered if line.number("agreement") >= top - rule.shortlist]
    of_number: dict[float, Scored] = {}
    for line in ordered:
        if line.number("agreement") >= rule.least_agreement:
            of_number.setdefault(line.number("segments"), line)
    return [*near_top[: rule.most_listed], *of_number.values()]


def _fitting(listed: Iterable[Candidate], rows: int) -> list[Candidate]:
    return [c for c in listed if rows >= max(c.k, c.family.least_rows)]


def best(lines: list[Scored], rule: Scoring, segments: int | None = None) -> Scored | None:
    """The line that wins by the rule, among all allowed or among those with so many segments."""
    pool = [line for line in lines if "score" in line.numbers]
    if segments is None:
        pool = [line for line in pool if is_allowed(line, rule)]
    else:
        pool = [line for line in pool if line.number("segments") == segments]
    if not pool:
        return None
    top = max(line.number("score") for line in pool)
    good = [line for line in pool if line.number("score") >= top - rule.tolerance]
    return max(good, key=lambda line: (line.number("segments"), line.number("score")))


def most_agreed(lines: list[Scored], rule: Scoring) -> Scored | None:
    """The candidate that other families agree with most, among those that may win."""
    pool = [line for line in lines if is_allowed(line, rule)]
    return max(pool, key=lambda line: line.number("agreement"), default=None)


def is_eligible(line: Scored, rule: Scoring) -> bool:
    """Whether a candidate may win: one of a family that chains mislead only if separated."""
    if not line.candidate.family.is_misled_by_chains:
        return True
    return line.numbers.get("separation", -1.0) >= rule.least_separation


def leading(lines: list[Scored], rule: Scoring) -> list[Scored]:
    """The candidates with the best scores, and those that need evidence to be eligible."""
    scored = [line for line in lines if "score" in line.numbers]
    ordered = sorted(scored, key=lambda line: -line.number("score"))
    best, others = ordered[: rule.shown_with_evidence], ordered[rule.shown_with_evidence :]
    return [*best, *(line for line in others if line.candidate.family.is_misled_by_chains)]


def add_evidence(line: Scored, near: Neighbourhood, points: FloatMatrix) -> None:
    """Add purity, density separation and silhouette; `is_eligible` uses only one of them."""
    line.numbers["purity"] = purity(near, line.labels)
    line.numbers["separation"] = separation(near, line.labels)
    if line.number("segments") < len(points):
        line.numbers["silhouette"] = float(silhouette_score(points, line.labels))


def candidates_table(lines: list[Scored], winner: Scored | None) -> pl.DataFrame:
    """All candidates as a table, the best score first."""
    rows = []
    for line in lines:
        rounded = {name: round(value, 6) for name, value in line.numbers.items()}
        candidate = line.candidate
        rows.append(
            {
                **dict.fromkeys(CANDIDATES_SCHEMA),
                **rounded,
                "family": candidate.family_name,
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
