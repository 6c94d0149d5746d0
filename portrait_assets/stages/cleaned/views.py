"""Views of the published file under former names of this room, kept for one version."""

from __future__ import annotations

from portrait_assets.stages.identity.contract import CUSTOMER_ALIAS, IDENTITY_MAP
from portrait_assets.storage.duckdb.publishing import View

FORMER_NAMES = tuple(
    View(
        f"cleaned.{table.name}",
        f"FROM {table.full_name}",
        f"Former name of {table.full_name}",
        f"{table.full_name}的旧名",
        shows=table.full_name,
    )
    for table in (IDENTITY_MAP, CUSTOMER_ALIAS)
)
