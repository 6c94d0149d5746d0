"""A shop of two months, materialized; each test works on its own copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from portrait_assets.core.settings import Settings

MONTHS = ["2024-01", "2024-02"]


@pytest.fixture
def materialized(first_months: Settings, tmp_path: Path) -> Settings:
    """A shop with both its months materialized and published."""
    data = tmp_path / "data"
    shutil.copytree(first_months.data_dir, data)
    return first_months.model_copy(update={"data_dir": data})
