"""`portrait pseudonyms`: who is who in the published file, for people who may know that."""

from __future__ import annotations

from typing import Annotated

import typer

from portrait_assets.app.cli.options import DataOption, SourceOption, example, out, settings_of

commands = typer.Typer()
group = typer.Typer(
    no_args_is_help=True,
    help="Look up the pseudonyms of the published file with their key, or rotate the key.",
)
commands.add_typer(group, name="pseudonyms")


@group.command("of", epilog=example("pseudonyms of C0000001 C0000002 --source synthetic_bank"))
def of(
    identifiers: Annotated[list[str], typer.Argument(help="Identifiers of the source.")],
    source: SourceOption = None,
    data_dir: DataOption = None,
) -> None:
    """Print the pseudonyms that customers have in the published file."""
    from portrait_assets.app.door import door_of
    from portrait_assets.app.pseudonyms import pseudonyms_of

    for each in pseudonyms_of(door_of(settings_of(source, data_dir)), identifiers):
        line = f"{each.identifier}  {each.pseudonym}"
        if each.today is not None:
            line += f"  today {each.today[0]}  {each.today[1]}"
        out.print(line, markup=False)


@group.command(
    "who",
    epilog=example("pseudonyms who p0123456789abcdef0123456789abcdef --source synthetic_bank"),
)
def who(
    pseudonyms: Annotated[list[str], typer.Argument(help="Pseudonyms of the published file.")],
    source: SourceOption = None,
    data_dir: DataOption = None,
) -> None:
    """Print whose pseudonyms these are, also of files made with a key that was rotated and kept.

    The exit code is 1 where one is nobody's.
    """
    from portrait_assets.app.door import door_of
    from portrait_assets.app.pseudonyms import owners_of

    owners = owners_of(door_of(settings_of(source, data_dir)), pseudonyms)
    for each, owner in owners.items():
        out.print(f"{each}  {owner or 'nobody in the warehouse'}", markup=False)
    if None in owners.values():
        raise typer.Exit(1)


@group.command("rotate", epilog=example("pseudonyms rotate --source synthetic_bank --yes"))
def rotate(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    forget: Annotated[
        bool,
        typer.Option("--forget", help="Remove the old key, so that old files name nobody."),
    ] = False,
    source: SourceOption = None,
    data_dir: DataOption = None,
) -> None:
    """Have other pseudonyms from the next publication on: a new key takes the place of the old.

    The old key is kept beside it for looking up what older files have, unless it is to be
    forgotten.
    """
    from portrait_assets.app.pseudonyms import rotate_pseudonyms
    from portrait_assets.core.invocation import command

    settings = settings_of(source, data_dir)
    what = "is removed, so that nobody in older files can be looked up" if forget else "is kept"
    if not yes:
        typer.confirm(
            f"Every customer of {settings.source} has another pseudonym in the next file, which "
            f"cannot be joined with older ones; the old key {what}. Rotate?",
            abort=True,
        )
    done = rotate_pseudonyms(settings, forget)
    kept = "; the old key is kept beside it" if done.kept else ""
    anew = command("publish")
    out.print(
        f"The key of pseudonyms is now in {done.place}{kept}. `{anew}` publishes the file anew.",
        markup=False,
    )
