"""Drift of scores: those of a month against those of the month before and of a baseline.

Scores of two versions of a model differ by how the model changed. That is no change of customers,
so it is measured and not judged, in a family of tests of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import polars as pl

from portrait_assets.core.months import last_day
from portrait_assets.methods.statistics.distributions.distances import distances
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
from portrait_assets.stages.validation.drift.columns import numeric_counts, verdicts_of
from portrait_assets.stages.validation.drift.moves import (
    LOT,
    NOTHING,
    YEAR,
    LeftOut,
    Pair,
    drawn_one_in,
    pairs_of,
)
from portrait_assets.stages.validation.findings.finding import when
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
    left_out: LeftOut = NOTHING,
) -> pl.DataFrame:
    """The drift of the scores of these months by target, with the columns of DRIFT.

    Args:
        warehouse: with the scores.
        months: the months to judge.
        materialized: all months of the feature matrix, in order.
        left_out: those of them that say nothing of later ones.
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
                    materialized,
                    left_out,
                )
                parts.append(_of_one_version(judged, changed))
    return pl.concat(parts)


def _compared(
    warehouse: Warehouse, scores: Scores, pairs: Sequence[Pair]
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Customers by percentile, and their moves, of each pair of months and same or other version.

    `is_new` is whether another version scores than in the month compared with.
    """
    months = _Months(warehouse, scores)
    for pair in pairs:
        now, then = (months.versions(month) for month in (pair.month, pair.reference))
        both = sorted(now.keys() & then.keys())
        for is_other in (False, True):
            targets = [each for each in both if (now[each] != then[each]) is is_other]
            if targets:
                of_month = partial(months.read, targets, pair)
                yield tuple(  # type: ignore[misc]
                    rows.with_columns(pl.lit(is_other).alias("is_new"))
                    for rows in numeric_counts(of_month, scores.kind, targets, [pair])
                )


class _Months:
    """The scores of months, each read once while those that were read last may be held."""

    def __init__(self, warehouse: Warehouse, scores: Scores) -> None:
        self._warehouse = warehouse
        self._scores = scores
        self._versions: dict[str, Mapping[str, str]] = {}
        self._held: dict[str, pl.DataFrame] = {}

    def versions(self, month: str) -> Mapping[str, str]:
        """By target the version that scored in a month."""
        if month not in self._versions:
            self._versions[month] = _versions(self._warehouse, self._scores, month)
        return self._versions[month]

    def read(
        self, targets: Sequence[str], pair: Pair, month: str
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Scores of targets as a column each, of all customers of a month and of the sample of a
        pair with `customer_id`; null of whom the target does not ask about.
        """
        frame = self._of(month)
        one_in = drawn_one_in(self._warehouse, FEATURE_MATRIX, [pair])
        drawn = frame.filter(pl.col(_LOT) % one_in == 0) if one_in > 1 else frame
        return frame.select(targets), drawn.select("customer_id", *targets)

    def _of(self, month: str) -> pl.DataFrame:
        frame = self._held.pop(month, None)
        if frame is None:
            frame = self._warehouse.select(self._sql(month))
        self._held[month] = frame
        most = self._warehouse.bounds.rows_of(len(frame.columns))
        while len(self._held) > 1 and sum(each.height for each in self._held.values()) > most:
            del self._held[next(iter(self._held))]
        return frame

    def _sql(self, month: str) -> str:
        columns = "".join(
            f", max({self._scores.number}) FILTER (target = {literal(name)})::DOUBLE "
            f"AS {quote(name)}"
            for name in self.versions(month)
        )
        return (
            f"SELECT *, {LOT} AS {quote(_LOT)} FROM (SELECT customer_id{columns} "
            f"FROM {self._scores.table.full_name} "
            f"WHERE as_of = {literal(last_day(month))} GROUP BY customer_id)"
        )


_LOT = "lot of the customer"  # No target has this name: a code has no space.


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
    verdict = when((pl.col("is_other"), Verdict.NOT_JUDGED), otherwise=pl.col("verdict"))
    return both.with_columns(verdict.alias("verdict")).select(DRIFT.column_names)
