"""A shop of two months, made once; each test works on a copy of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from portrait_assets.core.settings import Settings
from portrait_assets.testing.shop import run, short_shop

MONTHS = ["2024-01", "2024-02"]


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = short_shop(tmp_path_factory.mktemp("made"))
    assert run(settings, MONTHS).success
    return settings


@pytest.fixture
def made(made_once: Settings, tmp_path: Path) -> Settings:
    """A shop with both its months made and published."""
    data = tmp_path / "data"
    shutil.copytree(made_once.data_dir, data)
    return made_once.model_copy(update={"data_dir": data})
