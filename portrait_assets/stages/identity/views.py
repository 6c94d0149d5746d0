"""What the published file has of the tables of identity, which themselves stay in the warehouse."""

from __future__ import annotations

from portrait_assets.stages.identity.contract import CURRENT_CUSTOMER, IDENTITY_MAP
from portrait_assets.storage.publishing.content import Extract

CURRENT_CUSTOMERS = Extract(
    CURRENT_CUSTOMER,
    f"""
    SELECT source_customer_id AS alias_id, arg_max(customer_id, month) AS customer_id
    FROM {IDENTITY_MAP.full_name}
    WHERE source_customer_id IN (SELECT customer_id FROM {IDENTITY_MAP.full_name})
    GROUP BY source_customer_id
    HAVING arg_max(customer_id, month) <> source_customer_id
    """,
    reads=(IDENTITY_MAP,),
)
VIEWS = (CURRENT_CUSTOMERS,)
