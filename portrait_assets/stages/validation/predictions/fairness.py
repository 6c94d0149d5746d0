"""Whether groups of customers are among those whom models and cards pick out as often as others.

Of a model it is the fifth on top, who are acted on, and equal opportunity is among those to whom
it then happened. Of a card it is who would be accepted, and among those to whom it did not happen:
a loan is owed to whoever pays it back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import polars as pl

from portrait_assets.core.months import last_day
from portrait_assets.methods.scorecard.fitting.banding import ACCEPT
from portrait_assets.schema.table import Table
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.predictions.backtests.closed import predicted_windows
from portrait_assets.stages.predictions.contract import PREDICTION, REASONED_BANDS
from portrait_assets.stages.predictions.credit.closed import closed_scores
from portrait_assets.stages.predictions.credit.contract import CREDIT_SCORE
from portrait_assets.stages.targets.outcomes import Targets
from portrait_assets.stages.validation.contract import FAIRNESS, Measure
from portrait_assets.stages.validation.fairness import (
    GROUP,
    GROUPS,
    GROUPS_SQL,
    IS_KNOWN,
    TOP_FIFTH,
    groups_known,
)
from portrait_assets.stages.validation.parity import (
    COUNTED,
    judged,
    with_small_groups_together,
    with_verdicts,
)
from portrait_assets.storage.duckdb.connection import literal, literals
from portrait_assets.storage.duckdb.store import Warehouse

MODEL, CARD = "model", "scorecard"
"""What precedes a target in the place of a tag's code."""
NOT = "not "
"""Precedes an outcome where those are counted to whom it did not happen."""


@dataclass(frozen=True)
class _Picked:
    """Customers whom a model or card could pick out in a month, and those whom it does, by group.

    `counts` has `attribute`, `level`, `customers` and `selected`.
    """

    code: str
    value: str
    base_month: str
    counts: pl.DataFrame
    outcome: str | None = None


def model_fairness(warehouse: Warehouse, targets: Targets, month: str) -> pl.DataFrame:
    """The rows of FAIRNESS of a month's models and cards, judged as one family.

    Selection rates are of the month's own scores; true positive rates are of those of the month in
    which the windows began that the month closes. Nothing later than the month is read.

    Args:
        warehouse: with the predictions of the month.
        targets: of the source.
        month: the month.
    """
    picked: list[_Picked] = []
    if groups_known(warehouse, month):
        picked = [*_of_month(warehouse, month), *_of_windows(warehouse, targets, month)]
    dated = pl.DataFrame(
        [(each.code, each.outcome, last_day(each.base_month)) for each in picked],
        schema={"tag_code": pl.String, "outcome": pl.String, "said_as_of": pl.Date},
        orient="row",
    )
    return (
        with_verdicts(judged(_counted(picked)), month)
        .drop("said_as_of")
        .join(
            dated, on=["tag_code", "outcome"], how="left", nulls_equal=True, maintain_order="left"
        )
        .select(FAIRNESS.column_names)
    )


def _of_month(warehouse: Warehouse, month: str) -> Iterator[_Picked]:
    """Whom the month's scores pick out, of all that are scored."""
    for table, kind, value, is_picked in (
        (PREDICTION, MODEL, TOP_FIFTH, f"band IN ({literals(REASONED_BANDS)})"),
        (CREDIT_SCORE, CARD, ACCEPT, f"suggested = {literal(ACCEPT)}"),
    ):
        if not warehouse.materialized(table).get(month):
            continue
        counts = warehouse.select(_counts_sql(table, is_picked, month))
        for (target,), own in counts.partition_by("target", as_dict=True).items():
            yield _Picked(f"{kind} {target}", value, month, own.drop("target"))


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


def _of_windows(warehouse: Warehouse, targets: Targets, month: str) -> Iterator[_Picked]:
    """Whom scores picked out, of those to whom it then happened, or did not where it is a risk."""
    groups = cache(lambda base: _groups(warehouse, base))
    is_on_top = pl.col("band").is_in(list(REASONED_BANDS))
    for window in predicted_windows(warehouse, targets, month):
        rows = window.rows.filter("hit").select("customer_id", is_on_top.alias("selected"))
        code, base = window.asked.code, window.base_month
        yield _Picked(f"{MODEL} {code}", TOP_FIFTH, base, _by_group(rows, groups(base)), code)
    if not warehouse.materialized(CREDIT_SCORE):
        return
    for scored in closed_scores(warehouse, targets, month):
        is_accepted = pl.col("suggested") == ACCEPT
        good = scored.rows.filter(~pl.col("hit"))
        rows = good.select("customer_id", is_accepted.alias("selected"))
        code, base = scored.asked.code, scored.base_month
        counts = _by_group(rows, groups(base))
        yield _Picked(f"{CARD} {code}", ACCEPT, base, counts, f"{NOT}{code}")


def _groups(warehouse: Warehouse, month: str) -> pl.DataFrame:
    """The group of each customer of a month by each attribute, of whom any is known."""
    return warehouse.select(
        f"SELECT customer_id, {GROUPS} FROM {FEATURE_MATRIX.full_name} AS f "
        f"WHERE as_of = {literal(last_day(month))} AND {IS_KNOWN}"
    )


def _by_group(rows: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """`counts` of `_Picked` from `customer_id` and whether it is `selected`."""
    both = rows.join(groups, on="customer_id")
    return pl.concat(
        both.group_by(pl.col(name).alias("level")).agg(
            pl.lit(str(name)).first().alias("attribute"),
            pl.len().cast(pl.Int64).alias("customers"),
            pl.col("selected").sum().cast(pl.Int64).alias("selected"),
        )
        for name in GROUPS_SQL
    ).select("attribute", "level", "customers", "selected")


def _counted(picked: Sequence[_Picked]) -> pl.DataFrame:
    """A row for each group, small ones together, with the columns of `parity.COUNTED`."""
    numbered = [
        each.counts.with_columns(pl.lit(number).alias("number"))
        for number, each in enumerate(picked)
    ]
    if not numbered:
        return pl.DataFrame(schema=COUNTED)
    names = pl.DataFrame(
        {
            "number": range(len(picked)),
            "tag_code": [each.code for each in picked],
            "tag_value": [each.value for each in picked],
            "outcome": [each.outcome for each in picked],
        },
        schema_overrides={"number": pl.Int32, "outcome": pl.String},
    )
    is_parity = pl.col("outcome").is_null()
    measure = pl.when(is_parity).then(pl.lit(str(Measure.SELECTION)))
    return (
        with_small_groups_together(pl.concat(numbered), ["number", "attribute"])
        .join(names, on="number")
        .with_columns(
            measure.otherwise(pl.lit(str(Measure.TRUE_POSITIVE))).alias("measure"),
            pl.lit(False).alias("is_descriptive"),
        )
        .select(COUNTED.names())
        .cast(COUNTED)
    )
