"""Which month the published file shows as its newest."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

from portrait_assets.stages.tags.views import NEWEST_MONTH_VIEW, PORTRAIT_VIEW

JANUARY, FEBRUARY, MARCH = date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 31)


@pytest.mark.parametrize(
    ("late", "newest"),
    [
        ([], MARCH),
        ([("2024-03", "transactions")], FEBRUARY),
        ([("2024-03", "balances"), ("2024-02", "transactions")], JANUARY),
        ([("2024-02", "transactions")], MARCH),
        ([("2024-03", "contacts")], MARCH),  # A portrait does not rest on them.
        ([(f"2024-0{n}", "transactions") for n in (1, 2, 3)], MARCH),
    ],
)
def test_the_newest_month_is_the_last_that_is_complete(late: list[tuple[str, str]], newest: date):
    with duckdb.connect() as con:
        con.execute("CREATE SCHEMA cleaned; CREATE SCHEMA tags")
        con.execute(
            "CREATE TABLE cleaned.completeness AS SELECT month, table_name, true AS is_complete "
            "FROM unnest(['2024-01', '2024-02', '2024-03']) AS m(month), "
            "unnest(['transactions', 'balances', 'contacts']) AS t(table_name)"
        )
        for line in late:
            con.execute(
                "UPDATE cleaned.completeness SET is_complete = false "
                "WHERE month = ? AND table_name = ?",
                line,
            )
        con.execute(
            "CREATE TABLE tags.portrait_matrix AS SELECT as_of, 'a' AS customer_id, 1 AS "
            "customer_no FROM unnest([DATE '2024-01-31', '2024-02-29', '2024-03-31']) AS d(as_of)"
        )
        for view in (NEWEST_MONTH_VIEW, PORTRAIT_VIEW):
            con.execute(f"CREATE VIEW {view.name} AS {view.sql}")
        assert con.execute("FROM newest_month").fetchall() == [(newest, MARCH)]
        assert con.execute("FROM portrait").fetchall() == [(newest, "a")]
