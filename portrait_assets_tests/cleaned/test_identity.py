"""An identifier belongs to one customer from the month in which it is first seen."""

from __future__ import annotations

import polars as pl

from portrait_assets.cleaned.contract import IDENTITY_MAP
from portrait_assets.cleaned.identity import new_identities, with_customer_id


def seen(*rows: tuple[str, object]) -> pl.LazyFrame:
    return pl.LazyFrame(rows, schema=["month", "customer_id"], orient="row")


def test_each_identifier_is_mapped_once_in_its_first_month():
    tables = [seen(("2024-02", "a"), ("2024-01", "b")), seen(("2024-01", "a"), ("2024-02", " b "))]
    found = new_identities(tables, IDENTITY_MAP.empty())
    assert found.select("source_customer_id", "month").rows() == [
        ("a", "2024-01"),
        ("b", "2024-01"),
    ]


def test_numbers_and_blanks_are_identifiers_and_none():
    found = new_identities([seen(("2024-01", 7), ("2024-01", None))], IDENTITY_MAP.empty())
    assert found["source_customer_id"].to_list() == ["7"]


def test_who_is_known_from_an_earlier_month_is_not_new():
    known = new_identities([seen(("2024-01", "a"))], IDENTITY_MAP.empty())
    assert new_identities([seen(("2024-02", "a"))], known).is_empty()


def test_records_are_keyed_by_the_customer_they_belong_to():
    people = new_identities([seen(("2024-01", "a"), ("2024-01", "b"))], IDENTITY_MAP.empty())
    people = people.with_columns(customer_id=pl.lit("a"))
    frame = pl.DataFrame({"customer_id": ["b", "a", "stranger"], "amount": [1, 2, 3]})
    assert with_customer_id(frame, people)["customer_id"].to_list() == ["a", "a", "stranger"]
