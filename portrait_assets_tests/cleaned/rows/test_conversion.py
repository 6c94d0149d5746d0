"""Amounts come into the source's currency at the rate of their day, or are null and counted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portrait_assets.methods.typing.rules import Conventions
from portrait_assets.schema.table import MONEY_SCALE
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.cleaned.rows.clean import Cleaned, clean
from portrait_assets.stages.cleaned.rows.conversion import conversion
from portrait_assets.stages.raw.contract import CANONICAL
from portrait_assets.stages.raw.tables.canonical import Canonical
from portrait_assets.stages.raw.tables.events import EXCHANGE_RATES
from portrait_assets.stages.raw.tables.trade import BALANCES, TRANSACTIONS
from portrait_assets_tests.cleaned.rows.test_clean import SALE, received, rejects_of

CONVENTIONS = Conventions("Europe/Berlin")
RATES = [("USD", "2024-01-01", "0.90"), ("USD", "2024-01-10", "0.80"), ("GBP", "2024-01-04", "1.2")]
NO_RATE = "no exchange rate"


def rate(currency: str, day: str, worth: str) -> dict[str, str | None]:
    return {"currency": currency, "quoted_on": day, "rate": worth}


def cleaned_in(
    canonical: Canonical,
    rows: Sequence[dict[str, str | None]],
    rates: Sequence[tuple[str, str, str]] = RATES,
    currency: str | None = "EUR",
) -> Cleaned:
    raw_rates = received(EXCHANGE_RATES, [rate(*each) for each in rates])
    money = conversion(currency, raw_rates, CONVENTIONS)
    return clean(received(canonical, rows), canonical, CONVENTIONS, money=money)


def sales(*rows: dict[str, str | None], **more: object) -> Cleaned:
    return cleaned_in(TRANSACTIONS, [SALE | row for row in rows], **more)  # type: ignore[arg-type]


def on(day: str, currency: str | None, amount: str, **more: str) -> dict[str, str | None]:
    return {"occurred_at": f"{day} 10:00:00", "currency": currency, "amount": amount, **more}


def amounts(found: Cleaned) -> list[tuple[object, object]]:
    kept = found.kept.select(pl.col("amount", "amount_original").cast(pl.Float64))
    return kept.rows()


def test_an_amount_is_converted_at_the_newest_rate_not_after_its_day():
    found = sales(
        on("2024-01-09", "USD", "10.00"),
        on("2024-01-10", "USD", "10.00"),
        on("2024-03-31", "USD", "10.00"),
        on("2024-01-05", "GBP", "10.00"),
    )
    assert amounts(found) == [(9.0, 10.0), (8.0, 10.0), (8.0, 10.0), (12.0, 10.0)]
    assert found.kept["currency"].to_list() == ["USD", "USD", "USD", "GBP"], "stays as stated"
    assert found.rejects.is_empty()


def test_half_a_cent_is_rounded_away_from_zero():
    cents = ("0.02", "0.10", "-0.02", "0.03")
    found = sales(
        *(on("2024-01-05", "USD", amount) for amount in cents),
        rates=[("USD", "2024-01-01", "0.25")],
    )
    assert [worth for worth, _ in amounts(found)] == [0.01, 0.03, -0.01, 0.01]


def test_an_amount_before_the_first_rate_is_null_and_counted():
    found = sales(on("2024-01-03", "GBP", "10.00"), on("2024-01-04", "GBP", "11.00"))
    assert amounts(found) == [(None, 10.0), (13.2, 11.0)]
    assert rejects_of(found) == [(1, "amount", NO_RATE, "value", "10.00")]


def test_without_rates_amounts_in_other_currencies_are_null_and_counted():
    found = sales(on("2024-01-05", "EUR", "1.00"), on("2024-01-05", "USD", "2.00"), rates=[])
    assert amounts(found) == [(1.0, None), (None, 2.0)]
    assert rejects_of(found) == [(2, "amount", NO_RATE, "value", "2.00")]


def test_rows_in_the_source_s_currency_and_rows_of_none_stay_as_they_are():
    found = sales(
        on("2024-01-05", "EUR", "1.00"),
        on("2024-01-05", None, "2.00"),
        on("2024-01-05", " eur", "3.00"),
        on("2024-01-05", " ", "4.00"),
    )
    assert amounts(found) == [(1.0, None), (2.0, None), (3.0, None), (4.0, None)]
    assert found.rejects.is_empty()


def test_usual_names_of_a_currency_stand_for_its_code():
    found = sales(on("2024-01-05", "RMB", "1.00"), rates=[], currency="CNY")
    assert amounts(found) == [(1.0, None)]


@pytest.mark.parametrize("worths", [("0.50", "0.25"), ("0.25", "0.50")])
def test_of_rates_of_a_day_under_two_spellings_the_greater_counts_in_any_order(
    worths: tuple[str, str],
):
    rates = [
        (code, "2024-01-01", worth) for code, worth in zip(("usd", "USD"), worths, strict=True)
    ]
    rates.append(("USD", "2024-01-02", "0.10"))
    found = sales(on("2024-01-01", "USD", "1.00"), on("2024-01-02", "USD", "1.00"), rates=rates)
    assert amounts(found) == [(0.5, 1.0), (0.1, 1.0)]


def test_every_amount_of_a_row_is_converted():
    found = sales(on("2024-01-05", "USD", "10.00", discount_amount="2.50"))
    row = found.kept.row(0, named=True)
    assert (row["discount_amount"], row["discount_amount_original"]) == (
        Decimal("2.25"),
        Decimal("2.50"),
    )
    account: dict[str, str | None] = {
        "customer_id": "K",
        "balance_on": "2024-01-31",
        "currency": "USD",
    }
    found = cleaned_in(BALANCES, [account | {"balance": "100", "credit_limit": "500"}])
    row = found.kept.row(0, named=True)
    assert (row["balance"], row["credit_limit"]) == (80, 400)
    assert (row["balance_original"], row["credit_limit_original"]) == (100, 500)


def test_what_gives_back_is_negative_as_it_is_stated_and_as_it_is_converted():
    found = sales(
        on("2024-01-05", "USD", "10.00", kind="return"),
        on("2024-01-05", "JPY", "10.00", cancels="T1"),
        on("2024-01-05", "EUR", "10.00", kind="return"),
    )
    assert amounts(found) == [(-9.0, -10.0), (None, -10.0), (-10.0, None)]


def test_a_missing_amount_is_missing_and_not_one_without_a_rate():
    found = sales(on("2024-01-05", "JPY", "10"), on("2024-01-05", "JPY", ""))
    assert rejects_of(found) == [
        (1, "amount", NO_RATE, "value", "10"),
        (2, "amount", "required and missing", "row", ""),
    ]


@pytest.mark.parametrize(
    ("worth", "rule"), [("0", "not above zero"), ("-1", "outside its domain"), ("x", "unreadable")]
)
def test_a_rate_that_is_none_is_set_aside_and_converts_nothing(worth: str, rule: str):
    rates = received(EXCHANGE_RATES, [rate("USD", "2024-01-01", worth)])
    found = clean(rates, EXCHANGE_RATES, CONVENTIONS)
    assert found.kept.is_empty()
    assert rejects_of(found) == [(1, "rate", rule, "row", worth)]
    assert amounts(sales(on("2024-01-05", "USD", "1"), rates=[("USD", "2024-01-01", worth)])) == [
        (None, 1.0)
    ]


def test_where_no_currency_is_declared_nothing_is_converted():
    assert amounts(sales(on("2024-01-05", "USD", "7.00"), currency=None)) == [(7.0, None)]


def test_no_amount_is_in_a_row_s_own_currency_once_it_is_cleaned():
    of_rows = {c.name: [col.name for col in c.in_row_currency] for c in CANONICAL}
    assert of_rows["transactions"] == ["amount", "discount_amount"]
    assert of_rows["balances"] == ["balance", "credit_limit"]
    assert of_rows["responses"] == ["amount"]
    for name, stated in of_rows.items():
        for column in stated:
            assert CLEANED[name].column(column).unit == "currency of the source"
            assert CLEANED[name].column(f"{column}_original").unit == "currency of the row"


_DAYS = st.dates(date(2024, 1, 1), date(2024, 1, 31))
_CENTS = st.integers(-10_000, 10_000)
_CODES = st.sampled_from(["EUR", "USD", "GBP", None])
_RATES = st.dictionaries(
    st.tuples(st.sampled_from(["USD", "GBP"]), _DAYS), st.integers(1, 400), max_size=6
)


@given(st.lists(st.tuples(_DAYS, _CODES, _CENTS), min_size=1, max_size=8, unique=True), _RATES)
@pytest.mark.slow
def test_every_amount_equals_that_of_an_oracle(rows, rates):
    def expected(day: date, code: str | None, cents: int) -> Decimal | None:
        stated = Decimal(cents) / 100
        if code in (None, "EUR"):
            return stated
        days = [day - timedelta(n) for n in range(31)]
        worth = next((rates[code, each] for each in days if (code, each) in rates), None)
        if worth is None:
            return None
        quarters: Decimal = stated * worth / 4
        return quarters.quantize(Decimal(1).scaleb(-MONEY_SCALE), ROUND_HALF_UP)

    found = sales(
        *(on(f"{day}", code, f"{cents / 100:.2f}") for day, code, cents in rows),
        rates=[(code, f"{day}", f"{worth / 4}") for (code, day), worth in rates.items()],
    )
    merged = found.rejects.filter(severity="merged")["source_row"].to_list()
    assert not merged
    oracle = [expected(*row) for row in rows]
    assert found.kept["amount"].to_list() == oracle
    missing = [n for n, value in enumerate(oracle, 1) if value is None]
    assert found.rejects.filter(rule=NO_RATE)["source_row"].to_list() == missing
