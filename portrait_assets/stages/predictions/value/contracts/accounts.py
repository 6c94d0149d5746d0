"""Contracts as of a month: accounts with a balance and a known margin, of whom may be profiled."""

from __future__ import annotations

import polars as pl

from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.features.contract import UNPROFILED
from portrait_assets.stages.identity.persons import of_persons
from portrait_assets.storage.duckdb.connection import literal
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import EVER, THE_MONTH, Grain, Scope, Step, read

_BALANCES = of_persons(CLEANED["balances"], EVER, "contract_balances")
MARGIN = Step(
    "margin",
    (read(CLEANED["products"], EVER, "products_so_far"),),
    "SELECT product_id, arg_max(coalesce(category, 'unknown'), month) AS category, "
    "arg_max(margin_rate, month) AS margin_rate FROM products_so_far "
    "WHERE margin_rate IS NOT NULL GROUP BY product_id",
    grain=Grain.ALL,
)
"""The newest margin of each product that has one."""
ACCOUNT_MONTH = Step(
    "account_month",
    (_BALANCES, MARGIN, read(UNPROFILED, THE_MONTH)),
    """
    SELECT customer_id, account_id, product_id, month, any_value(category) AS category,
        any_value(margin_rate) AS margin_rate, abs(max_by(balance, place)) AS balance
    FROM (
        SELECT b.*, m.category, m.margin_rate,
            CAST(balance_on - DATE '1900-01-01' AS HUGEINT) * 10000000000000000000
                + CAST(balance * 100 AS HUGEINT) AS place
        FROM contract_balances AS b JOIN margin AS m USING (product_id)
        ANTI JOIN unprofiled AS u ON u.customer_id = b.customer_id
        WHERE balance IS NOT NULL
    ) GROUP BY customer_id, account_id, product_id, month
    """,
    in_table=False,
)
"""The last balance of each account in each month, debts without their sign."""


def contracts_step(base: str) -> Step:
    """Each contract by the end of the step's month, and as of an earlier one.

    A contract without a balance is not there. `first` and `last` are the months in which it was
    seen and `balance` is the last one; `base_last` and `base_balance` the same as of the base month
    (null of later contracts), and `later` is the sum of the balances of the months after it.

    Args:
        base: the earlier month.
    """
    then = f"FILTER (month <= {literal(base)})"
    return Step(
        "contracts",
        (ACCOUNT_MONTH,),
        f"""
    SELECT customer_id, account_id, product_id, any_value(category) AS category,
        any_value(margin_rate) AS margin_rate, min(month) AS first, max(month) AS last,
        CAST(max_by(balance, month) AS DOUBLE) AS balance, max(month) {then} AS base_last,
        CAST(max_by(balance, month) {then} AS DOUBLE) AS base_balance,
        coalesce(CAST(sum(balance) FILTER (month > {literal(base)}) AS DOUBLE), 0) AS later
    FROM account_month WHERE balance <> 0 GROUP BY customer_id, account_id, product_id
    ORDER BY customer_id, account_id, product_id
    """,
    )


def contracts(engine: Engine, month: str, base: str, population: str = "true") -> pl.DataFrame:
    """The rows of `contracts_step`, as known at a month's end.

    Args:
        engine: on the warehouse's connection.
        month: nothing later is looked at.
        base: the earlier month.
        population: SQL condition on `customer_id`.
    """
    return engine.frame(contracts_step(base), Scope(month, population))


def as_of_base(contracts: pl.DataFrame) -> pl.DataFrame:
    """The contracts as they were at the base month's end."""
    return contracts.drop_nulls("base_last").with_columns(last="base_last", balance="base_balance")
