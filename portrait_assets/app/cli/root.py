"""`portrait`: the pipeline for people at a terminal. Heavy imports wait until a command needs them.

A module of commands has a `typer.Typer` named `commands`. Those of a room are named in its
`ROOM.commands`, and stand in the help from the portrait back to the source.
"""

from __future__ import annotations

import warnings
from contextvars import copy_context
from importlib import import_module
from typing import NoReturn

import typer

from portrait_assets.app.cli.options import err
from portrait_assets.core.errors import PortraitError
from portrait_assets.stages.rooms import ROOMS

app = typer.Typer(
    name="portrait",
    help="Customer portraits: every month, one row per customer, with tags and segments.",
    epilog="To begin: `portrait run --source corner_shop`, which takes half a minute; then "
    "`portrait status --source corner_shop` and `portrait show K001 --source corner_shop`. "
    "`portrait COMMAND --help` has an example of each command.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
MODULES = (
    "portrait_assets.app.cli.run",
    "portrait_assets.app.cli.data",
    "portrait_assets.app.cli.privacy.register",
    "portrait_assets.app.cli.privacy.pseudonyms",
    "portrait_assets.app.cli.privacy.erase",
    "portrait_assets.app.cli.generate",
    "portrait_assets.app.cli.privacy.rights",
    "portrait_assets.app.cli.rooms.lifetime",
    "portrait_assets.app.cli.rooms.predict",
    "portrait_assets.app.cli.rooms.scorecard",
    *(module for room in reversed(ROOMS) for module in room.commands),
)


def _mount(commands: typer.Typer) -> None:
    # `add_typer` would list the groups of one module before the commands of the next.
    app.registered_commands += commands.registered_commands
    app.registered_groups += commands.registered_groups


for module in MODULES:
    _mount(import_module(module).commands)


def main() -> None:
    """Run the command line; a mistake of the user's ends in one sentence and exit code 1."""
    # What Dagster marks as beta is no message to whoever runs a command.
    warnings.filterwarnings("ignore", module="dagster")
    try:
        copy_context().run(app)  # What a command settles for its messages ends with it.
    except PortraitError as error:
        _fail(str(error), error.exit_code)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        _fail(f"{error.strerror or error}{where}; see to the disk or the path, and try again.")


def _fail(sentence: str, exit_code: int = 1) -> NoReturn:
    err.print(" ".join(sentence.split()), style="red", markup=False)
    raise SystemExit(exit_code) from None
