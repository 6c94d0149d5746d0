"""Customers whose relationship ended longer ago than their source keeps them.

They are erased as people are who ask for it: with their consents and requests, which are kept for
as long as anything of them is processed.
"""

from __future__ import annotations

import duckdb

from portrait_assets.app.erasure.people.persons import Asked
from portrait_assets.app.erasure.warehouse import opened, tables_of
from portrait_assets.core.settings import Settings
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.features.contract import CUSTOMER_BALANCE_MONTH, CUSTOMER_MONTH
from portrait_assets.stages.identity.contract import IDENTITY_MAP
from portrait_assets.stages.identity.known import KNOWN_SQL
from portrait_assets.stages.raw.source import Source, load_source
from portrait_assets.storage.duckdb.connection import literal
from portrait_assets.storage.duckdb.tables import existing_types

_SHOWS_RELATIONSHIP = (
    *(
        CLEANED[name]
        for name in (
            *("transactions", "balances", "interactions", "responses", "outcomes"),
            *("customers", "consents", "requests"),
        )
    ),
    # Sums by month stay when the rows that they add up are too old.
    *(CUSTOMER_MONTH, CUSTOMER_BALANCE_MONTH),
)
"""Tables whose rows are of a relationship that goes on: an account, or what the customer did, said
or had recorded. What was sent to a customer, or planned for one, is none.
"""


def ended(con: duckdb.DuckDBPyConnection, source: Source) -> Asked:
    """The customers whose newest row of a relationship is older than they are kept.

    They are named by who they are today, with all that their records did; nobody where the source
    keeps all.

    Args:
        con: a connection to the warehouse.
        source: whose `keep_months` says for how long.
    """
    kept_from = source.customers_kept_from
    span = source.definition.keep_months.get("customers")
    by = f"source.yaml, keep_months: {{customers: {span}}}"
    if kept_from is None or not existing_types(con, IDENTITY_MAP.full_name):
        return Asked(by)
    names = [each.full_name for each in _SHOWS_RELATIONSHIP if existing_types(con, each.full_name)]
    rows = " UNION ALL ".join(
        f"SELECT customer_id, max(month) AS month FROM {name} GROUP BY customer_id"
        for name in (*names, IDENTITY_MAP.full_name)
    )
    found = con.execute(
        f"WITH known AS ({KNOWN_SQL}) SELECT coalesce(k.customer_id, r.customer_id) AS who "
        f"FROM ({rows}) AS r LEFT JOIN known AS k ON k.source_customer_id = r.customer_id "
        f"GROUP BY who HAVING max(r.month) < {literal(kept_from)} "
        "AND who IN (SELECT customer_id FROM known) ORDER BY who"
    ).fetchall()
    return Asked(by, {who: number for number, (who,) in enumerate(found, 1)})


def ended_customers(settings: Settings) -> Asked:
    """The same of the warehouse.

    Raises:
        WarehouseError: when there is none, or a run holds it.
    """
    source = load_source(settings.source_dir)
    with opened(settings, tables_of(settings)) as con:
        return ended(con, source)
