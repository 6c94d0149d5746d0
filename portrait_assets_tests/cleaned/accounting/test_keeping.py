"""Where every row by which people are customers is set aside, that is said before anything else."""

from __future__ import annotations

import polars as pl
import pytest

from portrait_assets.core.errors import SourceError
from portrait_assets.stages.cleaned.accounting.account import has_joined
from portrait_assets.stages.cleaned.accounting.keeping import require_some_kept
from portrait_assets.stages.cleaned.contract import REJECTS
from portrait_assets.storage.duckdb.connection import scratch_database

NONE_KEPT = {"transactions": 0, "balances": 0, "customers": 7}


def aside(*rows: tuple[str, str | None, str, int], severity: str = "row") -> pl.DataFrame:
    """Rejects of these tables, columns, rules and rows."""
    names = ("table_name", "column_name", "rule", "source_row")
    found = [
        dict(zip(names, row, strict=True))
        | {"month": "2024-01", "source_file": "till.csv", "severity": severity}
        for row in rows
    ]
    return pl.DataFrame(found, schema=REJECTS.polars_schema)


def test_the_rule_that_most_rows_break_is_named_with_its_first_row():
    with pytest.raises(SourceError) as error:
        require_some_kept(
            NONE_KEPT,
            False,
            aside(
                ("transactions", "customer_id", "missing", 4),
                ("transactions", "amount", "unreadable", 9),
                ("transactions", "amount", "unreadable", 2),
                ("transactions", "amount", "unreadable", 2),
            ),
        )
    assert str(error.value) == (
        "all rows of transactions were set aside, most often as transactions.amount breaks the "
        "rule 'unreadable' (2 of them, such as till.csv row 2), so that nobody is a customer; "
        "correct the file, the table's SQL or its rules in source.yaml."
    )


def test_of_rules_that_as_many_rows_break_the_first_by_name_is_named():
    rows = aside(("transactions", None, "twice", 1), ("balances", "balance", "unreadable", 5))
    with pytest.raises(SourceError, match=r"all rows of balances .*balances\.balance breaks"):
        require_some_kept(NONE_KEPT, False, rows)
    with pytest.raises(SourceError, match=r"transactions\.row breaks the rule 'twice' \(1 of them"):
        require_some_kept(NONE_KEPT, False, rows.filter(table_name="transactions"))


@pytest.mark.parametrize("table", ["transactions", "balances"])
def test_one_row_that_was_kept_is_enough(table: str):
    require_some_kept(
        NONE_KEPT | {table: 1}, False, aside(("transactions", "amount", "unreadable", 1))
    )


def test_where_nothing_was_set_aside_nothing_is_said():
    require_some_kept(NONE_KEPT, False, aside())
    require_some_kept(NONE_KEPT, False, aside(("customers", "region", "unreadable", 1)))
    # A value that became null, or a line in no month, is no row that was set aside.
    for severity in ("value", "unplaced"):
        value = aside(("transactions", "channel", "unreadable", 1), severity=severity)
        require_some_kept(NONE_KEPT, False, value)


def test_who_joined_is_a_customer_where_all_transactions_were_set_aside():
    require_some_kept(NONE_KEPT, True, aside(("transactions", "amount", "unreadable", 1)))


@pytest.mark.parametrize(
    ("month", "joined_on", "is_known"),
    [
        *(("2024-02", "2024-02-29", True), ("2024-01", "2024-02-01", True)),
        *(("2024-02", "2024-03-01", False), ("2024-03", "2024-01-01", False)),
        ("2024-02", None, False),
    ],
)
def test_by_a_record_up_to_the_month_a_day_of_joining_is_known_from_that_day_on(
    month: str, joined_on: str | None, is_known: bool
):
    with scratch_database() as con:
        con.execute("CREATE SCHEMA cleaned")
        con.execute("CREATE TABLE cleaned.customers (month VARCHAR, joined_on DATE)")
        con.execute("INSERT INTO cleaned.customers VALUES (?, ?)", [month, joined_on])
        assert has_joined(con, "2024-02") is is_known
