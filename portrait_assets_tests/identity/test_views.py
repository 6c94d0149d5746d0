"""Who is who today: over the past, and under the names that the tables had."""

from __future__ import annotations

import duckdb

from portrait_assets.stages.cleaned.views import FORMER_NAMES
from portrait_assets.stages.identity.contract import CUSTOMER_ALIAS, IDENTITY_MAP
from portrait_assets.stages.identity.views import CURRENT_CUSTOMER_VIEW
from portrait_assets.stages.tags.views import PORTRAIT_HISTORY_VIEW
from portrait_assets.storage.duckdb.tables import ensure_table


def test_aliases_are_followed_to_the_customer_of_today():
    with duckdb.connect() as con:
        con.execute("CREATE SCHEMA identity; CREATE SCHEMA tags")
        con.execute(
            "CREATE TABLE identity.identity_map AS SELECT * FROM (VALUES "
            "('2024-01', 'A', 'A'), ('2024-01', 'B', 'B'), ('2024-01', 'C', 'C'), "
            "('2024-02', 'C', 'B'), ('2024-03', 'B', 'A'), ('2024-03', 'C', 'A')"
            ") AS t(month, source_customer_id, customer_id)"
        )
        con.execute(
            "CREATE TABLE tags.portrait_matrix AS SELECT * FROM (VALUES "
            "('2024-01-31', 'C', 1), ('2024-01-31', 'X', 2)) AS t(as_of, customer_id, spend)"
        )
        for view in (CURRENT_CUSTOMER_VIEW, PORTRAIT_HISTORY_VIEW):
            con.execute(f"CREATE VIEW {view.name} AS {view.sql}")
        current = con.execute("FROM current_customer ORDER BY ALL").fetchall()
        assert current == [("B", "A"), ("C", "A")]
        history = con.execute(
            "SELECT customer_id, customer_id_then, spend FROM portrait_history ORDER BY ALL"
        ).fetchall()
        assert history == [("A", "C", 1), ("X", "X", 2)]


def test_tables_are_read_under_their_former_names_too():
    with duckdb.connect() as con:
        con.execute("CREATE SCHEMA cleaned")
        for table in (IDENTITY_MAP, CUSTOMER_ALIAS):
            ensure_table(con, table)
        con.execute(
            "INSERT INTO identity.customer_alias VALUES ('2024-01', 'B', 'A', '2024-01-01', 'x')"
        )
        for view in FORMER_NAMES:
            con.execute(f"CREATE VIEW {view.name} AS {view.sql}")
        assert con.sql("FROM cleaned.identity_map").columns == list(IDENTITY_MAP.column_names)
        assert con.sql("SELECT alias_id FROM cleaned.customer_alias").fetchall() == [("B",)]
