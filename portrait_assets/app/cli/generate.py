"""`portrait generate`: data to try things on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from portrait_assets.app.cli.options import example, out, settings_of
from portrait_assets.core.errors import PortraitError

commands = typer.Typer()
generate = typer.Typer(help="Write data to try things on.", no_args_is_help=True)


@generate.callback()
def _generate() -> None:
    """Write data to try things on."""


commands.add_typer(generate, name="generate")


@generate.command(epilog=example("generate bank --customers 300 --months 6 --out bank"))
def bank(
    to: Annotated[Path | None, typer.Option("--out", help="An empty folder to write to.")] = None,
    customers: Annotated[
        int | None, typer.Option(help="Number of customers.", show_default="20000")
    ] = None,
    months: Annotated[
        int | None,
        typer.Option(help="Number of months.", show_default="24; 1 with --continue"),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(help="Seed; the same seed gives the same bank.", show_default="1"),
    ] = None,
    first_month: Annotated[
        str | None, typer.Option(help="First month.", show_default="2023-01")
    ] = None,
    campaigns: Annotated[
        int | None,
        typer.Option(help="Number of campaigns over all months.", show_default="one a month"),
    ] = None,
    kinds: Annotated[
        int | None,
        typer.Option(help="Draw customers from this many wealth kinds, 2 to 12."),
    ] = None,
    continued: Annotated[
        Path | None,
        typer.Option("--continue", help="A bank written before, which gets further months."),
    ] = None,
    assignments: Annotated[
        Path | None,
        typer.Option(
            help="With --continue: CSV or Parquet file with customer_id, campaign_id, arm, channel "
            "and day, which customers answer instead of the bank's own campaigns."
        ),
    ] = None,
    marks: Annotated[
        bool, typer.Option("--marks", help="Plant findable marks in text, for scans for leaks.")
    ] = False,
) -> None:
    """Write a synthetic bank as Parquet, with the truth behind it. All persons are invented."""
    made_with = {
        "--out": to,
        "--customers": customers,
        "--seed": seed,
        "--first-month": first_month,
        "--campaigns": campaigns,
        "--kinds": kinds,
        "--marks": marks or None,
    }
    if continued is not None:
        if given := next((name for name, value in made_with.items() if value is not None), None):
            raise PortraitError(
                f"--continue and {given} contradict each other: a bank is continued in its folder, "
                "with what it was made with; leave one out."
            )
        _continue(continued, assignments, 1 if months is None else months)
        return
    if assignments is not None:
        raise PortraitError(
            "--assignments needs --continue with the bank whose customers are assigned."
        )
    if to is None:
        raise PortraitError(
            "Name the folder to write to with --out, or a bank to continue with --continue."
        )
    from portrait_assets.synthetic.bank import generate_bank
    from portrait_assets.synthetic.settings import Kinds, Settings

    written = generate_bank(
        to,
        20_000 if customers is None else customers,
        24 if months is None else months,
        1 if seed is None else seed,
        first_month or "2023-01",
        progress=out.print,
        campaigns=campaigns,
        settings=Settings(kinds=Kinds(kinds)),
        marks=marks,
    )
    _print_rows(written.rows, to)


def _continue(folder: Path, assignments: Path | None, months: int) -> None:
    from portrait_assets.synthetic.continuing import continue_bank

    done = continue_bank(folder, assignments, months, progress=out.print)
    for note in done.notes:
        out.print(note, markup=False)
    out.print(f"  {done.summary.months[0]} to {done.summary.months[-1]}:")
    _print_rows(done.summary.rows, folder)


def _print_rows(rows: Mapping[str, int], folder: Path) -> None:
    from portrait_assets.core.invocation import command

    for table, count in rows.items():
        out.print(f"  {table}: {count:,} rows")
    run_it = command("run", settings=settings_of("synthetic_bank", folder))
    out.print(f"Run it with: {run_it}", markup=False)
