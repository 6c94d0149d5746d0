"""The shop of customers named by telephone, published once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from portrait_assets.core.settings import Settings
from portrait_assets_tests.privacy.published.world import copy_of, named_by_phone, published


@pytest.fixture(scope="package")
def shop(first_months: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Published; tests that change it publish a copy of it."""
    settings = copy_of(first_months, tmp_path_factory.mktemp("private"), is_public=False)
    named_by_phone(settings)
    published(settings)
    return settings


@pytest.fixture
def own_shop(shop: Settings, tmp_path: Path) -> Settings:
    """A copy of it that a test may change, with its key."""
    shutil.copytree(shop.data_dir, tmp_path / "data")
    return shop.model_copy(update={"data_dir": tmp_path / "data"})
