"""A handful of customers and what they did, as the features room takes it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import polars as pl

from portrait_assets.cleaned.contract import CLEANED
from portrait_assets.features.aggregate import customer_category_month, customer_month
from portrait_assets.features.inputs import Inputs
from portrait_assets.months import next_month


def cleaned(table: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows of a cleaned table; what a row leaves out is null."""
    schema = CLEANED[table].polars_schema
    dated = {
        "transactions": "occurred_at",
        "responses": "responded_on",
        "contacts": "contacted_on",
        "balances": "balance_on",
    }.get(table)
    full = [
        dict.fromkeys(schema.names())
        | {"source_file": "f", "source_row": number}
        | ({"month": f"{row[dated]:%Y-%m}"} if dated else {"month": "2024-01"})
        | row
        for number, row in enumerate(rows, 1)
    ]
    return pl.DataFrame(full, schema=schema)


def sale(customer: str, day: str, amount: float, **more: Any) -> dict[str, Any]:
    """A transaction line; `day` may carry a time."""
    moment = datetime.fromisoformat(day)
    return {"customer_id": customer, "occurred_at": moment, "amount": amount, **more}


def inputs(
    sales: list[dict[str, Any]],
    last: str,
    products: list[dict[str, Any]] | None = None,
    contacts: list[dict[str, Any]] | None = None,
    responses: list[dict[str, Any]] | None = None,
    customers: list[dict[str, Any]] | None = None,
    balances: list[dict[str, Any]] | None = None,
) -> Inputs:
    """What the matrix is computed from, for all months up to `last`."""
    frames = {
        name: cleaned(name, rows or []).lazy()
        for name, rows in {
            "transactions": sales,
            "products": products,
            "contacts": contacts,
            "responses": responses,
            "customers": customers,
            "balances": balances,
        }.items()
    }
    months = {
        *frames["transactions"].collect()["month"],
        *frames["contacts"].collect()["month"],
        *frames["responses"].collect()["month"],
        last,
    }
    month, aggregates, categories = min(months), [], []
    while month <= last:
        here = pl.col("month") == month
        until = pl.col("month") <= month
        bought = frames["transactions"].filter(here)
        known = frames["products"].filter(until)
        aggregates.append(
            customer_month(
                bought,
                known,
                frames["contacts"].filter(here),
                frames["responses"].filter(until),
                month,
            )
        )
        categories.append(customer_category_month(bought, known, month))
        month = next_month(month)
    return Inputs(
        pl.concat(aggregates).lazy(),
        pl.concat(categories).lazy(),
        frames["customers"],
        frames["balances"],
    )


def day(text: str) -> date:
    """A date from its ISO form."""
    return date.fromisoformat(text)
