"""Five shares say how good a table of a month is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portrait_assets.methods.typing.rules import FREE_TEXT, Conventions
from portrait_assets.stages.cleaned.accounting.quality import counted, known_shares, quality
from portrait_assets.stages.cleaned.contract import QUALITY, REJECTS
from portrait_assets.stages.cleaned.rows.clean import clean, unplaced_rejects
from portrait_assets.stages.raw.amendments import CORRECTIONS_FILE
from portrait_assets.stages.raw.contract import CANONICAL, RECEIPTS, UNPLACED
from portrait_assets.stages.raw.placing.months import NO_DATE
from portrait_assets.stages.raw.tables.persons import CUSTOMERS
from portrait_assets.stages.raw.tables.trade import TRANSACTIONS
from portrait_assets_tests.cleaned.rows.test_clean import SALE, received

GOOD = {**SALE, "channel": "app"}


def receipts(months: Sequence[str], **rows: int) -> pl.DataFrame:
    """A receipt of each table and month, with so many lines received of these tables."""
    return pl.DataFrame(
        [
            {"month": month, "table_name": c.name, "rows_received": rows.get(c.name, 0)}
            for c in CANONICAL
            for month in months
        ],
        schema=RECEIPTS.polars_schema,
    )


def shares(canonical, rows: Sequence[Mapping[str, str | None]]) -> dict[str, Any]:
    found = clean(received(canonical, rows), canonical, Conventions())
    received_rows = receipts(["2024-01"], **{canonical.name: len(rows)})
    measured = quality([counted(found.kept, canonical)], found.rejects, received_rows)
    assert measured.schema == QUALITY.polars_schema
    assert measured.height == len(CANONICAL)
    return measured.filter(table_name=canonical.name).row(0, named=True)


def test_a_good_table_is_good_in_every_way():
    measured = shares(TRANSACTIONS, [GOOD, GOOD | {"amount": "2"}])
    names = ("completeness", "validity", "uniqueness", "timeliness", "consistency")
    assert [measured[name] for name in names] == [1, 1, 1, 1, 1]


@pytest.mark.parametrize(
    ("share", "second"),
    [
        ("completeness", {"channel": None}),
        ("validity", {"channel": "unknown"}),
        ("uniqueness", {}),
        ("timeliness", {"occurred_at": "2019-01-05 10:00:00"}),
        ("timeliness", {"occurred_at": "2023-12-31 23:59:59"}),
        ("timeliness", {"occurred_at": "2024-02-01 00:00:00"}),
    ],
)
def test_each_share_falls_with_its_own_fault(share: str, second: dict[str, str | None]):
    assert 0 < shares(TRANSACTIONS, [GOOD, GOOD | second])[share] < 1


def test_timely_are_rows_of_those_that_are_kept():
    late, aside = GOOD | {"occurred_at": "2019-01-05 10:00:00"}, GOOD | {"customer_id": None}
    measured = shares(TRANSACTIONS, [GOOD, late, aside])
    assert (measured["rows_kept"], measured["timeliness"]) == (2, 0.5)


@pytest.mark.parametrize("occurred_at", ["2024-01-01 00:00:00", "2024-01-31 23:59:59"])
def test_the_first_and_last_moment_of_a_month_are_in_time(occurred_at: str):
    assert shares(TRANSACTIONS, [GOOD | {"occurred_at": occurred_at}])["timeliness"] == 1


def test_values_that_disagree_are_inconsistent():
    row = {"customer_id": "K", "recorded_on": "2024-01-01", "joined_on": "2024-02-01"}
    measured = shares(CUSTOMERS, [row, row | {"customer_id": "L", "joined_on": "2024-01-01"}])
    assert measured["consistency"] == 0.5
    assert measured["validity"] == 1


def test_a_month_materialized_alone_is_as_complete_as_one_materialized_with_others():
    """The discount has values in the second month only, the currency none in the third."""

    def count(month: str, discount: str | None, currency: str | None) -> pl.DataFrame:
        row = GOOD | {"month": month, "discount_amount": discount, "currency": currency}
        return counted(
            clean(received(TRANSACTIONS, [row]), TRANSACTIONS, Conventions()).kept, TRANSACTIONS
        )

    counts = {
        "2024-01": count("2024-01", None, "CNY"),
        "2024-02": count("2024-02", "1.00", "CNY"),
        "2024-03": count("2024-03", "1.00", None),
    }
    nothing = clean(received(TRANSACTIONS, []), TRANSACTIONS, Conventions()).rejects

    def completeness(months: list[str], known: set[str]) -> list[float]:
        found = quality(
            [counts[month] for month in months],
            nothing,
            receipts(months, transactions=1),
            lambda table, column: column in known,
        )
        rows = found.filter(table_name="transactions").sort("month")
        return rows["completeness"].to_list()

    together = completeness(list(counts), known=set())
    assert together[0] == together[1] == 1
    assert together[2] < 1
    assert completeness(["2024-03"], known={"discount_amount", "currency"}) == together[2:]
    assert completeness(["2024-01"], known=set()) == together[:1]


def test_a_table_without_rows_has_no_shares():
    nothing = clean(received(CUSTOMERS, []), CUSTOMERS, Conventions()).rejects
    measured = quality([], nothing, receipts(["2024-01"]))
    assert measured["validity"].null_count() == measured.height
    assert "customers" not in [table for table, _, _ in known_shares(measured)]


def test_an_undated_line_is_received_and_not_valid():
    found = clean(received(TRANSACTIONS, [GOOD]), TRANSACTIONS, Conventions())
    stray = {"month": "2024-01", "table_name": "transactions", "source_file": "f.csv"}
    unplaced = pl.DataFrame(
        [stray | {"source_row": 2, "reason": NO_DATE}], schema=UNPLACED.polars_schema
    )
    rejects = pl.concat([found.rejects, unplaced_rejects(unplaced)])
    measured = quality(
        [counted(found.kept, TRANSACTIONS)], rejects, receipts(["2024-01"], transactions=2)
    ).filter(table_name="transactions")
    assert measured.select("rows_received", "rows_kept", "validity").rows() == [(2, 1, 0.5)]


_REJECTED = st.tuples(
    st.sampled_from(["2024-01", "2024-02"]),
    st.sampled_from(["transactions", "customers"]),
    st.sampled_from(["a.csv", "b.csv"]),
    st.integers(1, 2),
    st.sampled_from(["unreadable", "before the customer joined", FREE_TEXT]),
    st.sampled_from(["row", "note", "merged", "merged"]),
)


@settings(max_examples=30)
@given(st.lists(_REJECTED, min_size=8, max_size=20), st.integers(0, 20))
def test_each_line_counts_once_for_each_share_that_it_lowers(rejected, received_rows: int):
    """By hand: a line is invalid by a rule of one value, inconsistent by one of several.

    A column that is held back is no fault of its lines.
    """
    across = {"before the customer joined"}
    names = ["month", "table_name", "source_file", "source_row", "rule", "severity"]
    rejects = pl.DataFrame(
        [dict(zip(names, row, strict=True)) for row in rejected], schema=REJECTS.polars_schema
    )
    months = ["2024-01", "2024-02"]
    rows = {"transactions": received_rows, "customers": 20}
    found = quality([], rejects, receipts(months, **rows))
    for month in months:
        for table, count in rows.items():
            here = [row for row in rejected if row[:2] == (month, table)]
            lines = {
                "validity": {
                    row[2:4] for row in here if row[4] == "unreadable" and row[5] != "merged"
                },
                "uniqueness": {row[2:4] for row in here if row[5] == "merged"},
                "consistency": {row[2:4] for row in here if row[4] in across},
            }
            measured = found.filter(month=month, table_name=table).row(0, named=True)
            for share, of in lines.items():
                left = round(max(0, count - len(of)) / count, 6) if count else None
                assert measured[share] == left, share


@pytest.mark.parametrize("known", [set(), {"channel"}, {"channel", "currency"}])
def test_completeness_is_of_the_columns_that_have_had_a_value_so_far(known: set[str]):
    """By hand, of values filled by month; months materialized together."""
    filled: dict[str, dict[str, list[str | None]]] = {
        "2024-01": {"channel": [None, "app"], "currency": [None, None]},
        "2024-02": {"channel": [None, None], "currency": ["CNY", None]},
        "2024-03": {"channel": ["app", "app"], "currency": [None, None]},
    }
    rows = [
        GOOD
        | {"month": month, "occurred_at": f"{month}-05 10:0{n}:00"}
        | {name: values[n] for name, values in of.items()}
        for month, of in filled.items()
        for n in range(2)
    ]
    found = clean(received(TRANSACTIONS, rows), TRANSACTIONS, Conventions())
    measured = quality(
        [counted(found.kept, TRANSACTIONS)],
        found.rejects,
        receipts(list(filled), transactions=2),
        lambda table, column: column in known,
    )
    always = sum(GOOD[name] is not None for name in ("customer_id", "occurred_at", "amount"))
    had = set(known)
    for month, of in filled.items():
        had |= {name for name, values in of.items() if any(values)}
        values = 2 * (always + len(had))
        there = 2 * always + sum(value is not None for name in had for value in of[name])
        row = measured.filter(month=month, table_name="transactions").row(0, named=True)
        assert row["completeness"] == round(there / values, 6), month


def test_what_the_ui_shows_are_the_shares_that_are_known():
    frame = pl.DataFrame(
        {"month": ["m"], "table_name": ["customers"], "validity": [0.5], "timeliness": [None]}
    )
    assert list(known_shares(frame)) == [("customers", "m", {"validity": 0.5})]


def test_a_correction_is_kept_and_in_time_and_takes_nothing_off_completeness():
    whole = {"customer_id": "K1", "region": "east", "gender": "F"}
    one = {"customer_id": "K1", "recorded_on": "2024-01-05", "region": "west"}
    measured = shares(CUSTOMERS, [whole, one | {"source_file": CORRECTIONS_FILE}])
    assert measured["rows_kept"] == 2
    assert measured["completeness"] == 1
    assert shares(CUSTOMERS, [whole, one])["completeness"] < 1
    alone = shares(CUSTOMERS, [one | {"source_file": CORRECTIONS_FILE}])
    assert (alone["rows_kept"], alone["completeness"], alone["timeliness"]) == (1, None, 1)
