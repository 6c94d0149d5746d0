"""What segments buy or hold more often than others do."""

from __future__ import annotations

import polars as pl

from portrait_assets.methods.recommendation.lift import lifts
from portrait_assets.privacy.cells import pooled
from portrait_assets.stages.offers.affinity.contract import DIGITS, PRODUCT, SEGMENT_PRODUCT
from portrait_assets.stages.offers.affinity.holdings import HOLDING
from portrait_assets.stages.offers.affinity.purchases import MEMBER, item_step, purchase_step
from portrait_assets.storage.steps import Grain, Scope, Step

_ITEM = ["item_kind", "item"]


def segment_step(smallest: int) -> Step:
    """The step that writes `offers.segment_product`.

    Args:
        smallest: fewest customers of a segment that are listed with an item by themselves.
    """
    item = item_step(smallest)
    counted = Step(
        "counted",
        (MEMBER, item, purchase_step(item), HOLDING),
        # What accounts hold is no purchase, so that nobody is counted twice.
        f"""
        SELECT item_kind, i.item, segment, customers FROM (
            SELECT item_kind, item AS number, segment, count(*) AS customers
            FROM purchase JOIN member USING (customer) WHERE now > 0 AND segment > 0 GROUP BY ALL
        ) JOIN item AS i USING (item_kind, number) WHERE i.is_common
        UNION ALL
        SELECT '{PRODUCT}' AS item_kind, product_id AS item, segment, count(*) AS customers
        FROM holding JOIN member USING (customer) WHERE until = 0 AND segment > 0 GROUP BY ALL
        ORDER BY item_kind, item, segment
        """,
        grain=Grain.ALL,
    )

    def rows(scope: Scope, counts: pl.DataFrame, member: pl.DataFrame) -> pl.DataFrame:
        return _rows(scope, counts, member, smallest)

    return Step(
        SEGMENT_PRODUCT.name,
        (counted, MEMBER),
        compute=rows,
        grain=Grain.ALL,
        writes=SEGMENT_PRODUCT,
    )


def _rows(scope: Scope, counts: pl.DataFrame, member: pl.DataFrame, smallest: int) -> pl.DataFrame:
    sizes = member.filter(pl.col("segment") > 0).group_by("segment").len("segment_size")
    if counts.is_empty() or sizes.height < 2:
        return SEGMENT_PRODUCT.empty()
    cells = (
        counts.select(_ITEM)
        .unique()
        .join(sizes, how="cross")
        .join(counts, on=[*_ITEM, "segment"], how="left")
        .with_columns(pl.col("customers").fill_null(0), pl.col("segment").cast(pl.String))
        .select(*_ITEM, "segment", "customers", "segment_size")
        .sort(*_ITEM, "segment")
    )
    shown = pooled(cells, ["segment"], "customers", smallest, _ITEM)
    # An item that is pooled as a whole has no one to be compared with.
    shown = shown.filter(pl.len().over(_ITEM) > 1)
    whole = shown.with_columns(
        pl.col("segment_size").alias("group_size"),
        pl.col("customers").sum().over(_ITEM).alias("all_customers"),
        pl.col("segment_size").sum().over(_ITEM).alias("all_size"),
    )
    numbers = ("tgi", "lift", "lift_low", "lift_high", "p_value", "q_value")
    return (
        lifts(whole, ["item_kind"])
        .with_columns(pl.col(numbers).round(DIGITS), pl.lit(scope.as_of).alias("as_of"))
        .sort(*_ITEM, "segment")
        .select(SEGMENT_PRODUCT.column_names)
        .cast(dict(SEGMENT_PRODUCT.polars_schema))  # type: ignore[arg-type]
    )
