"""Finding entries in the register of what left."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from portrait_assets.core.errors import suggestion
from portrait_assets.core.files import written_beside
from portrait_assets.core.settings import Settings
from portrait_assets.privacy.departures.register import Entry, Register
from portrait_assets.privacy.egress import PLACE, EgressError, Outlet


def find_entries(
    settings: Settings,
    outlet: str | None = None,
    since: str | None = None,
    until: str | None = None,
) -> list[Entry]:
    """The entries of an outlet, or of all, whose day in UTC lies between two, both included.

    Raises:
        RegisterError: when the register is broken.
        EgressError: when there is no such outlet, or a day is none.
    """
    known = (*Outlet, "register")
    if outlet is not None and outlet not in known:
        raise EgressError(
            f"'{outlet}' is no outlet{suggestion(outlet, known)}; there are {', '.join(known)}."
        )
    first, last = (None if text is None else _day(text) for text in (since, until))
    return [
        entry
        for entry in Register.of(settings).entries(outlet)
        if (first is None or entry.at.date() >= first) and (last is None or entry.at.date() <= last)
    ]


def files_written(settings: Settings) -> list[Path]:
    """The files of customers' rows that left and are still in their places, each once.

    Raises:
        RegisterError: when the register is broken.
    """
    paths = dict.fromkeys(place_of(entry) for entry in Register.of(settings).entries_ever())
    return [path for path in paths if path is not None and path.is_file()]


def unfinished_files(settings: Settings) -> list[Path]:
    """What a process that was killed left beside the places of files that left, each once.

    Raises:
        RegisterError: when the register is broken.
    """
    places = dict.fromkeys(place_of(entry) for entry in Register.of(settings).entries_ever())
    beside = (written_beside(place) for place in places if place is not None)
    return [path for path in beside if path.is_file()]


def folders_written(settings: Settings) -> list[Path]:
    """The folders that what is held of single customers was written to, each once.

    Raises:
        RegisterError: when the register is broken.
    """
    entries = Register.of(settings).entries_ever()
    found = (place_of(entry) for entry in entries if entry.get("outlet") == Outlet.SUBJECT)
    return list(dict.fromkeys(path for path in found if path is not None))


def place_of(entry: Entry) -> Path | None:
    """Where what left was written to; None where it was printed, or the entry does not say."""
    place = (entry.get("about") or {}).get(PLACE)
    return None if place is None else Path(place)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise EgressError(f"'{text}' is no day; write one such as 2026-11-30.") from None
