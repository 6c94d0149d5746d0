"""`portrait scorecard`: points for credit risk from any table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table as Grid

from portrait_assets.app.cli.options import example, names_in, out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from portrait_assets.app.any_table.scorecard import Asked, ScoredFile
    from portrait_assets.methods.scorecard.card.model import Scorecard
    from portrait_assets.methods.scorecard.fitting.looking import LeftOut
    from portrait_assets.methods.scorecard.judging.crossvalidation import Judged
    from portrait_assets.methods.statistics.resampling import Interval

commands = typer.Typer()


@commands.command(
    epilog=example("scorecard loans.csv --outcome defaulted --leave-out loan_id --out scores.csv")
)
def scorecard(
    file: Annotated[Path, typer.Argument(help="A CSV or Parquet table, a row per customer.")],
    outcome: Annotated[
        str, typer.Option(help="Column of what happened, empty where it is not known yet.")
    ],
    to: Annotated[Path, typer.Option("--out", help="Where scores go, CSV or Parquet.")],
    event: Annotated[
        str | None,
        typer.Option(
            help="Value that is not to happen: bad, 2.", show_default="1, true, yes or bad"
        ),
    ] = None,
    leave_out: Annotated[
        list[str] | None, typer.Option(help="Columns that are no inputs: a,b.", show_default=False)
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(help="Columns that are inputs although they look like leaks or ids: a,b."),
    ] = None,
    code: Annotated[
        list[str] | None,
        typer.Option(
            help="Numbers that are codes: pay_0=-2,-1, or of every column: -1,999.",
            show_default="found in the data",
        ),
    ] = None,
    rising: Annotated[
        list[str] | None,
        typer.Option(
            help="Columns with which the risk is to rise: a,b.", show_default="found in the data"
        ),
    ] = None,
    falling: Annotated[
        list[str] | None,
        typer.Option(
            help="Columns with which the risk is to fall: a,b.", show_default="found in the data"
        ),
    ] = None,
    pdo: Annotated[float, typer.Option(help="Points that double the odds.")] = 20,
    base_points: Annotated[float, typer.Option(help="Points at the base odds.")] = 600,
    base_odds: Annotated[float, typer.Option(help="Good rows to a bad one there.")] = 50,
    card: Annotated[
        Path | None, typer.Option(help="Where the card goes as rows, CSV or Parquet.")
    ] = None,
    sql: Annotated[Path | None, typer.Option(help="Where the card goes as SQL.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all random choices.")] = 0,
) -> None:
    """Fit a monotone scorecard to any table, and score every row, in order.

    Rows with a known outcome are fitted to; all get score, probability, band and up to four
    reasons. Sex, marriage, ethnicity, religion, health and age are refused as inputs, and so is
    what gives the outcome away. Bands are suggestions: a person decides.
    """
    from portrait_assets.app.any_table.scorecard import Asked, Outputs, scorecard_file
    from portrait_assets.methods.scorecard.card.scale import Scale
    from portrait_assets.methods.scorecard.fitting.binning import FALLING, RISING
    from portrait_assets.methods.scorecard.fitting.looking import CardRules

    rules = CardRules(
        scale=Scale(pdo, base_points, base_odds),
        directions={
            **dict.fromkeys(names_in(rising), RISING),
            **dict.fromkeys(names_in(falling), FALLING),
        },
        codes=_codes(code or []),
        keep=names_in(keep),
        seed=seed,
    )
    asked = Asked(outcome, event, names_in(leave_out))
    found = scorecard_file(file, asked, Outputs(to, card, sql), rules)
    _print_card(found.fitted.card, asked, found.rows)
    _print_judged(found.judged)
    _print_left_out(found)
    _print_bands(found)
    out.print(f"\n{found.rows:,} rows have a score in {to}", markup=False)


def _codes(given: Sequence[str]) -> dict[str | None, list[float]]:
    from portrait_assets.methods.scorecard.errors import ScorecardError

    found: dict[str | None, list[float]] = {}
    for each in given:
        name, equals, listed = each.rpartition("=")
        try:
            numbers = [float(number) for number in names_in([listed])]
        except ValueError:
            raise ScorecardError(
                f"--code {each} is no list of numbers; write it as pay_0=-2,-1."
            ) from None
        found.setdefault(name if equals else None, []).extend(numbers)
    return found


def _print_card(card: Scorecard, asked: Asked, rows: int) -> None:
    from portrait_assets.methods.scorecard.card.reasons import label

    share = card.fitted_bads / card.fitted_rows
    out.print(
        f"{asked.outcome} is known of {card.fitted_rows:,} of {rows:,} rows, and "
        f"{asked.event or 1} in "
        f"{card.fitted_bads:,} of them ({share:.1%})",
        markup=False,
    )
    scale = card.scale
    out.print(
        f"A score is {card.base} and the points of each column; {scale.base_points:g} stand for "
        f"{scale.base_odds:g} good to one bad, and {scale.pdo:g} more for twice as many\n",
        markup=False,
    )
    if not card.characteristics:
        out.print("No column says anything of the outcome: every row has the base rate.")
        return
    grid = Grid("column", "bin", "rows", "bad rate", "points", box=None, pad_edge=False)
    grid.columns[0].overflow = "fold"
    for column in grid.columns[2:]:
        column.justify, column.no_wrap = "right", True
    for part in card.characteristics:
        name = part.feature
        for each in part.bins:
            if each.rows or each.points:
                rate = "" if each.bad_rate is None else f"{each.bad_rate:.1%}"
                cells = (name, label(part, each), f"{each.rows:,}", rate, _signed(each.points))
                grid.add_row(*(_plain(cell) for cell in cells))
                name = ""
    out.print(grid)


def _print_judged(judged: Judged) -> None:
    out.print(f"\n[bold]Cross-validated[/bold] on {len(judged.bads):,} rows, with 95 % intervals")
    grid = Grid("", "AUC", "KS", "Brier", box=None, pad_edge=False)
    for column in grid.columns:
        column.no_wrap = True
    for name, of in (("scorecard", judged.card), ("boosted trees", judged.trees)):
        grid.add_row(name, *(_shown(each) for each in (of.auc, of.ks, of.brier)))
    grid.add_row("base rate", "0.500", "0.000", f"{judged.base_rate_brier:.4f}")
    out.print(grid)
    gain = judged.gain
    if gain.low > 0:
        verdict = "the trees are surely better: the card gives that up for being readable"
    elif gain.high < 0:
        verdict = "the card is surely better"
    else:
        verdict = "neither is surely better, so that the simpler card stands"
    out.print(f"AUC of the trees less the card's: {_shown(gain)}; {verdict}")


def _print_left_out(found: ScoredFile) -> None:
    fitted = found.fitted
    others = [each for each in fitted.left_out if each not in fitted.refused]
    numbering = [(name, "it numbers the rows (--keep uses it)") for name in found.identifying]
    _print_reasons("Refused", _reasons(fitted.refused))
    _print_reasons("Left out", [*numbering, *_reasons(others)])
    if fitted.suspects:
        out.print("\n[bold]To look at[/bold]")
    for each in fitted.suspects:
        out.print(f"  {each.feature}: {each.sentence}", markup=False)


def _reasons(columns: Sequence[LeftOut]) -> list[tuple[str, str]]:
    return [(each.feature, each.reason) for each in columns]


def _print_reasons(title: str, columns: Sequence[tuple[str, str]]) -> None:
    out.print(f"\n[bold]{title}[/bold]")
    for name, reason in columns:
        out.print(f"  {name}: {reason}", markup=False)
    if not columns:
        out.print("  nothing")


def _print_bands(found: ScoredFile) -> None:
    card, judged = found.fitted.card, found.judged
    names = card.band(judged.score)
    out.print("\n[bold]Bands[/bold]")
    grid = Grid("band", "score", "rows", "bad rate", "cross-validated", "suggested", box=None)
    for band in card.bands:
        least = "lower" if band.least is None else f"{band.least} and more"
        here = (names == band.name).to_numpy()
        rate = f"{judged.bads[here].mean():.1%}" if here.any() else ""
        cells = (f"{band.rows:,}", f"{band.bads / band.rows:.1%}", rate, band.suggested)
        grid.add_row(band.name, least, *cells)
    out.print(grid)
    out.print("What is suggested is no decision: a person decides, and may decide otherwise.")


def _shown(of: Interval) -> str:
    return f"{of.value:.3f} ({of.low:.3f}..{of.high:.3f})"


def _signed(points: int) -> str:
    return f"{points:+d}" if points else "0"


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)
