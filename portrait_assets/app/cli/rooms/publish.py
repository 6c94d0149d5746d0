"""`portrait publish`: the internal file anew, or a file for others in which nobody is found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from portrait_assets.app.cli.options import DataOption, SourceOption, example, out, settings_of

if TYPE_CHECKING:
    from rich.console import Console

    from portrait_assets.stages.mart.shared.file import SharedFile

commands = typer.Typer()


@commands.command(
    epilog=example(
        "publish --profile shared --out partner.duckdb --purpose sharing --source corner_shop"
    )
)
def publish(
    profile: Annotated[
        str, typer.Option(help="internal: portrait.duckdb and the report; shared: for others.")
    ] = "internal",
    to: Annotated[
        Path | None, typer.Option("--out", help="The file of a shared publication, .duckdb.")
    ] = None,
    k: Annotated[
        int | None,
        typer.Option(
            "--k",
            help="Fewest customers alike in what others may know of them.",
            show_default="10; of a shared file",
        ),
    ] = None,
    month: Annotated[
        str | None,
        typer.Option("--month", help="Month to share, 2017-06.", show_default="the newest"),
    ] = None,
    purpose: Annotated[
        str | None,
        typer.Option(
            help="What it is given for, which the file and the register note.",
            show_default="sharing; of a shared file",
        ),
    ] = None,
    source: SourceOption = None,
    data_dir: DataOption = None,
) -> None:
    """Publish what is materialized, without a run.

    A shared file has one month: a row per customer under pseudonyms that no other file has, in
    which at least k customers are alike in all that others may know of them, and tables of
    aggregates. `mart.anonymity` in it lists what was generalised and suppressed.
    """
    from portrait_assets.app.cli.printing import new_key_named, print_published
    from portrait_assets.app.publish import Wish, publish_internal, publish_shared
    from portrait_assets.app.status import read_published

    settings = settings_of(source, data_dir)
    wish = Wish(profile, to, k, month, purpose)
    wish.check()
    if wish.profile == "internal":
        with new_key_named(settings, out):
            publish_internal(settings)
            print_published(read_published(settings), settings, out)
    else:
        print_shared(publish_shared(settings, wish), wish.fewest, out)
        out.print(f"Written to {to}.", markup=False)


def print_shared(shared: SharedFile, k: int, console: Console) -> None:
    """Print whom the file is of, and what was taken off so that nobody is found in it."""
    from portrait_assets.app.cli.printing import print_loss

    console.print(f"{shared.customers:,} customers of {shared.as_of:%Y-%m}", markup=False)
    if shared.refusing:
        console.print(f"{shared.refusing:,} more are left out, for they refused the purpose")
    print_loss(shared.rows, k, console)
