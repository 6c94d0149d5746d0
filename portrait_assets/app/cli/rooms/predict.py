"""`portrait predict`: an outcome, a class or a number in any table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from portrait_assets.app.cli.options import example, names_in, out

if TYPE_CHECKING:
    import polars as pl

commands = typer.Typer()


@commands.command(epilog=example("predict customers.csv --outcome churned --out scores.parquet"))
def predict(
    file: Annotated[Path, typer.Argument(help="A Parquet or CSV table; columns of any type.")],
    outcome: Annotated[str, typer.Option(help="Column to predict where it is not known.")],
    to: Annotated[Path, typer.Option("--out", help="Where to write the scores, one per row.")],
    event: Annotated[
        str | None,
        typer.Option(help="Value whose probability is predicted.", show_default="from the values"),
    ] = None,
    classes: Annotated[
        bool, typer.Option("--classes", help="Numbers of the column are classes.")
    ] = False,
    leave_out: Annotated[
        list[str] | None, typer.Option(help="Columns not to use, with commas.", show_default="none")
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            help="Columns to use although they seem to give the outcome away, with commas.",
            show_default="none",
        ),
    ] = None,
    order: Annotated[
        str | None,
        typer.Option(
            help="Column of dates or months: the newest rows judge what older ones taught.",
            show_default="rows are judged by lot",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all random choices.")] = 0,
) -> None:
    """Predict a column of any table, with a probability and reasons for every row.

    Learns from the rows whose value is known and writes a prediction for all, in order: of two
    values the probability of one, of several classes that of each, of numbers the expected one.
    The simpler of logistic regression and boosted trees wins unless the other is surely better on
    rows that neither has seen; shown beside the best single column. A column that alone gives the
    outcome away is named and left out.
    """
    from portrait_assets.app.any_table.predict import predict_file, sentences
    from portrait_assets.methods.prediction.table.predictions import Request

    asked = Request(outcome, event, classes, names_in(leave_out), names_in(keep), order, seed)
    found = predict_file(file, to, asked)
    for sentence in sentences(found):
        out.print(sentence, markup=False)
    if len(found.parts) == 1:
        out.print(_tenths(found.parts[0].tenths))
    out.print(f"scores in {to}", markup=False)


def _tenths(tenths: pl.DataFrame) -> Table:
    table = Table(box=None, title="By tenth of the prediction, unseen rows", title_justify="left")
    for name in ("tenth", "rows", "predicted", "happened", "95 % interval"):
        table.add_column(name, justify="right")
    for tenth, rows, predicted, happened, low, high in tenths.iter_rows():
        interval = f"{low:.4g} to {high:.4g}"
        table.add_row(str(tenth), f"{rows:,}", f"{predicted:.4g}", f"{happened:.4g}", interval)
    return table
