"""Principle (原理): how the customer reacts to what the seller and the market do."""

from __future__ import annotations

from datetime import date

import polars as pl

from portrait_assets.features.feature import Element, Feature
from portrait_assets.features.inputs import Inputs
from portrait_assets.months import next_month
from portrait_assets.warehouse.contract import Type

WINDOW_MONTHS = 12
# How many contacts the base's response rate counts for when a customer had few of their own.
PRIOR_CONTACTS = 5.0


def _principle(
    name: str, type_: Type, en: str, zh: str, formula: str, null_means: str, unit: str
) -> Feature:
    return Feature(
        name,
        Element.PRINCIPLE,
        type_,
        en,
        zh,
        formula,
        null_means=null_means,
        needs=("contacts", "responses"),
        window_months=WINDOW_MONTHS,
        unit=unit,
    )


FEATURES: tuple[Feature, ...] = (
    _principle(
        "contacts_12m",
        Type.INTEGER,
        "Campaign contacts",
        "活动触达次数",
        "contacts that were not held out as control",
        "never null",
        "contacts",
    ),
    _principle(
        "responses_12m",
        Type.INTEGER,
        "Campaign responses",
        "活动响应次数",
        "responses, several to one contact counted each",
        "never null",
        "responses",
    ),
    _principle(
        "response_rate_12m",
        Type.NUMBER,
        "Response rate, shrunk to the base",
        "活动响应率(收缩)",
        "(responded contacts + 5 x base rate) / (contacts + 5)",
        "nobody was contacted yet",
        "share",
    ),
    _principle(
        "response_lift_12m",
        Type.NUMBER,
        "Response rate against the base",
        "活动响应提升度",
        "response_rate_12m / base rate; 1 is like everyone",
        "nobody has responded yet",
        "times",
    ),
    _principle(
        "response_recency_days",
        Type.INTEGER,
        "Days since the last response",
        "距上次响应天数",
        "days from the last response to as_of",
        "never responded in the window",
        "days",
    ),
)


def compute(inputs: Inputs, as_of: date) -> pl.LazyFrame:
    """The principle features, one row per customer with a transaction, contact or response."""
    first = next_month(f"{as_of:%Y-%m}", 1 - WINDOW_MONTHS)
    totals = (
        inputs.customer_month.filter(pl.col("month") >= first)
        .group_by("customer_id")
        .agg(
            pl.col("contacts").sum().alias("contacts_12m"),
            pl.col("responses").sum().alias("responses_12m"),
            pl.col("responded_contacts").sum().alias("responded"),
            pl.col("last_response_on").max(),
        )
    )
    contacts, responded = pl.col("contacts_12m").sum(), pl.col("responded").sum()
    base_rate = responded / contacts
    shrunk = (pl.col("responded") + PRIOR_CONTACTS * base_rate) / (
        pl.col("contacts_12m") + PRIOR_CONTACTS
    )
    return totals.with_columns(
        pl.when(contacts > 0).then(shrunk.round(6)).alias("response_rate_12m"),
        pl.when((contacts > 0) & (responded > 0))
        .then((shrunk / base_rate).round(6))
        .alias("response_lift_12m"),
        (pl.lit(as_of) - pl.col("last_response_on")).dt.total_days().alias("response_recency_days"),
    ).select("customer_id", *(feature.name for feature in FEATURES))
