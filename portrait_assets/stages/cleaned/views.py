"""Views of the published file that see the past under the identities known today."""

from __future__ import annotations

from portrait_assets.stages.cleaned.contract import IDENTITY_MAP
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
PORTRAIT_HISTORY_VIEW = View(
    "portrait_history",
    """
    SELECT
        coalesce(current_customer.customer_id, matrix.customer_id) AS customer_id,
        matrix.customer_id AS customer_id_then,
        matrix.* EXCLUDE (customer_id)
    FROM tags.portrait_matrix AS matrix
    LEFT JOIN current_customer ON current_customer.alias_id = matrix.customer_id
    """,
    "The portrait matrix of all months under the identities known today",
    "按当前客户编号的历史画像矩阵",
    shows="tags.portrait_matrix",
    columns={
        "customer_id": "The customer as known today / 当前客户编号",
        "customer_id_then": "The customer as known in that month / 当月客户编号",
    },
)
