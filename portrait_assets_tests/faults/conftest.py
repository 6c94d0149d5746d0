"""A shop of two months, materialized once per session; each test works on its own copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from portrait_assets.core.settings import Settings
from portrait_assets.testing.shop import run, short_shop

MONTHS = ["2024-01", "2024-02"]


@pytest.fixture(scope="session")
def materialized_once(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = short_shop(tmp_path_factory.mktemp("materialized"))
    assert run(settings, MONTHS).success
    return settings


@pytest.fixture
def materialized(materialized_once: Settings, tmp_path: Path) -> Settings:
    """A shop with both its months materialized and published."""
    data = tmp_path / "data"
    shutil.copytree(materialized_once.data_dir, data)
    return materialized_once.model_copy(update={"data_dir": data})
