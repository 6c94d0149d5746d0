"""`portrait`: the pipeline for people at a terminal. Heavy imports wait until a verb needs them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from portrait_assets.errors import PortraitError

if TYPE_CHECKING:
    from portrait_assets.settings import Settings

app = typer.Typer(
    name="portrait",
    help="Customer portraits: every month, one row per customer, with tags and segments.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

SourceOption = Annotated[
    str | None,
    typer.Option("--source", "-s", help="Source to work on, a folder in data/sources."),
]
DataOption = Annotated[
    Path | None,
    typer.Option("--data-dir", help="Folder with sources/ and warehouse/.", show_default="data"),
]


def main() -> None:
    """Run the command line; a mistake of the user's ends in one sentence and exit code 1."""
    try:
        app()
    except PortraitError as error:
        err.print(str(error), style="red", markup=False)
        raise SystemExit(1) from None


def _settings(source: str | None, data_dir: Path | None) -> Settings:
    from portrait_assets.settings import Settings

    given = {"source": source, "data_dir": data_dir}
    return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]


@app.command()
def run(
    source: SourceOption = None,
    months: Annotated[
        str | None,
        typer.Option(
            "--months",
            "-m",
            help="A month, 2017-03, or a range, 2017-03..2017-08.",
            show_default="all months of the source",
        ),
    ] = None,
    fresh: Annotated[
        bool,
        typer.Option("--fresh", help="Forget what was made and make all months again."),
    ] = False,
    data_dir: DataOption = None,
) -> None:
    """Make every table of these months and publish portrait.duckdb.

    Months before the ones asked for that were never made are made too, for a month looks
    back on those before it.
    """
    from portrait_assets.request import read_request

    request = read_request(_settings(source, data_dir), months, fresh)
    from portrait_assets.run import run_portrait

    raise typer.Exit(run_portrait(request, out))


@app.command()
def status(source: SourceOption = None, data_dir: DataOption = None) -> None:
    """Show what was made and published, what the checks found, and what is out of date."""
    from portrait_assets.status import print_status

    print_status(_settings(source, data_dir), out)


@app.command()
def sources(data_dir: DataOption = None) -> None:
    """List the sources, the months that they cover and whether their files are there."""
    from portrait_assets.status import print_sources

    print_sources(_settings(None, data_dir), out)


@app.command()
def ui(
    source: SourceOption = None,
    data_dir: DataOption = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 3000,
) -> None:
    """Open the Dagster UI with this source's assets, runs, schedule and sensor."""
    from portrait_assets.home import serve_ui

    serve_ui(_settings(source, data_dir), host, port)


if __name__ == "__main__":
    main()
