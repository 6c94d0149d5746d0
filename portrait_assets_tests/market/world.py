"""Steps of the market stage by themselves, with frames in place of what they read."""

from __future__ import annotations

from decimal import Decimal

import polars as pl

from portrait_assets.storage.steps import Scope, Step, upstream
from portrait_assets.testing.steps import run_step

MONTH = Scope("2024-12")
TEXT, MONEY = pl.String(), pl.Decimal(18, 2)
BOUGHT = pl.Schema(
    {
        "customer_id": TEXT,
        "basket_id": TEXT,
        "product_id": TEXT,
        "product_category": TEXT,
        "category": TEXT,
        "gives_back": pl.Boolean(),
        "amount": MONEY,
        "line": pl.Int32(),
        "quantity": pl.Decimal(18, 3),
    }
)
HOLDING = pl.Schema(
    {
        "customer_id": TEXT,
        "account_id": TEXT,
        "product_id": TEXT,
        "category": TEXT,
        "amount": MONEY,
    }
)


def step_rows(step: Step, scope: Scope = MONTH, /, **inputs: pl.DataFrame) -> pl.DataFrame:
    """The step's rows, with these frames for the steps and tables of their names."""
    named = {source.name: source for source in upstream(step)}
    return run_step(step, scope, {named[name]: frame for name, frame in inputs.items()})


def lines(*rows: tuple[object, ...]) -> pl.DataFrame:
    """Transaction lines of customer, category, amount, quantity and basket, the last two if any.

    What has a negative amount is given back; of no amount nothing is known but that it was bought.
    """
    filled = []
    for row in rows:
        filled_row: list[object] = [*row, *[None] * (5 - len(row))]
        who, category, amount, quantity, basket = filled_row
        sign = -1 if amount is not None and float(str(amount)) < 0 else 1
        filled.append(
            {
                "customer_id": who,
                "basket_id": basket,
                "product_id": category and f"{category} 1",
                "product_category": category,
                "category": category,
                "gives_back": sign < 0,
                "amount": None if amount is None else Decimal(str(amount)),
                "line": None if amount is None else sign,
                "quantity": None if None in (amount, quantity) else sign * Decimal(str(quantity)),
            }
        )
    return pl.DataFrame(filled, schema=BOUGHT)


def accounts(*rows: tuple[str, str, object]) -> pl.DataFrame:
    """Accounts of customer, product (its category and a number) and balance."""
    return pl.DataFrame(
        [
            {
                "customer_id": who,
                "account_id": f"{who}-{product}",
                "product_id": product,
                "category": product.split()[0],
                "amount": Decimal(str(balance)),
            }
            for who, product, balance in rows
        ],
        schema=HOLDING,
    )


def members(**segments: int) -> pl.DataFrame:
    """Customers and their segments."""
    schema = {"customer_id": pl.String, "segment_id": pl.Int64}
    return pl.DataFrame([*segments.items()], schema=schema, orient="row")


def people(prefix: str, count: int) -> list[str]:
    """So many customers."""
    return [f"{prefix}{number:03}" for number in range(count)]
