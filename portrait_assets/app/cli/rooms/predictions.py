"""`portrait predictions`: what predicts each target, its proof, and decisions on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from portrait_assets.app.cli.options import DataOption, SourceOption, example, out, settings_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from portrait_assets.core.settings import Settings
    from portrait_assets.stages.predictions.governance.listing import Row

commands = typer.Typer()
predictions = typer.Typer(
    help="Models of what customers will do: their proof, approving, pinning and going back.",
    no_args_is_help=False,
    invoke_without_command=True,
)
commands.add_typer(predictions, name="predictions")

TargetArgument = Annotated[str, typer.Argument(help="Code of the target.")]
ByOption = Annotated[str, typer.Option("--by", help="Name of who decides.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why.")]
FromOption = Annotated[str, typer.Option("--from", help="First month of the change, 2017-07.")]
MonthOption = Annotated[
    str | None, typer.Option("--as-of", help="Month, 2017-06.", show_default="the newest")
]
_DECISION = "--from 2024-05 --by 'Li Na' --reason 'agreed with sales' --source corner_shop"


@predictions.callback()
def predictions_of(
    context: typer.Context, source: SourceOption = None, data_dir: DataOption = None
) -> None:
    """Models of what customers will do: their proof, approving, pinning and going back."""
    if context.invoked_subcommand is None:
        list_predictions(None, source, data_dir)


@predictions.command("list", epilog=example("predictions list --source corner_shop"))
def list_predictions(
    as_of: MonthOption = None, source: SourceOption = None, data_dir: DataOption = None
) -> None:
    """List what predicts each target, why, and how its last predictions came true."""
    from portrait_assets.stages.predictions.governance.listing import listed

    settings = settings_of(source, data_dir)
    print_predictions(listed(settings.portrait_file, as_of), out)


@predictions.command("approve", epilog=example(f"predictions approve silence {_DECISION}"))
def approve_prediction(
    target: TargetArgument,
    by: ByOption,
    reason: ReasonOption,
    effective_from: FromOption,
    source: SourceOption = None,
    data_dir: DataOption = None,
) -> None:
    """Have the model of a target fitted anew in a month, and let the challenger take over.

    It takes over unless the best baseline is as good. This also ends a pin. The decision is added
    to tag_approvals.yaml in the source's folder.
    """
    _decide(settings_of(source, data_dir), target, "approve", effective_from, by, reason)


@predictions.command("pin", epilog=example(f"predictions pin silence {_DECISION}"))
def pin_prediction(
    target: TargetArgument,
    by: ByOption,
    reason: ReasonOption,
    effective_from: FromOption,
    version: Annotated[
        str | None,
        typer.Option(help="Version, or baseline.", show_default="the one of the newest month"),
    ] = None,
    source: SourceOption = None,
    data_dir: DataOption = None,
) -> None:
    """Keep one version of a target's model from a month on, until it is approved anew."""
    _decide(settings_of(source, data_dir), target, "pin", effective_from, by, reason, version)


@predictions.command("rollback", epilog=example(f"predictions rollback silence {_DECISION}"))
def rollback_prediction(
    target: TargetArgument,
    by: ByOption,
    reason: ReasonOption,
    effective_from: FromOption,
    version: Annotated[
        str | None,
        typer.Option(help="Version, or baseline.", show_default="the model fitted before"),
    ] = None,
    source: SourceOption = None,
    data_dir: DataOption = None,
) -> None:
    """Go back to an earlier model of a target from a month on; earlier months stay as they are."""
    _decide(settings_of(source, data_dir), target, "rollback", effective_from, by, reason, version)


def _decide(
    settings: Settings,
    target: str,
    action: str,
    effective_from: str,
    by: str,
    reason: str,
    version: str | None = None,
) -> None:
    from portrait_assets.core.approvals import APPROVALS_FILE
    from portrait_assets.stages.predictions.governance.approvals import Action
    from portrait_assets.stages.predictions.governance.listing import decide

    decision = decide(settings, target, Action(action), effective_from, by, reason, version)
    what = f"keeps version {decision.model_version}"
    if decision.model_version is None:
        what = "is fitted anew"
    out.print(
        f"{target} {what} from {decision.effective_from} on; written to {APPROVALS_FILE}.",
        markup=False,
    )


def print_predictions(rows: Iterable[Row], console: Console) -> None:
    """Print a line for each target, and below it why."""
    from rich.markup import escape
    from rich.table import Table

    table = Table()
    for head in ("target", "by", "AUC", "baseline", "lift", "expected", "happened", "verdict"):
        table.add_column(head, overflow="fold")
    rows = list(rows)
    for row in rows:
        proof = row["proof"] or {}
        table.add_row(
            escape(row["target"]),
            escape(row["family"]),
            _numbers(proof, "auc", "auc_low", "auc_high"),
            f"{escape(proof.get('baseline') or '')} {_number(proof.get('baseline_auc'))}".strip(),
            _number(proof.get("lift"), 1),
            _percent(proof.get("predicted_rate")),
            _percent(proof.get("rate")),
            proof.get("verdict", "–"),
        )
    console.print(table)
    for row in rows:
        months = f"{row['horizon']} month" + ("s" if row["horizon"] > 1 else "")
        console.print(
            f"{row['target']} within {months}: {row['action']}, version {row['model_version']} of "
            f"{row['fitted_in']}. {row['reason_en']}",
            markup=False,
            emoji=False,
        )


def _numbers(row: Row, name: str, low: str, high: str) -> str:
    if row.get(name) is None:
        return "–"
    ends = "" if row[low] is None else f" ({row[low]:.3f} to {row[high]:.3f})"
    return f"{row[name]:.3f}{ends}"


def _number(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"
