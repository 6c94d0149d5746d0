"""What a person is given passes the door: up to its clearance, and entered in the register."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from portrait_assets.app.door import door_of
from portrait_assets.app.subject.account import account_of, portable
from portrait_assets.app.subject.page import as_json, write_account
from portrait_assets.core.settings import Settings
from portrait_assets.privacy.egress import PLACE, Departure, Door, Outlet, digest_of

_TO_OTHERS = (Outlet.PUBLICATION, Outlet.SHARED, Outlet.AUDIENCE, Outlet.REPORT)


@dataclass(frozen=True)
class Given:
    """An account that left: its JSON, the files that were written, and what was held back."""

    text: str
    paths: tuple[Path, ...]
    note: str | None


def give_account(
    settings: Settings, known_as: str, folder: Path | None, only_provided: bool = False
) -> Given:
    """All that is held of the person whose identifier this is, or only what they provided.

    Args:
        settings: the warehouse's.
        known_as: the identifier.
        folder: where the files go; None writes none.
        only_provided: whether it is for another controller.

    Raises:
        UnknownPersonError: when nothing is held under the identifier.
        WarehouseError: when there is no warehouse, it cannot be opened, or a run holds it.
        EgressError: when it may not leave.
        RegisterError: when the register of what left is broken.
        OSError: when a file cannot be written.
    """
    door = door_of(settings)
    account = account_of(settings, known_as, door.clearance(Outlet.SUBJECT))
    parts = {**account.parts, "recipients": list(_recipients(door))}
    account = replace(account, parts=parts)
    if only_provided:
        account = portable(account)
    about = {"request": "portability" if only_provided else "access"}
    if folder is not None:
        about[PLACE] = str(folder.resolve())
    departure = Departure(Outlet.SUBJECT, None, account.columns, subject_named=True, about=about)
    door.open(departure)
    text = as_json(account)
    door.record(departure, 1, digest_of(text))
    paths = write_account(account, folder) if folder is not None else ()
    note = door.held_back(Outlet.SUBJECT, len(account.held_back))
    return Given(text, paths, note)


def _recipients(door: Door) -> Iterator[dict[str, Any]]:
    """Where data left to that may be of the person: by outlet and purpose how often, and when."""
    found: dict[tuple[str, str | None, str], list[str]] = {}
    for entry in door.register.entries_ever():
        if (outlet := entry.get("outlet")) in _TO_OTHERS:
            key = (str(outlet), entry.get("purpose"), str(entry.get("profile")))
            found.setdefault(key, []).append(entry.at.isoformat(timespec="seconds"))
    for (name, purpose, profile), times in sorted(found.items(), key=lambda each: str(each[0])):
        yield {
            "outlet": name,
            "purpose": purpose,
            "profile": profile,
            "times": len(times),
            "first": min(times),
            "last": max(times),
        }
