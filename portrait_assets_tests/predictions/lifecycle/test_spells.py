"""A spell begins when a stage is first found, and ends in the month in which another is."""

from __future__ import annotations

from datetime import date

import polars as pl

from portrait_assets.stages.predictions.lifecycle.contract import LIFECYCLE_STAGE
from portrait_assets.stages.predictions.lifecycle.spells import spells

MAY, JUNE, JULY = date(2024, 5, 31), date(2024, 6, 30), date(2024, 7, 31)
NOW = {"customer_id": pl.String, "stage": pl.String, "basis": pl.String, "joined_on": pl.Date}
Stage = tuple[str, str, date | None]


def now(*stages: Stage) -> pl.DataFrame:
    rows = [(who, stage, "predictions", joined) for who, stage, joined in stages]
    return pl.DataFrame(rows, schema=NOW, orient="row")


def shown(rows: pl.DataFrame) -> list[tuple[object, ...]]:
    return rows.select("customer_id", "stage", "entered_on", "left_on").rows()


def test_in_the_first_month_it_is_not_known_since_when_except_of_who_just_joined():
    found = spells(now(("a", "growth", None), ("b", "introduction", date(2024, 5, 3))), None, MAY)
    assert shown(found) == [
        ("a", "growth", None, None),
        ("b", "introduction", date(2024, 5, 3), None),
    ]


def test_a_spell_goes_on_or_ends_in_the_month_in_which_another_is_found():
    may = spells(now(("a", "growth", None), ("b", "maturity", None)), None, MAY)
    june = spells(now(("a", "growth", None), ("b", "dormancy", None)), may, JUNE)
    july = spells(now(("a", "churn", None), ("b", "dormancy", None)), june, JULY)
    assert shown(june) == [
        ("a", "growth", None, None),
        ("b", "dormancy", JUNE, None),
        ("b", "maturity", None, JUNE),
    ]
    assert shown(july) == [
        ("a", "churn", JULY, None),
        ("a", "growth", None, JULY),
        ("b", "dormancy", JUNE, None),
    ]
    ended = pl.concat([may, june, july]).drop_nulls("left_on")
    assert ended.select("customer_id", "stage").rows() == [("b", "maturity"), ("a", "growth")]


def test_who_comes_later_enters_when_found_and_who_goes_has_no_row():
    may = spells(now(("a", "growth", None)), None, MAY)
    joined, long_ago = date(2024, 6, 7), date(2024, 1, 1)
    june = spells(now(("b", "growth", long_ago), ("c", "introduction", joined)), may, JUNE)
    assert shown(june) == [("b", "growth", JUNE, None), ("c", "introduction", joined, None)]


def test_rows_are_as_the_contract_has_them():
    found = spells(now(("a", "growth", None)), LIFECYCLE_STAGE.empty(), JUNE)
    assert found.schema == LIFECYCLE_STAGE.polars_schema
