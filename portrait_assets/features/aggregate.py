"""One month of cleaned events to additive aggregates: windows of months are sums of these."""

from __future__ import annotations

import polars as pl

from portrait_assets.features.contract import CUSTOMER_CATEGORY_MONTH, CUSTOMER_MONTH

EVENING_FROM_HOUR = 18
# The columns of cleaned.products and cleaned.responses that the aggregates need.
PRODUCT_FACTS = ("month", "source_row", "product_id", "category", "is_own_label")
RESPONSE_FACTS = ("month", "customer_id", "campaign_id", "responded_on")
_TOTALS = (
    "amount",
    "discount_amount",
    "discounted_amount",
    "own_label_amount",
    "branded_amount",
    "weekend_amount",
    "evening_amount",
)
_COUNTS = ("purchases", "lines", "contacts", "responses", "responded_contacts")


def product_facts(products: pl.LazyFrame) -> pl.LazyFrame:
    """What is known of each product by the month: its category and whether it is own label."""
    return (
        products.sort("month", "source_row")
        .group_by("product_id")
        .agg(pl.col("category", "is_own_label").last())
        .rename({"category": "product_category"})
    )


def customer_month(
    transactions: pl.LazyFrame,
    products: pl.LazyFrame,
    contacts: pl.LazyFrame,
    responses: pl.LazyFrame,
    month: str,
) -> pl.DataFrame:
    """The month's aggregates, one row per customer who did anything in it.

    Args:
        transactions: the month's transactions.
        products: all products known by the month.
        contacts: the month's contacts.
        responses: all responses by the end of the month; earlier ones tell which campaigns a
            customer had already responded to.
        month: the month, as YYYY-MM.
    """
    bought = _purchases(transactions, product_facts(products))
    reached = (
        contacts.filter(pl.col("is_control").fill_null(False).not_())
        .group_by("customer_id")
        .agg(pl.len().alias("contacts"))
    )
    answered = _responses(responses, month)
    return (
        bought.join(reached, on="customer_id", how="full", coalesce=True)
        .join(answered, on="customer_id", how="full", coalesce=True)
        .with_columns(
            pl.lit(month).alias("month"),
            pl.col(*_COUNTS).fill_null(0).cast(pl.Int64),
            pl.col(*_TOTALS).fill_null(0).cast(pl.Decimal(18, 2)),
        )
        .select(CUSTOMER_MONTH.column_names)
        .sort("customer_id")
        .collect(engine="streaming")
    )


def _purchases(transactions: pl.LazyFrame, products: pl.LazyFrame) -> pl.LazyFrame:
    amount, moment = pl.col("amount"), pl.col("occurred_at")
    line = pl.format("{}:{}", "source_file", "source_row")
    return (
        transactions.join(products, on="product_id", how="left")
        .group_by("customer_id")
        .agg(
            pl.coalesce("basket_id", "transaction_id", line).n_unique().alias("purchases"),
            pl.len().alias("lines"),
            amount.sum(),
            pl.col("discount_amount").sum(),
            amount.filter(pl.col("discount_amount") > 0).sum().alias("discounted_amount"),
            amount.filter(pl.col("is_own_label")).sum().alias("own_label_amount"),
            amount.filter(pl.col("is_own_label").is_not_null()).sum().alias("branded_amount"),
            amount.filter(moment.dt.weekday() >= 6).sum().alias("weekend_amount"),
            amount.filter(moment.dt.hour() >= EVENING_FROM_HOUR).sum().alias("evening_amount"),
            moment.min().alias("first_at"),
            moment.max().alias("last_at"),
        )
    )


def _responses(responses: pl.LazyFrame, month: str) -> pl.LazyFrame:
    in_month = pl.col("month") == month
    first_time = pl.col("month").min().over("customer_id", "campaign_id") == month
    return (
        responses.with_columns(first_time.alias("first_time"))
        .filter(in_month)
        .group_by("customer_id")
        .agg(
            pl.len().alias("responses"),
            pl.col("campaign_id")
            .filter(pl.col("first_time"))
            .n_unique()
            .alias("responded_contacts"),
            pl.col("responded_on").max().alias("last_response_on"),
        )
    )


def customer_category_month(
    transactions: pl.LazyFrame, products: pl.LazyFrame, month: str
) -> pl.DataFrame:
    """The month's aggregates by category, one row per customer and category bought.

    The category is the row's own, or else its product's; lines with neither are left out.
    """
    return (
        transactions.join(product_facts(products), on="product_id", how="left")
        .with_columns(pl.coalesce("category", "product_category").alias("category"))
        .drop_nulls("category")
        .group_by("customer_id", "category")
        .agg(pl.len().cast(pl.Int64).alias("lines"), pl.col("amount").sum())
        .with_columns(pl.lit(month).alias("month"), pl.col("amount").cast(pl.Decimal(18, 2)))
        .select(CUSTOMER_CATEGORY_MONTH.column_names)
        .sort("customer_id", "category")
        .collect(engine="streaming")
    )
