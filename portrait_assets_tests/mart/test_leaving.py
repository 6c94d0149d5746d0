"""The published file and the report are entered in the register when their contents change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import polars as pl
import pytest

from portrait_assets.core.settings import Settings
from portrait_assets.privacy.departures.register import Register
from portrait_assets.privacy.egress import Door, EgressError, Outlet
from portrait_assets.schema.table import CUSTOMER_ID, Column, Sensitivity, Table, Type
from portrait_assets.stages.mart.leaving import departures, record
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.publishing.file import publish

PEOPLE = Table(
    "cleaned",
    "people",
    "People",
    "人",
    (
        CUSTOMER_ID,
        Column("income", Type.TEXT, "Income", "收入", sensitivity=Sensitivity.C2),
        Column("phone", Type.TEXT, "Phone", "电话", sensitivity=Sensitivity.C3),
    ),
    key=("customer_id",),
    published=True,
    private=("phone",),
)
INTERNAL = replace(PEOPLE, name="internal", published=False, private=())


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, source="shop")


@pytest.fixture
def published(settings: Settings) -> Callable[..., None]:
    """Publishes these customers, and enters that as the step does."""

    def publishes(*names: str, month: str = "2024-01") -> None:
        door, leaving = Door(settings), departures([PEOPLE, INTERNAL])[Outlet.PUBLICATION]
        warehouse = Warehouse(settings.warehouse_file, "shop", "run-1")
        try:
            people = {"month": month, "customer_id": names, "income": "high", "phone": "555"}
            warehouse.write(PEOPLE, [month], pl.DataFrame(people))
            door.open(leaving)
            publish(
                *(warehouse, [PEOPLE, INTERNAL], [], settings.portrait_file, "shop"),
                before=lambda whole: record(door, leaving, whole, whole),
            )
        finally:
            warehouse.close()

    return publishes


def test_a_publication_is_entered_with_the_columns_that_leave_and_its_digest(
    settings: Settings, published: Callable[..., None]
):
    published("a", "b")
    (entry,) = Door(settings).register.entries()
    assert (entry["outlet"], entry["purpose"]) == ("publication", "profiling")
    assert entry["columns"] == ["month", "customer_id", "income"]
    assert (entry["classes"], entry["rows"]) == ({"C1": 2, "C2": 1}, 2)
    assert entry["digest"] == sha256(settings.portrait_file.read_bytes()).hexdigest()


def test_it_is_entered_again_only_where_the_contents_changed(
    settings: Settings, published: Callable[..., None]
):
    published("a", "b")
    published("a", "b")
    assert len(Door(settings).register.entries()) == 1
    published("a", "c")
    published("a", "c", month="2024-02")
    assert [entry["rows"] for entry in Door(settings).register.entries()] == [2, 2, 4]


def test_a_publication_that_cannot_be_entered_leaves_the_old_file(
    settings: Settings, published: Callable[..., None], monkeypatch: pytest.MonkeyPatch
):
    published("a", "b")
    before = settings.portrait_file.read_bytes()

    def full_disk(*_given: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Register, "append", full_disk)
    with pytest.raises(OSError, match="No space left"):
        published("a", "c")
    assert settings.portrait_file.read_bytes() == before
    assert not list(settings.warehouse_dir.glob(".portrait*"))


def test_the_report_is_entered_by_itself(
    settings: Settings, published: Callable[..., None], tmp_path: Path
):
    published("a", "b")
    page = tmp_path / "index.html"
    page.write_text("<html>")
    door, leaving = Door(settings), departures([PEOPLE])[Outlet.REPORT]
    for _ in range(2):
        door.open(leaving)
        record(door, leaving, settings.portrait_file, page)
    (entry,) = door.earlier("report")
    assert entry["digest"] == sha256(b"<html>").hexdigest()
    assert entry["aggregated"] is True


def test_a_published_table_with_a_column_of_c3_does_not_leave(settings: Settings):
    leaving = departures([replace(PEOPLE, private=())])
    extracted = departures([PEOPLE], extracts=[replace(INTERNAL, name="extract")])
    for each in (leaving, extracted):
        with pytest.raises(EgressError, match="file does not leave: it holds phone of class C3"):
            Door(settings).open(each[Outlet.PUBLICATION])
        Door(settings).open(each[Outlet.REPORT])


def test_all_that_is_published_of_the_shop_may_leave(tmp_path: Path):
    from portrait_assets.orchestration.definitions import context_of
    from portrait_assets.testing.worlds.shop import shop

    settings = shop(tmp_path)
    leaving = departures(context_of(settings).tables)[Outlet.PUBLICATION]
    assert len(leaving.columns) > 100
    Door(settings).open(leaving)
