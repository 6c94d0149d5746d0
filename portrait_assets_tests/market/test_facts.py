"""What is read of transactions and balances: categories, signs, and the last balance."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import polars as pl

from portrait_assets.stages.market.facts import BOUGHT, HOLDING, holding_before
from portrait_assets_tests.market.world import MONEY, step_rows

PRODUCT = pl.DataFrame(
    {
        "product_id": ["tea 1", "bag 1", "fund 1"],
        "category": ["tea", None, "fund"],
        "is_merchandise": [True, False, True],
    }
)


def deal(*rows: tuple[str, str | None, str | None, str | None]) -> pl.DataFrame:
    """Lines of product, category, amount and quantity; a negative amount gives back."""
    return pl.DataFrame(
        [
            {"customer_id": "ann", "basket_id": "b", "product_id": product, "category": category}
            | {"amount": amount and Decimal(amount), "quantity": quantity and Decimal(quantity)}
            | {"gives_back": bool(amount and amount.startswith("-"))}
            for product, category, amount, quantity in rows
        ],
        schema_overrides={"amount": MONEY, "quantity": pl.Decimal(18, 3), "category": pl.String},
    )


def test_a_lines_own_category_counts_before_its_products() -> None:
    rows = step_rows(
        BOUGHT,
        deal=deal(
            ("tea 1", None, "1", None), ("tea 1", "gift", "1", None), ("?", "jam", "1", None)
        ),
        product=PRODUCT,
    )
    assert rows["category"].to_list() == ["tea", "gift", "jam"]
    assert rows["product_category"].to_list() == ["tea", "tea", None]


def test_what_cannot_be_preferred_has_no_category() -> None:
    rows = step_rows(BOUGHT, deal=deal(("bag 1", "misc", "1", None)), product=PRODUCT)
    assert rows["category"].to_list() == [None]


def test_returns_are_negative_whichever_sign_their_quantity_has() -> None:
    given = deal(("tea 1", None, "-2", "1"), ("tea 1", None, "-2", "-1"), ("tea 1", None, "6", "3"))
    rows = step_rows(BOUGHT, deal=given, product=PRODUCT)
    assert rows["quantity"].to_list() == [Decimal(-1), Decimal(-1), Decimal(3)]
    assert rows["line"].to_list() == [-1, -1, 1]


def test_a_line_without_an_amount_in_the_sources_currency_has_no_quantity() -> None:
    rows = step_rows(BOUGHT, deal=deal(("tea 1", None, None, "3")), product=PRODUCT)
    assert rows.select("amount", "line", "quantity").row(0) == (None, None, None)


def balances(*rows: tuple[str, int, str | None, str | None]) -> pl.DataFrame:
    """Balances of account, day of December, balance and limit."""
    return pl.DataFrame(
        [
            {"customer_id": "ann", "account_id": account, "product_id": "fund 1"}
            | {"balance_on": date(2024, 12, day), "balance": balance and Decimal(balance)}
            | {"credit_limit": limit and Decimal(limit)}
            for account, day, balance, limit in rows
        ],
        schema_overrides={"balance": MONEY, "credit_limit": MONEY},
    )


def test_of_a_month_before_the_last_balance_counts_and_of_a_day_the_greatest() -> None:
    given = balances(("a", 1, "9", None), ("a", 31, "5", None), ("a", 31, "7", None))
    rows = step_rows(holding_before(1), balances_1=given, product=PRODUCT)
    assert rows["amount"].to_list() == [Decimal(7)]
    assert rows["category"].to_list() == ["fund"]


def test_an_account_without_balance_is_held_where_it_has_a_limit() -> None:
    account = balances(("empty", 31, "0", None), ("card", 31, "0", "900"), ("debt", 31, "-4", None))
    rows = step_rows(HOLDING, account=account.drop("balance_on"), product=PRODUCT)
    assert rows["account_id"].sort().to_list() == ["card", "debt"]
