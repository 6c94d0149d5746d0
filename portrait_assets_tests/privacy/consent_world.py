"""A published file's consents, written down answer by answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import duckdb

from portrait_assets.stages.consent.contract import CONSENT_DEFAULT, CUSTOMER_CONSENT
from portrait_assets.stages.consent.deciding import SILENCE
from portrait_assets.storage.duckdb.connection import has_table
from portrait_assets.storage.duckdb.tables import column_types, create_table_sql

Answer = tuple[str, str, str | None, bool, str]
"""Customer, purpose, channel, whether it is allowed, why."""
NEWEST = "2024-06-30"


def write_consents(
    con: duckdb.DuckDBPyConnection,
    answers: Iterable[Answer] = (),
    silence: Mapping[str, bool] | None = None,
    consents: int = 1,
    as_of: str = NEWEST,
) -> None:
    """Add the consents of a month; silence is declared for the purposes that are given."""
    declared = dict(silence or {})
    con.execute("CREATE SCHEMA IF NOT EXISTS consent")
    for table in (CONSENT_DEFAULT, CUSTOMER_CONSENT):
        if not has_table(con, table.full_name):
            con.execute(create_table_sql(table, column_types(table)))
    for purpose, default in SILENCE.items():
        con.execute(
            f"INSERT INTO {CONSENT_DEFAULT.full_name} VALUES (?, ?, ?, ?, ?)",
            [as_of, purpose, declared.get(purpose, default), purpose in declared, consents],
        )
    for customer, purpose, channel, allowed, because in answers:
        con.execute(
            f"INSERT INTO {CUSTOMER_CONSENT.full_name} VALUES (?, ?, ?, ?, ?, ?, ?)",
            [as_of, customer, purpose, channel, allowed, "2024-03-05", because],
        )
