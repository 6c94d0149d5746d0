"""`portrait tags`: the catalogue, what a draft would do, approving and retiring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from portrait_assets.app.cli.options import (
    DECISION,
    DataOption,
    DecidedByOption,
    DecidedForOption,
    FromOption,
    SourceOption,
    example,
    out,
    settings_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from portrait_assets.core.settings import Settings
    from portrait_assets.stages.tags.catalogue.tag import Catalogue, Tag
    from portrait_assets.stages.tags.services import DraftDiff

commands = typer.Typer()
tags = typer.Typer(
    help="The tag catalogue: list it, see what a draft would do, approve and retire.",
    no_args_is_help=True,
)
commands.add_typer(tags, name="tags")

CodeArgument = Annotated[str, typer.Argument(help="Code of the tag.")]


def _catalogue(settings: Settings) -> Catalogue:
    from portrait_assets.stages.raw.source import load_source
    from portrait_assets.stages.tags.catalogue.load import source_catalogue

    return source_catalogue(load_source(settings.source_dir).own_folder)


@tags.command("list", epilog=example("tags list --source corner_shop --status draft"))
def list_tags(
    status: Annotated[
        str | None, typer.Option(help="draft, active or retired.", show_default="all")
    ] = None,
    source: SourceOption = None,
    data_dir: DataOption = None,
) -> None:
    """List every version of every tag of the source's catalogue."""
    from portrait_assets.stages.tags.services import parse_status

    catalogue = _catalogue(settings_of(source, data_dir))
    wanted = parse_status(status)
    print_tags((tag for tag in catalogue.tags if wanted in (None, tag.status)), out)
    for tag in catalogue.withheld:
        out.print(f"{tag.code}: withheld, for it reads what is of class {tag.sensitivity}")


@tags.command("diff", epilog=example("tags diff value_tier --source corner_shop"))
def diff_tags(
    codes: Annotated[
        list[str] | None, typer.Argument(help="Tags whose drafts count.", show_default="all drafts")
    ] = None,
    source: SourceOption = None,
    data_dir: DataOption = None,
) -> None:
    """Show whom the drafts in the source's tags.yaml would move, on the newest month.

    A draft is a version with `status: draft`; nothing uses it until it is approved.
    """
    from portrait_assets.app.door import door_of
    from portrait_assets.stages.tags.services import diff_drafts, pass_diff

    settings = settings_of(source, data_dir)
    door = door_of(settings)
    diff = diff_drafts(_catalogue(settings), settings.portrait_file, codes or None)
    print_diff(pass_diff(diff, door), out, door.smallest_group)


@tags.command("approve", epilog=example(f"tags approve value_tier {DECISION}"))
def approve_tag(
    code: CodeArgument,
    by: DecidedByOption,
    reason: DecidedForOption,
    effective_from: FromOption,
    source: SourceOption = None,
    data_dir: DataOption = None,
) -> None:
    """Make the draft of a tag active from a month on; earlier months keep their version.

    The approval is added to tag_approvals.yaml in the source's folder.
    """
    _decide("activate", code, by, reason, effective_from, settings_of(source, data_dir))


@tags.command("retire", epilog=example(f"tags retire value_tier {DECISION}"))
def retire_tag(
    code: CodeArgument,
    by: DecidedByOption,
    reason: DecidedForOption,
    effective_from: FromOption,
    source: SourceOption = None,
    data_dir: DataOption = None,
) -> None:
    """Retire a tag from a month on; it stays readable for the months before."""
    _decide("retire", code, by, reason, effective_from, settings_of(source, data_dir))


def _decide(
    action: str, code: str, by: str, reason: str, effective_from: str, settings: Settings
) -> None:
    from portrait_assets.core.approvals import APPROVALS_FILE
    from portrait_assets.stages.tags.catalogue.governance import Action
    from portrait_assets.stages.tags.services import Decision, decide, latest_published

    approvals = settings.source_dir / APPROVALS_FILE
    approval = decide(
        _catalogue(settings),
        approvals,
        Decision(code, by, reason, effective_from, Action(action)),
        latest_published(settings.portrait_file),
    )
    what = "is retired" if action == Action.RETIRE else "is active"
    out.print(
        f"{code} version {approval.version} {what} from {approval.effective_from} on; "
        f"written to {approvals.name}."
    )


def print_tags(listed: Iterable[Tag], console: Console) -> None:
    """Print a line for each version of a tag."""
    from rich.markup import escape
    from rich.table import Table

    table = Table()
    for head in ("code", "version", "status", "element", "kind", "name", "名称", "values", "from"):
        table.add_column(head, overflow="fold")
    for tag in listed:
        values = ", ".join(value.value for value in tag.values) or str(tag.type)
        table.add_row(
            tag.code,
            str(tag.version),
            tag.status,
            tag.element,
            tag.kind,
            escape(tag.name_en),
            tag.name_zh,
            escape(values),
            tag.retired_from or tag.effective_from or "",
        )
    console.print(table)


def print_diff(diff: DraftDiff, console: Console, smallest: int = 1) -> None:
    """Print how the drafts differ from the versions that they replace, and whom they move.

    A value without counts has one that rests on fewer than `smallest` customers.
    """
    from rich.markup import escape
    from rich.table import Table

    month = f"{diff.as_of:%Y-%m}"
    for draft in diff.drafts:
        console.print(f"[bold]{draft.code}[/bold] version {draft.version}")
        console.print(escape(draft.change))
    table = Table(title=f"{month}, {diff.customers:,} customers")
    for head in ("tag", "value", "before", "after", "entering", "leaving"):
        table.add_column(head, overflow="fold")
    for code, value, *counts in diff.moved.iter_rows():
        shown = ("–" if count is None else f"{count:,}" for count in counts)
        table.add_row(code, escape(value), *shown)
    if diff.moved.height:
        console.print(table)
        if diff.moved.null_count()["before"].item():
            console.print(f"–: one of the four counts is of fewer than {smallest} customers.")
    else:
        console.print(f"No customer's tags would change in {month}.")
