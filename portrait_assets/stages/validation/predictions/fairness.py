"""Whether groups of customers are among those whom models and cards pick out as often as others.

Of a model it is the fifth on top, who are acted on, and equal opportunity is among those to whom
it then happened. Of a card it is who would be accepted, and among those to whom it did not happen:
a loan is owed to whoever pays it back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from portrait_assets.core.months import last_day
from portrait_assets.methods.scorecard.fitting.banding import ACCEPT
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.predictions.backtests.closed import predicted_windows
from portrait_assets.stages.predictions.contract import PREDICTION, REASONED_BANDS
from portrait_assets.stages.predictions.credit.closed import closed_scores
from portrait_assets.stages.predictions.credit.contract import CREDIT_SCORE
from portrait_assets.stages.targets.outcomes import Targets
from portrait_assets.stages.validation.contract import FAIRNESS, Measure
from portrait_assets.stages.validation.fairness import (
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
from portrait_assets.storage.duckdb.connection import literal
from portrait_assets.storage.duckdb.store import Warehouse

MODEL, CARD = "model", "scorecard"
"""What precedes a target in the place of a tag's code."""
NOT = "not "
"""Precedes an outcome where those are counted to whom it did not happen."""


@dataclass(frozen=True)
class _Picked:
    """Customers whom a model or card could pick out in a month, and whether it does.

    `rows` has `customer_id` and `selected`.
    """

    code: str
    value: str
    base_month: str
    rows: pl.DataFrame
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
    picked = []
    if groups_known(warehouse, month):
        picked = [*_of_month(warehouse, month), *_of_windows(warehouse, targets, month)]
    groups = {base: _groups(warehouse, base) for base in {each.base_month for each in picked}}
    counted = [judged(_counted(each, groups[each.base_month])) for each in picked]
    dated = pl.DataFrame(
        [(each.code, each.outcome, last_day(each.base_month)) for each in picked],
        schema={"tag_code": pl.String, "outcome": pl.String, "said_as_of": pl.Date},
        orient="row",
    )
    rows = with_verdicts(pl.concat([judged(pl.DataFrame(schema=COUNTED)), *counted]), month)
    return (
        rows.drop("said_as_of")
        .join(
            dated, on=["tag_code", "outcome"], how="left", nulls_equal=True, maintain_order="left"
        )
        .select(FAIRNESS.column_names)
    )


def _of_month(warehouse: Warehouse, month: str) -> Iterator[_Picked]:
    """Whom the month's scores pick out, of all that are scored."""
    is_on_top = pl.col("band").is_in(list(REASONED_BANDS))
    for table, kind, value, is_picked in (
        (PREDICTION, MODEL, TOP_FIFTH, is_on_top),
        (CREDIT_SCORE, CARD, ACCEPT, pl.col("suggested") == ACCEPT),
    ):
        if not warehouse.materialized(table).get(month):
            continue
        scores = warehouse.scan(table, [month])
        targets = scores.select(pl.col("target").unique().sort()).collect().to_series()
        for target in targets:
            own = scores.filter(pl.col("target") == target)
            rows = own.select("customer_id", is_picked.alias("selected")).collect()
            yield _Picked(f"{kind} {target}", value, month, rows)


def _of_windows(warehouse: Warehouse, targets: Targets, month: str) -> Iterator[_Picked]:
    """Whom scores picked out, of those to whom it then happened, or did not where it is a risk."""
    is_on_top = pl.col("band").is_in(list(REASONED_BANDS))
    for window in predicted_windows(warehouse, targets, month):
        rows = window.rows.filter("hit").select("customer_id", is_on_top.alias("selected"))
        code = window.asked.code
        yield _Picked(f"{MODEL} {code}", TOP_FIFTH, window.base_month, rows, code)
    if not warehouse.materialized(CREDIT_SCORE):
        return
    for scored in closed_scores(warehouse, targets, month):
        is_accepted = pl.col("suggested") == ACCEPT
        good = scored.rows.filter(~pl.col("hit"))
        rows = good.select("customer_id", is_accepted.alias("selected"))
        code = scored.asked.code
        yield _Picked(f"{CARD} {code}", ACCEPT, scored.base_month, rows, f"{NOT}{code}")


def _groups(warehouse: Warehouse, month: str) -> pl.DataFrame:
    """The group of each customer of a month by each attribute, of whom any is known."""
    columns = ", ".join(f"{sql} AS {name}" for name, sql in GROUPS_SQL.items())
    return warehouse.select(
        f"SELECT customer_id, {columns} FROM {FEATURE_MATRIX.full_name} AS f "
        f"WHERE as_of = {literal(last_day(month))} AND {IS_KNOWN}"
    )


def _counted(picked: _Picked, groups: pl.DataFrame) -> pl.DataFrame:
    """A row for each group, small ones together, with the columns of `parity.COUNTED`."""
    rows = picked.rows.join(groups, on="customer_id")
    by_group = pl.concat(
        rows.group_by(pl.col(name).alias("level")).agg(
            pl.lit(str(name)).first().alias("attribute"),
            pl.len().cast(pl.Int64).alias("customers"),
            pl.col("selected").sum().cast(pl.Int64).alias("selected"),
        )
        for name in GROUPS_SQL
    )
    measure = Measure.SELECTION if picked.outcome is None else Measure.TRUE_POSITIVE
    return (
        with_small_groups_together(by_group, ["attribute"])
        .with_columns(
            pl.lit(picked.code).alias("tag_code"),
            pl.lit(picked.value).alias("tag_value"),
            pl.lit(str(measure)).alias("measure"),
            pl.lit(picked.outcome).alias("outcome"),
            pl.lit(False).alias("is_descriptive"),
        )
        .select(COUNTED.names())
        .cast(COUNTED)
    )
