"""The feature matrix of one month: everyone who is a customer by its end, and all features."""

from __future__ import annotations

import duckdb

from portrait_assets.stages.cleaned.contract import CLEANED, GOLDEN_RECORD
from portrait_assets.stages.features.contract import (
    CUSTOMER_BALANCE_MONTH,
    CUSTOMER_CAMPAIGN_MONTH,
    CUSTOMER_CATEGORY_MONTH,
    CUSTOMER_MONTH,
    FEATURES,
)
from portrait_assets.stages.features.declared import entity
from portrait_assets.stages.features.parts.spend import (
    AFTERWARDS,
    AT_ONCE,
    BEFOREHAND,
    base_campaign_type,
    campaign_response,
    campaign_type,
)
from portrait_assets.stages.features.parts.spend import parts as customer_parts
from portrait_assets.stages.features.persons import know_persons, view_persons
from portrait_assets.stages.features.span import Span
from portrait_assets.storage.duckdb.connection import literal, quote

EVER = (GOLDEN_RECORD, CLEANED["transactions"], CLEANED["balances"])
AGGREGATES = (
    CUSTOMER_MONTH,
    CUSTOMER_CATEGORY_MONTH,
    CUSTOMER_CAMPAIGN_MONTH,
    CUSTOMER_BALANCE_MONTH,
)
"""What the matrix looks back on, by customer: events and records, and monthly aggregates."""

OF_CUSTOMER = {
    "history": "h",
    "record": "r",
    "bought": "b",
    "campaign": "g",
    "category": "c",
    "brand": "n",
    "chosen": "x",
    "held": "d",
    "uplift": "u",
    "followed": "f",
    "withdrawal": "w",
}
"""Parts with a row per customer, and the letters that features know them by."""
OF_ALL = {
    "base": "base",
    "base_campaign": "bg",
    "base_brand": "bn",
    "base_loyal": "bl",
    "base_chosen": "bx",
    "base_held": "bd",
    "base_uplift": "bu",
}


def know_customers(con: duckdb.DuckDBPyConnection, month: str, part_customers: int) -> None:
    """Make the temporary table `known`: a row per customer as of the month's last day.

    A customer is in it who has a transaction, a balance or a joining day by then. It holds each
    part of `OF_CUSTOMER` as a structure under the letter that features know it by, so that
    `b.amount` is the same for it as for a join. What is known of products must have been made
    known (`products.know_products`).

    Args:
        con: the connection that has the cleaned tables and monthly aggregates.
        month: the month; it reads its monthly aggregates and those before, and nothing later.
        part_customers: so many are taken at a time, in their order, so that their sums fit into
            memory. What comes out is the same.
    """
    span = Span(month)
    named = {**customer_parts(span), "record": entity.record(span), "everyone": _everyone(span)}
    know_persons(con, month, EVER, AGGREGATES)
    for name in (*BEFOREHAND, *AT_ONCE):
        con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {named[name]}")
    made = (*BEFOREHAND, *AT_ONCE, *AFTERWARDS)
    own = {name: sql for name, sql in named.items() if name not in made}
    joins = " ".join(
        f"LEFT JOIN {name} AS {alias} USING (customer_id)" for name, alias in OF_CUSTOMER.items()
    )
    for place, of_part in enumerate(_parts(con, part_customers)):
        view_persons(con, (), AGGREGATES, of_part)
        rows = (
            f"{_with(own)} SELECT customer_id, {', '.join(OF_CUSTOMER.values())} "
            f"FROM (FROM temp.everyone WHERE {of_part}) {joins}"
        )
        con.execute(
            f"INSERT INTO temp.known {rows}"
            if place
            else f"CREATE OR REPLACE TEMP TABLE known AS {rows}"
        )
    for name in AT_ONCE:
        con.execute(f"DROP TABLE temp.{name}")


def _parts(con: duckdb.DuckDBPyConnection, part_customers: int) -> list[str]:
    """Conditions that divide all customers into parts, each with so many of everyone."""
    firsts = con.execute(
        "SELECT customer_id FROM (SELECT customer_id, row_number() OVER (ORDER BY customer_id) - 1 "
        f"AS before FROM temp.everyone) WHERE before > 0 AND before % {part_customers} = 0 "
        "ORDER BY customer_id"
    ).fetchall()
    from_on = [f"customer_id >= {literal(first)}" for (first,) in firsts]
    up_to = [f"customer_id < {literal(first)}" for (first,) in firsts]
    return [
        f"{start} AND {end}"
        for start, end in zip(["true", *from_on], [*up_to, "true"], strict=True)
    ]


def forget_customers(con: duckdb.DuckDBPyConnection) -> None:
    """Give the room of `known` free again."""
    con.execute("DROP TABLE temp.known")


def feature_matrix(month: str) -> str:
    """SQL of the features of every customer that `know_customers` knows, in customers' order."""
    span = Span(month)
    sums = customer_parts(span)
    of_customer = {
        name: f"SELECT unnest({alias}) FROM temp.known WHERE {alias}.customer_id IS NOT NULL"
        for name, alias in OF_CUSTOMER.items()
    }
    with_clause = _with({**of_customer, **{name: sums[name] for name in AFTERWARDS}})
    columns = ", ".join(
        f"{feature.sql.replace('{as_of}', span.day)} AS {quote(feature.name)}"
        for feature in FEATURES
    )
    bases = " ".join(f"CROSS JOIN {name} AS {alias}" for name, alias in OF_ALL.items())
    return (
        f"{with_clause} SELECT {span.day} AS as_of, customer_id, {columns} "
        f"FROM temp.known {bases} ORDER BY customer_id"
    )


def _with(named: dict[str, str]) -> str:
    return f"WITH {', '.join(f'{name} AS ({sql})' for name, sql in named.items())}"


def campaign_responses(month: str) -> str:
    """SQL of each customer's response to each kind of campaign that contacted them in the window.

    It reads what `feature_matrix` reads of campaigns.
    """
    span = Span(month)
    return f"""
    WITH campaign_type AS ({campaign_type(span)}),
        base_campaign_type AS ({base_campaign_type(span)}),
        campaign_response AS ({campaign_response()})
    SELECT {span.day} AS as_of, customer_id, campaign_type, contacts AS contacts_12m,
        least(responded, contacts) AS responded_contacts_12m, responses AS responses_12m,
        rate AS response_rate_12m, round(base_rate, 6) AS base_response_rate_12m
    FROM campaign_response WHERE contacts > 0 ORDER BY customer_id, campaign_type
    """


def _everyone(span: Span) -> str:
    return (
        "SELECT customer_id FROM history UNION SELECT customer_id "
        f"FROM temp.customer_balance_month WHERE {span.known} UNION SELECT customer_id "
        f"FROM record WHERE joined_on <= {span.day}"
    )
