from typing import cast

import polars as pl

from portrait_assets.stages.clusters.checks import SEGMENTS_STABLE
from portrait_assets.stages.clusters.contract import CLUSTER_DECISION
from portrait_assets.storage.dagster.checks import Finding, Subject
from portrait_assets.storage.duckdb.store import Warehouse


def found(is_stable: bool) -> Finding:
    rows = pl.DataFrame({"is_stable": [is_stable], "statement_en": ["4 segments."]})
    nowhere = cast(Warehouse, None)
    return SEGMENTS_STABLE.find(Subject(nowhere, CLUSTER_DECISION, "2024-03", lambda: rows))


def test_segments_that_do_not_hold_still_fail_the_check_with_the_statement() -> None:
    assert found(is_stable=True).failures == 0
    assert found(is_stable=False) == Finding(1, "4 segments.")
