"""Time and memory of a month's affinities for so many customers and thirty products.

Rows as the steps of the room give them: purchases of fourteen categories, visits, three products
of ten categories owned by each customer, transactions with a product that is not, shares of the
categories, and features of the types that models may use, three of which decide how probably each
product is taken.
"""

from __future__ import annotations

import resource
import time

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.methods.recommendation.products.companions import chunks
from portrait_assets.schema.table import Type
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.offers.affinity.holdings import MOST_LEARNED, NUMBERS, WINDOWS
from portrait_assets.stages.offers.affinity.listing import listed
from portrait_assets.stages.offers.affinity.purchases import UNIT
from portrait_assets.stages.predictions.learning.past.labels import INPUTS
from portrait_assets.storage.steps import Scope

CATEGORIES, PRODUCTS, HELD, SEGMENTS, LEVELS, LEANINGS, KINDS = 14, 30, 3, 8, 6, 3, 10
DEALING, MONTHS = 0.3, 15
"""Share of customers with transactions every month with a product that they do not have."""
Floats = npt.NDArray[np.float32]
Products = npt.NDArray[np.int64]


def owned(leaning: Floats, rng: np.random.Generator) -> Products:
    """The products that each customer takes, shape (customers, HELD): by chance, but those most
    often that the customer leans to.
    """
    loadings = rng.normal(size=(leaning.shape[1], PRODUCTS))
    found = []
    for rows in chunks(len(leaning), PRODUCTS):
        liked = leaning[rows] @ loadings
        liked += rng.gumbel(size=liked.shape)
        found.append(np.sort(np.argpartition(-liked, HELD, axis=1)[:, :HELD], axis=1))
    return np.concatenate(found)


def features(leaning: Floats, rng: np.random.Generator) -> pl.DataFrame:
    """Columns of the type of each feature that models may use, with a tenth of it missing; the
    first numbers are what the customers lean to.
    """
    columns = {name: feature(name, len(leaning), rng) for name in INPUTS}
    numbers = [name for name in INPUTS if FEATURE_MATRIX.column(name).type in NUMBERS]
    leanings = dict(zip(numbers, map(pl.Series, leaning.T.copy()), strict=False))
    return pl.DataFrame(columns | leanings)


def feature(name: str, rows: int, rng: np.random.Generator) -> pl.Series:
    """One of them: a number, whether something is so, or one of six levels."""
    type_ = FEATURE_MATRIX.column(name).type
    missing = rng.random(rows) < 0.1
    if type_ in NUMBERS:
        values = pl.Series(rng.lognormal(size=rows).astype(np.float32))
    elif type_ is Type.BOOLEAN:
        values = pl.Series(rng.random(rows) < 0.5)
    else:
        levels = pl.Series([f"level {number}" for number in range(LEVELS)])
        values = levels.gather(rng.integers(0, LEVELS, rows))
    return values.to_frame("value").select(pl.when(~pl.Series(missing)).then("value")).to_series()


def leanings(began: int, customers: Products, rng: np.random.Generator) -> pl.DataFrame:
    """Days with purchases of half of the categories by each of these customers."""
    who, category = np.nonzero(rng.random((len(customers), CATEGORIES)) < 0.5)
    return pl.DataFrame(
        {
            "began": np.full(len(who), began),
            "customer": customers[who],
            "category": category,
            "days": rng.integers(1, 30, len(who)),
        }
    ).with_columns(pl.format("category {}", pl.col("category")).alias("category"))


def scale(customers: int) -> dict[str, float]:
    """What a month takes; processor time is disturbed less by other load than the clock."""
    rng = np.random.default_rng(1)
    every = np.arange(customers)
    member = pl.DataFrame(
        {
            "customer_id": pl.Series(every).cast(pl.String).str.zfill(9),
            "customer": every,
            "segment": rng.integers(1, SEGMENTS + 1, customers),
            "was_there": np.ones(customers, dtype=np.bool_),
        }
    )
    item = pl.DataFrame({"item_kind": "category", "number": np.arange(CATEGORIES)}).with_columns(
        pl.format("category {}", pl.col("number")).alias("item"), is_common=pl.lit(True)
    )
    bought = rng.random((customers, CATEGORIES)) < 0.5
    customer, number = np.nonzero(bought)
    purchase = pl.DataFrame(
        {
            "customer": customer,
            "item": number,
            "now": rng.integers(1, 20, len(customer)) * UNIT,
            "before": rng.integers(0, 20, len(customer)) * UNIT,
            "is_bought": rng.random(len(customer)) < 0.6,
        }
    ).with_columns(pl.lit("category").alias("item_kind"))
    visits = pl.DataFrame({"customer": every, "now": 40 * UNIT, "before": 40 * UNIT})
    leaning = rng.normal(size=(customers, LEANINGS)).astype(np.float32)
    holding = pl.DataFrame(
        {
            "customer": np.repeat(every, HELD),
            "product_id": owned(leaning, rng).ravel(),
            "since": rng.integers(0, 24, customers * HELD),
            "is_own": True,
        }
    ).with_columns(
        pl.col("product_id").cast(pl.String).str.zfill(3),
        category=pl.format("kind {}", pl.col("product_id") % KINDS),
    )
    chosen = rng.random(customers) < DEALING
    dealt = pl.DataFrame(
        {
            "customer": np.repeat(every[chosen], MONTHS),
            "product_id": np.repeat(rng.integers(0, PRODUCTS, chosen.sum()), MONTHS),
            "ago": np.tile(np.arange(MONTHS), chosen.sum()),
            "days": 1,
        }
    ).with_columns(pl.col("product_id").cast(pl.String).str.zfill(3))
    some = np.arange(min(customers, MOST_LEARNED)) * customers // min(customers, MOST_LEARNED)
    learned = pl.concat(
        features(leaning[some], rng).with_columns(
            pl.lit(began, pl.Int64).alias("began"), pl.Series("customer", some)
        )
        for began in WINDOWS
    )
    known = features(leaning, rng).with_columns(pl.Series("customer", every))
    habits = pl.concat(
        leanings(began, asked, rng)
        for began, asked in [(0, every), *((began, some) for began in WINDOWS)]
    )
    given = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    began, busy = time.perf_counter(), time.process_time()
    # In parts, as the warehouse takes them.
    rows_of = (member, item, visits, purchase, holding, dealt, habits, learned, known)
    parts = listed(Scope("2024-06"), *rows_of)
    rows = sum(part.height for part in parts)
    return {
        f"{customers:,} customers, rows": float(rows),
        f"{customers:,} customers, s": time.perf_counter() - began,
        f"{customers:,} customers, s of processor time": time.process_time() - busy,
        f"{customers:,} customers, GiB of what is given": given,
        f"{customers:,} customers, peak GiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        / 2**20,
    }
