"""`portrait register`: what left, to whom and what for, and whether the list is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from portrait_assets.app.cli.options import DataOption, SourceOption, example, out, settings_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from portrait_assets.privacy.departures.register import Entry

commands = typer.Typer()
register = typer.Typer()
commands.add_typer(register, name="register")


@register.callback(
    invoke_without_command=True,
    epilog=example("register --source corner_shop --outlet audience --from 2026-11-01"),
)
def list_entries(
    context: typer.Context,
    outlet: Annotated[
        str | None,
        typer.Option(help="Where it left: publication, card, ...", show_default="all"),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--from", help="First day, 2026-11-01.", show_default="all")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", help="Last day, 2026-11-30.", show_default="all")
    ] = None,
    source: SourceOption = None,
    data_dir: DataOption = None,
) -> None:
    """List what left: when, who asked, where it went, what for, how much, and its SHA-256.

    Days are those of UTC. It also verifies the register, and begins a new one where it is broken.
    """
    if context.invoked_subcommand is not None:
        return
    from portrait_assets.privacy.departures.entries import find_entries

    found = find_entries(settings_of(source, data_dir), outlet, since, until)
    print_entries(found, out)


@register.command("verify", epilog=example("register verify --source corner_shop"))
def verify(source: SourceOption = None, data_dir: DataOption = None) -> None:
    """Verify that no line of the register was changed, removed, swapped or cut off."""
    from portrait_assets.privacy.departures.register import Register

    settings = settings_of(source, data_dir)
    lines = Register.of(settings).verify()
    out.print(f"{settings.register_file.name}: {lines:,} lines, each as it was written.")


@register.command(
    "renew", epilog=example("register renew --by 'Li Na' --reason 'disk' --source corner_shop")
)
def renew(
    by: Annotated[str, typer.Option("--by", help="Name of who decides.")],
    reason: Annotated[str, typer.Option("--reason", help="Why the old one is broken.")],
    source: SourceOption = None,
    data_dir: DataOption = None,
) -> None:
    """Begin a new register in the place of a broken one, which is kept beside it.

    The new one's first entry holds what was broken, who began it and why.
    """
    from portrait_assets.privacy.departures.register import Register

    kept, _ = Register.of(settings_of(source, data_dir)).renew(by, reason)
    out.print(f"A new register is begun; the broken one is kept as {kept.name}.")


def print_entries(entries: Sequence[Entry], console: Console) -> None:
    """Print a line for each entry, or that nothing left."""
    if not entries:
        console.print("Nothing left.")
    for entry in entries:
        classes = ", ".join(f"{n:,} of {name}" for name, n in entry.get("classes", {}).items())
        parts = (
            f"{entry.number}",
            f"{entry.at:%Y-%m-%d %H:%M:%S}",
            entry["who"],
            entry["outlet"],
            f"for {purpose}" if (purpose := entry.get("purpose")) else "",
            f"columns {classes}" if classes else "",
            f"rows {entry['rows']:,}" if "rows" in entry.values else "",
            entry.get("digest", "")[:16],
            *(f"{name}: {text}" for name, text in entry.get("about", {}).items()),
        )
        console.print("  ".join(filter(None, parts)), markup=False)
