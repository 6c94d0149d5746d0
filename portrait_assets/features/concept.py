"""Concept (概念): what the customer values, read from what is chosen when there is a choice."""

from __future__ import annotations

from datetime import date

import polars as pl

from portrait_assets.features.feature import Element, Feature
from portrait_assets.features.inputs import Inputs, share
from portrait_assets.months import next_month
from portrait_assets.warehouse.contract import Type

WINDOW_MONTHS = 12
_NO_PURCHASE = "no purchase in the window"
_PRODUCTS = ("transactions", "products")


def _concept(
    name: str, type_: Type, en: str, zh: str, formula: str, needs: tuple[str, ...], unit: str | None
) -> Feature:
    return Feature(
        name,
        Element.CONCEPT,
        type_,
        en,
        zh,
        formula,
        null_means=_NO_PURCHASE,
        needs=needs,
        window_months=WINDOW_MONTHS,
        unit=unit,
    )


FEATURES: tuple[Feature, ...] = (
    _concept(
        "top_category",
        Type.TEXT,
        "Preferred category",
        "偏好类别",
        "category with the most spend; the first by name where two are equal",
        _PRODUCTS,
        None,
    ),
    _concept(
        "top_category_share_12m",
        Type.NUMBER,
        "Share of the preferred category",
        "偏好类别占比",
        "its spend / spend with a known category",
        _PRODUCTS,
        "share",
    ),
    _concept(
        "category_count_12m",
        Type.INTEGER,
        "Categories bought",
        "购买类别数",
        "categories with spend above zero",
        _PRODUCTS,
        "categories",
    ),
    _concept(
        "category_hhi_12m",
        Type.NUMBER,
        "Concentration over categories (Herfindahl-Hirschman index)",
        "类别集中度(HHI)",
        "sum of squared shares of spend by category",
        _PRODUCTS,
        "0 to 1",
    ),
    _concept(
        "own_label_share_12m",
        Type.NUMBER,
        "Own-label share",
        "自有品牌占比",
        "spend on own-label products / spend on products of known brand",
        _PRODUCTS,
        "share",
    ),
    _concept(
        "discounted_share_12m",
        Type.NUMBER,
        "Share bought on discount",
        "折扣商品占比",
        "spend on discounted lines / spend_12m",
        ("transactions",),
        "share",
    ),
    _concept(
        "discount_depth_12m",
        Type.NUMBER,
        "Discount depth",
        "平均折扣深度",
        "discount / (discount + amount paid)",
        ("transactions",),
        "share",
    ),
)


def compute(inputs: Inputs, as_of: date) -> pl.LazyFrame:
    """The concept features, one row per customer with a transaction in the window."""
    in_window = pl.col("month") >= next_month(f"{as_of:%Y-%m}", 1 - WINDOW_MONTHS)
    choices = (
        inputs.customer_month.filter(in_window)
        .group_by("customer_id")
        .agg(
            pl.col(
                "amount",
                "discount_amount",
                "discounted_amount",
                "own_label_amount",
                "branded_amount",
            ).sum()
        )
        .select(
            "customer_id",
            share("own_label_amount", "branded_amount").alias("own_label_share_12m"),
            share("discounted_amount", "amount").alias("discounted_share_12m"),
            share("discount_amount", pl.col("discount_amount") + pl.col("amount")).alias(
                "discount_depth_12m"
            ),
        )
    )
    by_category = (
        inputs.customer_category_month.filter(in_window)
        .group_by("customer_id", "category")
        .agg(pl.col("amount").sum())
        .filter(pl.col("amount") > 0)
    )
    preferences = (
        by_category.sort("amount", "category", descending=[True, False])
        .group_by("customer_id", maintain_order=True)
        .agg(
            pl.col("category").first().alias("top_category"),
            pl.col("amount").first().alias("top"),
            pl.col("amount").sum().alias("whole"),
            (pl.col("amount").cast(pl.Float64).sort() ** 2).sum().alias("squares"),
            pl.len().cast(pl.Int64).alias("category_count_12m"),
        )
        .with_columns(
            share("top", "whole").alias("top_category_share_12m"),
            share("squares", pl.col("whole").cast(pl.Float64) ** 2).alias("category_hhi_12m"),
        )
    )
    return choices.join(preferences, on="customer_id", how="left").select(
        "customer_id", *(feature.name for feature in FEATURES)
    )
