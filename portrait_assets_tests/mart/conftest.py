"""Published files of several kinds, and the report page of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from portrait_assets.core.settings import Settings
from portrait_assets.stages.mart.report import write_report
from portrait_assets.stages.raw.definition import Title
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.storage.published import Published, Row
from portrait_assets.testing.worlds.shop import SHOP_MONTHS, run, shop
from portrait_assets_tests.mart.months_world import APRIL, TABLES

TITLE = Title(en="A corner shop", zh="街角小店")
Page = Callable[[Path], str]


@pytest.fixture(scope="package")
def first_month(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The shop with only its first month materialized."""
    settings = shop(tmp_path_factory.mktemp("first"))
    assert run(settings, SHOP_MONTHS[:1]).success
    return settings


@pytest.fixture
def page(tmp_path: Path) -> Page:
    """Writes the report page of a published file and returns its text."""
    return lambda portrait_file: _written(portrait_file, tmp_path)


@pytest.fixture(scope="package")
def shop_page(all_months: Settings, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The text of the page of the shop with all its months."""
    return _written(all_months.portrait_file, tmp_path_factory.mktemp("shop_page"))


def _written(portrait_file: Path, folder: Path) -> str:
    path = folder / "report" / "index.html"
    write_report(portrait_file, TITLE, path, "CNY", smallest=1)
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="package")
def published() -> Published:
    """A file of three months whose newest complete one is April."""
    return published_of(TABLES, APRIL, smallest=1)


def published_of(tables: Mapping[str, Sequence[Row]], newest: date, smallest: int) -> Published:
    """A file of these rows by table, with its newest month and its smallest cell."""
    con = scratch_database()
    for name, rows in tables.items():
        con.execute(f"CREATE SCHEMA IF NOT EXISTS {name.split('.')[0]}")
        con.register("given", pl.DataFrame(rows, infer_schema_length=None))
        con.execute(f"CREATE TABLE {name} AS FROM given")
    con.execute(f"CREATE VIEW newest_month AS SELECT DATE '{newest}' AS as_of")
    return Published(con, "newest_month", smallest=smallest)
