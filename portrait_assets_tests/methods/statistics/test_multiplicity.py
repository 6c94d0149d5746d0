"""Many tests at once."""

from __future__ import annotations

import polars as pl
import pytest

from portrait_assets.methods.statistics.multiplicity import false_discovery_rate


def test_false_discovery_rate_by_hand() -> None:
    adjusted = false_discovery_rate(pl.Series([0.01, None, 0.04, 0.03]))
    assert adjusted.to_list() == [pytest.approx(0.03), None, pytest.approx(0.04), 0.04]
