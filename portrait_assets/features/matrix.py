"""The feature matrix of one month: everyone who is a customer by its end, and all features."""

from __future__ import annotations

import polars as pl

from portrait_assets.features import concept, entity, principle, symbol
from portrait_assets.features.contract import FEATURE_MATRIX
from portrait_assets.features.inputs import Inputs
from portrait_assets.months import last_day

ELEMENTS = (entity, symbol, concept, principle)
# Counts and sums of a customer without the activity are known to be zero, not unknown.
_ZERO_WHEN_ABSENT = tuple(
    feature.name
    for element in ELEMENTS
    for feature in element.FEATURES
    if feature.null_means == "never null"
)


def feature_matrix(inputs: Inputs, month: str) -> pl.DataFrame:
    """The features of every customer as of the month's last day.

    A customer is in it who has a transaction, a balance or a joining day by then.

    Args:
        inputs: tables that may reach beyond the month; nothing later is used.
        month: the month, as YYYY-MM.
    """
    as_of = last_day(month)
    known = inputs.through(month)
    matrix = _customers(known, month)
    for element in ELEMENTS:
        matrix = matrix.join(element.compute(known, as_of), on="customer_id", how="left")
    return (
        matrix.with_columns(
            pl.lit(as_of).alias("as_of"),
            *(pl.col(name).fill_null(0) for name in _ZERO_WHEN_ABSENT),
        )
        .select(FEATURE_MATRIX.column_names)
        .sort("customer_id")
        .collect(engine="streaming")
    )


def _customers(known: Inputs, month: str) -> pl.LazyFrame:
    return pl.concat(
        [
            known.customer_month.filter(pl.col("lines") > 0).select("customer_id"),
            known.balances.select("customer_id"),
            known.customers.filter(pl.col("joined_on") <= last_day(month)).select("customer_id"),
        ]
    ).unique()
