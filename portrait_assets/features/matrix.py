"""The feature matrix of one month: everyone who is a customer by its end, and all features."""

from __future__ import annotations

from portrait_assets.features import entity
from portrait_assets.features.contract import FEATURES
from portrait_assets.features.parts import (
    base_campaign_type,
    campaign_response,
    campaign_type,
    parts,
)
from portrait_assets.features.span import Span
from portrait_assets.warehouse.connection import quote

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


def feature_matrix(month: str) -> str:
    """SQL of the features of every customer as of the month's last day, in the order of customers.

    A customer is in it who has a transaction, a balance or a joining day by then. It reads the
    monthly aggregates of the month and of those before, and nothing later, as
    `persons.know_persons` and `products.know_products` make them known.
    """
    span = Span(month)
    named = {**parts(span), "record": entity.record(span), "everyone": _everyone(span)}
    with_clause = ", ".join(f"{name} AS ({sql})" for name, sql in named.items())
    columns = ", ".join(
        f"{feature.sql.replace('{as_of}', span.day)} AS {quote(feature.name)}"
        for feature in FEATURES
    )
    joins = " ".join(
        f"LEFT JOIN {name} AS {alias} USING (customer_id)" for name, alias in OF_CUSTOMER.items()
    )
    bases = " ".join(f"CROSS JOIN {name} AS {alias}" for name, alias in OF_ALL.items())
    return (
        f"WITH {with_clause} SELECT {span.day} AS as_of, customer_id, {columns} "
        f"FROM everyone {joins} {bases} ORDER BY customer_id"
    )


def campaign_responses(month: str) -> str:
    """SQL of each customer's response to each kind of campaign that contacted them in the window.

    It reads what `feature_matrix` reads of campaigns.
    """
    span = Span(month)
    return f"""
    WITH campaign_type AS ({campaign_type(span)}),
        base_campaign_type AS ({base_campaign_type()}),
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
