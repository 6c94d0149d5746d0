"""`portrait predictions`: what predicts or scores each target, its proof, and decisions on it.

Below stands how well the stages of the life cycle predicted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from portrait_assets.app.cli.options import (
    DECISION,
    DataOption,
    DecidedByOption,
    DecidedForOption,
    FromOption,
    SourceOption,
    example,
    out,
    settings_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console
    from rich.table import Table

    from portrait_assets.core.settings import Settings
    from portrait_assets.stages.predictions.governance.listing import Row

commands = typer.Typer()
predictions = typer.Typer(
    help="Models and scorecards: their proof, approving, pinning and going back.",
    no_args_is_help=False,
    invoke_without_command=True,
)
commands.add_typer(predictions, name="predictions")

TargetArgument = Annotated[str, typer.Argument(help="Code of the target.")]
CardOption = Annotated[
    bool, typer.Option("--scorecard", help="Decide on the scorecard of a target of credit.")
]
MonthOption = Annotated[
    str | None, typer.Option("--as-of", help="Month, 2017-06.", show_default="the newest")
]


@predictions.callback()
def predictions_of(
    context: typer.Context, source: SourceOption = None, data_dir: DataOption = None
) -> None:
    """Models and scorecards: their proof, approving, pinning and going back."""
    if context.invoked_subcommand is None:
        list_predictions(None, source, data_dir)


@predictions.command("list", epilog=example("predictions list --source corner_shop"))
def list_predictions(
    as_of: MonthOption = None, source: SourceOption = None, data_dir: DataOption = None
) -> None:
    """List what predicts and scores each target, and stages of the life cycle, with proof."""
    from portrait_assets.stages.predictions.governance.listing import (
        listed,
        listed_cards,
        listed_stages,
    )

    settings = settings_of(source, data_dir)
    print_predictions(listed(settings.portrait_file, as_of), out)
    if cards := listed_cards(settings.portrait_file, as_of):
        print_cards(cards, out)
    if stages := listed_stages(settings.portrait_file, as_of):
        print_stages(stages, out)


@predictions.command("approve", epilog=example(f"predictions approve silence {DECISION}"))
def approve_prediction(
    target: TargetArgument,
    by: DecidedByOption,
    reason: DecidedForOption,
    effective_from: FromOption,
    scorecard: CardOption = False,
    source: SourceOption = None,
    data_dir: DataOption = None,
) -> None:
    """Have the model of a target fitted anew in a month, and let the challenger take over.

    A model takes over unless the best baseline is as good, a scorecard unless the baseline is
    surely better. This also ends a pin. The decision is added to tag_approvals.yaml in the source's
    folder.
    """
    settings = settings_of(source, data_dir)
    _decide(settings, target, "approve", effective_from, by, reason, is_card=scorecard)


@predictions.command("pin", epilog=example(f"predictions pin silence {DECISION}"))
def pin_prediction(
    target: TargetArgument,
    by: DecidedByOption,
    reason: DecidedForOption,
    effective_from: FromOption,
    version: Annotated[
        str | None,
        typer.Option(
            help="Version; or baseline, of a scorecard none.",
            show_default="the one of the newest month",
        ),
    ] = None,
    scorecard: CardOption = False,
    source: SourceOption = None,
    data_dir: DataOption = None,
) -> None:
    """Keep one version of a target's model from a month on, until it is approved anew."""
    settings = settings_of(source, data_dir)
    _decide(settings, target, "pin", effective_from, by, reason, version, scorecard)


@predictions.command("rollback", epilog=example(f"predictions rollback silence {DECISION}"))
def rollback_prediction(
    target: TargetArgument,
    by: DecidedByOption,
    reason: DecidedForOption,
    effective_from: FromOption,
    version: Annotated[
        str | None,
        typer.Option(
            help="Version; or baseline, of a scorecard none.",
            show_default="the model fitted before",
        ),
    ] = None,
    scorecard: CardOption = False,
    source: SourceOption = None,
    data_dir: DataOption = None,
) -> None:
    """Go back to an earlier model of a target from a month on; earlier months stay as they are."""
    settings = settings_of(source, data_dir)
    _decide(settings, target, "rollback", effective_from, by, reason, version, scorecard)


