"""What predicts each target, which card scores it and how stages did; and decisions on these."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from portrait_assets.core.approvals import APPROVALS_FILE
from portrait_assets.core.months import parse_month
from portrait_assets.core.settings import Settings
from portrait_assets.schema.table import Table
from portrait_assets.stages.predictions.contract import PREDICTION_BACKTEST, PREDICTION_DECISION
from portrait_assets.stages.predictions.credit.contract import (
    CREDIT_CURVE,
    CREDIT_DECISION,
    VINTAGE,
)
from portrait_assets.stages.predictions.governance.approvals import (
    BASELINE,
    NO_CARD,
    Action,
    ApprovalError,
    Kind,
    PredictionApproval,
    decided,
    source_decisions,
)
from portrait_assets.stages.predictions.lifecycle.contract import LIFECYCLE_BACKTEST
from portrait_assets.storage.duckdb.connection import open_published

Row = dict[str, Any]
_DECIDED_ON: dict[Kind | None, tuple[Table, str]] = {
    None: (PREDICTION_DECISION, BASELINE),
    Kind.SCORECARD: (CREDIT_DECISION, NO_CARD),
}
"""By what a decision is on: the table of what is active, and what stands in its place."""


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
    decisions = _rows(database, PREDICTION_DECISION)
    wanted = _month_of(decisions, database, month)
    backtests = _rows(database, PREDICTION_BACKTEST)
    return [row | {"proof": _newest(backtests, row)} for row in decisions if _is_of(row, wanted)]


def listed_cards(database: Path, month: str | None = None) -> list[Row]:
    """The targets of credit of a month, each with its card, why, and how its scores came true.

    Args:
        database: the published file.
        month: YYYY-MM; the newest with predictions by default.

    Returns:
        The columns of `predictions.credit_decision` and, as `proof`, the newest vintage of
        `predictions.credit_curve` of which the outcome is known up to the month, None without one;
        nothing where there is no target of credit.
    """
    decisions = _rows(database, CREDIT_DECISION)
    wanted = month or max((_month(row) for row in decisions), default="")
    of_month = [row for row in decisions if _is_of(row, wanted)]
    known = [
        row
        for row in (_rows(database, CREDIT_CURVE) if of_month else [])
        if row["kind"] == VINTAGE and row["known"] and _is_of(row, wanted)
    ]
    known.sort(key=lambda row: str(row["base_month"]))
    return [row | {"proof": _newest(known, row)} for row in of_month]


def listed_stages(database: Path, month: str | None = None) -> list[Row]:
    """How well stages of the life cycle predicted the newest window that is over, by measure.

    Args:
        database: the published file.
        month: YYYY-MM, up to which windows count; all by default.

    Returns:
        The rows of `predictions.lifecycle_backtest` of that window; nothing where there is none.
    """
    rows = _rows(database, LIFECYCLE_BACKTEST, "as_of, measure")
    newest = max((m for m in map(_month, rows) if month is None or m <= month), default="")
    return [row for row in rows if _is_of(row, newest)]


def _month(row: Row) -> str:
    return f"{row['as_of']:%Y-%m}"


def _is_of(row: Row, month: str) -> bool:
    return _month(row) == month


def _month_of(decisions: list[Row], database: Path, month: str | None) -> str:
    """The month that is listed: the one asked for, or the newest."""
    months = sorted({_month(row) for row in decisions})
    wanted = parse_month(month) if month else (months[-1] if months else "")
    if wanted not in months:
        which = f" of {wanted}" if wanted else ""
        covered = f"; there are some of {months[0]} to {months[-1]}" if months else ""
        raise ApprovalError(
            f"{database.name} has no predictions{which}{covered}; run the month first."
        )
    return wanted


def _newest(proofs: list[Row], of: Row) -> Row | None:
    """The last of the proofs of a target that was known by the month of its row."""
    own = [
        proof
        for proof in proofs
        if (proof["target"], proof["horizon"]) == (of["target"], of["horizon"])
        and proof["as_of"] <= of["as_of"]
    ]
    return own[-1] if own else None


def decide(
    settings: Settings,
    target: str,
    action: Action,
    effective_from: str,
    by: str,
    reason: str,
    version: str | None = None,
    kind: Kind | None = None,
) -> PredictionApproval:
    """Decide on the model or card of a target from a month on; the decision is added to the file.

    Without a version, what is pinned is active in the newest month, and what is gone back to is
    what was active before it. `kind` is None of the model.

    Raises:
        ApprovalError: when the target is not predicted, the version is not known, a name or reason
            is missing, or the month is materialized already.
    """
    if not by.strip() or not reason.strip():
        raise ApprovalError(
            f"A decision on {target} needs a name and a reason; give --by and --reason."
        )
    table, without = _DECIDED_ON[kind]
    decisions = _rows(settings.portrait_file, table)
    history = [row for row in decisions if row["target"] == target]
    used = [row for row in history if row["model_version"] is not None]
    versions = list(dict.fromkeys(row["model_version"] for row in used))
    if action is Action.APPROVE:
        version = None
    elif version is None and history:
        newest = history[-1]["model_version"] or without
        version = newest if action is Action.PIN else _before(used, without)
    known = sorted({row["target"] for row in decisions})
    if action is not Action.APPROVE and history and version not in (*versions, without):
        choice = f"{without} or one of {', '.join(versions)}" if versions else without
        raise ApprovalError(f"No month has {target} by version {version}; choose {choice}.")
    decision = PredictionApproval(
        target=target,
        kind=kind,
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


def _before(used: list[Row], without: str) -> str:
    """The version of the model or card that was fitted before the one that is active now.

    What stands in its place where there was none.
    """
    fitted = [row for row in used if row.get("basis", "model") == "model"]
    fits = list(dict.fromkeys(row["fitted_in"] for row in fitted))
    if len(fits) < 2:
        return without
    return str([row for row in fitted if row["fitted_in"] == fits[-2]][-1]["model_version"])


def _rows(database: Path, table: Table, order: str = "as_of, target, horizon") -> list[Row]:
    if not database.exists():
        return []
    con = open_published(database)
    try:
        found = con.execute(
            "SELECT 1 FROM duckdb_tables() WHERE schema_name = ? AND table_name = ?",
            [table.schema, table.name],
        ).fetchall()
        if not found:
            return []
        cursor = con.execute(f"SELECT * FROM {table.full_name} ORDER BY {order}")
        columns = [column[0] for column in cursor.description or []]
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    finally:
        con.close()
