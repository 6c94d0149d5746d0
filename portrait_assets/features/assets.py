"""Assets of the features room: monthly aggregates, then the matrix as of each month."""

from collections.abc import Callable, Iterator

import dagster as dg
import polars as pl

from portrait_assets.cleaned.contract import CLEANED
from portrait_assets.features import monthly
from portrait_assets.features.contract import (
    CUSTOMER_BALANCE_MONTH,
    CUSTOMER_CAMPAIGN_MONTH,
    CUSTOMER_CATEGORY_MONTH,
    CUSTOMER_MONTH,
    FEATURE_MATRIX,
    FEATURE_SELECTION,
    FEATURES,
    PRODUCT_MONTH,
)
from portrait_assets.features.matrix import feature_matrix
from portrait_assets.features.products import Products
from portrait_assets.features.selection import sample_sql, select_features
from portrait_assets.months import last_day
from portrait_assets.warehouse.asset import all_months_of, tables_asset
from portrait_assets.warehouse.contract import Table
from portrait_assets.warehouse.store import Query, Warehouse

# In the order in which they are made: usual prices come from earlier months of product_month.
MONTHLY: dict[Table, Callable[[str], str]] = {
    PRODUCT_MONTH: monthly.product_month,
    CUSTOMER_MONTH: monthly.customer_month,
    CUSTOMER_CATEGORY_MONTH: monthly.customer_category_month,
    CUSTOMER_CAMPAIGN_MONTH: monthly.customer_campaign_month,
    CUSTOMER_BALANCE_MONTH: monthly.customer_balance_month,
}
TABLES = (*MONTHLY, FEATURE_MATRIX, FEATURE_SELECTION)
_OF_THE_MONTH = ("transactions", "promotions", "interactions", "balances")
_OF_ALL_MONTHS = ("products", "campaigns", "contacts", "responses")
_OF_THE_MATRIX = ("customers", "products", "market", "transactions", "balances")


def features_assets(
    partitions: dg.PartitionsDefinition[str],
) -> list[dg.AssetsDefinition]:
    """The steps that aggregate each month and that build the matrix from the aggregates."""

    def queries(
        products: Products, months: list[str], sql: Callable[[str], str]
    ) -> Iterator[Query]:
        for month in months:
            products.know(month)
            yield Query(sql(month))

    def require(warehouse: Warehouse, tables: tuple[Table, ...], last: str) -> None:
        known = partitions.get_partition_keys()
        for table in tables:
            warehouse.require(table, known[: known.index(last) + 1])

    looked_up = tuple(CLEANED[name] for name in _OF_ALL_MONTHS)

    @tables_asset(
        "customer_month",
        MONTHLY,
        partitions,
        deps=(
            *(CLEANED[name] for name in _OF_THE_MONTH),
            *(all_months_of(table, partitions) for table in looked_up),
        ),
        kinds=("duckdb",),
    )
    def aggregates(context: dg.AssetExecutionContext) -> Iterator[dg.Output[object]]:
        months = list(context.partition_keys)
        warehouse = context.resources.warehouse.warehouse
        require(warehouse, looked_up, months[-1])
        products = Products(warehouse.con, warehouse.made(CLEANED["products"]))
        for table, sql in MONTHLY.items():
            yield dg.Output(queries(products, months, sql), table.name)

    looked_back_on = (*MONTHLY, *(CLEANED[name] for name in _OF_THE_MATRIX))

    @tables_asset(
        "feature_matrix",
        [FEATURE_MATRIX, FEATURE_SELECTION],
        partitions,
        deps=[all_months_of(table, partitions) for table in looked_back_on],
    )
    def matrix(context: dg.AssetExecutionContext) -> Iterator[dg.Output[object]]:
        months = list(context.partition_keys)
        warehouse = context.resources.warehouse.warehouse
        require(warehouse, looked_back_on, months[-1])
        products = Products(warehouse.con, warehouse.made(CLEANED["products"]))
        yield dg.Output(queries(products, months, feature_matrix), FEATURE_MATRIX.name)

        def chosen() -> Iterator[pl.DataFrame]:
            for month in months:
                rows = warehouse.made(FEATURE_MATRIX)[month]
                sample = warehouse.select(sample_sql(month, rows))
                as_of = pl.lit(last_day(month)).alias("as_of")
                yield select_features(sample, FEATURES).with_columns(as_of)

        yield dg.Output(chosen(), FEATURE_SELECTION.name)

    return [aggregates, matrix]
