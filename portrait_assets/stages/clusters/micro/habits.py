"""What distinguishes the parts of a segment: how often, through what and for what they buy."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from portrait_assets.stages.clusters.wealth.inputs import CHANNELS
from portrait_assets.stages.features.contract import CUSTOMER_CATEGORY_MONTH, FEATURE_MATRIX
from portrait_assets.stages.features.persons import of_persons
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import THE_MONTH, Grain, Scope, Step, read, window

RATE, TICKET = "purchase_rate", "ticket"
TIMES = ("weekend_spend_share_12m", "evening_spend_share_12m")
USUAL_CATEGORY = 0.02
"""A category with a smaller share of all lines tells few customers apart."""

BOUGHT = Step(
    "bought",
    (of_persons(CUSTOMER_CATEGORY_MONTH, window(12), "category_months"),),
    "SELECT customer_id, category, sum(lines)::DOUBLE AS lines FROM category_months "
    "WHERE category IS NOT NULL GROUP BY ALL HAVING sum(lines) > 0 ORDER BY ALL",
    grain=Grain.ALL,
)
"""Lines of each category in twelve months."""
MANNER = Step(
    "manner",
    (read(FEATURE_MATRIX, THE_MONTH),),
    f"""
    SELECT customer_id, ln(1 + purchases_12m / greatest(observed_months, 1)) AS {RATE},
        CASE WHEN average_ticket_12m IS NOT NULL
            THEN ln(1 + greatest(average_ticket_12m, 0)) END AS {TICKET},
        {", ".join((*CHANNELS, *TIMES))}
    FROM feature_matrix ORDER BY customer_id
    """,
    grain=Grain.ALL,
)
"""How often customers buy, for how much, through which channels and when."""


class Habits(NamedTuple):
    """The habits of a month's customers: customer_id and the `columns`; null is not known."""

    rows: pl.DataFrame
    columns: tuple[str, ...]


def habits_of(engine: Engine, month: str) -> Habits:
    """The habits of the customers of the month's feature matrix, in the order of their ids."""
    manner, bought = (engine.frame(step, Scope(month)) for step in (MANNER, BOUGHT))
    totals = bought.group_by("category").agg(pl.col("lines").sum()).sort("category")
    usual = totals.filter(pl.col("lines") >= USUAL_CATEGORY * pl.col("lines").sum())["category"]
    shares = bought.group_by("customer_id").agg(
        (pl.col("lines").filter(pl.col("category") == name).sum() / pl.col("lines").sum())
        .round(9)
        .alias(f"category_{name}")
        for name in usual
    )
    rows = manner.join(shares, on="customer_id", how="left", maintain_order="left")
    columns = (RATE, TICKET, *CHANNELS, *TIMES, *(f"category_{name}" for name in usual))
    return Habits(rows, columns)
