"""Checks of what is offered next: it suits, everybody has an answer, and refusals are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from portrait_assets.schema.table import Table
from portrait_assets.stages.features.contract import FEATURE_MATRIX, UNPROFILED
from portrait_assets.stages.offers.next_product.contract import NEXT_PRODUCT, NONE, PERSONAL
from portrait_assets.stages.offers.suitability.checks import all_suit
from portrait_assets.storage.dagster.checks import Finding, Subject, TableCheck


def _all_suit(subject: Subject) -> Finding:
    """Every product that is offered suits the customer by the records of the month."""
    offered = subject.rows.filter(pl.col("product_id") != NONE)
    return all_suit(subject.warehouse, subject.month, offered)


def _everyone(subject: Subject) -> Finding:
    """Every customer of the month has offers, ranked from 1, or one row that says there is none."""
    month, warehouse = [subject.month], subject.warehouse
    profiled = warehouse.read(FEATURE_MATRIX, month).select("customer_id")
    refused = warehouse.read(UNPROFILED, month).filter("keeps_row").select("customer_id")
    everyone = pl.concat([profiled, refused])
    by_customer = subject.rows.group_by("customer_id").agg(
        pl.len().alias("rows"),
        pl.col("rank").max().alias("last"),
        pl.col("product_id").n_unique().alias("products"),
        (pl.col("product_id") == NONE).any().alias("has_none"),
    )
    missing = everyone.join(by_customer, on="customer_id", how="anti").height
    strangers = by_customer.join(everyone, on="customer_id", how="anti").height
    uneven = by_customer.filter(
        (pl.col("last") != pl.col("rows"))
        | (pl.col("products") != pl.col("rows"))
        | (pl.col("has_none") & (pl.col("rows") > 1))
    ).height
    return Finding(
        missing + strangers + uneven,
        f"{everyone.height} customers, {missing} without an answer, {strangers} not of the month, "
        f"{uneven} with ranks or products that do not fit",
    )


def _better_than_base(subject: Subject) -> Finding:
    """Personal offers are more probable than for all customers, the most probable first."""
    rows = subject.rows.filter(pl.col("basis") == PERSONAL).sort("customer_id", "rank")
    follows = pl.col("customer_id") == pl.col("customer_id").shift()
    wrong = rows.filter(
        ~(pl.col("probability") > pl.col("base_probability")).fill_null(False)
        | (follows & (pl.col("probability") > pl.col("probability").shift())).fill_null(False)
    )
    return Finding(wrong.height, f"{rows.height} personal offers, {wrong.height} not better")


def _refusals_kept(subject: Subject) -> Finding:
    """Whoever refuses profiling has no offer that rests on an affinity."""
    refused = subject.warehouse.read(UNPROFILED, [subject.month])
    rows = subject.rows.join(refused, on="customer_id", how="semi")
    wrong = rows.filter(
        (pl.col("basis") == PERSONAL)
        | pl.any_horizontal(pl.col("probability", "base_probability", "value").is_not_null())
    )
    return Finding(wrong.height, f"{refused.height} refuse profiling, {wrong.height} rows use it")


ALL_SUIT = TableCheck("all_suit", _all_suit, blocking=True)
EVERYONE = TableCheck("everyone_has_an_answer", _everyone, blocking=True)
BETTER_THAN_BASE = TableCheck("better_than_base", _better_than_base, blocking=True)
REFUSALS_KEPT = TableCheck("refusals_kept", _refusals_kept, blocking=True)

CHECKS: Mapping[Table, Sequence[TableCheck]] = {
    NEXT_PRODUCT: (ALL_SUIT, EVERYONE, BETTER_THAN_BASE, REFUSALS_KEPT)
}
