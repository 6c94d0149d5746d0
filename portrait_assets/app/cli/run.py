"""`portrait run`: what is not up to date, or the months asked for."""

from __future__ import annotations

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
    from rich.console import Console

    from portrait_assets.core.settings import Settings
    from portrait_assets.orchestration.planning import Plan
    from portrait_assets.orchestration.request import Request

commands = typer.Typer()


@commands.command(epilog=example("run --source corner_shop --months 2024-01..2024-03"))
def run(
    source: SourceOption = None,
    months: Annotated[
        str | None,
        typer.Option(
            "--months",
            "-m",
            help="A month, 2017-03, or a range, 2017-03..2017-08.",
            show_default="whatever is not up to date",
        ),
    ] = None,
    fresh: Annotated[
        bool,
        typer.Option("--fresh", help="Remove the warehouse and materialize all months again."),
    ] = False,
    data_dir: DataOption = None,
) -> None:
    """Materialize what is not up to date, or these months, and publish portrait.duckdb.

    Nothing is run where no file or definition has changed; a run that was stopped goes on where
    it was, and so does an erasure, first. Months before the ones asked for that were never
    completed are made too, for a month looks back on those before it.
    """
    from portrait_assets.app.runs.stopping import stopped_in_a_sentence
    from portrait_assets.core.invocation import command
    from portrait_assets.orchestration.notifier import reported
    from portrait_assets.orchestration.planning import read_plan
    from portrait_assets.orchestration.request import read_request

    settings = settings_of(source, data_dir)
    with stopped_in_a_sentence(), reported(settings, print_problem):
        _finish_erasure(settings)
        request = read_request(settings, months, fresh)
        plan = read_plan(request, on_wait=out.print)
        exit_code = 0
        if plan.is_empty:
            newest = request.available[-1]
            again = command("run", "--months", newest)
            out.print(f"{plan.sentence} `{again}` runs a month.", markup=False)
        else:
            exit_code = run_and_show(request, out, plan)
    raise typer.Exit(exit_code)


def _finish_erasure(settings: Settings) -> None:
    """Finish the erasure that was stopped, if any, in a process of its own.

    Memory that has held rows of the erased must not get into what this process writes.

    Raises:
        typer.Exit: when it fails, as it has printed itself, before its rows are gone.
    """
    import subprocess
    import sys

    from portrait_assets.privacy.erasure import Phase, read_unfinished

    plan = read_unfinished(settings)
    if plan is None:
        return
    out.print(f"{plan.name} was stopped, and goes on first.", markup=False)
    place = ["--source", settings.source, "--data-dir", str(settings.data_dir)]
    line = [sys.executable, "-m", "portrait_assets", "erase", "--resume", *place]
    code = subprocess.run(line, check=False).returncode
    left = read_unfinished(settings)
    if code and left is not None and left.phase is Phase.REMOVING:
        raise typer.Exit(code)


def run_and_show(request: Request, console: Console, plan: Plan | None = None) -> int:
    """Carry out a request with its progress shown, and then what was published.

    Returns:
        The exit code: 0 when all months were made.

    Raises:
        PortraitError: when the request cannot be carried out.
    """
    from portrait_assets.app.cli.printing import new_key_named, print_published
    from portrait_assets.app.cli.progress import shown_progress
    from portrait_assets.app.runs.run import run_portrait
    from portrait_assets.app.status import read_published

    settings = request.settings
    with new_key_named(settings, console):
        with shown_progress(console) as progress:
            result = run_portrait(request, progress, plan)
        if result.is_published:
            print_published(read_published(settings), settings, console)
    return 1 if result.has_failed else 0
