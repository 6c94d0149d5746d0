"""The corner shop's tags, copies of its warehouse to change, and a made-up town to read."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from portrait_assets.core.settings import Settings
from portrait_assets.schema.table import Table
from portrait_assets.stages.tags.catalogue.load import source_catalogue
from portrait_assets.stages.tags.catalogue.tag import Catalogue
from portrait_assets.stages.tags.contract import portrait_matrix_table
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets_tests.validation.town_world import Town


@pytest.fixture(scope="package")
def catalogue(all_months: Settings) -> Catalogue:
    """The shop's tags."""
    return source_catalogue(all_months.source_dir)


@pytest.fixture(scope="package")
def matrix(catalogue: Catalogue) -> Table:
    """The contract of the shop's portrait matrix."""
    return portrait_matrix_table(catalogue)


@pytest.fixture
def warehouse(all_months: Settings, tmp_path: Path) -> Iterator[Warehouse]:
    """A copy of the shop's warehouse that a test may change."""
    opened = Warehouse(
        Path(shutil.copy(all_months.warehouse_file, tmp_path / "warehouse.duckdb")),
        "corner_shop",
        "two",
    )
    yield opened
    opened.close()


@pytest.fixture(scope="package")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """Six months of a made-up town, which tests only read."""
    return Town(tmp_path_factory.mktemp("town"))
