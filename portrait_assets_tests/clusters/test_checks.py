from typing import cast

import polars as pl

from portrait_assets.stages.clusters.checks import NO_TINY_SEGMENT, SEGMENTS_STABLE
from portrait_assets.stages.clusters.contract import CLUSTER_DECISION, CLUSTER_SEGMENT
from portrait_assets.storage.dagster.checks import Finding, Subject
from portrait_assets.storage.duckdb.store import Warehouse


def found(is_stable: bool) -> Finding:
    rows = pl.DataFrame({"is_stable": [is_stable], "statement_en": ["4 segments."]})
    nowhere = cast(Warehouse, None)
    return SEGMENTS_STABLE.find(Subject(nowhere, CLUSTER_DECISION, "2024-03", lambda: rows))


def test_segments_that_do_not_hold_still_fail_the_check_with_the_statement() -> None:
    assert found(is_stable=True).failures == 0
    assert found(is_stable=False) == Finding(1, "4 segments.")


def test_a_segment_of_less_than_a_hundredth_fails_the_check() -> None:
    rows = pl.DataFrame({"segment_id": [3, 1, 2], "share": [0.0099, 0.9801, 0.01]})
    nowhere = cast(Warehouse, None)
    found = NO_TINY_SEGMENT.find(Subject(nowhere, CLUSTER_SEGMENT, "2024-03", lambda: rows))
    assert found == Finding(1, "shares by segment 1: 98.0%, 2: 1.0%, 3: 1.0%")
