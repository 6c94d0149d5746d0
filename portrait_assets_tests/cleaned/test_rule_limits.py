"""Each rule over several values of a row, on its limit, beside it, and where a value is missing.

The rules are looked at one by one, as declared; what a broken one does to its row stands in
`test_rules.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import polars as pl
import pytest

from portrait_assets.methods.personal_data.rules import ANYWHERE, BY_COUNTRY
from portrait_assets.methods.typing.rules import Rule
from portrait_assets.schema.table import Severity
from portrait_assets.stages.cleaned.rows.conversion import RATE_RULES
from portrait_assets.stages.cleaned.rows.rules import CONSENT_RULES, CROSS_RULES

DAY = pl.Date()
BEFORE, ON, AFTER = date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1)
LAST_MOMENT = datetime(2024, 2, 28, 23, 59, 59)
WOMAN_S = "11010519491231002X"  # The example of GB 11643-1999: its 17th digit is even.
SIDES = [((BEFORE, ON), True), ((ON, ON), False), ((AFTER, ON), False)]
MISSING = [((None, ON), False), ((BEFORE, None), False)]
"""Of two days of which the first must not come before the second."""

Cases = list[tuple[tuple[Any, ...], bool]]
_BORN: Cases = [
    ((BEFORE, "2024-02", None, None), False),
    ((ON, "2024-02", None, None), False),
    ((AFTER, "2024-02", None, None), True),
    ((AFTER, "2024-02", AFTER, None), False),
    ((AFTER, "2024-02", None, AFTER), False),
    ((None, "2024-02", None, None), False),
]
_PERSON = {"birth_date": DAY, "month": pl.String(), "recorded_on": DAY, "joined_on": DAY}
LIMITS: dict[str, tuple[dict[str, pl.DataType], Cases]] = {
    "customers: born after the month of the record": (_PERSON, _BORN),
    "prospects: born after the month of the record": (
        {"birth_date": DAY, "month": pl.String(), "recorded_on": DAY},
        [(row[:3], broken) for row, broken in _BORN if row[3] is None],
    ),
    "customers: expires before it was assessed": (
        {"risk_tolerance_expires_on": DAY, "risk_assessed_on": DAY},
        SIDES + MISSING,
    ),
    "consents: withdrawn before it was granted": (
        {"withdrawn_on": DAY, "granted_on": DAY},
        SIDES + MISSING,
    ),
    "products: withdrawn before it was introduced": (
        {"withdrawn_on": DAY, "introduced_on": DAY},
        SIDES + MISSING,
    ),
    "campaigns: ends before it starts": ({"ended_on": DAY, "started_on": DAY}, SIDES + MISSING),
    "responses: response before its contact": (
        {"responded_on": DAY, "first_contacted_on": DAY},
        SIDES + MISSING,
    ),
    "transactions: before the customer joined": (
        {"occurred_at": pl.Datetime("us"), "first_joined_on": DAY},
        [
            ((LAST_MOMENT, ON), True),
            ((datetime(2024, 2, 29), ON), False),
            ((datetime(2024, 2, 29, 23, 59), ON), False),
            ((LAST_MOMENT, None), False),
        ],
    ),
    "balances: below 0 on an account with a credit limit": (
        {"balance": pl.Decimal(18, 2), "credit_limit": pl.Decimal(18, 2)},
        [((-0.01, 0), True), ((0, 100), False), ((0.01, 100), False), ((-1, None), False)],
    ),
    "exchange_rates: not above zero": (
        {"rate": pl.Float64()},
        [((-0.5,), True), ((0.0,), True), ((1e-6,), False), ((None,), False)],
    ),
    "persons: born after the record was made": (
        {"birth_date": DAY, "recorded_on": DAY, "joined_on": DAY},
        [
            ((AFTER, ON, None), True),
            ((ON, ON, None), False),
            # The day of the record goes before that of joining.
            ((ON, ON, BEFORE), False),
            ((AFTER, None, ON), True),
            ((AFTER, None, None), False),
        ],
    ),
    "persons: more than 120 years old": (
        {"birth_date": DAY, "recorded_on": DAY, "joined_on": DAY},
        [
            ((date(1903, 3, 1), ON, None), False),
            ((date(1903, 2, 28), ON, None), True),
            ((date(1903, 2, 28), None, BEFORE), True),
            ((date(1903, 3, 1), None, BEFORE), False),
        ],
    ),
    "persons: differs from the date of birth": (
        {"birth_date": DAY, "age": pl.Int64(), "recorded_on": DAY, "joined_on": DAY},
        [
            ((date(1990, 2, 28), age, BEFORE, None), broken)
            for age, broken in [(32, True), (33, False), (34, False), (35, False), (36, True)]
        ],
    ),
    "persons: joined after the record was made": (
        {"joined_on": DAY, "recorded_on": DAY},
        [((AFTER, ON), True), ((ON, ON), False), ((AFTER, None), False)],
    ),
    "CN birth_date: differs from the identity number": (
        {"national_id": pl.String(), "birth_date": DAY},
        [
            ((WOMAN_S, date(1949, 12, 31)), False),
            ((WOMAN_S, date(1949, 12, 30)), True),
            # No number by its check digit says nothing of the birth.
            ((WOMAN_S[:-1] + "1", date(1949, 12, 30)), False),
            ((WOMAN_S, None), False),
        ],
    ),
    "CN gender: differs from the identity number": (
        {"national_id": pl.String(), "gender": pl.String()},
        [((WOMAN_S, word), True) for word in ("m", "M", "男", "Male")]
        + [((WOMAN_S, word), False) for word in ("f", "女", "FEMALE", "other")]
        + [((WOMAN_S[:-1] + "1", "m"), False), ((None, "m"), False)],
    ),
    **{
        f"consents {name}: required and missing": (
            {name: pl.String(), "withdrawn_on": DAY},
            [((None, None), True), (("x", None), False), ((None, ON), False), (("x", ON), False)],
        )
        for name in ("purpose", "granted_on")
    },
}
_NO_RATE: Cases = [((1, None), True), ((1, 2.0), False), ((None, None), False)]


def declared() -> Iterator[tuple[str, Rule]]:
    """Every rule of `CROSS_RULES` and of persons, countries, rates and consents, by name."""
    for table, rules in (*CROSS_RULES.items(), ("persons", ANYWHERE)):
        yield from ((f"{table}: {rule.name}", rule) for rule in rules)
    for country, rules in BY_COUNTRY.items():
        yield from ((f"{country} {rule.column}: {rule.name}", rule) for rule in rules)
    yield from ((f"consents {rule.column}: {rule.name}", rule) for rule in CONSENT_RULES)
    yield from ((f"exchange_rates: {rule.name}", rule) for rule in RATE_RULES["exchange_rates"])


RULES = dict(declared())
OF_RATES = [
    (table, rule)
    for table, rules in RATE_RULES.items()
    for rule in rules
    if table != "exchange_rates"
]


def broken(rule: Rule, types: dict[str, pl.DataType], rows: list[tuple[Any, ...]]) -> list[bool]:
    """Of which rows the rule is broken; where it is null nothing is."""
    frame = pl.DataFrame(rows, schema=types, orient="row")
    return frame.select(rule.broken.fill_null(value=False)).to_series().to_list()


def test_every_rule_that_is_declared_is_looked_at():
    assert LIMITS.keys() == RULES.keys()


@pytest.mark.parametrize("name", LIMITS)
def test_a_rule_is_broken_on_one_side_of_its_limit(name: str):
    types, cases = LIMITS[name]
    found = broken(RULES[name], types, [row for row, _ in cases])
    assert {True, False} <= set(found)
    assert found == [is_broken for _, is_broken in cases]


@pytest.mark.parametrize(("table", "rule"), OF_RATES)
def test_an_amount_in_another_currency_needs_a_rate(table: str, rule: Rule):
    original = next(name for name in rule.broken.meta.root_names() if name != "exchange_rate")
    types: dict[str, pl.DataType] = {original: pl.Int64(), "exchange_rate": pl.Float64()}
    assert rule.severity is Severity.VALUE
    assert original.endswith(rule.column) or original.startswith(rule.column)
    assert broken(rule, types, [row for row, _ in _NO_RATE]) == [each for _, each in _NO_RATE]
