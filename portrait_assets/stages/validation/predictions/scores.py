"""Drift of scores: those of a month against those of the month before and of a baseline.

Scores of two versions of a model differ by how the model changed. That is no change of customers,
so it is measured and not judged, in a family of tests of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from portrait_assets.core.months import last_day
from portrait_assets.methods.statistics.distances import distances
from portrait_assets.schema.table import Table
from portrait_assets.stages.features.contract import FEATURE_MATRIX, FEATURES
from portrait_assets.stages.predictions.contract import (
    PREDICTION,
    PREDICTION_DECISION,
    PREDICTION_MODEL,
)
from portrait_assets.stages.predictions.credit.contract import (
    CREDIT_DECISION,
    CREDIT_SCORE,
    SCORECARD,
)
from portrait_assets.stages.validation.contract import DRIFT, Verdict
from portrait_assets.stages.validation.drift import ComparedColumns, numeric_counts, verdicts_of
from portrait_assets.stages.validation.moves import YEAR, Pair, pairs_of
from portrait_assets.storage.duckdb.connection import literal, quote
from portrait_assets.storage.duckdb.store import Warehouse

_KEYS = ["as_of", "against", "kind", "subject"]
_FAMILY = ["as_of", "against", "is_new"]
_WINDOWS = {feature.name: feature.window_months or YEAR for feature in FEATURES}


@dataclass(frozen=True)
class Scores:
    """Scores that are compared, and the tables that hold them."""

    kind: str
    table: Table
    number: str
    decisions: Table
    models: Table


SCORES = (
    Scores("score", PREDICTION, "score", PREDICTION_DECISION, PREDICTION_MODEL),
    Scores("credit score", CREDIT_SCORE, "points", CREDIT_DECISION, SCORECARD),
)
READ = tuple(table for each in SCORES for table in (each.table, each.decisions, each.models))


def score_drift(
    warehouse: Warehouse,
    months: Sequence[str],
    materialized: Sequence[str],
    left_out: Collection[str] = (),
) -> pl.DataFrame:
    """The drift of the scores of these months by target, with the columns of DRIFT.

    Args:
        warehouse: with the scores.
        months: the months to judge.
        materialized: all months of the feature matrix, in order.
        left_out: those of them that nothing can be compared with.
    """
    pairs = pairs_of(months, materialized, left_out)
    parts = [DRIFT.empty()]
    for scores in SCORES:
        known = warehouse.materialized(scores.decisions)
        own = [pair for pair in pairs if {pair.month, pair.reference} <= known.keys()]
        found = list(_compared(warehouse, scores, own))
        if found:
            counts, moves = (pl.concat(each) for each in zip(*found, strict=True))
            measured = distances(counts, [*_KEYS, "is_new"], _FAMILY, moves)
            changed = measured.select(*_KEYS, pl.col("is_new").alias("is_other"))
            for month in dict.fromkeys(pair.month for pair in own):
                judged = verdicts_of(
                    measured.filter(as_of=last_day(month)),
                    [pair for pair in own if pair.month == month],
                    _windows(warehouse, scores, month),
                    min(materialized),
                )
                parts.append(_of_one_version(judged, changed))
    return pl.concat(parts)


def _compared(
    warehouse: Warehouse, scores: Scores, pairs: Sequence[Pair]
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Customers by percentile, and their moves, of each pair of months and same or other version.

    `is_new` is whether another version scores than in the month compared with.
    """
    for pair in pairs:
        now, then = (_versions(warehouse, scores, m) for m in (pair.month, pair.reference))
        both = sorted(now.keys() & then.keys())
        for is_other in (False, True):
            targets = [each for each in both if (now[each] != then[each]) is is_other]
            if targets:
                group = _columns_of(scores, targets)
                yield tuple(  # type: ignore[misc]
                    rows.with_columns(pl.lit(is_other).alias("is_new"))
                    for rows in numeric_counts(warehouse, group, group.columns, [pair])
                )


def _columns_of(scores: Scores, targets: Sequence[str]) -> ComparedColumns:
    """Scores as a column for each target; null of whom the target does not ask about."""
    columns = ", ".join(
        f"max({scores.number}) FILTER (target = {literal(name)}) AS {quote(name)}"
        for name in targets
    )
    relation = (
        f"(SELECT as_of, customer_id, {columns} FROM {scores.table.full_name} "
        "GROUP BY as_of, customer_id)"
    )
    return ComparedColumns(FEATURE_MATRIX, scores.kind, tuple(targets), {}, relation=relation)


def _versions(warehouse: Warehouse, scores: Scores, month: str) -> Mapping[str, str]:
    """By target the version that scored in a month; none where nobody has a score."""
    rows = warehouse.select(
        f"SELECT DISTINCT target, model_version FROM {scores.table.full_name} "
        f"WHERE as_of = {literal(last_day(month))} AND {scores.number} IS NOT NULL ORDER BY ALL"
    )
    return dict(rows.iter_rows())


def _windows(warehouse: Warehouse, scores: Scores, month: str) -> dict[tuple[str, str], int]:
    """The months that each score of a month looks back: the longest window of its features."""
    read = warehouse.read(scores.models, [month]).select(
        "target", pl.col("feature").replace_strict(_WINDOWS, default=0).alias("window")
    )
    longest = read.group_by("target").agg(pl.col("window").max()).sort("target")
    return {(scores.kind, name): months for name, months in longest.iter_rows()}


def _of_one_version(judged: pl.DataFrame, changed: pl.DataFrame) -> pl.DataFrame:
    """The rows, those not judged of which another version gave the scores compared with."""
    both = judged.join(changed, on=_KEYS, how="left", maintain_order="left")
    verdict = pl.when("is_other").then(pl.lit(str(Verdict.NOT_JUDGED))).otherwise("verdict")
    return both.with_columns(verdict.alias("verdict")).select(DRIFT.column_names)
