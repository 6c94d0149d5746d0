"""Which month the published file shows as its newest, and what its customers allow."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from portrait_assets.stages.tags.views import (
    CUSTOMER_CONSENT_VIEW,
    NEWEST_MONTH_VIEW,
    PORTRAIT_VIEW,
    evidence_view,
)
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.testing.worlds.tags import HOME, TIER, catalogue_of
from portrait_assets_tests.privacy.consent_world import write_consents

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
    with scratch_database() as con:
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


def test_what_is_allowed_is_said_once_of_each_customer_of_the_newest_month():
    with scratch_database() as con:
        con.execute(
            "CREATE SCHEMA tags; CREATE TABLE newest_month AS SELECT DATE '2024-06-30' as_of"
        )
        con.execute(
            "CREATE TABLE tags.portrait_matrix AS FROM (VALUES (DATE '2024-05-31', 'ann'), "
            "('2024-05-31', 'gone'), ('2024-06-30', 'ann'), ('2024-06-30', 'bob')) "
            "AS t(as_of, customer_id)"
        )
        answers = [("ann", "marketing", "sms", True, "consent"), ("bob", "credit", None, True, "c")]
        write_consents(con, answers, dict.fromkeys(("profiling", "marketing", "credit"), False))
        found = con.execute(
            "SELECT customer_id, profiling, marketing, marketing_channels, credit "
            f"FROM ({CUSTOMER_CONSENT_VIEW.sql}) ORDER BY customer_id"
        ).fetchall()
    assert found == [("ann", False, True, "sms", False), ("bob", False, False, None, True)]


def test_evidence_is_of_tags_that_were_active_at_some_time(tmp_path: Path):
    """A draft alone has decided nothing; one beside an active version waits with that."""
    drafted = HOME.replace("code: home", "code: home\n    status: draft")
    second = TIER.replace("code: tier", "code: tier\n    version: 2\n    status: draft")
    assert drafted != HOME
    shown = evidence_view(catalogue_of(tmp_path, TIER, second, drafted)).sql
    assert "'tier'" in shown
    assert "'home'" not in shown
