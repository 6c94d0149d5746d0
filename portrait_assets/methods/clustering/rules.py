"""A short rule per segment from a shallow tree, with its quality, in words and as SQL.

Paper: L. Breiman, J. Friedman, R. Olshen, C. Stone (1984), "Classification and regression trees".
A rule is learned on one half of the customers and judged on the other. Of a small segment a tree
that counts every customer alike may describe a corner only, so that one which counts both sides
alike takes its place where it has the greater F1 (C. J. van Rijsbergen 1979, "Information
retrieval").
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
from sklearn.metrics import f1_score
from sklearn.tree import DecisionTreeClassifier

from portrait_assets.methods.clustering.preparation.preparation import FeatureUse
from portrait_assets.methods.clustering.preparation.sampling import canonical_sample

RULE_ROWS = 20_000
DEPTH = 3
MOST_LEVELS = 12

RULES_SCHEMA: dict[str, pl.DataType] = {
    "segment_id": pl.Int64(),
    "rule": pl.String(),
    "sql": pl.String(),
    "fidelity": pl.Float64(),
    "precision": pl.Float64(),
    "recall": pl.Float64(),
}
"""``fidelity``: share of customers on whom rule and segment agree; the others within the rule."""


class Test(NamedTuple):
    """One yes-or-no question about a column.

    ``kind`` is ``above`` (a number, gaps filled, above the cut), ``is`` (text equal to the level)
    or ``missing`` (there is no value).
    """

    kind: str
    column: str
    cut: float = 0.0
    fill: float = 0.0
    level: str = ""


class Condition(NamedTuple):
    """A test and the result that the rule requires."""

    test: Test
    holds: bool


def segment_rules(
    features: pl.DataFrame, assignment: pl.DataFrame, uses: Sequence[FeatureUse]
) -> pl.DataFrame:
    """One rule per segment, with the columns of :data:`RULES_SCHEMA`.

    A segment that has the greater weight in no leaf of the tree has a null rule.
    """
    used = features.select("customer_id", *(use.name for use in uses))
    labelled = used.join(assignment.select("customer_id", "segment_id"), on="customer_id")
    sample = canonical_sample(labelled, RULE_ROWS)
    columns, matrix = _tree_columns(sample, uses)
    segment = sample["segment_id"].to_numpy()
    half = max(1, len(segment) // 2)
    judged = slice(half, None) if len(segment) >= 20 else slice(0, None)
    lines = []
    for wanted in sorted(set(segment.tolist())):
        inside = segment == wanted
        paths = _paths(matrix[:half], inside[:half], columns)
        lines.append(_line(wanted, paths, sample[judged], inside[judged]))
    return pl.DataFrame(lines, schema=RULES_SCHEMA, orient="row")


def conditions_sql(paths: Sequence[Sequence[Condition]]) -> str:
    """Rule as one SQL expression: conditions joined by AND, alternatives by OR."""
    return " OR ".join("(" + " AND ".join(_sql(c) for c in path) + ")" for path in paths)


def _line(
    segment: int,
    paths: list[list[Condition]],
    sample: pl.DataFrame,
    inside: npt.NDArray[np.bool_],
) -> tuple[int, str | None, str | None, float | None, float | None, float | None]:
    if not paths:
        return (segment, None, None, None, None, None)
    covered = np.zeros(sample.height, dtype=bool)
    for path in paths:
        met = np.ones(sample.height, dtype=bool)
        for condition in path:
            met &= sample.select(_expression(condition)).to_series().to_numpy()
        covered |= met
    both = int((covered & inside).sum())
    fidelity = round(float((covered == inside).mean()), 6)
    precision = round(both / int(covered.sum()), 6) if covered.any() else None
    recall = round(both / int(inside.sum()), 6) if inside.any() else None
    words = " or ".join(" and ".join(_words(c) for c in path) for path in paths)
    return (segment, words, conditions_sql(paths), fidelity, precision, recall)


def _tree_columns(
    sample: pl.DataFrame, uses: Sequence[FeatureUse]
) -> tuple[list[Test], npt.NDArray[np.float64]]:
    """Tests for the tree: numbers (gaps filled by the median) and one column per level."""
    tests: list[Test] = []
    values: list[npt.NDArray[np.float64]] = []
    for use in uses:
        column = sample[use.name]
        if column.dtype.is_numeric():
            number = pl.col(use.name).cast(pl.Float64)
            finite = sample.select(pl.when(number.is_finite()).then(number)).to_series()
            middle = finite.median()
            if not isinstance(middle, (int, float)):
                continue
            tests.append(Test("above", use.name, fill=float(f"{middle:.6g}")))
            values.append(finite.fill_null(tests[-1].fill).to_numpy())
            if finite.null_count():
                tests.append(Test("missing", use.name))
                values.append(finite.is_null().cast(pl.Float64).to_numpy())
        else:
            text = column.cast(pl.String)
            common = (
                text.drop_nulls()
                .value_counts(sort=True)
                .sort(["count", use.name], descending=[True, False])
            )
            for level in common[use.name].head(MOST_LEVELS):
                tests.append(Test("is", use.name, level=level))
                values.append((text == level).fill_null(False).cast(pl.Float64).to_numpy())
    matrix = np.column_stack(values) if values else np.zeros((sample.height, 0))
    return tests, matrix


def _paths(
    matrix: npt.NDArray[np.float64], inside: npt.NDArray[np.bool_], tests: list[Test]
) -> list[list[Condition]]:
    """Paths to the leaves in which the segment has the greater weight, the largest leaf first."""
    if not tests or inside.all() or not inside.any():
        return []
    nodes = _tree(matrix, inside).tree_

    def walk(node: int) -> tuple[bool, float, list[tuple[float, list[Condition]]]]:
        """Whether all of a node is of the segment, its customers, and the paths below it."""
        left, right = int(nodes.children_left[node]), int(nodes.children_right[node])
        size = float(nodes.weighted_n_node_samples[node])
        if left == right:
            outside, within = nodes.value[node][0]
            mostly = bool(within > outside)
            return mostly, size, [(size, [])] if mostly else []
        test = tests[int(nodes.feature[node])]
        if test.kind == "above":
            test = test._replace(cut=float(f"{float(nodes.threshold[node]):.6g}"))
        low_all, _, low = walk(left)
        high_all, _, high = walk(right)
        if low_all and high_all:
            return True, size, [(size, [])]
        below = [(n, [Condition(test, False), *path]) for n, path in low]
        above = [(n, [Condition(test, True), *path]) for n, path in high]
        return False, size, below + above

    _, _, found = walk(0)
    ordered = sorted(found, key=lambda leaf: -leaf[0])
    return [_shortened(path) for _, path in ordered if path]


def _tree(matrix: npt.NDArray[np.float64], inside: npt.NDArray[np.bool_]) -> DecisionTreeClassifier:
    trees = [
        DecisionTreeClassifier(
            max_depth=DEPTH,
            min_samples_leaf=max(2, len(inside) // 200),
            class_weight=weight,
            random_state=0,
        ).fit(matrix, inside)
        for weight in (None, "balanced")
    ]
    return max(trees, key=lambda tree: f1_score(inside, tree.predict(matrix), zero_division=0.0))


def _shortened(path: list[Condition]) -> list[Condition]:
    """Without conditions that a later, narrower one on the same column makes needless."""
    kept: dict[tuple[str, str, str, bool], Condition] = {}
    for condition in path:
        test = condition.test
        kept[(test.kind, test.column, test.level, condition.holds)] = condition
    return list(kept.values())


def _expression(condition: Condition) -> pl.Expr:
    test, holds = condition
    column = pl.col(test.column)
    if test.kind == "is":
        same = (column.cast(pl.String) == test.level).fill_null(False)
        return same if holds else ~same
    number = column.cast(pl.Float64)
    if test.kind == "missing":
        known = number.is_finite().fill_null(False)
        return ~known if holds else known
    filled = pl.when(number.is_finite()).then(number).otherwise(test.fill)
    return filled > test.cut if holds else filled <= test.cut


def _sql(condition: Condition) -> str:
    test, holds = condition
    name = '"' + test.column.replace('"', '""') + '"'
    if test.kind == "is":
        literal = "'" + test.level.replace("'", "''") + "'"
        return f"{name} IS {'NOT ' if holds else ''}DISTINCT FROM {literal}"
    if test.kind == "missing":
        return f"{name} IS {'' if holds else 'NOT '}NULL"
    return f"coalesce({name}, {test.fill!r}) {'>' if holds else '<='} {test.cut!r}"


def _words(condition: Condition) -> str:
    test, holds = condition
    if test.kind == "is":
        return f"{test.column} {'is' if holds else 'is not'} {test.level}"
    if test.kind == "missing":
        return f"{test.column} {'is missing' if holds else 'is there'}"
    # Its six digits in full, for a bound of a million reads badly as a power of ten.
    return f"{test.column} {'>' if holds else '<='} {Decimal(f'{test.cut:.6g}'):f}"
