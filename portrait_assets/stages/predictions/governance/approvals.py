"""What people decided on models and cards: to fit anew, to keep a version, or to go back to one.

Decisions are lines of the source's approvals file, beside those on tags, and only ever added. A
month follows the last line on its target that took effect by then, however often it is
materialized.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from pathlib import Path

from pydantic import ConfigDict

from portrait_assets.core.approvals import APPROVALS_FILE, append_approval, read_approvals
from portrait_assets.core.errors import PortraitError
from portrait_assets.core.months import next_month, parse_month
from portrait_assets.core.source_folder import source_file
from portrait_assets.core.yaml.file import AsWritten, Entry, Line, Month

BASELINE = "baseline"
"""The version that stands for the best baseline in the place of a model."""
NO_CARD = "none"
"""The version that stands for no card, so that nobody is scored for credit."""
KEY = "target"
"""The key by which a line of the file is one on a prediction."""


class ApprovalError(PortraitError, ValueError):
    """What a person can mend in a decision on a model."""


class Action(StrEnum):
    """What a decision does with the model of a target."""

    APPROVE = "approve"  # fit anew in that month, and let the challenger take over
    PIN = "pin"  # keep a version from that month on
    ROLLBACK = "rollback"  # go back to a version from that month on


class Kind(StrEnum):
    """What of a target a decision is on, where it is not the model of its predictions."""

    SCORECARD = "scorecard"


class PredictionApproval(Entry):
    """One decision on the model or card of a target, from `effective_from` (YYYY-MM) on.

    `kind` is None of the model. `model_version` is what is pinned or gone back to; an approval has
    none.
    """

    model_config = ConfigDict(title="the decision on")
    target: Line
    kind: Kind | None = None
    action: Action
    model_version: AsWritten | None = None
    effective_from: Month
    by: Line
    reason: Line
    on: date


Approvals = Sequence[PredictionApproval]


def source_decisions(folder: Path) -> tuple[PredictionApproval, ...]:
    """The decisions on predictions in the folder of a source, in the order of the file.

    Raises:
        ApprovalError: when a line is incomplete or cannot be read; it names the line.
    """
    path = source_file(folder, APPROVALS_FILE)
    found = read_approvals(path, KEY, PredictionApproval, ApprovalError)
    for each in found:
        if (each.action is Action.APPROVE) != (each.model_version is None):
            needs = "takes no" if each.action is Action.APPROVE else "needs a"
            raise ApprovalError(
                f"{each.place}: {each.action} of {each.target} {needs} model_version; "
                "correct the line."
            )
    return found


def decision_on(
    decisions: Approvals, target: str, month: str, kind: Kind | None = None
) -> PredictionApproval | None:
    """The last decision on the target that takes effect by the month; None where there is none.

    Args:
        decisions: in the order of the file.
        target: the target's code.
        month: the month.
        kind: on what of it; None is the model of its predictions.
    """
    own = [
        each
        for each in decisions
        if (each.target, each.kind) == (target, kind) and each.effective_from <= month
    ]
    return own[-1] if own else None


def decided(
    path: Path,
    decision: PredictionApproval,
    known: Sequence[str],
    latest_materialized: str | None,
) -> PredictionApproval:
    """Add a decision to the approvals file, which is replaced whole, so never half-written.

    Args:
        path: the file; created when it does not exist.
        decision: what was decided.
        known: the targets that are predicted.
        latest_materialized: the last month with predictions; None for none.

    Raises:
        ApprovalError: when the target is not predicted, a name or reason is missing, or the month
            is materialized already.
    """
    parse_month(decision.effective_from)
    if decision.target not in known:
        what = "scorecard scores" if decision.kind else "model predicts"
        choice = f"choose one of {', '.join(known)}" if known else "there is none yet"
        raise ApprovalError(f"No {what} {decision.target}; {choice}.")
    if latest_materialized is not None and decision.effective_from <= latest_materialized:
        raise ApprovalError(
            f"{latest_materialized} is materialized with the model active so far, so "
            f"{decision.target} can change from {next_month(latest_materialized)} on; choose that "
            "month or a later one."
        )
    append_approval(path, decision)
    return decision
