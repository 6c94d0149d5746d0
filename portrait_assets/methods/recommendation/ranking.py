"""The best items of each customer, and how good a ranking is."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.core.arrays import Floats, Indexes


def best(scores: Floats, most: int) -> pl.DataFrame:
    """The items with the highest scores of each customer.

    Args:
        scores: shape (customers, items); -inf or NaN where an item is none to rank.
        most: how many at most.

    Returns:
        `customer`, `item` and `score`, by customer, the best first; of equal ones the item with
        the smaller number.
    """
    usable = np.where(np.isnan(scores), -np.inf, scores)
    customer, item = candidates(usable, most)
    found = pl.DataFrame({"customer": customer, "item": item, "score": usable[customer, item]})
    return best_of(found, most)


def candidates(scores: npt.NDArray[np.floating[Any]], most: int) -> tuple[Indexes, Indexes]:
    """Customer and item of the best so many of each customer, and of all as good as the last.

    Args:
        scores: shape (customers, items); -inf where an item is none to rank.
        most: how many at least, if there are as many.
    """
    kept, items = np.isfinite(scores), scores.shape[1]
    if items > most:
        kept &= scores >= np.partition(scores, items - most, axis=1)[:, items - most, None]
    customer, item = np.nonzero(kept)
    return customer, item


def best_of(scored: pl.DataFrame, most: int) -> pl.DataFrame:
    """The same from `customer`, `item` and `score`, of which no pair comes twice."""
    ordered = scored.sort("customer", "score", "item", descending=[False, True, False])
    return ordered.filter(pl.int_range(pl.len()).over("customer") < most)


def judged(ranked: pl.DataFrame, taken: pl.DataFrame, most: int) -> pl.DataFrame:
    """How well what each customer took was ranked.

    Args:
        ranked: `customer` and `item`, each customer's in their order.
        taken: `customer` and `item`, each pair once.
        most: the places that count.

    Returns:
        `customer`, `recall` (part of what they took among the first `most`), `hit` (whether any of
        it is) and `average_precision` (C. Manning, P. Raghavan, H. Schutze 2008, "Introduction to
        Information Retrieval", 8.4, cut off at `most`), of all who took something.
    """
    places = ranked.select("customer", "item").with_columns(
        pl.int_range(1, pl.len() + 1).over("customer").alias("place")
    )
    first = places.filter(pl.col("place") <= most)
    hits = taken.select("customer", "item").join(first, on=["customer", "item"])
    by_place = hits.sort("customer", "place").with_columns(
        pl.int_range(1, pl.len() + 1).over("customer").alias("found")
    )
    of_hits = by_place.group_by("customer").agg(
        pl.len().alias("hits"), (pl.col("found") / pl.col("place")).sum().alias("precision")
    )
    size = taken.group_by("customer").agg(pl.len().alias("size"))
    return (
        size.join(of_hits, on="customer", how="left")
        .with_columns(pl.col("hits", "precision").fill_null(0))
        .select(
            "customer",
            (pl.col("hits") / pl.col("size")).alias("recall"),
            (pl.col("hits") > 0).alias("hit"),
            (pl.col("precision") / pl.min_horizontal("size", pl.lit(most))).alias(
                "average_precision"
            ),
        )
        .sort("customer")
    )
