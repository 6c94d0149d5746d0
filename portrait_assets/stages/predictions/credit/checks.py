"""Checks of credit scores: the card gives them, whoever refused has none, and nothing protected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from portrait_assets.methods.scorecard.card.sql import points_sql
from portrait_assets.schema.table import Table
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.features.described.protected import protected_features
from portrait_assets.stages.predictions.contract import PREDICTION_MODEL
from portrait_assets.stages.predictions.credit.allowing import allowing
from portrait_assets.stages.predictions.credit.card import scorecard_of
from portrait_assets.stages.predictions.credit.contract import (
    CREDIT_CURVE,
    CREDIT_DECISION,
    CREDIT_SCORE,
    CUT,
    SCORECARD,
)
from portrait_assets.storage.dagster.checks import Finding, Subject, TableCheck
from portrait_assets.storage.duckdb.connection import literal
from portrait_assets.storage.duckdb.partitions import select_sql

_KEY = ["target", "horizon"]
_IS_NEXT = pl.all_horizontal(pl.col(_KEY) == pl.col(_KEY).shift())
"""Whether a row is of the same target as the one before it."""


def _gives_points(subject: Subject) -> Finding:
    """The SQL of the card's rows gives the stored points, and is the one that is stated."""
    if subject.rows.is_empty():
        return Finding(0, "no card")
    wrong = list(_differing(subject))
    cards = subject.rows.select(_KEY).n_unique()
    return Finding(
        sum(count for _, count in wrong),
        f"{cards} cards" + "".join(f"; differing: {name} of {count}" for name, count in wrong),
    )


def _differing(subject: Subject) -> Iterator[tuple[str, int]]:
    month, warehouse = [subject.month], subject.warehouse
    for table in (FEATURE_MATRIX, CREDIT_SCORE, CREDIT_DECISION):
        warehouse.require(table, month)
    decisions = warehouse.read(CREDIT_DECISION, month)
    for (target, horizon), rows in subject.rows.group_by(_KEY, maintain_order=True):
        own = (pl.col("target") == target) & (pl.col("horizon") == horizon)
        sql = points_sql(scorecard_of(rows))
        stated = decisions.filter(own)["points_sql"].to_list()
        counted = warehouse.select(
            f"SELECT count(*) FROM (SELECT customer_id, {sql} AS again FROM "
            f"({select_sql(FEATURE_MATRIX, month)})) JOIN ({select_sql(CREDIT_SCORE, month)}) AS s "
            f"USING (customer_id) WHERE s.target = {literal(target)} AND s.horizon = {horizon} "
            "AND again IS DISTINCT FROM s.points"
        ).item()
        if count := counted + (stated != [sql]):
            yield str(target), int(count)


def _everyone(subject: Subject) -> Finding:
    """Every customer is scored, not asked about, or does not allow the use for credit."""
    month, warehouse = [subject.month], subject.warehouse
    warehouse.require(FEATURE_MATRIX, month)
    everyone = warehouse.materialized(FEATURE_MATRIX)[subject.month]
    found = warehouse.read(CREDIT_SCORE, month).group_by(_KEY).len("found")
    both = subject.rows.join(found, on=_KEY, how="full", coalesce=True)
    # Who was erased since is counted still, and has no rows.
    has_card = pl.col("model_version").is_not_null()
    erased = pl.col("scored") + pl.col("not_asked") + pl.col("not_allowed") - everyone
    without_rows = pl.col("scored") - pl.col("found").fill_null(0)
    wrong = both.filter(
        pl.col("scored").is_null()
        | (without_rows < 0)
        | (has_card & (pl.col("not_asked").is_null() | (erased < 0) | (without_rows > erased)))
        | (~has_card & ((pl.col("scored") > 0) | pl.col("found").is_not_null()))
    )
    named = ", ".join(sorted(set(wrong["target"])))
    return Finding(
        wrong.height,
        f"{both.height} targets of {everyone} customers"
        + (f"; not accounted for: {named}" if named else ""),
    )


def _allowed(subject: Subject) -> Finding:
    """Every customer with a credit score allows the use for credit as of the month's end."""
    if subject.rows.is_empty():
        return Finding(0, "no scores")
    allowed = allowing(subject.warehouse, subject.month)
    wrong = subject.rows.join(allowed.customers, on="customer_id", how="anti")
    return Finding(wrong.height, f"{subject.rows.height} scores, {wrong.height} not allowed")


def _in_order(subject: Subject) -> Finding:
    """Of two customers the one with more points is no riskier."""
    rows = subject.rows.sort(*_KEY, "points")
    more = _IS_NEXT & (
        (pl.col("probability") > pl.col("probability").shift())
        | (pl.col("band").cast(pl.String) > pl.col("band").cast(pl.String).shift())
    )
    wrong = rows.filter(more)
    targets = ", ".join(sorted(set(wrong["target"])))
    return Finding(wrong.height, targets or f"{rows.height} scores in order")


def _nothing_protected(subject: Subject) -> Finding:
    """No model of a target of credit reads a protected attribute, nor what is computed from one."""
    month, warehouse = [subject.month], subject.warehouse
    if subject.rows.is_empty():
        return Finding(0, "no target of credit")
    warehouse.require(SCORECARD, month)
    warehouse.require(PREDICTION_MODEL, month)
    read = pl.concat(
        [
            warehouse.read(table, month).select("target", "feature").drop_nulls()
            for table in (SCORECARD, PREDICTION_MODEL)
        ]
    ).filter(pl.col("target").is_in(subject.rows["target"].to_list()))
    wrong = read.filter(pl.col("feature").is_in(list(protected_features()))).unique()
    named = ", ".join(sorted(f"{feature} of {target}" for target, feature in wrong.iter_rows()))
    return Finding(wrong.height, named or f"{read['feature'].n_unique()} features, none protected")


def _curve_falls(subject: Subject) -> Finding:
    """The higher the cut the fewer are approved, and rates are those of the counts."""
    cuts = subject.rows.filter(pl.col("kind") == CUT).sort(*_KEY, "cut")
    wrong = cuts.filter(_IS_NEXT & (pl.col("approved") > pl.col("approved").shift()))
    off = subject.rows.filter(
        (pl.col("known") > pl.col("approved"))
        | ((pl.col("bads") / pl.col("known") - pl.col("actual_bad_rate")).abs() > 1e-5)
    )
    failures = wrong.height + off.height
    return Finding(failures, f"{cuts.height} cuts, {failures} not as they should be")


GIVES_POINTS = TableCheck("gives_the_points", _gives_points, blocking=True)
EVERYONE = TableCheck("everyone_accounted_for", _everyone, blocking=True)
ALLOWED = TableCheck("all_allow_it", _allowed, blocking=True)
IN_ORDER = TableCheck("points_in_order", _in_order, blocking=True)
NOTHING_PROTECTED = TableCheck("nothing_protected", _nothing_protected, blocking=True)
CURVE_FALLS = TableCheck("curve_falls", _curve_falls)

CHECKS: Mapping[Table, Sequence[TableCheck]] = {
    CREDIT_SCORE: (ALLOWED, IN_ORDER),
    SCORECARD: (GIVES_POINTS,),
    CREDIT_DECISION: (EVERYONE, NOTHING_PROTECTED),
    CREDIT_CURVE: (CURVE_FALLS,),
}
