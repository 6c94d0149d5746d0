"""Whether groups of customers are among those whom models and cards pick out as often as others.

Of a model it is the fifth on top, who are acted on, and equal opportunity is among those to whom
it then happened. Of a card it is who would be accepted, and among those to whom it did not happen:
a loan is owed to whoever pays it back.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from portrait_assets.core.months import last_day
from portrait_assets.methods.scorecard.fitting.banding import ACCEPT
from portrait_assets.schema.table import Table
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.predictions.backtests.closed import predicted_windows
from portrait_assets.stages.predictions.contract import PREDICTION, REASONED_BANDS
from portrait_assets.stages.predictions.credit.contract import CREDIT_SCORE
from portrait_assets.stages.predictions.credit.outcomes.closed import closed_scores
from portrait_assets.stages.targets.declared.outcomes import Targets
from portrait_assets.stages.validation.contract import FAIRNESS
from portrait_assets.stages.validation.fairness.picked import Groups, Picked, fairness_of_picked
from portrait_assets.stages.validation.fairness.tags import (
    GROUP,
    GROUPS,
    GROUPS_SQL,
    IS_KNOWN,
    TOP_FIFTH,
    groups_known,
)
from portrait_assets.storage.duckdb.connection import literal, literals
from portrait_assets.storage.duckdb.store import Warehouse

MODEL, CARD = "model", "scorecard"
"""What precedes a target in the place of a tag's code."""
NOT = "not "
"""Precedes an outcome where those are counted to whom it did not happen."""


def model_fairness(warehouse: Warehouse, targets: Targets, month: str) -> pl.DataFrame:
    """The rows of FAIRNESS of a month's models and cards, judged as one family.

    Selection rates are of the month's own scores; true positive rates are of those of the month in
    which the windows began that the month closes. Nothing later than the month is read.

    Args:
        warehouse: with the predictions of the month.
        targets: of the source.
        month: the month.
    """
    if not groups_known(warehouse, month):
        return FAIRNESS.empty()
    picked = [*_of_month(warehouse, month), *_of_windows(warehouse, targets, month)]
    return fairness_of_picked(picked, month)


def _of_month(warehouse: Warehouse, month: str) -> Iterator[Picked]:
    """Whom the month's scores pick out, of all that are scored."""
    for table, kind, value, is_picked in (
        (PREDICTION, MODEL, TOP_FIFTH, f"band IN ({literals(REASONED_BANDS)})"),
        (CREDIT_SCORE, CARD, ACCEPT, f"suggested = {literal(ACCEPT)}"),
    ):
        if not warehouse.materialized(table).get(month):
            continue
        counts = warehouse.select(_counts_sql(table, is_picked, month))
        for (target,), own in counts.partition_by("target", as_dict=True).items():
            yield Picked(f"{kind} {target}", value, month, own.drop("target"))


def _counts_sql(table: Table, is_picked: str, month: str) -> str:
    """Customers of the month by target and group, and how many of them are picked out."""
    day = literal(last_day(month))
    sets = ", ".join(f"(target, {name})" for name in GROUPS_SQL)
    return f"""
    SELECT target::VARCHAR AS target, {GROUP}, count(*) FILTER (selected) AS selected FROM (
        SELECT s.target, s.{is_picked} AS selected, {GROUPS} FROM {table.full_name} AS s
        JOIN {FEATURE_MATRIX.full_name} AS f USING (customer_id)
        WHERE s.as_of = {day} AND f.as_of = {day} AND {IS_KNOWN}
    ) GROUP BY GROUPING SETS ({sets}) ORDER BY ALL
    """


def _of_windows(warehouse: Warehouse, targets: Targets, month: str) -> Iterator[Picked]:
    """Whom scores picked out, of those to whom it then happened, or did not where it is a risk."""
    groups = Groups(warehouse)
    is_on_top = pl.col("band").is_in(list(REASONED_BANDS))
    for window in predicted_windows(warehouse, targets, month):
        rows = window.rows.filter("hit").select("customer_id", is_on_top.alias("selected"))
        code, base = window.asked.code, window.base_month
        yield Picked(f"{MODEL} {code}", TOP_FIFTH, base, groups.counted(base, rows), code)
    if not warehouse.materialized(CREDIT_SCORE):
        return
    for scored in closed_scores(warehouse, targets, month):
        is_accepted = pl.col("suggested") == ACCEPT
        good = scored.rows.filter(~pl.col("hit"))
        rows = good.select("customer_id", is_accepted.alias("selected"))
        code, base = scored.asked.code, scored.base_month
        counts = groups.counted(base, rows)
        yield Picked(f"{CARD} {code}", ACCEPT, base, counts, f"{NOT}{code}")
