"""What commands share: their options, and where they print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Iterable

    from portrait_assets.core.settings import Settings

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

SourceOption = Annotated[
    str | None,
    typer.Option(
        "--source",
        "-s",
        help="Source to work on; `portrait sources` lists them.",
        show_default="PORTRAIT_SOURCE, or complete_journey",
    ),
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help="Folder with sources/ and warehouse/.",
        show_default="PORTRAIT_DATA_DIR, or data",
    ),
]
DecidedByOption = Annotated[str, typer.Option("--by", help="Name of who decides.")]
DecidedForOption = Annotated[str, typer.Option("--reason", help="Why.")]
FromOption = Annotated[str, typer.Option("--from", help="First month of the change, 2017-07.")]
DECISION = "--from 2024-05 --by 'Li Na' --reason 'agreed with sales' --source corner_shop"
"""The options of a decision in an example."""


def example(line: str) -> str:
    """The end of a command's help: a line that works as pasted but for its names."""
    return f"For example: `portrait {line}`"


def names_in(listed: Iterable[str] | None) -> tuple[str, ...]:
    """The names of columns in an option, separated by commas, which may be given repeatedly."""
    return tuple(name.strip() for each in listed or () for name in each.split(",") if name.strip())


def settings_of(source: str | None, data_dir: Path | None) -> Settings:
    """The settings of the environment, with the options that were given.

    From here to the end of the command, messages give commands for these settings.
    """
    from portrait_assets.core.invocation import give_commands_for
    from portrait_assets.core.settings import Settings

    given = {"source": source, "data_dir": data_dir}
    settings = Settings(**{k: value for k, value in given.items() if value is not None})  # type: ignore[arg-type]
    give_commands_for(settings)
    return settings


def print_problem(sentence: str) -> None:
    """Print what the notifier failed at where a command prints its own failure."""
    typer.echo(sentence, err=True)
