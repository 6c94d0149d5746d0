"""Checks of the validation stage: findings with the verdict fail, shown with the asset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from portrait_assets.schema.table import Table
from portrait_assets.stages.validation.contract import VALIDATION_REPORT, Area, Verdict
from portrait_assets.storage.dagster.checks import WARN, Finding, Subject, TableCheck

NAMED = 10  # Findings named in a check's result; the rest are counted.
GROUPS: dict[str, tuple[Area, ...]] = {
    "data": (Area.CONSERVATION, Area.CHECKS, Area.SOURCE, Area.QUALITY, Area.FEATURES),
    "portrait": (Area.CLUSTERS, Area.TAGS),
    "drift": (Area.DRIFT,),
    "backtests": (Area.BACKTEST, Area.PROPOSAL),
    "predictions": (Area.PREDICTIONS,),
    "fairness": (Area.FAIRNESS,),
}


def _verdicts(name: str, areas: tuple[Area, ...]) -> TableCheck:
    def find(subject: Subject) -> Finding:
        judged = subject.rows.filter(pl.col("area").is_in([str(area) for area in areas]))
        failed = judged.filter(pl.col("verdict") == Verdict.FAIL).sort("area", "subject", "metric")
        if failed.is_empty():
            return Finding(0, f"none of {judged.height} findings has the verdict fail")
        named = failed.select(pl.format("{} / {} / {}", "area", "subject", "metric"))
        shown = "; ".join(named.to_series().head(NAMED))
        more = f"; and {failed.height - NAMED} more" if failed.height > NAMED else ""
        where = (
            "Rows: FROM validation.validation_report WHERE verdict = 'fail' AND "
            f"strftime(as_of, '%Y-%m') = '{subject.month}'; in the report: report/index.html"
            "#findings"
        )
        return Finding(failed.height, f"{shown}{more}. {where}")

    return TableCheck(
        f"verdicts_{name}",
        find,
        f"No finding on {', '.join(areas)} has the verdict fail.",
        severity=WARN,
    )


VERDICTS = {name: _verdicts(name, areas) for name, areas in GROUPS.items()}


CHECKS: Mapping[Table, Sequence[TableCheck]] = {VALIDATION_REPORT: tuple(VERDICTS.values())}
