"""`portrait lifetime`: what customers will buy and spend, from any file of transactions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from portrait_assets.app.cli.options import example, out

if TYPE_CHECKING:
    from portrait_assets.app.any_table.lifetime import LeftOut
    from portrait_assets.methods.lifetime.backtest import Backtest
    from portrait_assets.methods.lifetime.models.fitting import Fit
    from portrait_assets.methods.lifetime.values import Lifetime

commands = typer.Typer()


@commands.command(
    epilog=example("lifetime sales.csv --until 1997-09-30 --horizon 39w --out values.parquet")
)
def lifetime(
    file: Annotated[
        Path,
        typer.Argument(
            help="A CSV or Parquet table of transactions: customer_id, occurred_at, amount."
        ),
    ],
    until: Annotated[str, typer.Option(help="The last day that counts, 1997-09-30.")],
    horizon: Annotated[
        str, typer.Option(help="How far to predict: days, weeks or months; 90d, 39w, 6m.")
    ],
    to: Annotated[Path, typer.Option("--out", help="Where to write the values, Parquet or CSV.")],
    date_format: Annotated[
        str | None,
        typer.Option(help="Form of the dates, %m/%d/%Y.", show_default="any of the usual forms"),
    ] = None,
) -> None:
    """Predict what each customer will buy and spend, from transactions up to a day.

    Writes a row per customer: expected_purchases, expected_spend, low and high (the purchases of
    95 of 100 customers lie within), spend_low and spend_high (the same of spend) and p_alive.
    A purchase is a day on which a customer bought; a negative amount is a return.

    BG/NBD, Pareto/NBD, boosted trees and "the last window repeats" predict the last window that is
    over from what was known before it; the one that did best predicts the horizon. The printed
    parameters are in weeks.
    """
    from portrait_assets.app.any_table.lifetime import lifetime_file

    found = lifetime_file(file, to, until, horizon, date_format)
    values = found.lifetime
    _print_left_out(found.left_out, values)
    out.print(
        f"{values.values.height:,} customers, {values.first} to {values.until}; "
        f"{values.horizon_days:,} days are predicted",
        markup=False,
    )
    for fit in (*values.fits, values.spend_fit):
        out.print(f"  {_fit(fit)}", markup=False)
    out.print(
        f"  correlation of purchases and mean spend, which gamma-gamma takes to be 0: "
        f"{values.spend_correlation:.2f}"
    )
    for each in values.backtests:
        _print_backtest(each, values)
    if not values.backtests:
        out.print("No window is over yet: nothing could be backtested, and low and high are empty.")
    _print_totals(values, to)


def _print_left_out(left: LeftOut, values: Lifetime) -> None:
    for count, what in (
        (left.later, f"transactions after {values.until} were not looked at"),
        (left.without_customer, "rows without a customer were left out"),
        (left.without_date, "rows without a date that can be read were left out"),
        (left.without_amount, "transactions without an amount count as purchases of unknown spend"),
    ):
        if count:
            out.print(f"{count:,} {what}")
    silent = (values.until - values.last).days
    if silent > max(7, (values.last - values.first).days // 10):
        out.print(
            f"The last purchase is of {values.last}, {silent:,} days before {values.until}: if the "
            "file ends there, so should --until.",
            markup=False,
        )


def _fit(fit: Fit) -> str:
    if not fit.is_usable:
        found = ", ".join(f"{name} {value:.4g}" for name, value in fit.parameters.items())
        shown = f" ({found})" if fit.log_likelihood == fit.log_likelihood else ""
        return f"{fit.name}, not used: {fit.problem}{shown}"
    found = ", ".join(f"{name} {value:.4f}" for name, value in fit.parameters.items())
    return f"{fit.name}: {found}; log-likelihood {fit.log_likelihood:.1f}"


def _print_backtest(tested: Backtest, values: Lifetime) -> None:
    from rich.table import Table

    window = tested.window
    decides = tested is values.deciding
    season = ", the season of the horizon a year before" if window.is_season else ""
    out.print(
        f"\nBacktest of {window.days:,} days after {window.base}{season}: "
        f"{'a sample of ' if values.is_judged_by_sample else ''}{tested.customers:,} customers, "
        f"{tested.purchases:,} purchases",
        markup=False,
    )
    if window.days < values.horizon_days and not window.is_season:
        out.print(f"  (half of the history, as no window of {values.horizon_days:,} days is over)")
    table = Table("method", "MAE", "RMSE", "total bias", "spend bias", "", box=None, pad_edge=False)
    for column in table.columns[1:5]:
        column.justify = "right"
    for score in tested.scores:
        if not score.problem:
            table.add_row(
                score.name,
                f"{score.mean_absolute_error:.4f}",
                f"{score.root_mean_squared_error:.4f}",
                f"{score.bias:+.1%}",
                f"{score.spend_bias:+.1%}",
                "chosen" if decides and score.name == values.method else "",
            )
    out.print(table)
    for score in tested.scores:
        if score.problem:
            out.print(f"  {score.name}, not used: {score.problem}", markup=False)
    if decides and values.method in {each.name for each in tested.scores if not each.problem}:
        covered = tested.coverage(values.method)
        out.print(
            f"  purchases were from low to high for {covered:.1%} of customers (95% is meant)"
        )


def _print_totals(values: Lifetime, to: Path) -> None:
    totals = values.values.select("expected_purchases", "expected_spend").sum()
    purchases, spend = totals.row(0)
    out.print(
        f"\n{values.method}: {purchases:,.0f} purchases and a spend of {spend:,.0f} are expected "
        f"of all customers; values in {to}",
        markup=False,
    )
