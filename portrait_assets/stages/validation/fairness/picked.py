"""Customers who are picked out by something, counted by group and judged as one family."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial

import polars as pl

from portrait_assets.core.months import last_day
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.validation.contract import FAIRNESS, Measure
from portrait_assets.stages.validation.fairness.parity import (
    COUNTED,
    judged,
    with_small_groups_together,
    with_verdicts,
)
from portrait_assets.stages.validation.fairness.tags import GROUPS, GROUPS_SQL, IS_KNOWN
from portrait_assets.storage.duckdb.connection import literal
from portrait_assets.storage.duckdb.store import Warehouse


@dataclass(frozen=True)
class Picked:
    """Customers of a month who could be picked out, and those who are, by group.

    Args:
        code: what picks them out, as FAIRNESS names it in the place of a tag.
        value: what they are picked out for.
        base_month: the month in which they are.
        counts: `attribute`, `level`, `customers` and `selected`.
        outcome: what has happened to all of them since; None where they are all of the month.
    """

    code: str
    value: str
    base_month: str
    counts: pl.DataFrame
    outcome: str | None = None


class Groups:
    """The groups of customers as of a month's end, each month read once.

    Args:
        warehouse: with the feature matrices.
    """

    def __init__(self, warehouse: Warehouse) -> None:
        self._of = cache(partial(_groups, warehouse))

    def counted(self, month: str, rows: pl.DataFrame) -> pl.DataFrame:
        """`counts` of `Picked` from `customer_id` and whether customers are `selected`."""
        both = rows.join(self._of(month), on="customer_id")
        return pl.concat(
            both.group_by(pl.col(name).alias("level")).agg(
                pl.lit(str(name)).first().alias("attribute"),
                pl.len().cast(pl.Int64).alias("customers"),
                pl.col("selected").sum().cast(pl.Int64).alias("selected"),
            )
            for name in GROUPS_SQL
        ).select("attribute", "level", "customers", "selected")


def _groups(warehouse: Warehouse, month: str) -> pl.DataFrame:
    """The group of each customer of a month by each attribute, of whom any is known."""
    return warehouse.select(
        f"SELECT customer_id, {GROUPS} FROM {FEATURE_MATRIX.full_name} AS f "
        f"WHERE as_of = {literal(last_day(month))} AND {IS_KNOWN}"
    )


def fairness_of_picked(picked: Sequence[Picked], month: str) -> pl.DataFrame:
    """The rows of FAIRNESS of a month, judged as one family; small groups go together."""
    key = ["tag_code", "tag_value", "outcome"]
    dated = pl.DataFrame(
        [(each.code, each.value, each.outcome, last_day(each.base_month)) for each in picked],
        schema={**dict.fromkeys(key, pl.String), "said_as_of": pl.Date},
        orient="row",
    )
    return (
        with_verdicts(judged(_counted(picked)), month)
        .drop("said_as_of")
        .join(dated, on=key, how="left", nulls_equal=True, maintain_order="left")
        .select(FAIRNESS.column_names)
    )


def _counted(picked: Sequence[Picked]) -> pl.DataFrame:
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
