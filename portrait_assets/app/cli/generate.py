"""`portrait generate`: data to try things on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from portrait_assets.app.cli.options import example, out, settings_of

commands = typer.Typer()
generate = typer.Typer(help="Write data to try things on.", no_args_is_help=True)


@generate.callback()
def _generate() -> None:
    """Write data to try things on."""


commands.add_typer(generate, name="generate")


@generate.command(epilog=example("generate bank --customers 300 --months 6 --out bank"))
def bank(
    to: Annotated[Path, typer.Option("--out", help="An empty folder to write to.")],
    customers: Annotated[int, typer.Option(help="Number of customers.")] = 20_000,
    months: Annotated[int, typer.Option(help="Number of months.")] = 24,
    seed: Annotated[int, typer.Option(help="Seed; the same seed gives the same bank.")] = 1,
    first_month: Annotated[str, typer.Option(help="First month.")] = "2023-01",
    kinds: Annotated[
        int | None,
        typer.Option(help="Draw customers from this many wealth kinds, 2 to 12."),
    ] = None,
) -> None:
    """Write a synthetic bank as Parquet, with the truth behind it. All persons are invented."""
    from portrait_assets.core.invocation import command
    from portrait_assets.synthetic.bank import generate_bank
    from portrait_assets.synthetic.settings import Kinds, Settings

    chosen = Settings(kinds=Kinds(kinds))
    written = generate_bank(
        to, customers, months, seed, first_month, progress=out.print, settings=chosen
    )
    for table, rows in written.rows.items():
        out.print(f"  {table}: {rows:,} rows")
    run_it = command("run", settings=settings_of("synthetic_bank", to))
    out.print(f"Run it with: {run_it}", markup=False)
