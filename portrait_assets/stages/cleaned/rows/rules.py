"""Rules over several values of a row, table by table."""

from __future__ import annotations

import polars as pl

from portrait_assets.methods.personal_data import rules as of_persons
from portrait_assets.methods.typing.rules import REQUIRED, Rule
from portrait_assets.schema.table import Severity
from portrait_assets.stages.cleaned.rows.conversion import RATE_RULES
from portrait_assets.stages.raw.tables.persons import OF_PERSONS

FIRST_CONTACT, FIRST_JOINED = "first_contacted_on", "first_joined_on"
"""Columns that the rules over two tables need; see `background`."""

MONTH_END = (pl.col("month") + "-01").str.to_date().dt.month_end()

_BORN_LATER = "born after the month of the record"
WITHDRAWN_BEFORE = "withdrawn before it was granted"

CROSS_RULES: dict[str, tuple[Rule, ...]] = {
    "customers": (
        Rule(
            *("birth_date", _BORN_LATER, Severity.VALUE),
            # Where a day is recorded, a rule of personal data compares with that.
            (pl.col("birth_date") > MONTH_END) & pl.coalesce("recorded_on", "joined_on").is_null(),
        ),
        Rule(
            # Without its day a tolerance would count for ever; without the tolerance nothing does.
            *("risk_tolerance", "expires before it was assessed", Severity.VALUE),
            pl.col("risk_tolerance_expires_on") < pl.col("risk_assessed_on"),
        ),
    ),
    "prospects": (
        Rule(
            *("birth_date", _BORN_LATER, Severity.VALUE),
            (pl.col("birth_date") > MONTH_END) & pl.col("recorded_on").is_null(),
        ),
    ),
    "consents": (
        Rule(
            # Without its withdrawal a consent would hold, and without the row silence might allow:
            # so it is taken as withdrawn on the day of the consent, see `clean`.
            *("withdrawn_on", WITHDRAWN_BEFORE, Severity.VALUE),
            pl.col("withdrawn_on") < pl.col("granted_on"),
        ),
    ),
    "products": (
        Rule(
            *("withdrawn_on", "withdrawn before it was introduced", Severity.VALUE),
            pl.col("withdrawn_on") < pl.col("introduced_on"),
        ),
    ),
    "campaigns": (
        Rule(
            *("ended_on", "ends before it starts", Severity.VALUE),
            pl.col("ended_on") < pl.col("started_on"),
        ),
    ),
    "responses": (
        Rule(
            *("responded_on", "response before its contact", Severity.NOTE),
            pl.col("responded_on") < pl.col(FIRST_CONTACT),
        ),
    ),
    "balances": (
        Rule(
            # An overpaid card is below 0 too; where all are, the sign is the other way round.
            *("balance", "below 0 on an account with a credit limit", Severity.NOTE),
            (pl.col("balance") < 0) & pl.col("credit_limit").is_not_null(),
        ),
    ),
    "transactions": (
        Rule(
            *("occurred_at", "before the customer joined", Severity.NOTE),
            pl.col("occurred_at").cast(pl.Date) < pl.col(FIRST_JOINED),
        ),
    ),
}
"""By table; `customers` and `prospects` have the rules of personal data besides."""


CONSENT_RULES = tuple(
    Rule(name, REQUIRED, Severity.ROW, pl.col(name).is_null() & pl.col("withdrawn_on").is_null())
    for name in ("purpose", "granted_on")
)
"""What a consent lacks only as a withdrawal; so without it the row says nothing."""


def cross_rules(table: str, country: str | None) -> tuple[Rule, ...]:
    """The rules of a table that look at several values; of persons also those of the country."""
    is_of_persons = table in {each.name for each in OF_PERSONS}
    of_person = of_persons.person_rules(country) if is_of_persons else ()
    return (*of_person, *CROSS_RULES.get(table, ()), *RATE_RULES.get(table, ()))


def cross_rule_names() -> frozenset[str]:
    """The names of the rules that look at several values, of all tables and countries."""
    of_tables = (*CROSS_RULES.values(), *RATE_RULES.values())
    tables = (of_persons.ANYWHERE, *of_persons.BY_COUNTRY.values(), *of_tables)
    return frozenset(rule.name for rules in tables for rule in rules)