def _decide(
    settings: Settings,
    target: str,
    action: str,
    effective_from: str,
    by: str,
    reason: str,
    version: str | None = None,
    is_card: bool = False,
) -> None:
    from portrait_assets.core.approvals import APPROVALS_FILE
    from portrait_assets.stages.predictions.governance.approvals import Action, Kind
    from portrait_assets.stages.predictions.governance.listing import decide

    kind = Kind.SCORECARD if is_card else None
    decision = decide(settings, target, Action(action), effective_from, by, reason, version, kind)
    what = f"keeps version {decision.model_version}"
    if decision.model_version is None:
        what = "is fitted anew"
    of = f"The scorecard of {target}" if is_card else target
    out.print(
        f"{of} {what} from {decision.effective_from} on; written to {APPROVALS_FILE}.",
        markup=False,
    )


_VERDICTS = {"better": "better", "not surely better": "unsure", "worse": "worse"}
"""What is said beside the baseline, short enough for a column."""


_MEASURES = {"log loss": "log loss", "auc": "AUC of silence"}


def print_predictions(rows: Iterable[Row], console: Console) -> None:
    """Print a line for each target, and below all why, with intervals and names."""
    rows = list(rows)
    lines = []
    for row in rows:
        proof = row["proof"] or {}
        by = row["family"] if row["basis"] == "model" else row["basis"]
        numbers = (_number(proof.get(name)) for name in ("auc", "baseline_auc"))
        verdict = _VERDICTS.get(proof.get("verdict", ""), "–")
        lines.append((row["target"], by, *numbers, _number(proof.get("lift"), 1), verdict))
    console.print(_table(("target", "by", "AUC", "baseline", "lift", "beside it"), lines))
    for row in rows:
        console.print(_about(row, row["family"]), markup=False, emoji=False, highlight=False)


def print_cards(rows: Iterable[Row], console: Console) -> None:
    """Print a line for the scorecard of each target of credit, and below all why."""
    rows = list(rows)
    lines = []
    for row in rows:
        proof = row["proof"] or {}
        numbers = (_number(proof.get(name)) for name in ("auc", "baseline_auc"))
        card = row["model_version"] or "none"
        lines.append((row["target"], card, *numbers, f"{row['scored']:,}"))
    console.print(_table(("target", "scorecard", "AUC", "baseline", "scored"), lines))
    for row in rows:
        console.print(_about(row, "scorecard"), markup=False, emoji=False, highlight=False)


def print_stages(rows: Iterable[Row], console: Console) -> None:
    """Print how well the stages of the life cycle predicted a window, beside stages by rules."""
    rows = list(rows)
    measures = "; ".join(
        f"{_MEASURES[row['measure']]} {_number(row['value'])}, by rules "
        f"{_number(row['rule_value'])}: {row['verdict']}"
        f"{_interval(row['gain_low'], row['gain_high'])}"
        for row in rows
    )
    about = f"Stages of the life cycle of {rows[0]['base_month']}: {measures}."
    console.print(about, markup=False, emoji=False, highlight=False)


def _table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> Table:
    """A table in which only the first column is wrapped where there is no room for all."""
    from rich.box import SIMPLE
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=SIMPLE, padding=(0, 1), pad_edge=False)
    for place, head in enumerate(heads):
        justify: Literal["left", "right"] = "left" if place < 2 else "right"
        table.add_column(head, no_wrap=place > 0, overflow="fold", justify=justify)
    for line in lines:
        table.add_row(*map(escape, line))
    return table


def _about(row: Row, by: str) -> str:
    """What was decided of a target and why, and how the last window came true."""
    months = f"{row['horizon']} month" + ("s" if row["horizon"] > 1 else "")
    version = f", version {row['model_version']} of {row['fitted_in']}"
    what = f"{row['action']}{version if row['model_version'] else ''} ({by})"
    return f"{row['target']} within {months}: {what}. {row['reason_en']}{_came_true(row['proof'])}"


def _came_true(proof: Row | None) -> str:
    if proof is None or proof.get("auc") is None:
        return ""
    ends = _interval(proof["auc_low"], proof["auc_high"])
    expected = proof.get("predicted_rate", proof.get("expected_of_known"))
    happened = proof.get("rate", proof.get("actual_bad_rate"))
    return (
        f" Scores of {proof['base_month']}: AUC {_number(proof['auc'])}{ends}, baseline "
        f"{proof['baseline']} {_number(proof['baseline_auc'])}; {_percent(expected)} expected, "
        f"{_percent(happened)} happened."
    )


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None else f" ({_number(low)} to {_number(high)})"


def _number(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"
