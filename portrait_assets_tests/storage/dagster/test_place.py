"""An error that ends a step notes the table and the months that it was at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from portrait_assets.schema.table import Column, Table, Type
from portrait_assets.storage.duckdb.rows import Query
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.place import Place, read_place

MONTHS = ["2024-01", "2024-02", "2024-03"]
THING = Table("cleaned", "thing", "A thing", "物", (Column("x", Type.TEXT, "X", "X"),))


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    opened = Warehouse(tmp_path / "warehouse.duckdb", "shop", "run")
    yield opened
    opened.close()


def test_the_month_whose_rows_fail_is_noted(warehouse: Warehouse):
    def rows() -> Iterator[Query]:
        for month in warehouse.place.each(MONTHS):
            value = "'a'" if month < "2024-02" else "error('no')"
            yield Query(f"SELECT '{month}' AS month, {value} AS x")

    with pytest.raises(duckdb.InvalidInputException) as raised:
        warehouse.write(THING, MONTHS, rows())
    assert raised.value.__notes__ == ["While making cleaned.thing of 2024-02"]
    assert read_place(raised.value.__notes__) == "cleaned.thing of 2024-02"
    assert warehouse.materialized(THING) == {}


def test_what_fails_after_the_last_month_is_noted_with_all():
    place = Place()

    def step() -> None:
        with place.noted("features", MONTHS):
            list(place.each(MONTHS))
            raise KeyError

    with pytest.raises(KeyError) as raised:
        step()
    assert raised.value.__notes__ == ["While making features of 2024-01 to 2024-03"]


def test_behind_what_ended_well_the_place_around_it_is_noted():
    place = Place()

    def step() -> None:
        with place.noted("tags", MONTHS[:2]):
            with place.noted("tags.tag_catalogue", MONTHS[2:]):
                pass
            raise KeyError

    with pytest.raises(KeyError) as raised:
        step()
    assert raised.value.__notes__ == ["While making tags of 2024-01 to 2024-02"]


def test_the_innermost_place_is_noted():
    place = Place()

    def step() -> None:
        with place.noted("tags", MONTHS):
            with place.noted("tags.tag_catalogue", MONTHS[:1]):
                pass
            with place.noted("tags.tag_quality", MONTHS[1:2]):
                raise KeyError

    with pytest.raises(KeyError) as raised:
        step()
    assert raised.value.__notes__ == ["While making tags.tag_quality of 2024-02"]
    assert read_place(["KeyError"]) is None
