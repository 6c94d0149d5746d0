"""How customers respond to campaigns over the window, and how all of them do."""

from __future__ import annotations

from portrait_assets.stages.features.contract import CUSTOMER_CAMPAIGN_MONTH
from portrait_assets.stages.features.declared.principle import BASE_CONTACTS
from portrait_assets.stages.features.monthly import aggregates
from portrait_assets.stages.features.persons import added_up
from portrait_assets.stages.features.window import WINDOW_MONTHS
from portrait_assets.storage.fits import fit
from portrait_assets.storage.steps import Step, window

WINDOW = added_up(
    CUSTOMER_CAMPAIGN_MONTH, aggregates.CUSTOMER_CAMPAIGN_MONTH, window(WINDOW_MONTHS)
)

CAMPAIGN_TYPE = Step(
    "campaign_type",
    (WINDOW,),
    """
    SELECT customer_id, campaign_type, sum(contacts) AS contacts, sum(responses) AS responses,
        sum(responded_contacts) AS responded, sum(lag_days) AS lag_days,
        max(last_response_on) AS last_response_on,
        sum(CASE WHEN ago < 1 THEN contacts ELSE 0 END) AS contacts_1m,
        sum(CASE WHEN ago < 3 THEN contacts ELSE 0 END) AS contacts_3m,
        bit_or(CASE WHEN contacts > 0 THEN 1 << CAST(ago AS INTEGER) ELSE 0 END)
            AS contacted_months
    FROM customer_campaign_month GROUP BY customer_id, campaign_type
    """,
)
"""Contacts and responses by kind of campaign."""

BASE_CAMPAIGN_TYPE = fit(
    "base_campaign_type",
    (WINDOW,),
    "SELECT campaign_type, sum(responded_contacts) AS responded, sum(contacts) AS contacts, "
    "count(DISTINCT customer_id) AS customers "
    "FROM customer_campaign_month GROUP BY campaign_type",
    "SELECT campaign_type, least(sum(responded) / sum(contacts), 1) AS base_rate, "
    "sum(customers) AS customers "
    "FROM part GROUP BY campaign_type HAVING sum(contacts) > 0",
)
"""The base's response rate by kind of campaign, and the customers that it rests on.

Responses may be to contacts before the window, so that there can be more of them.
"""

_RATE = f"(least(responded, contacts) + {BASE_CONTACTS} * base_rate) / (contacts + {BASE_CONTACTS})"
CAMPAIGN_RESPONSE = Step(
    "campaign_response",
    (CAMPAIGN_TYPE, BASE_CAMPAIGN_TYPE),
    f"SELECT *, round({_RATE}, 6) AS rate "
    "FROM campaign_type LEFT JOIN base_campaign_type USING (campaign_type)",
)
"""The response rate by kind of campaign, shrunk to the base's rate of that kind."""

CAMPAIGN = Step(
    "campaign",
    (CAMPAIGN_RESPONSE,),
    """
    SELECT customer_id, sum(contacts) AS contacts, sum(responses) AS responses,
        sum(responded) AS responded, sum(lag_days) AS lag_days,
        max(last_response_on) AS last_response_on, bit_or(contacted_months) AS contacted_months,
        arg_max(campaign_type, {'rate': rate, 'type': campaign_type})
            FILTER (contacts > 0) AS best_type,
        sum(contacts_1m) AS contacts_1m, sum(contacts_3m) AS contacts_3m,
        max(rate) FILTER (contacts > 0) AS best_rate,
        arg_max(contacts, {'rate': rate, 'type': campaign_type})
            FILTER (contacts > 0) AS best_contacts
    FROM campaign_response GROUP BY customer_id
    """,
)
"""The same over all kinds, and the kind with the best rate."""
