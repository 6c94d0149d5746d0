"""Customers who are picked out by something, counted by group and judged as one family."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from portrait_assets.core.months import last_day
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.validation.contract import FAIRNESS, Measure
from portrait_assets.stages.validation.fairness import GROUPS_SQL
from portrait_assets.stages.validation.parity import (
    COUNTED,
    judged,
    with_small_groups_together,
    with_verdicts,
)
from portrait_assets.storage.duckdb.connection import literal
from portrait_assets.storage.duckdb.store import Warehouse


@dataclass(frozen=True)
class Picked:
    """Customers of a month who could be picked out, and whether they are.

    Args:
        code: what picks them out, as FAIRNESS names it in the place of a tag.
        value: what they are picked out for.
        base_month: the month in which they are.
        rows: `customer_id` and `selected`.
        outcome: what has happened to all of them since; None where they are all of the month.
    """

    code: str
    value: str
    base_month: str
    rows: pl.DataFrame
    outcome: str | None = None


def fairness_of_picked(warehouse: Warehouse, picked: Sequence[Picked], month: str) -> pl.DataFrame:
    """The rows of FAIRNESS of a month, judged as one family.

    Args:
        warehouse: with the feature matrix of the months in which they were picked.
        picked: what is compared.
        month: the month.
    """
    groups = {base: _groups(warehouse, base) for base in {each.base_month for each in picked}}
    counted = [judged(_counted(each, groups[each.base_month])) for each in picked]
    key = ["tag_code", "tag_value", "outcome"]
    dated = pl.DataFrame(
        [(each.code, each.value, each.outcome, last_day(each.base_month)) for each in picked],
        schema={**dict.fromkeys(key, pl.String), "said_as_of": pl.Date},
        orient="row",
    )
    rows = with_verdicts(pl.concat([judged(pl.DataFrame(schema=COUNTED)), *counted]), month)
    return (
        rows.drop("said_as_of")
        .join(dated, on=key, how="left", nulls_equal=True, maintain_order="left")
        .select(FAIRNESS.column_names)
    )


def _groups(warehouse: Warehouse, month: str) -> pl.DataFrame:
    """The group of each customer of a month by each attribute."""
    columns = ", ".join(f"{sql} AS {name}" for name, sql in GROUPS_SQL.items())
    return warehouse.select(
        f"SELECT customer_id, {columns} FROM {FEATURE_MATRIX.full_name} AS f "
        f"WHERE as_of = {literal(last_day(month))}"
    )


def _counted(picked: Picked, groups: pl.DataFrame) -> pl.DataFrame:
    """A row for each group, small ones together, with the columns of `parity.COUNTED`."""
    rows = picked.rows.join(groups, on="customer_id", how="left")
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
