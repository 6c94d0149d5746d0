"""What each group's change of takings is made of, category by category."""

from __future__ import annotations

from decimal import Decimal

import polars as pl

from portrait_assets.methods.market.decomposition import NO_CHANGE, Sold, Split, split_change
from portrait_assets.stages.market.changes.contract import TAKINGS_CHANGE, UNITS
from portrait_assets.stages.market.changes.pairs import takings_pairs
from portrait_assets.stages.market.columns import ALL, LAGS
from portrait_assets.stages.market.shown import or_one, shown
from portrait_assets.storage.steps import Grain, Scope, Step

Row = dict[str, object]
_GROUP = ["comparison", "segment_id"]
NO_CATEGORY = "no category"
"""What lines without a category stand under, so that categories add up to all."""


def takings_step(smallest: int) -> Step:
    """The step of `market.takings_change`.

    Args:
        smallest: fewest customers of what is published by itself.
    """

    def compute(scope: Scope, *pairs: pl.DataFrame) -> pl.DataFrame:
        # Of the first months nothing earlier is known, which is no takings of 0.
        known = [each for each in pairs if (each["before_customers"] > 0).any()]
        rows = takings_rows(pl.concat(known)) if known else []
        frame = pl.DataFrame(rows, schema=TAKINGS_CHANGE.polars_schema)
        frame = frame.with_columns(pl.lit(scope.as_of).alias("as_of"))
        return _shown(frame, smallest).sort(*_GROUP, "item", nulls_last=True)

    return Step(
        "takings_change",
        tuple(takings_pairs(comparison) for comparison in LAGS),
        compute=compute,
        grain=Grain.ALL,
        writes=TAKINGS_CHANGE,
    )


def _shown(rows: pl.DataFrame, smallest: int) -> pl.DataFrame:
    """The rows that may be published; sums over all items are totals of their own."""
    counts = {"customers_before": "amount_before", "customers": "amount"}
    frame = rows.with_columns(or_one(*each).alias(f"or one {each[0]}") for each in counts.items())
    of = [f"or one {name}" for name in counts]
    is_sum = pl.col("item") == ALL
    return pl.concat(
        shown(part, of, smallest, ["comparison"])
        for part in (frame.filter(is_sum), frame.filter(~is_sum))
    ).drop(of)


def takings_rows(pairs: pl.DataFrame) -> list[Row]:
    """The rows of `market.takings_change`: of each item, and of all of a group.

    Args:
        pairs: as of `takings_pairs`.
    """
    rows = []
    # Rounding goes from item to item, so that their order decides the last digit.
    ordered = pairs.with_columns(pl.col("item").fill_null(NO_CATEGORY)).sort(
        *_GROUP, "is_sum", "item", nulls_last=True
    )
    for _, group in ordered.group_by(_GROUP, maintain_order=True):
        *items, whole = group.iter_rows(named=True)
        splits = split_change([(_sold(row, "before"), _sold(row, "now")) for row in items])
        rows += [_row(row, split) for row, split in zip(items, splits, strict=True)]
        total = _row(whole, sum(splits, NO_CHANGE))
        rows.append(total | {"item": ALL, "price_of": None})
    return rows


def _has_quantity(row: Row) -> bool:
    """Whether all its lines of both months state a quantity."""
    return row["before_without_quantity"] == 0 and row["now_without_quantity"] == 0


def _sold(row: Row, side: str) -> Sold:
    purchases, amount = row[f"{side}_purchases"], row[f"{side}_amount"]
    quantity = row[f"{side}_quantity"] if _has_quantity(row) else purchases
    return Sold(Decimal(str(amount)), Decimal(str(quantity)), int(str(purchases)))


def _row(row: Row, split: Split) -> Row:
    return {
        "comparison": row["comparison"],
        "segment_id": row["segment_id"],
        "item": row["item"],
        "customers_before": row["before_customers"],
        "customers": row["now_customers"],
        "amount_before": row["before_amount"],
        "amount": row["now_amount"],
        "change": split.change,
        "volume": split.volume,
        "price": split.price,
        "mix": split.mix,
        "range_change": split.range,
        "price_of": UNITS[0] if _has_quantity(row) else UNITS[1],
    }
