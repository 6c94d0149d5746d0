"""The rows of affinities: what is bought again or for the first time, and what is taken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import polars as pl
from scipy import sparse

from portrait_assets.core.arrays import Indexes
from portrait_assets.core.machine.threads import in_threads, workers
from portrait_assets.methods.recommendation.purchases.bought import Buyers, fit_bought
from portrait_assets.methods.recommendation.purchases.frequency import Frequencies, frequencies
from portrait_assets.methods.recommendation.purchases.habits import Habits, fit_habits
from portrait_assets.stages.offers.affinity.contract import (
    DIGITS,
    KINDS,
    MOST_LISTED,
    PRODUCT,
    PRODUCT_AFFINITY,
)
from portrait_assets.stages.offers.affinity.holdings import (
    DEALT,
    HOLDING,
    KNOWN,
    LEANING,
    LEARNED,
)
from portrait_assets.stages.offers.affinity.purchases import (
    MEMBER,
    UNIT,
    VISITS,
    item_step,
    purchase_step,
)
from portrait_assets.stages.offers.affinity.taking import LEAST_MEMBERS, Listing, taken
from portrait_assets.storage.steps import Grain, Scope, Step

CHUNK = 20_000
"""Customers whom a thread scores at a time, so that memory does not grow with them."""


def affinity_step(smallest: int) -> Step:
    """The step that writes `offers.product_affinity`.

    Args:
        smallest: fewest customers of what is listed by itself.
    """
    item = item_step(smallest)
    reads = (MEMBER, item, VISITS, purchase_step(item), HOLDING, DEALT, LEANING, LEARNED, KNOWN)
    return Step(
        PRODUCT_AFFINITY.name, reads, compute=listed, grain=Grain.ALL, writes=PRODUCT_AFFINITY
    )


def listed(
    scope: Scope,
    member: pl.DataFrame,
    item: pl.DataFrame,
    visits: pl.DataFrame,
    purchase: pl.DataFrame,
    holding: pl.DataFrame,
    dealt: pl.DataFrame,
    leaning: pl.DataFrame,
    learned: pl.DataFrame,
    known: pl.DataFrame,
) -> Iterator[pl.DataFrame]:
    """The rows of the month from those of the steps, of some customers after the other.

    None where no window is over by which probabilities are known.
    """
    yield PRODUCT_AFFINITY.empty()
    if member["was_there"].sum() < LEAST_MEMBERS:
        return
    items = {kind: item.filter(pl.col("item_kind") == kind).sort("number") for kind in KINDS}
    bought = [kind for kind in KINDS if items[kind].height]

    def of_kind(kind: str) -> Listing:
        own = purchase.filter(pl.col("item_kind") == kind)
        return _bought(member, items[kind], visits, own)

    listings: list[tuple[str, Listing]] = [*zip(bought, in_threads(of_kind, bought), strict=True)]
    if holding.height and learned.height:
        found = taken(member, holding, dealt, leaning, learned, known)
        listings += [(PRODUCT, each) for each in found]

    def of_customers(rows: Indexes) -> pl.DataFrame:
        parts = [
            _ranked(pl.concat([each(rows) for of, each in listings if of == kind])).with_columns(
                item_kind=pl.lit(kind)
            )
            for kind in dict.fromkeys(of for of, _ in listings)
        ]
        return _of_customers(scope, member, pl.concat(parts))

    if listings:
        count = min(member.height, max(workers(), -(-member.height // CHUNK)))
        yield from in_threads(of_customers, np.array_split(np.arange(member.height), count))


def _of_customers(scope: Scope, member: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows as the contract has them; customers are numbered in the order of their names."""
    ordered = rows.sort("customer", "item_kind", "rank")
    return (
        ordered.with_columns(
            member["customer_id"].gather(ordered["customer"]),
            pl.lit(scope.as_of).alias("as_of"),
        )
        .select(PRODUCT_AFFINITY.column_names)
        .cast(dict(PRODUCT_AFFINITY.polars_schema))  # type: ignore[arg-type]
    )


def _ranked(rows: pl.DataFrame) -> pl.DataFrame:
    """The best of each customer; of equally probable ones the one that had the better place among
    those of its part, then the first by name.
    """
    ordered = rows.with_columns(pl.col("probability").round(DIGITS)).sort(
        "customer", "probability", "rank", "item", descending=[False, True, False, False]
    )
    place = pl.int_range(1, pl.len() + 1).over("customer")
    return ordered.with_columns(place.cast(pl.UInt32).alias("rank")).filter(
        pl.col("rank") <= MOST_LISTED
    )


class _Known(NamedTuple):
    then: Frequencies
    now: Frequencies
    bought: sparse.csr_matrix

    def learned(self, rows: Indexes) -> tuple[Frequencies, sparse.csr_matrix]:
        """What these customers had before the newest window, and bought within it."""
        shares = sparse.csr_matrix(self.then.shares[rows])
        return Frequencies(shares, self.then.visits[rows]), sparse.csr_matrix(self.bought[rows])


def _bought(
    member: pl.DataFrame, items: pl.DataFrame, visits: pl.DataFrame, purchase: pl.DataFrame
) -> Listing:
    """What is bought, learned from who was a customer before the newest window."""
    names, common = items["item"], int(items["is_common"].sum())
    there = np.flatnonzero(member["was_there"].to_numpy())
    segment = member["segment"].to_numpy()
    models: list[tuple[int, Buyers | Habits]] = []
    if common:
        known = _frequencies(
            member.height, common, visits, purchase.filter(pl.col("item") < common)
        )
        model = fit_bought(*known.learned(there), segment[there], segment.max())
        models.append((0, Buyers(model, known.now, segment)))
    if common < names.len():
        rare = purchase.filter(pl.col("item") >= common).with_columns(pl.col("item") - common)
        known = _frequencies(member.height, names.len() - common, visits, rare)
        models.append((common, Habits(fit_habits(*known.learned(there)), known.now)))

    def listing(rows: Indexes) -> pl.DataFrame:
        found = pl.concat(
            model.affinities(rows, MOST_LISTED).with_columns(pl.col("item") + first)
            for first, model in models
        )
        return found.with_columns(names.gather(found["item"]).alias("item"))

    return listing


def _frequencies(
    customers: int, items: int, visits: pl.DataFrame, purchase: pl.DataFrame
) -> _Known:
    customer, item = purchase["customer"].to_numpy(), purchase["item"].to_numpy()

    def known(column: str) -> Frequencies:
        counted = np.zeros(customers)
        counted[visits["customer"].to_numpy()] = visits[column].to_numpy() / UNIT
        weight = purchase[column].to_numpy() / UNIT
        some = weight > 0
        return frequencies((customer[some], item[some], weight[some]), counted, items)

    lately = purchase["is_bought"].to_numpy()
    bought = sparse.csr_matrix(
        (np.ones(int(lately.sum())), (customer[lately], item[lately])), shape=(customers, items)
    )
    return _Known(known("before"), known("now"), bought)
