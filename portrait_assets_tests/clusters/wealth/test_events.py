"""What became of wealth segments and their names is stored as of all segments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from portrait_assets.core.months import last_day
from portrait_assets.schema.table import Table, Type
from portrait_assets.stages.clusters.names.contract import SEGMENT_EVENT, WEALTH
from portrait_assets.stages.clusters.wealth.checks import WEALTH_NAMES_EXPLAINED
from portrait_assets.stages.clusters.wealth.choosing import chosen
from portrait_assets.stages.clusters.wealth.contract import WEALTH_DESCRIPTION, WEALTH_SEGMENT
from portrait_assets.stages.clusters.wealth.description import description_rows, named
from portrait_assets.stages.clusters.wealth.events import wealth_events
from portrait_assets.storage.dagster.checks import Finding, Subject
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.testing.steps import SmallWarehouse
from portrait_assets_tests.clusters.wealth.test_wealth import bank

MARCH, APRIL, MAY = "2024-03", "2024-04", "2024-05"
FILLED = {Type.TEXT: "x", Type.TEXTS: []}


def rows_of(table: Table, month: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows of the table, in which what must be known and is not given is filled."""
    needed = {c.name: FILLED.get(c.type, 0) for c in table.columns if not c.nullable}
    full = [{**needed, **row, "as_of": last_day(month)} for row in rows]
    return pl.DataFrame(full, schema=table.polars_schema)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """In April segment 1 is split in two, segment 2 stays, and nobody is left in 3."""
    found = SmallWarehouse(tmp_path / "w.duckdb", "world", "run")
    of_months: dict[str, dict[int, tuple[str, str, list[str], int]]] = {
        MARCH: {1: ("saver", "new", [], 6), 2: ("debtor", "new", [], 4), 3: ("few", "new", [], 2)},
        APRIL: {
            1: ("old saver", "split", ["1"], 4),
            2: ("debtor", "kept", [], 4),
            4: ("young saver", "split", ["1"], 4),
        },
        MAY: {},
    }
    for month, segments in of_months.items():
        described = [
            {"segment_id": n, "name": name, "name_zh": f"{name}客", "status": status}
            | {"from_segments": origins}
            for n, (name, status, origins, _) in segments.items()
        ]
        ids = [n for n, (*_, size) in segments.items() for _ in range(size)]
        members = [{"customer_id": f"c{at:02}", "segment_id": n} for at, n in enumerate(ids)]
        for table, rows in ((WEALTH_DESCRIPTION, described), (WEALTH_SEGMENT, members)):
            found.write(table, [month], rows_of(table, month, rows))
    return found


def events(warehouse: Warehouse, month: str) -> Mapping[int, list[object]]:
    found = wealth_events(warehouse, month, 1)
    assert {"as_of", *found.columns} == {*SEGMENT_EVENT.column_names}
    assert {*found["division"]} <= {WEALTH}
    given = found.select("segment_id", "event", "name_before_en", "name_en", "reason_en").rows()
    return {segment: rest for segment, *rest in given}


def test_the_segments_of_the_first_month_are_new(warehouse: Warehouse) -> None:
    found = events(warehouse, MARCH)
    assert {segment: event for segment, (event, *_) in found.items()} == dict.fromkeys(
        (1, 2, 3), "new"
    )


def test_what_was_split_and_what_is_gone_says_why_and_what_stays_has_no_event(
    warehouse: Warehouse,
) -> None:
    why = "Most of it comes from segment 1 (saver), which others took a part of too."
    assert events(warehouse, APRIL) == {
        1: ["split", "saver", "old saver", why],
        3: ["gone", "few", None, "100% of its customers are now in segment 4."],
        4: ["split", None, "young saver", why],
    }


def test_when_none_are_made_any_more_all_are_gone(warehouse: Warehouse) -> None:
    found = events(warehouse, MAY)
    assert {segment: event for segment, (event, *_) in found.items()} == dict.fromkeys(
        (1, 2, 4), "gone"
    )


def test_a_name_that_changed_without_an_event_fails_the_check(warehouse: Warehouse) -> None:
    def found(rows: pl.DataFrame, month: str = APRIL) -> Finding:
        return WEALTH_NAMES_EXPLAINED.find(Subject(warehouse, SEGMENT_EVENT, month, lambda: rows))

    given = wealth_events(warehouse, APRIL, 1)
    assert found(given) == Finding(0, "all have an event")
    assert found(given.filter(pl.col("segment_id") != 4)) == Finding(1, "without an event: 4")
    of_others = given.with_columns(division=pl.lit("free"))
    assert found(of_others) == Finding(3, "without an event: 1, 3, 4")
    assert found(given, MARCH) == Finding(0, "no month before")


def test_a_description_says_of_what_a_segment_of_a_model_that_took_over_is_made() -> None:
    four, _ = bank()
    model = chosen(four, 3, None, 4).model
    assert model is not None
    taken_over = chosen(four, 4, model, 3).model
    assert taken_over is not None
    assert any(len(each) > 1 for each in taken_over.origins), "two of four are one now"
    assigned = taken_over.assign(four.features)
    names = named(taken_over, four, assigned, {}, 1)
    rows = description_rows(taken_over, four, assigned, names, is_new=True, smallest=1)
    merged = rows.filter(pl.col("status") == "merged")
    assert merged["from_segments"].list.len().to_list() == [2]
    later = description_rows(
        replace(taken_over, origins=()), four, assigned, names, is_new=False, smallest=1
    )
    assert later["from_segments"].list.len().sum() == 0
