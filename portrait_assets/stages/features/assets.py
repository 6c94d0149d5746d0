"""Assets of the features room: monthly aggregates, then the matrix as of each month."""

from collections.abc import Callable, Iterator

import dagster as dg
import polars as pl

from portrait_assets.core.months import last_day
from portrait_assets.schema.table import Table
from portrait_assets.stages.cleaned.contract import CLEANED, CUSTOMER_ALIAS, IDENTITY_MAP
from portrait_assets.stages.features import monthly
from portrait_assets.stages.features.contract import (
    CAMPAIGN_RESPONSE,
    CUSTOMER_BALANCE_MONTH,
    CUSTOMER_CAMPAIGN_MONTH,
    CUSTOMER_CATEGORY_MONTH,
    CUSTOMER_MONTH,
    FEATURE_MATRIX,
    FEATURE_SELECTION,
    FEATURES,
    PRODUCT_MONTH,
)
from portrait_assets.stages.features.matrix import (
    EVER,
    campaign_responses,
    feature_matrix,
    forget_customers,
    know_customers,
)
from portrait_assets.stages.features.persons import know_persons
from portrait_assets.stages.features.products import Products
from portrait_assets.stages.features.selection import sample_sql, select_features
from portrait_assets.storage.dagster.asset import all_months_of, tables_asset
from portrait_assets.storage.duckdb.rows import Query
from portrait_assets.storage.duckdb.store import Warehouse

# In the order in which they are made: usual prices come from earlier months of product_month.
MONTHLY: dict[Table, Callable[[str], str]] = {
    PRODUCT_MONTH: monthly.product_month,
    CUSTOMER_MONTH: monthly.customer_month,
    CUSTOMER_CATEGORY_MONTH: monthly.customer_category_month,
    CUSTOMER_CAMPAIGN_MONTH: monthly.customer_campaign_month,
    CUSTOMER_BALANCE_MONTH: monthly.customer_balance_month,
}
MATRIX = (FEATURE_MATRIX, CAMPAIGN_RESPONSE, FEATURE_SELECTION)
TABLES = (*MONTHLY, *MATRIX)
IDENTITY = (IDENTITY_MAP, CUSTOMER_ALIAS)
BEFORE = (CLEANED["contacts"], CLEANED["responses"])
"""What a month's aggregates look up of earlier months, by customer."""
_OF_THE_MONTH = ("transactions", "promotions", "interactions", "balances")
_OF_ALL_MONTHS = (*IDENTITY, CLEANED["products"], CLEANED["campaigns"], *BEFORE)
_OF_THE_MATRIX = (*IDENTITY, *MONTHLY, *EVER, CLEANED["products"], CLEANED["market"])


def features_assets(
    partitions: dg.PartitionsDefinition[str],
) -> list[dg.AssetsDefinition]:
    """The steps that aggregate each month and that build the matrix from the aggregates."""

    def require(warehouse: Warehouse, tables: tuple[Table, ...], last: str) -> None:
        known = partitions.get_partition_keys()
        for table in tables:
            warehouse.require(table, known[: known.index(last) + 1])

    @tables_asset(
        "customer_month",
        MONTHLY,
        partitions,
        deps=(
            *(CLEANED[name] for name in _OF_THE_MONTH),
            *(all_months_of(table, partitions) for table in _OF_ALL_MONTHS),
        ),
        kinds=("duckdb",),
    )
    def aggregates(context: dg.AssetExecutionContext) -> Iterator[dg.Output[object]]:
        months = list(context.partition_keys)
        warehouse = context.resources.warehouse.warehouse
        require(warehouse, _OF_ALL_MONTHS, months[-1])
        products = Products(warehouse.con, warehouse.made(CLEANED["products"]))

        def queries(sql: Callable[[str], str]) -> Iterator[Query]:
            for month in warehouse.place.each(months):
                products.know(month)
                know_persons(products.con, month, BEFORE)
                yield Query(sql(month))

        for table, sql in MONTHLY.items():
            yield dg.Output(queries(sql), table.name)

    @tables_asset(
        "feature_matrix",
        MATRIX,
        partitions,
        deps=[all_months_of(table, partitions) for table in _OF_THE_MATRIX],
    )
    def matrix(context: dg.AssetExecutionContext) -> Iterator[dg.Output[object]]:
        months = list(context.partition_keys)
        warehouse = context.resources.warehouse.warehouse
        require(warehouse, _OF_THE_MATRIX, months[-1])
        products = Products(warehouse.con, warehouse.made(CLEANED["products"]))

        def features() -> Iterator[Query]:
            for month in warehouse.place.each(months):
                products.know(month)
                know_customers(warehouse.con, month, warehouse.bounds.matrix_customers)
                yield Query(feature_matrix(month))
                forget_customers(warehouse.con)

        def responses() -> Iterator[Query]:
            for month in warehouse.place.each(months):
                know_persons(warehouse.con, month, (), (CUSTOMER_CAMPAIGN_MONTH,))
                yield Query(campaign_responses(month))

        def chosen() -> Iterator[pl.DataFrame]:
            for month in warehouse.place.each(months):
                rows = warehouse.made(FEATURE_MATRIX)[month]
                sample = warehouse.select(sample_sql(month, rows))
                as_of = pl.lit(last_day(month)).alias("as_of")
                yield select_features(sample, FEATURES).with_columns(as_of)

        yield dg.Output(features(), FEATURE_MATRIX.name)
        yield dg.Output(responses(), CAMPAIGN_RESPONSE.name)
        yield dg.Output(chosen(), FEATURE_SELECTION.name)

    return [aggregates, matrix]
