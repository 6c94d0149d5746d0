"""The checks of targets fail where windows are not those of the month."""

from __future__ import annotations

from typing import cast

import polars as pl

from portrait_assets.stages.targets.checks import ends_with_month
from portrait_assets.stages.targets.contract import TARGET
from portrait_assets.storage.dagster.checks import Finding, Subject
from portrait_assets.storage.duckdb.store import Warehouse


def found(*windows: tuple[str, int]) -> Finding:
    rows = pl.DataFrame(windows, schema=["base_month", "horizon"], orient="row")
    nowhere = cast(Warehouse, None)
    return ends_with_month([1, 2, 3]).find(Subject(nowhere, TARGET, "2024-04", lambda: rows))


def test_every_window_has_to_end_with_the_month():
    assert found(("2024-03", 1), ("2024-02", 2), ("2024-01", 3)).failures == 0
    assert found(("2024-03", 1), ("2024-02", 1), ("2024-03", 2), ("2024-03", 2)).failures == 2
