"""Who is who today, of those who were customers in earlier months."""

from __future__ import annotations

from portrait_assets.stages.identity.views import CURRENT_CUSTOMERS
from portrait_assets.stages.tags.views import PORTRAIT_HISTORY_VIEW
from portrait_assets.storage.duckdb.connection import scratch_database


def test_aliases_are_followed_to_the_customer_of_today():
    with scratch_database() as con:
        con.execute("CREATE SCHEMA identity; CREATE SCHEMA tags")
        con.execute(
            "CREATE TABLE identity.identity_map AS SELECT * FROM (VALUES "
            "('2024-01', 'A', 'A'), ('2024-01', 'B', 'B'), ('2024-01', 'C', 'C'), "
            "('2024-02', 'C', 'B'), ('2024-03', 'B', 'A'), ('2024-03', 'C', 'A'), "
            "('2024-03', 'never a customer', 'A')"
            ") AS t(month, source_customer_id, customer_id)"
        )
        con.execute(
            "CREATE TABLE tags.portrait_matrix AS SELECT * FROM (VALUES "
            "('2024-01-31', 'C', 1), ('2024-01-31', 'X', 2)) AS t(as_of, customer_id, spend)"
        )
        con.execute(f"CREATE TABLE current_customer AS {CURRENT_CUSTOMERS.sql}")
        con.execute(f"CREATE VIEW {PORTRAIT_HISTORY_VIEW.name} AS {PORTRAIT_HISTORY_VIEW.sql}")
        current = con.execute("FROM current_customer ORDER BY ALL").fetchall()
        assert current == [("B", "A"), ("C", "A")]
        history = con.execute(
            "SELECT customer_id, customer_id_then, spend FROM portrait_history ORDER BY ALL"
        ).fetchall()
        assert history == [("A", "C", 1), ("X", "X", 2)]
