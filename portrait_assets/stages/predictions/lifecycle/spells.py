"""From the stages of a month and the spells of the month before to the spells of the month."""

from __future__ import annotations

from datetime import date

import polars as pl

from portrait_assets.stages.predictions.lifecycle.contract import LIFECYCLE_STAGE


def spells(now: pl.DataFrame, before: pl.DataFrame | None, as_of: date) -> pl.DataFrame:
    """The spells that are open at the month's end, and those that ended in the month.

    A spell that was left stands in the month in which it was, and in none after it.

    Args:
        now: `customer_id`, `stage`, `basis` and `joined_on`, one row per customer.
        before: the rows of LIFECYCLE_STAGE of the month before; None where there is none.
        as_of: the month's last day.

    Returns:
        Rows with the columns of LIFECYCLE_STAGE, by customer and then the spell that is open first.
    """
    is_open = pl.col("left_on").is_null()
    earlier = (LIFECYCLE_STAGE.empty() if before is None else before).filter(is_open)
    was = earlier.select(
        "customer_id", was="stage", since="entered_on", was_basis="basis", was_known=pl.lit(True)
    )
    both = now.join(was, on="customer_id", how="left", maintain_order="left")
    stays = pl.col("was") == pl.col("stage")
    found = None if before is None else as_of
    joined = pl.when(pl.col("stage") == "introduction").then("joined_on")
    entered = (
        pl.when(stays)
        .then("since")
        .when(pl.col("was_known"))
        .then(pl.lit(as_of))
        .otherwise(pl.coalesce(joined, pl.lit(found, pl.Date)))
    )
    month, never = pl.lit(as_of).alias("as_of"), pl.lit(None, pl.Date)
    still = both.select(
        month, "customer_id", "stage", entered.alias("entered_on"), never.alias("left_on"), "basis"
    )
    left = both.filter(pl.col("was_known") & ~stays).select(
        month,
        "customer_id",
        pl.col("was").alias("stage"),
        pl.col("since").alias("entered_on"),
        pl.lit(as_of).alias("left_on"),
        pl.col("was_basis").alias("basis"),
    )
    rows = pl.concat([still, left]).sort("customer_id", "left_on", nulls_last=False)
    return rows.select(LIFECYCLE_STAGE.column_names)
