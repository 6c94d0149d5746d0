"""What the events of a run tell of its failure, from events that are stated."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import dagster as dg

from portrait_assets.core.invocation import command
from portrait_assets.orchestration.run_failures import RANGE_END, RANGE_START, run_failure

ERROR = dg.AssetCheckSeverity.ERROR


def failed_check(
    month: str, severity: dg.AssetCheckSeverity = ERROR, blocking: bool = True, passed: bool = False
) -> Any:
    evaluation = dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey(["cleaned", "sales"]),
        check_name="contract",
        passed=passed,
        metadata={},
        severity=severity,
        blocking=blocking,
        partition=month,
        description=f"a row of {month} has no day.",
    )
    return SimpleNamespace(event_specific_data=evaluation, step_key="check_cleaned")


def test_of_months_that_failed_a_check_the_first_is_named():
    events = [
        failed_check("2024-01", severity=dg.AssetCheckSeverity.WARN),
        failed_check("2024-01", blocking=False),
        failed_check("2024-01", passed=True),
        failed_check("2024-03"),
        failed_check("2024-02"),
    ]
    run: Any = SimpleNamespace(run_id="r1", tags={RANGE_START: "2024-01", RANGE_END: "2024-03"})
    found = run_failure("shop", run, events)
    assert found.sentence == (
        "2024-02: cleaned.sales failed the check 'contract': a row of 2024-02 has no day; correct "
        "what it names in the source and run it again with "
        f"`{command('run', '--months', '2024-01..2024-03')}`."
    )
    assert (found.step, found.months) == ("cleaned.sales", ["2024-01", "2024-02", "2024-03"])
