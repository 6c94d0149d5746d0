"""Migration (客户迁移): who moved between segments, life-cycle stages and value tiers."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from portrait_assets.core.machine.bounds import in_batches
from portrait_assets.core.months import last_day, next_month
from portrait_assets.privacy.cells import EVERY_CELL, POOLED_NAME, moves_are_pooled, pooled
from portrait_assets.schema.table import Table
from portrait_assets.stages.validation.contract import MIGRATION, Dimension
from portrait_assets.storage.duckdb.connection import literals, quote
from portrait_assets.storage.duckdb.store import Warehouse

COLUMN = {
    Dimension.SEGMENT: "segment_id",
    Dimension.LIFECYCLE_STAGE: "lifecycle_stage",
    Dimension.VALUE_TIER: "value_tier",
}


def migration(
    warehouse: Warehouse, matrix: Table, months: Sequence[str], smallest: int = EVERY_CELL
) -> pl.DataFrame:
    """Customers by value of the month before and of the month, with the columns of MIGRATION.

    An entry has no value before, an exit none after. A month whose predecessor is not materialized
    has no row, nor has a dimension that the catalogue lacks.

    Args:
        warehouse: with the portrait matrix.
        matrix: its contract.
        months: the months to compute.
        smallest: fewest customers of a move that is listed by itself; moves of fewer are pooled,
            whatever they are between.
    """
    materialized = warehouse.materialized(matrix)
    compared = [month for month in months if next_month(month, -1) in materialized]
    dimensions = [d for d in Dimension if COLUMN[d] in matrix.column_names]
    if not compared or not dimensions:
        return MIGRATION.empty()
    counted = pl.concat(
        warehouse.select(" UNION ALL ".join(_counts_sql(matrix, d, batch) for d in dimensions))
        for batch in in_batches(compared, materialized, warehouse.bounds.joined_rows)
    )
    before = pl.col("customers").sum().over("as_of", "dimension", "value_before")
    shares = counted.with_columns(
        pl.when(pl.col("value_before").is_not_null())
        .then((pl.col("customers") / before).round(6))
        .alias("share")
    )
    values, within = ["value_before", "value_after"], ["as_of", "dimension"]
    moves = shares.sort(*within, *values)
    mask = moves_are_pooled(moves, ("value_before", "value_after"), "customers", smallest, within)
    listed = pooled(moves, values, "customers", smallest, within, mask)
    is_pooled = pl.col("value_before").str.contains(POOLED_NAME)
    return (
        listed.with_columns(pl.when(~is_pooled.fill_null(False)).then("share").alias("share"))
        .select(MIGRATION.column_names)
        .sort("as_of", "dimension", "value_before", "value_after", nulls_last=True)
    )


def _counts_sql(matrix: Table, dimension: Dimension, months: Sequence[str]) -> str:
    value = f"{quote(COLUMN[dimension])}::VARCHAR AS value"
    days = {month: last_day(month) for month in months}
    earlier = [last_day(next_month(month, -1)) for month in months]
    now = (
        f"SELECT as_of, customer_id, {value} FROM {matrix.full_name} "
        f"WHERE as_of IN ({literals(days.values())}) AND {quote(COLUMN[dimension])} IS NOT NULL"
    )
    then = (
        f"SELECT last_day(as_of + INTERVAL 1 MONTH) AS as_of, customer_id, {value} "
        f"FROM {matrix.full_name} "
        f"WHERE as_of IN ({literals(earlier)}) AND {quote(COLUMN[dimension])} IS NOT NULL"
    )
    return (
        f"SELECT as_of, '{dimension}' AS dimension, b.value AS value_before, "
        "a.value AS value_after, count(*)::BIGINT AS customers "
        f"FROM ({now}) a FULL JOIN ({then}) b USING (as_of, customer_id) GROUP BY ALL"
    )
