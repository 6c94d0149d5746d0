"""Since when an earlier date of another table is known, and which rows see it."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from portrait_assets.methods.typing.rules import Conventions
from portrait_assets.stages.cleaned.rows.background import (
    BACKGROUNDS,
    KNOWN_SINCE,
    first_known,
    with_background,
)
from portrait_assets.stages.cleaned.rows.rules import FIRST_CONTACT, FIRST_JOINED
from portrait_assets.stages.raw.tables.trade import TRANSACTIONS

JOINED = BACKGROUNDS["transactions"]


def known_of(*rows: tuple[str, str | None, str | None]) -> list[tuple[object, ...]] | None:
    """Month, customer and day of joining as received; what is known of each customer."""
    schema = ["month", "customer_id", "joined_on"]
    raw = pl.LazyFrame(rows, schema=dict.fromkeys(schema, pl.String), orient="row")
    found = first_known(JOINED, raw, Conventions())
    if found is None:
        return None
    return found.sort("customer_id").select("customer_id", KNOWN_SINCE, FIRST_JOINED).rows()


def test_a_date_is_known_from_the_first_month_that_has_one_on():
    assert known_of(
        ("2024-01", "K1", None),  # later months may add it
        ("2024-03", "K1", "2024-01-05"),
        ("2024-02", "K1", "2024-02-07"),
        ("2024-02", "K1", "2024-02-06"),
        ("2024-01", "K2", "no day"),
        ("2024-02", None, "2024-02-06"),
    ) == [("K1", "2024-02", date(2024, 2, 6))]
    assert known_of(("2024-01", "K1", None), ("2024-01", "K2", "soon")) is None


@pytest.mark.parametrize(
    ("since", "joined", "seen"),
    [
        ("2024-02", date(2024, 2, 3), True),
        ("2024-03", date(2024, 2, 3), False),  # not known in the row's month
        ("2024-01", date(2024, 2, 1), True),  # the day of the first row
        ("2024-01", date(2024, 1, 31), False),  # before all rows
    ],
)
def test_rows_see_what_was_known_in_their_month(since: str, joined: date, seen: bool):
    frame = pl.DataFrame(
        {
            "month": ["2024-02", "2024-02"],
            "customer_id": ["K1", "K9"],
            "occurred_at": [date(2024, 2, 1), date(2024, 2, 9)],
        }
    )
    known = pl.DataFrame({KNOWN_SINCE: [since], "customer_id": ["K1"], FIRST_JOINED: [joined]})
    found = with_background(frame, TRANSACTIONS, known)
    assert found[FIRST_JOINED].to_list() == [joined if seen else None, None]
    nothing = with_background(frame.clear(), TRANSACTIONS, known)
    assert nothing.schema[FIRST_JOINED] == pl.Date


def test_a_response_is_held_against_the_contact_of_its_campaign():
    background = BACKGROUNDS["responses"]
    assert (background.table, background.column) == ("contacts", "contacted_on")
    assert (background.keys, background.name) == (("customer_id", "campaign_id"), FIRST_CONTACT)
