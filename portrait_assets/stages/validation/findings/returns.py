"""The finding on how many transactions of a month give back: cancellations and returns."""

from __future__ import annotations

import polars as pl

from portrait_assets.stages.features.monthly.steps import DEAL
from portrait_assets.stages.validation.contract import Area, Verdict
from portrait_assets.stages.validation.findings.finding import finding
from portrait_assets.storage.steps import Grain, Step

SHARE_RETURNED = "share cancelled or returned"

RETURNED = Step(
    "returned",
    (DEAL,),
    """
    SELECT count(*) AS transactions, count(CASE WHEN gives_back THEN 1 END) AS returned,
        count(CASE WHEN gives_back AND names THEN 1 END) AS naming,
        coalesce(sum(CASE WHEN gives_back THEN -amount END), 0) AS amount
    FROM (
        SELECT gives_back, cancels IS NOT NULL AS names, amount FROM deal WHERE basket_id IS NULL
        UNION ALL
        SELECT bool_and(gives_back), bool_or(cancels IS NOT NULL), sum(amount)
        FROM deal WHERE basket_id IS NOT NULL GROUP BY customer_id, basket_id
    )
    """,
    grain=Grain.ALL,
)
"""Baskets, and lines without one: how many there are, and how many only give back."""


def returns_finding(returned: pl.DataFrame) -> pl.DataFrame:
    """How many of a month's transactions are cancellations or returns; no row where none is.

    Args:
        returned: what `RETURNED` gives for the month.
    """
    some = returned.filter(pl.col("returned") > 0).with_columns(
        share=(pl.col("returned") / pl.col("transactions")).round(6)
    )
    numbers = (
        *("returned", "transactions"),
        (pl.col("share") * 100).round(1),
        *("naming", "amount"),
    )
    return finding(
        some,
        Area.SOURCE,
        pl.lit("transactions"),
        SHARE_RETURNED,
        pl.col("share"),
        pl.lit(str(Verdict.NOT_JUDGED)),
        (
            pl.format(
                "{} of {} transactions ({} %) cancel or return and are no purchases, {} of them "
                "with a reference to what they take back; {} was given back.",
                *numbers,
            ),
            pl.format(
                "{}/{}笔交易（{}%）为撤销或退货，不计为购买；其中{}笔指明所撤销的交易；退回金额{}。",
                *numbers,
            ),
        ),
    )
