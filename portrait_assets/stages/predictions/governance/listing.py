"""Which model predicts each target, with its proof; and decisions on them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from portrait_assets.core.approvals import APPROVALS_FILE
from portrait_assets.core.months import parse_month
from portrait_assets.core.settings import Settings
from portrait_assets.stages.predictions.contract import PREDICTION_BACKTEST, PREDICTION_DECISION
from portrait_assets.stages.predictions.governance.approvals import (
    BASELINE,
    Action,
    ApprovalError,
    PredictionApproval,
    decided,
    source_decisions,
)
from portrait_assets.storage.duckdb.connection import open_published

Row = dict[str, Any]


def listed(database: Path, month: str | None = None) -> list[Row]:
    """The targets of a month, each with what predicts it, why, and how it came true last.

    Args:
        database: the published file.
        month: YYYY-MM; the newest by default.

    Returns:
        The columns of `predictions.prediction_decision` and, as `proof`, the newest row of
        `predictions.prediction_backtest` of the target up to the month, None without one.

    Raises:
        ApprovalError: when the file has no predictions of the month.
    """
    decisions = _rows(database, PREDICTION_DECISION.full_name)
    months = sorted({f"{row['as_of']:%Y-%m}" for row in decisions})
    wanted = parse_month(month) if month else (months[-1] if months else "")
    if wanted not in months:
        which = f" of {wanted}" if wanted else ""
        covered = f"; there are some of {months[0]} to {months[-1]}" if months else ""
        raise ApprovalError(
            f"{database.name} has no predictions{which}{covered}; run the month first."
        )
    backtests = _rows(database, PREDICTION_BACKTEST.full_name)
    found = []
    for row in decisions:
        if f"{row['as_of']:%Y-%m}" == wanted:
            own = [
                proof
                for proof in backtests
                if (proof["target"], proof["horizon"]) == (row["target"], row["horizon"])
                and proof["as_of"] <= row["as_of"]
            ]
            proof = max(own, key=lambda each: each["as_of"], default=None)
            found.append(row | {"proof": proof})
    return found


def decide(
    settings: Settings,
    target: str,
    action: Action,
    effective_from: str,
    by: str,
    reason: str,
    version: str | None = None,
) -> PredictionApproval:
    """Decide on the model of a target from a month on; the decision is added to the file.

    Without a version, what is pinned is active in the newest month, and what is gone back to is
    what was active before it.

    Raises:
        ApprovalError: when the target is not predicted, the version is not known, a name or reason
            is missing, or the month is materialized already.
    """
    if not by.strip() or not reason.strip():
        raise ApprovalError(
            f"A decision on {target} needs a name and a reason; give --by and --reason."
        )
    decisions = _rows(settings.portrait_file, PREDICTION_DECISION.full_name)
    history = [row for row in decisions if row["target"] == target]
    versions = list(dict.fromkeys(row["model_version"] for row in history))
    if action is Action.APPROVE:
        version = None
    elif version is None and history:
        version = versions[-1] if action is Action.PIN else _before(history)
    known = sorted({row["target"] for row in decisions})
    if action is not Action.APPROVE and history and version not in (*versions, BASELINE):
        raise ApprovalError(
            f"No month has {target} by version {version}; choose {BASELINE} or one of "
            f"{', '.join(versions)}."
        )
    decision = PredictionApproval(
        target=target,
        action=action,
        model_version=version,
        effective_from=parse_month(effective_from),
        by=by,
        reason=reason,
        on=date.today(),
    )
    source_decisions(settings.source_dir)  # A file that cannot be read is not added to.
    newest = max((f"{row['as_of']:%Y-%m}" for row in decisions), default=None)
    return decided(settings.source_dir / APPROVALS_FILE, decision, known, newest)


def _before(history: list[Row]) -> str:
    """The version that a model had before the one that is active now; the baseline without one."""
    models = [row for row in history if row["basis"] == "model"]
    fits = list(dict.fromkeys(row["fitted_in"] for row in models))
    if len(fits) < 2:
        return BASELINE
    return str([row for row in models if row["fitted_in"] == fits[-2]][-1]["model_version"])


def _rows(database: Path, table: str) -> list[Row]:
    if not database.exists():
        return []
    con = open_published(database)
    try:
        schema, name = table.split(".")
        found = con.execute(
            "SELECT 1 FROM duckdb_tables() WHERE schema_name = ? AND table_name = ?", [schema, name]
        ).fetchall()
        if not found:
            return []
        cursor = con.execute(f"SELECT * FROM {table} ORDER BY as_of, target, horizon")
        columns = [column[0] for column in cursor.description or []]
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    finally:
        con.close()
