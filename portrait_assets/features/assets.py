"""Assets of the features room: monthly aggregates, then the matrix as of each month."""

from collections.abc import Callable, Iterator

import dagster as dg
import polars as pl

from portrait_assets.cleaned.contract import (
    CLEANED,
    CUSTOMER_ALIAS,
    GOLDEN_RECORD,
    IDENTITY_MAP,
)
from portrait_assets.features import monthly
from portrait_assets.features.contract import (
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
from portrait_assets.features.matrix import campaign_responses, feature_matrix
from portrait_assets.features.persons import know_persons
from portrait_assets.features.products import Products
from portrait_assets.features.selection import sample_sql, select_features
from portrait_assets.months import last_day
from portrait_assets.warehouse.asset import all_months_of, tables_asset
from portrait_assets.warehouse.contract import Table
from portrait_assets.warehouse.rows import Query
from portrait_assets.warehouse.store import Warehouse

# In the order in which they are made: usual prices come from earlier months of product_month.
MONTHLY: dict[Table, Callable[[str], str]] = {
    PRODUCT_MONTH: monthly.product_month,
    CUSTOMER_MONTH: monthly.customer_month,
    CUSTOMER_CATEGORY_MONTH: monthly.customer_category_month,
    CUSTOMER_CAMPAIGN_MONTH: monthly.customer_campaign_month,
    CUSTOMER_BALANCE_MONTH: monthly.customer_balance_month,
}
MATRIX: dict[Table, Callable[[str], str]] = {
    FEATURE_MATRIX: feature_matrix,
    CAMPAIGN_RESPONSE: campaign_responses,
}
TABLES = (*MONTHLY, *MATRIX, FEATURE_SELECTION)
IDENTITY = (IDENTITY_MAP, CUSTOMER_ALIAS)
BEFORE = (CLEANED["contacts"], CLEANED["responses"])
"""What a month's aggregates look up of earlier months, by customer."""
EVER = (GOLDEN_RECORD, CLEANED["transactions"], CLEANED["balances"])
AGGREGATES = tuple(table for table in MONTHLY if table is not PRODUCT_MONTH)
"""What the matrix looks back on, by customer: events and records, and monthly aggregates."""
_OF_THE_MONTH = ("transactions", "promotions", "interactions", "balances")
_OF_ALL_MONTHS = (*IDENTITY, CLEANED["products"], CLEANED["campaigns"], *BEFORE)
_OF_THE_MATRIX = (*IDENTITY, *MONTHLY, *EVER, CLEANED["products"], CLEANED["market"])


def features_assets(
    partitions: dg.PartitionsDefinition[str],
) -> list[dg.AssetsDefinition]:
    """The steps that aggregate each month and that build the matrix from the aggregates."""

    def queries(
        products: Products,
        months: list[str],
        sql: Callable[[str], str],
        looked_up: tuple[Table, ...],
        summed: tuple[Table, ...] = (),
    ) -> Iterator[Query]:
        for month in months:
            products.know(month)
            know_persons(products.con, month, looked_up, summed)
            yield Query(sql(month))

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
        for table, sql in MONTHLY.items():
            yield dg.Output(queries(products, months, sql, BEFORE), table.name)

    @tables_asset(
        "feature_matrix",
        [*MATRIX, FEATURE_SELECTION],
        partitions,
        deps=[all_months_of(table, partitions) for table in _OF_THE_MATRIX],
    )
    def matrix(context: dg.AssetExecutionContext) -> Iterator[dg.Output[object]]:
        months = list(context.partition_keys)
        warehouse = context.resources.warehouse.warehouse
        require(warehouse, _OF_THE_MATRIX, months[-1])
        products = Products(warehouse.con, warehouse.made(CLEANED["products"]))
        for table, sql in MATRIX.items():
            yield dg.Output(queries(products, months, sql, EVER, AGGREGATES), table.name)

        def chosen() -> Iterator[pl.DataFrame]:
            for month in months:
                rows = warehouse.made(FEATURE_MATRIX)[month]
                sample = warehouse.select(sample_sql(month, rows))
                as_of = pl.lit(last_day(month)).alias("as_of")
                yield select_features(sample, FEATURES).with_columns(as_of)

        yield dg.Output(chosen(), FEATURE_SELECTION.name)

    return [aggregates, matrix]
