"""Who allows to be scored for credit as of a month's end."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from portrait_assets.core.months import last_day
from portrait_assets.privacy.consent import Use, answers_sql, not_asked
from portrait_assets.privacy.egress import Purpose
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.storage.duckdb.connection import literal
from portrait_assets.storage.duckdb.store import Warehouse

CREDIT = Use(str(Purpose.CREDIT))


@dataclass(frozen=True)
class Allowing:
    """The customers who allow it, or why nobody is known to.

    `refusal` is what is missing, with the remedy, in words; None where customers were asked.
    """

    customers: pl.DataFrame
    refusal: str | None = None

    def of(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows, in order, of customers who allow it."""
        return rows.join(self.customers, on="customer_id", how="semi", maintain_order="left")


def allowing(warehouse: Warehouse, month: str) -> Allowing:
    """Who of all customers of the feature matrix up to a month allows it as of the month's end."""
    day = last_day(month)
    refusal = not_asked(warehouse.con, CREDIT, day)
    if refusal is not None:
        return Allowing(pl.DataFrame(schema={"customer_id": pl.String}), refusal)
    customers = (
        f"(SELECT DISTINCT customer_id FROM {FEATURE_MATRIX.full_name} "
        f"WHERE as_of <= DATE {literal(day)})"
    )
    answers = answers_sql(customers, CREDIT, as_of=day)
    return Allowing(
        warehouse.select(f"SELECT customer_id FROM ({answers}) WHERE allowed ORDER BY customer_id")
    )
