"""`portrait link` and `portrait rekey`: records of one person, and history under one identity."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from portrait_assets.app.cli.options import (
    DataOption,
    SourceOption,
    example,
    out,
    print_problem,
    settings_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

commands = typer.Typer()
SHOWN = 10  # Merges that are printed one by one.


@commands.command(epilog=example("link persons.csv --out pairs.csv --id person_id"))
def link(
    file: Annotated[Path, typer.Argument(help="A CSV or Parquet table of persons' records.")],
    to: Annotated[Path, typer.Option("--out", help="Where to write the pairs, CSV or Parquet.")],
    id_column: Annotated[
        str | None, typer.Option("--id", help="Column of identifiers.", show_default="row numbers")
    ] = None,
    threshold: Annotated[
        float, typer.Option(help="Least probability that joins two records.")
    ] = 0.2,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random pairs to learn from.")] = 1,
) -> None:
    """Find the records of one person in any table, by name, birth date, address and the like.

    Columns are known by their usual names (given_name, surname, full_name, birth_date,
    national_id, phone, email, address, postcode, city, ...); others are not looked at. Every two
    records of one person become a row: record_1, record_2, match_probability.
    """
    from portrait_assets.methods.linkage.model import LinkageSettings
    from portrait_assets.stages.identity.commands import link_file

    count = link_file(file, to, id_column, LinkageSettings(threshold, seed))
    out.print(f"{count:,} pairs in {to}", markup=False)


@commands.command(epilog=example("rekey --source corner_shop --months 2024-01..2024-04"))
def rekey(
    months: Annotated[
        str, typer.Option("--months", "-m", help="Months to rewrite, 2017-03..2017-08.")
    ],
    source: SourceOption = None,
    data_dir: DataOption = None,
) -> None:
    """Rewrite months so that customers who were found within them to be one are one throughout.

    The older identifier stands. Earlier and later months stay as they are.
    """
    from portrait_assets.app.cli.run import run_and_show
    from portrait_assets.app.door import door_of
    from portrait_assets.app.runs.stopping import stopped_in_a_sentence
    from portrait_assets.orchestration.notifier import reported
    from portrait_assets.orchestration.request import read_request
    from portrait_assets.stages.identity.commands import backdate, merges_to_backdate, pass_merges

    settings = settings_of(source, data_dir)
    with stopped_in_a_sentence(), reported(settings, print_problem):
        asked = read_request(settings, months)
        rewritten = asked.months or []
        merges = merges_to_backdate(asked.settings, rewritten)
        if not merges.is_empty():
            pass_merges(merges, door_of(settings))
            backdate(asked.settings, rewritten)
        _print_merges(merges, rewritten)
        if merges.is_empty():
            return
        exit_code = run_and_show(asked, out)
    raise typer.Exit(exit_code)


def _print_merges(merges: pl.DataFrame, months: Sequence[str]) -> None:
    from portrait_assets.stages.identity.resolving.review import REVIEW_FILE

    span = f"{months[0]} to {months[-1]}"
    if merges.is_empty():
        out.print(f"No customers turned out to be one from {span}; there is nothing to rewrite.")
        return
    for found_in, alias, customer in merges.head(SHOWN).iter_rows():
        out.print(f"  {alias} is {customer}, which was found in {found_in}", markup=False)
    if merges.height > SHOWN:
        out.print(f"  and {merges.height - SHOWN} more")
    out.print(
        f"{merges.height} merges hold from {months[0]} on now; they stand in {REVIEW_FILE}. "
        f"Rewriting {span}; months after that keep their rows, which have these merges already.",
        markup=False,
    )
