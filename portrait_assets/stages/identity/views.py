"""Views of the published file over the tables of identity."""

from __future__ import annotations

from portrait_assets.stages.identity.contract import IDENTITY_MAP
from portrait_assets.storage.duckdb.publishing import View

CURRENT_CUSTOMER_VIEW = View(
    "current_customer",
    f"""
    SELECT source_customer_id AS alias_id, arg_max(customer_id, month) AS customer_id
    FROM {IDENTITY_MAP.full_name}
    GROUP BY source_customer_id
    HAVING arg_max(customer_id, month) <> source_customer_id
    """,
    "Identifiers that are not a customer's own, and whose customer each is today",
    "非主编号对应的当前客户编号",
    columns={
        "alias_id": "An identifier that is not the customer's own / 非主编号",
        "customer_id": "The customer whose it is today / 当前客户编号",
    },
)
VIEWS = (CURRENT_CUSTOMER_VIEW,)
