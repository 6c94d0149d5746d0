"""Checks of the predictions stage: everyone is accounted for, and models give the scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from portrait_assets.schema.probability import DIGITS
from portrait_assets.schema.table import Table
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.predictions.backtests.backtest import FEWEST, PLACEBO_DISTANCE
from portrait_assets.stages.predictions.backtests.calibrated import MOST_OFF, how_calibrated
from portrait_assets.stages.predictions.contract import (
    PREDICTION,
    PREDICTION_BACKTEST,
    PREDICTION_CALIBRATION,
    PREDICTION_DECISION,
    PREDICTION_MODEL,
)
from portrait_assets.stages.predictions.learning.active import Active
from portrait_assets.stages.predictions.scoring import as_inputs
from portrait_assets.storage.dagster.checks import WARN, Finding, Subject, TableCheck
from portrait_assets.storage.duckdb.connection import literals
from portrait_assets.storage.duckdb.partitions import select_sql

SCORED_AGAIN = 500
"""Customers of a month that are scored once more from the rows of the models."""
CLOSE = 2 * 10.0**-DIGITS


def _everyone(subject: Subject) -> Finding:
    """Every customer of the feature matrix is scored once per target, or counted as not asked
    about.
    """
    month = [subject.month]
    subject.warehouse.require(FEATURE_MATRIX, month)
    subject.warehouse.require(PREDICTION, month)
    everyone = subject.warehouse.materialized(FEATURE_MATRIX)[subject.month]
    found = subject.warehouse.select(
        "SELECT target, horizon, count(*) AS found, count(DISTINCT p.customer_id) AS customers, "
        "count(*) FILTER (f.customer_id IS NULL) AS strangers "
        f"FROM ({select_sql(PREDICTION, month)}) AS p "
        f"LEFT JOIN (SELECT customer_id FROM ({select_sql(FEATURE_MATRIX, month)})) AS f "
        "USING (customer_id) GROUP BY ALL"
    )
    both = subject.rows.join(
        found, on=["target", "horizon"], how="full", coalesce=True, nulls_equal=True
    )
    # Who was erased since is counted still, and has no rows.
    erased = pl.col("scored") + pl.col("not_asked") - everyone
    without_rows = pl.col("scored") - pl.col("found").fill_null(0)
    wrong = both.filter(
        pl.col("scored").is_null()
        | (without_rows < 0)
        | (without_rows > erased)
        | (pl.col("found") != pl.col("customers"))
        | (pl.col("strangers").fill_null(0) > 0)
    )
    named = ", ".join(sorted(set(wrong["target"])))
    return Finding(
        wrong.height,
        f"{both.height} targets of {everyone} customers"
        + (f"; not accounted for: {named}" if named else ""),
    )


def _ends_in_order(subject: Subject) -> Finding:
    """Scores lie within their intervals, and reasons are those of models."""
    wrong = subject.rows.filter(
        (pl.col("low") > pl.col("score"))
        | (pl.col("high") < pl.col("score"))
        | (pl.col("reason_1").is_not_null() & (pl.col("basis") == "baseline"))
        | (pl.col("score").is_null() & (pl.col("basis") == "model"))
    )
    targets = ", ".join(sorted(set(wrong["target"])))
    # Not how many: rows come in batches.
    return Finding(wrong.height, targets or "scores lie within their intervals")


def _rising(subject: Subject) -> Finding:
    """Of two customers the likelier has the smaller rank."""
    rows = subject.rows.select("target", "horizon", "rank", "score")
    rows = rows.sort("target", "horizon", "rank")
    drop = (
        (pl.col("score") > pl.col("score").shift() + CLOSE)
        & (pl.col("target") == pl.col("target").shift())
        & (pl.col("horizon") == pl.col("horizon").shift())
        & (pl.col("rank") > pl.col("rank").shift())
    )
    wrong = rows.filter(drop)
    targets = ", ".join(sorted(set(wrong["target"])))
    return Finding(wrong.height, targets or "scores fall with the rank")


def _scores_again(subject: Subject) -> Finding:
    """The rows of the models give the stored scores."""
    month, warehouse = [subject.month], subject.warehouse
    warehouse.require(FEATURE_MATRIX, month)
    warehouse.require(PREDICTION, month)
    # In the order of a hash, so that who is looked at does not depend on how customers are named.
    some = warehouse.select(
        f"SELECT customer_id FROM ({select_sql(FEATURE_MATRIX, month)}) "
        f"ORDER BY md5(customer_id) LIMIT {SCORED_AGAIN}"
    )
    if some.is_empty():
        return Finding(0, "no customers")
    are_some = f"customer_id IN ({literals(some['customer_id'])})"
    inputs = as_inputs(warehouse.select(f"{select_sql(FEATURE_MATRIX, month)} AND {are_some}"))
    stored = warehouse.select(
        "SELECT customer_id, target, horizon, score, model_version "
        f"FROM ({select_sql(PREDICTION, month)}) WHERE {are_some}"
    )
    wrong = list(_differing(subject.rows, inputs, stored))
    looked_at = f"{stored.height} scores of {inputs.height} customers"
    return Finding(len(wrong), looked_at + (f"; differing: {', '.join(wrong)}" if wrong else ""))


def _differing(models: pl.DataFrame, inputs: pl.DataFrame, stored: pl.DataFrame) -> Iterator[str]:
    keys = ["target", "horizon"]
    for (target, horizon), own in stored.group_by(keys, maintain_order=True):
        rows = models.filter((pl.col("target") == target) & (pl.col("horizon") == horizon))
        if rows.is_empty():
            yield str(target)
            continue
        active = Active.from_rows(rows)
        again = inputs.select("customer_id").with_columns(
            pl.Series("again", active.probability(inputs)).fill_nan(None)
        )
        both = own.join(again, on="customer_id", how="left")
        apart = (pl.col("score").fill_null(-1) - pl.col("again").fill_null(-1)).abs()
        is_other = pl.col("model_version") != active.version
        if both.filter((apart > CLOSE) | is_other).height:
            yield str(target)


def _placebo(subject: Subject) -> Finding:
    """Shuffled outcomes are not predicted, as far as their number lets one tell."""
    events = pl.min_horizontal(pl.col("hits"), pl.col("customers") - pl.col("hits"))
    judged = subject.rows.filter(events >= FEWEST)
    far = judged.filter((pl.col("placebo_auc") - 0.5).abs() > PLACEBO_DISTANCE)
    named = ", ".join(far["target"])
    return Finding(far.height, named or f"{judged.height} placebos at 0.5")


def _calibrated(subject: Subject) -> Finding:
    """What was expected of tenths of the score happened, as far as chance lets one tell."""
    found = how_calibrated(subject.rows)
    off = found.filter("is_off")
    named = ", ".join(
        f"{target} by {basis} expected {expected:,.0f} and {hits:,} happened"
        for target, basis, expected, hits in off.select(
            "target", "basis", "expected", "hits"
        ).iter_rows()
    )
    judged = found["is_off"].count()
    return Finding(off.height, named or f"{judged} of {found.height} targets judged, none off")


def _comes_true(subject: Subject) -> Finding:
    """No prediction was surely worse than the best baseline."""
    worse = subject.rows.filter(pl.col("verdict") == "worse")
    named = ", ".join(worse["target"])
    return Finding(worse.height, named or f"{subject.rows.height} targets, none surely worse")


EVERYONE = TableCheck("everyone_accounted_for", _everyone, blocking=True)
WITHIN = TableCheck("within_intervals", _ends_in_order, blocking=True, holds_together=True)
RANKED = TableCheck("ranked_by_score", _rising, blocking=True)
SCORES_AGAIN = TableCheck("gives_the_scores", _scores_again, blocking=True)
PLACEBO = TableCheck(
    "placebo_at_half",
    _placebo,
    f"Shuffled outcomes are predicted with an AUC of 0.5 +- {PLACEBO_DISTANCE:g}.",
    severity=WARN,
)
CALIBRATED = TableCheck(
    "calibrated",
    _calibrated,
    f"Probabilities came true: off by at most {MOST_OFF:.0%} of the rate, or by no more than "
    "chance.",
    severity=WARN,
)
COMES_TRUE = TableCheck("not_worse_than_baseline", _comes_true, severity=WARN)

CHECKS: Mapping[Table, Sequence[TableCheck]] = {
    PREDICTION: (WITHIN, RANKED),
    PREDICTION_MODEL: (SCORES_AGAIN,),
    PREDICTION_DECISION: (EVERYONE,),
    PREDICTION_BACKTEST: (PLACEBO, COMES_TRUE),
    PREDICTION_CALIBRATION: (CALIBRATED,),
}
