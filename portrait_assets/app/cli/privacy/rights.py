"""`portrait subject`, `correct` and `object`: what a customer may ask of who holds their data."""

from __future__ import annotations

import sys
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from portrait_assets.app.cli.options import DataOption, SourceOption, err, example, out, settings_of
from portrait_assets.core.errors import PortraitError

if TYPE_CHECKING:
    from portrait_assets.core.settings import Settings

commands = typer.Typer()

IdArgument = Annotated[
    str, typer.Argument(help="The customer's identifier, or that of one of their records.")
]
ReasonOption = Annotated[str, typer.Option(help="Why, such as the letter that asked for it.")]
DayOption = Annotated[
    str | None, typer.Option("--from", help="Day from which it holds.", show_default="today")
]
ByOption = Annotated[
    str | None, typer.Option(help="Who carries it out.", show_default="the name of the user")
]


class Purpose(StrEnum):
    """What a person is given their data for."""

    ACCESS = "access"  # all that is held
    PORTABILITY = "portability"  # what they provided, for another controller


@commands.command(epilog=example("subject K001 --source corner_shop"))
def subject(
    customer: IdArgument,
    to: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Folder for the two files.", show_default="DATA/subjects/SOURCE"
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON and write no file.")] = False,
    purpose: Annotated[
        Purpose, typer.Option(help="All that is held, or what the person provided.")
    ] = Purpose.ACCESS,
    source: SourceOption = None,
    data_dir: DataOption = None,
) -> None:
    """Write all that is held of one person: records, portrait, reasons, decisions, sources.

    A JSON file and a page in English and Chinese, which only you can read; their names say
    nothing of whom they are about. Values are shown up to the clearance of the outlet `subject`:
    PORTRAIT_CLEARANCE__SUBJECT=C3 shows all.
    """
    from portrait_assets.app.subject.leaving import give_account
    from portrait_assets.app.subject.page import accounts_folder

    settings = settings_of(source, data_dir)
    folder = None if json else to or accounts_folder(settings)
    given = give_account(settings, customer, folder, purpose is Purpose.PORTABILITY)
    if json:
        typer.echo(given.text, nl=False)
    for path in given.paths:
        out.print(str(path), markup=False)
    if given.note:
        err.print(given.note, markup=False)


@commands.command(epilog=example('correct K001 region west --reason "moved" --source corner_shop'))
def correct(
    customer: IdArgument,
    column: Annotated[str, typer.Argument(help="Column of customers, such as region.")],
    value: Annotated[
        str, typer.Argument(help="The right value, days as YYYY-MM-DD; - reads it from a line.")
    ],
    reason: ReasonOption,
    day: DayOption = None,
    by: ByOption = None,
    source: SourceOption = None,
    data_dir: DataOption = None,
) -> None:
    """Put right what the source delivers of a customer, from a day on.

    The correction is added to corrections.csv in the source's folder. The next run uses it in the
    months from that day; earlier months keep what was known. A value that is not to stay in the
    shell's history is given as -, and typed on the next line.
    """
    from portrait_assets.stages.raw.amendments import CORRECTIONS_FILE, Correction, add_correction
    from portrait_assets.stages.raw.source import load_source

    settings = settings_of(source, data_dir)
    conventions = load_source(settings.source_dir).conventions
    since = _day(day)
    _require_customer(settings, customer)
    right = sys.stdin.readline().strip() if value == "-" else value
    correction = Correction(since, customer.strip(), column, right, _who(by), reason)
    add_correction(settings.source_dir, correction, conventions)
    out.print(f"{column} is corrected from {since} on; written to {CORRECTIONS_FILE}.")
    _say_what_is_next(settings)


@commands.command("object", epilog=example('object K001 --purpose profiling --reason "by letter"'))
def object_(
    customer: IdArgument,
    reason: ReasonOption,
    purpose: Annotated[
        str | None,
        typer.Option(help="profiling, marketing, credit or sharing.", show_default="all"),
    ] = None,
    channel: Annotated[
        str | None, typer.Option(help="Channel that it is limited to.", show_default="all")
    ] = None,
    day: DayOption = None,
    by: ByOption = None,
    source: SourceOption = None,
    data_dir: DataOption = None,
) -> None:
    """Note that a customer objects to what their data are used for, from a day on.

    The objection is added to objections.csv in the source's folder; the next run reads it as a
    request of the customer.
    """
    from portrait_assets.app.door import known_channel
    from portrait_assets.stages.raw.amendments import OBJECTIONS_FILE, Objection, add_objection
    from portrait_assets.stages.raw.source import load_source

    settings = settings_of(source, data_dir)
    load_source(settings.source_dir)
    since = _day(day)
    _require_customer(settings, customer)
    if channel is not None:
        channel = known_channel(settings, channel)
    objection = Objection(since, customer.strip(), purpose, channel, _who(by), reason)
    add_objection(settings.source_dir, objection)
    what = (purpose or "all purposes") + (f" by {channel}" if channel else "")
    out.print(f"The objection to {what} holds from {since} on; written to {OBJECTIONS_FILE}.")
    _say_what_is_next(settings)


def _day(text: str | None) -> date:
    if text is None:
        return date.today()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise PortraitError(f"'{text}' is not a day; write it as YYYY-MM-DD.") from None


def _who(by: str | None) -> str:
    from portrait_assets.privacy.egress import user_name

    return by or user_name()


def _require_customer(settings: Settings, customer: str) -> None:
    from portrait_assets.app.subject.account import require_customer

    require_customer(settings, customer)


def _say_what_is_next(settings: Settings) -> None:
    from portrait_assets.core.invocation import command

    out.print(f"`{command('run', settings=settings)}` brings the portrait up to it.", markup=False)
