"""Time and memory of a month's affinities for so many customers and thirty products.

Rows as the steps of the room give them: purchases of fourteen categories, visits, three products
owned by each customer, and as many features as models may use.
"""

from __future__ import annotations

import resource
import time

import numpy as np
import polars as pl

from portrait_assets.stages.offers.affinity.holdings import MOST_LEARNED, WINDOWS
from portrait_assets.stages.offers.affinity.listing import listed
from portrait_assets.stages.offers.affinity.purchases import UNIT
from portrait_assets.stages.predictions.learning.labels import INPUTS
from portrait_assets.storage.steps import Scope

CATEGORIES, PRODUCTS, HELD, SEGMENTS = 14, 30, 3, 8


def features(rows: int, rng: np.random.Generator) -> pl.DataFrame:
    """Numbers in place of all features that models may use."""
    return pl.DataFrame({name: rng.lognormal(size=rows) for name in INPUTS})


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
        pl.format("category {}", pl.col("number")).alias("item")
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
    holding = (
        pl.DataFrame(
            {
                "customer": np.repeat(every, HELD),
                "product_id": rng.integers(0, PRODUCTS, customers * HELD),
                "since": rng.integers(0, 24, customers * HELD),
                "is_own": True,
            }
        )
        .unique(["customer", "product_id"], keep="first", maintain_order=True)
        .with_columns(pl.col("product_id").cast(pl.String).str.zfill(3))
        .sort("customer", "product_id")
    )
    step = max(1, customers // MOST_LEARNED)
    some = every[::step]
    learned = pl.concat(
        features(len(some), rng).with_columns(
            pl.lit(began, pl.Int64).alias("began"), pl.Series("customer", some)
        )
        for began in WINDOWS
    )
    known = features(customers, rng).with_columns(pl.Series("customer", every))
    given = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    began, busy = time.perf_counter(), time.process_time()
    rows = listed(Scope("2024-06"), member, item, visits, purchase, holding, learned, known)
    return {
        f"{customers:,} customers, rows": float(rows.height),
        f"{customers:,} customers, s": time.perf_counter() - began,
        f"{customers:,} customers, s of processor time": time.process_time() - busy,
        f"{customers:,} customers, GiB of what is given": given,
        f"{customers:,} customers, peak GiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        / 2**20,
    }
