"""What is read for a lookalike of three customers, two of whom turned out to be one since."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from portrait_assets.app.lookalike.stored import Stored, read_stored
from portrait_assets.privacy.consent import MARKETING, Use
from portrait_assets.stages.cleaned.contract import GOLDEN_RECORD
from portrait_assets.stages.identity.contract import IDENTITY_MAP
from portrait_assets_tests.lookalike.world import JUNE, MARCH, Town, insert, persons


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    """Since May C2 is C1, whose record says so; C3 objects to profiling. Q7 is listed twice."""
    town = Town(tmp_path_factory.mktemp("town"), customers=3)
    town.add_prospects(persons(range(7, 9)), listed_on=date(2024, 2, 1))
    town.add_prospects(persons(range(7, 8)), listed_on=date(2024, 5, 1), agreed=False)
    town.consents(("C3", "profiling", None, False, "objection"))
    of_may = {"month": "2024-05", "customer_id": "C1"}
    merged = of_may | {
        **{"source_customer_id": "C2", "valid_from": date(2024, 5, 1)},
        **{"match_probability": 0.99, "evidence": "same phone"},
    }
    best = of_may | {"full_name": "Person one and two", "origins": []}
    with town.warehouse() as con:
        insert(con, IDENTITY_MAP, pl.DataFrame([merged]))
        insert(con, GOLDEN_RECORD, pl.DataFrame([best]))
        return read_stored(con, MARCH, JUNE, Use(MARKETING))


def test_the_base_is_each_customer_of_the_month_once_who_allows_profiling(stored: Stored):
    rows = stored.base.select("customer_id", "today", "full_name").rows()
    assert rows == [("C1", "C1", "Person 1"), ("C2", "C1", "Person 2")], "as known in March"


def test_prospects_have_the_newest_record_by_each_day(stored: Stored):
    recorded = [
        frame.select("prospect_id", "recorded_on").rows() for frame in (stored.then, stored.now)
    ]
    first, second = date(2024, 2, 1), date(2024, 5, 1)
    assert recorded == [[("Q7", first), ("Q8", first)], [("Q7", second), ("Q8", first)]]
    answers = stored.answers.select("prospect_id", "allowed", "because").rows()
    assert answers == [("Q7", False, "default"), ("Q8", True, "consent")]


def test_records_and_days_of_joining_are_those_of_todays_customers(stored: Stored):
    assert stored.records.select("id", "full_name").rows() == [
        *(("C1", "Person 1"), ("C1", "Person 2"), ("C3", "Person 3"))
    ]
    joined = date(2020, 1, 1)
    assert sorted(stored.joined.rows()) == [("C1", joined), ("C3", joined)]
    assert (stored.newest, stored.model) == (JUNE, None)
