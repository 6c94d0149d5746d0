"""Assets of the features room: monthly aggregates, then the matrix as of each month."""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from portrait_assets.cleaned.contract import CLEANED
from portrait_assets.features.aggregate import (
    PRODUCT_FACTS,
    RESPONSE_FACTS,
    customer_category_month,
    customer_month,
)
from portrait_assets.features.contract import (
    CUSTOMER_CATEGORY_MONTH,
    CUSTOMER_MONTH,
    FEATURE_MATRIX,
    FEATURE_SELECTION,
    FEATURES,
)
from portrait_assets.features.inputs import Inputs
from portrait_assets.features.matrix import feature_matrix
from portrait_assets.features.selection import select_features
from portrait_assets.months import last_day
from portrait_assets.warehouse.asset import all_months_in, month_in, tables_asset

TABLES = (CUSTOMER_MONTH, CUSTOMER_CATEGORY_MONTH, FEATURE_MATRIX, FEATURE_SELECTION)


def features_assets(partitions: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """The steps that aggregate each month and that build the matrix from the aggregates."""

    @tables_asset(
        "customer_month",
        [CUSTOMER_MONTH, CUSTOMER_CATEGORY_MONTH],
        partitions,
        ins={
            "transactions": month_in(CLEANED["transactions"]),
            "contacts": month_in(CLEANED["contacts"]),
            "products": all_months_in(CLEANED["products"], partitions),
            "responses": all_months_in(CLEANED["responses"], partitions),
        },
    )
    def aggregates(
        context: dg.AssetExecutionContext,
        transactions: pl.LazyFrame,
        contacts: pl.LazyFrame,
        products: pl.LazyFrame,
        responses: pl.LazyFrame,
    ) -> Iterator[dg.Output[object]]:
        months = list(context.partition_keys)
        # Every month looks at all of these again, so they are read once.
        products = products.select(PRODUCT_FACTS).collect().lazy()
        responses = responses.select(RESPONSE_FACTS).collect().lazy()

        def of(frame: pl.LazyFrame, month: str) -> pl.LazyFrame:
            return frame.filter(pl.col("month") == month)

        def until(frame: pl.LazyFrame, month: str) -> pl.LazyFrame:
            return frame.filter(pl.col("month") <= month)

        yield dg.Output(
            (
                customer_month(
                    of(transactions, month),
                    until(products, month),
                    of(contacts, month),
                    until(responses, month),
                    month,
                )
                for month in months
            ),
            CUSTOMER_MONTH.name,
        )
        yield dg.Output(
            (
                customer_category_month(of(transactions, month), until(products, month), month)
                for month in months
            ),
            CUSTOMER_CATEGORY_MONTH.name,
        )

    @tables_asset(
        "feature_matrix",
        [FEATURE_MATRIX, FEATURE_SELECTION],
        partitions,
        ins={
            "customer_month": all_months_in(CUSTOMER_MONTH, partitions),
            "customer_category_month": all_months_in(CUSTOMER_CATEGORY_MONTH, partitions),
            "customers": all_months_in(CLEANED["customers"], partitions),
            "balances": all_months_in(CLEANED["balances"], partitions),
        },
    )
    def matrix(
        context: dg.AssetExecutionContext,
        customer_month: pl.LazyFrame,
        customer_category_month: pl.LazyFrame,
        customers: pl.LazyFrame,
        balances: pl.LazyFrame,
    ) -> Iterator[dg.Output[object]]:
        inputs = Inputs(customer_month, customer_category_month, customers, balances)
        chosen = []

        def each() -> Iterator[pl.DataFrame]:
            for month in context.partition_keys:
                made = feature_matrix(inputs, month)
                as_of = pl.lit(last_day(month)).alias("as_of")
                chosen.append(select_features(made, FEATURES).with_columns(as_of))
                yield made

        yield dg.Output(each(), FEATURE_MATRIX.name)
        yield dg.Output(pl.concat(chosen), FEATURE_SELECTION.name)

    return [aggregates, matrix]
