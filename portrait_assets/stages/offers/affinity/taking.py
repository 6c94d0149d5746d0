"""What is taken of the products that a customer does not have: the rows that it is learned from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import polars as pl
from scipy import sparse

from portrait_assets.core.arrays import Indexes
from portrait_assets.methods.recommendation.products.takings import Kinds, Window, fit_takings
from portrait_assets.methods.recommendation.ranking import best
from portrait_assets.stages.offers.affinity.contract import AHEAD, MOST_LISTED
from portrait_assets.stages.offers.affinity.holdings import LASTING
from portrait_assets.stages.offers.affinity.purchases import MONTHS

Listing: TypeAlias = Callable[[Indexes], pl.DataFrame]
"""`customer`, `item`, `rank`, `probability` and `basis` of customers whose numbers go up by one."""

LEAST_MEMBERS = 20
"""Customers before a window below which nothing is learned from it."""


@dataclass(frozen=True)
class Leanings:
    """On how many days customers bought of which category, in the year before each window and in
    the last; `product` of `days` is the place of the category.
    """

    categories: pl.Series
    days: pl.DataFrame

    @classmethod
    def of(cls, leaning: pl.DataFrame) -> Leanings:
        """From the rows of the step."""
        categories = leaning["category"].unique().sort()
        places = pl.DataFrame({"category": categories, "product": np.arange(categories.len())})
        days = leaning.join(places, on="category", how="left").drop("category")
        return cls(categories, days)

    def beside(self, rows: pl.DataFrame, began: object) -> pl.DataFrame:
        """Rows of features of a window that began so many months ago, with the share of each
        category in all days of the customer; null where nothing was bought.
        """
        customer = rows["customer"]
        of_these = pl.col("customer").is_between(customer.min(), customer.max())
        theirs = self.days.filter(pl.col("began") == began, of_these)
        days = _matrix(theirs, customer.to_numpy(), self.categories.len()).toarray()
        with np.errstate(invalid="ignore"):
            shares = (days / days.sum(axis=1, keepdims=True)).astype(np.float32)
        return rows.with_columns(
            pl.Series(f"share of {name}", share, nan_to_null=True)
            for name, share in zip(self.categories, shares.T, strict=True)
        )


def taken(
    member: pl.DataFrame,
    holding: pl.DataFrame,
    dealt: pl.DataFrame,
    leaning: pl.DataFrame,
    learned: pl.DataFrame,
    known: pl.DataFrame,
) -> list[Listing]:
    """What is taken of the products that a customer does not have, and never had of late.

    Nothing where no window is over of enough customers.
    """
    products = holding.select("product_id", "category").unique("product_id").sort("product_id")
    names = products["product_id"]
    places = pl.DataFrame({"product_id": names, "product": np.arange(names.len())})
    owned = holding.join(places, on="product_id", how="left", maintain_order="left")
    days = dealt.join(places, on="product_id", how="left", maintain_order="left")
    segment = member["segment"].to_numpy()
    leanings = Leanings.of(leaning)
    windows = [
        window(leanings.beside(rows, began), owned, days, names.len(), segment, began)
        for (began,), rows in learned.partition_by("began", as_dict=True).items()
        if rows.height >= LEAST_MEMBERS
    ]
    if not windows:
        return []
    kinds = Kinds(products["category"].to_list(), LASTING)
    model = fit_takings(windows, int(segment.max()), kinds)
    basis = pl.Series(model.basis)
    numbers = known["customer"].to_numpy()
    now, lately = owned.select("customer", "product"), _dealt(days, 0)

    def listing(rows: Indexes) -> pl.DataFrame:
        first, last = np.searchsorted(numbers, [rows[0], rows[-1] + 1]).tolist()
        part = leanings.beside(known.slice(first, last - first), 0)
        customer = part["customer"].to_numpy()
        has, dealings = (
            _matrix(
                each.filter(pl.col("customer").is_between(rows[0], rows[-1])), customer, names.len()
            )
            for each in (now, lately)
        )
        found = best(
            model.probabilities(part.drop("customer"), has, segment[customer], dealings),
            MOST_LISTED,
        )
        return found.select(
            pl.Series("customer", customer).gather(found["customer"]).alias("customer"),
            names.gather(found["item"]).alias("item"),
            pl.int_range(1, pl.len() + 1).over("customer").cast(pl.UInt32).alias("rank"),
            pl.col("score").alias("probability"),
            basis.gather(found["item"]).alias("basis"),
        )

    return [listing]


def _dealt(days: pl.DataFrame, began: int) -> pl.DataFrame:
    """`customer`, `product` and `days` of the year before so many months ago."""
    return (
        days.filter(pl.col("ago") >= began, pl.col("ago") < began + MONTHS)
        .group_by("customer", "product")
        .agg(pl.col("days").sum())
        .sort("customer", "product")
    )


def window(
    rows: pl.DataFrame,
    owned: pl.DataFrame,
    days: pl.DataFrame,
    products: int,
    segment: Indexes,
    began: object,
) -> Window:
    """A window that began so many months ago: what was held and dealt with by then, and what was
    taken in it.
    """
    assert isinstance(began, int)
    customer = rows["customer"].to_numpy()
    had = owned.filter(pl.col("since") >= began)
    took = owned.filter(pl.col("since") < began, pl.col("since") >= began - AHEAD, pl.col("is_own"))
    had_matrix, taken_matrix, dealt_matrix = (
        _matrix(each, customer, products) for each in (had, took, _dealt(days, began))
    )
    features = rows.drop("began", "customer")
    return Window(features, had_matrix, taken_matrix, segment[customer], dealt_matrix)


def _matrix(pairs: pl.DataFrame, customers: Indexes, products: int) -> sparse.csr_matrix:
    """By place in these customers, which rise, and product: ones, or `days` where they stand."""
    customer = pairs["customer"].to_numpy()
    place = np.searchsorted(customers, customer)
    place = np.minimum(place, max(len(customers) - 1, 0))
    own = customers[place] == customer
    values = pairs["days"].to_numpy() if "days" in pairs.columns else np.ones(pairs.height)
    return sparse.csr_matrix(
        (values[own].astype(np.float64), (place[own], pairs["product"].to_numpy()[own])),
        shape=(len(customers), products),
    )
