"""The one door out: what leaves the application passes here, or does not leave.

A departure states where it goes, what for, and which columns it holds. The door refuses it where
they are of a higher class than its readers may see, where nobody agreed to the purpose, and where
the register of what left is broken; what left is entered there (Personal Information Protection
Law, articles 6, 13, 51 and 55; JR/T 0171-2020, 6.1.4).

Nothing here imports a frame library: a customer's card passes, and is there in under a second.
"""

from __future__ import annotations

import fcntl
import getpass
import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, TypeVar

from portrait_assets.core.errors import PortraitError, suggestion
from portrait_assets.core.settings import Settings
from portrait_assets.privacy.departures.register import Entry, Register
from portrait_assets.privacy.erasure import require_none_half_done

CLASSES = ("C1", "C2", "C3")
LOWEST, HIGHEST = CLASSES[0], CLASSES[-1]
"""An outlet shows columns of the lowest class where no clearance is declared."""

PLACE = "written_to"
"""What a departure to a file states of it beside all else: the file, or the folder, in full."""

_MOST_NAMED = 40
"""Columns whose names an entry lists; of more it has their number, classes and digest."""


class EgressError(PortraitError):
    """What was requested does not leave, in one sentence with the reason and the remedy."""


class Outlet(StrEnum):
    """Where something leaves."""

    PUBLICATION = "publication"  # portrait.duckdb, which analysts open
    REPORT = "report"
    SHARED = "shared"  # a file for others, of the profile `shared`
    AUDIENCE = "audience"  # its size and profile, or a file of its customers
    TAGS = "tags"  # how many customers a draft would move
    CARD = "card"
    SUBJECT = "subject"  # all that is held of a customer, for that customer
    IDENTITY = "identity"  # which identifiers turned out to be one customer's


class Purpose(StrEnum):
    """What personal information is processed for, and leaves for: what customers agree to."""

    PROFILING = "profiling"
    MARKETING = "marketing"
    CREDIT = "credit"
    SHARING = "sharing"


class Profile(StrEnum):
    """How a publication is made."""

    INTERNAL = "internal"  # pseudonymous, no C3, rows as they are
    SHARED = "shared"  # k-anonymous


_HIGHEST = {Outlet.PUBLICATION: "C2", Outlet.SHARED: "C2"}
"""The profiles' own bounds, which hold whatever clearance is declared."""

_AGGREGATED = (Outlet.REPORT, Outlet.TAGS)
"""Outlets that show counts and shares over customers, whatever the classes of what they read."""


class Classed(Protocol):
    """A column as the door looks at it; `schema.table.Column` is one."""

    @property
    def name(self) -> str:
        """The column's name."""

    @property
    def sensitivity(self) -> str:
        """The column's class."""


@dataclass(frozen=True)
class Shown:
    """A column of which no more is at hand than name and class."""

    name: str
    sensitivity: str = LOWEST


_Column = TypeVar("_Column", bound=Classed)


@dataclass(frozen=True)
class Departure:
    """What is about to leave.

    Args:
        outlet: where it leaves, an `Outlet`.
        purpose: what for, a `Purpose` or `analysis`, which is profiling; None where the law or
            the operation of the application asks for it.
        columns: what it holds, or is computed from where it is aggregated.
        profile: how it was made, a `Profile`.
        subject_named: whether it is of customers whom the reader names, or of a list of them.
        who: who asked; whom the settings or the operating system name by default.
        aggregated: whether it holds only counts and shares over enough customers.
        about: what else the register is to hold of it, such as the month; no personal data.
    """

    outlet: str
    purpose: str | None
    columns: tuple[Classed, ...]
    profile: str = Profile.INTERNAL
    subject_named: bool = False
    who: str | None = None
    aggregated: bool = False
    about: Mapping[str, str] = field(default_factory=dict)


Consent = Callable[[Departure], str | None]
"""Why a departure is not agreed to, as the beginning of a sentence and its remedy; None where it
is."""


def nothing_declared(departure: Departure) -> str | None:
    """The consent of a source that declares none: it is analysed, and nobody is approached."""
    purpose = purpose_of(departure.purpose)
    if purpose in (None, Purpose.PROFILING) or departure.profile == Profile.SHARED:
        return None
    return (
        f"nothing leaves for {purpose} before it is declared who agreed to that; provide "
        "consents.sql, or say under consent_default in source.yaml what silence means"
    )


class Door:
    """The door of a source's application.

    Args:
        settings: name the source, the clearances and who asks.
        consent: why a departure is not agreed to; of a source that declares nothing by default.
        public: whether the source is public, so that groups of any size may be shown.
    """

    def __init__(
        self, settings: Settings, consent: Consent = nothing_declared, public: bool = False
    ) -> None:
        self.settings = settings
        self.register = Register.of(settings)
        self.consent = consent
        self.smallest_group = 1 if public else settings.smallest_group
        """Fewest customers that a count handed out may rest on."""

    def clearance(self, outlet: str) -> str:
        """The highest class that the outlet's readers may see.

        Raises:
            EgressError: when the settings name an outlet or a class that there is not.
        """
        for name, level in self.settings.clearance.items():
            if name not in set(Outlet):
                raise EgressError(
                    f"PORTRAIT_CLEARANCE__{name.upper()} names no outlet"
                    f"{suggestion(name, set(Outlet))}; there are {', '.join(Outlet)}."
                )
            if level not in CLASSES:
                raise EgressError(
                    f"{_setting(name)} is '{level}', which is no class; give it one of "
                    f"{', '.join(CLASSES)}."
                )
        bound = _HIGHEST.get(Outlet(outlet))
        declared = self.settings.clearance.get(outlet, bound or LOWEST)
        return min(declared, bound) if bound else declared

    def cleared(
        self, outlet: str, columns: Iterable[_Column]
    ) -> tuple[tuple[_Column, ...], str | None]:
        """The columns that the outlet's readers may see, and a sentence on the others, if any."""
        given, most = tuple(columns), self.clearance(outlet)
        shown = tuple(column for column in given if column.sensitivity <= most)
        return shown, self.held_back(outlet, len(given) - len(shown))

    def held_back(self, outlet: str, count: int) -> str | None:
        """One sentence on how many columns the outlet's readers may not see; None of none."""
        if not count:
            return None
        are = "1 column is" if count == 1 else f"{count} columns are"
        return (
            f"{are} held back, of a class above {self.clearance(outlet)}; {_setting(outlet)}=C2 "
            "shows those of C2."
        )

    def open(self, departure: Departure) -> None:
        """Let the departure pass.

        Raises:
            EgressError: when it may not leave.
            RegisterError: when the register is broken, so that nothing leaves.
            ErasureError: when an erasure was stopped, and what is read still has the people.
        """
        _check_names(departure)
        require_none_half_done(self.settings)
        self.register.verify()
        self._check_classes(departure)
        refusal = self.consent(departure)
        if refusal is not None:
            raise EgressError(f"{_subject(departure)} does not leave: {refusal}.")

    def record(self, departure: Departure, rows: int, digest: str) -> Entry:
        """Enter in the register that the departure left.

        Args:
            departure: what `open` let pass.
            rows: how many it holds; of an aggregated one, the customers it is about.
            digest: of what left, in hexadecimal digits: SHA-256, or where identifiers could be
                tried until it is right, an HMAC.

        Raises:
            RegisterError: when the register is broken.
            OSError: when it cannot be written.
        """
        who = departure.who or self.settings.who or user_name()
        return self.register.append(
            {"who": who, **_facts(departure), "rows": rows, "digest": digest}
        )

    def left_before(self, departure: Departure) -> bool:
        """Whether what left last by the outlet is this departure, as far as it states itself.

        Raises:
            RegisterError: when the register is broken.
        """
        facts = _facts(departure)
        return any(
            facts == {name: entry.get(name) for name in facts}
            for entry in self.earlier(departure.outlet)[-1:]
        )

    @contextmanager
    def one_answer(self) -> Iterator[None]:
        """Wait until no other process answers, for an answer is compared with those before it."""
        lock = self.settings.warehouse_dir / "answers.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        with open(lock, "a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def earlier(self, outlet: str) -> list[Entry]:
        """What left by this outlet, first to last.

        Raises:
            RegisterError: when the register is broken.
        """
        return self.register.entries(outlet)

    def _check_classes(self, departure: Departure) -> None:
        if _is_aggregated(departure):
            return
        most = self.clearance(departure.outlet)
        above = [column for column in departure.columns if column.sensitivity > most]
        if not above:
            return
        more = f" and {len(above) - 1} more columns" if len(above) > 1 else ""
        them = "them" if more else "it"
        highest = max(column.sensitivity for column in above)
        remedy = f"leave {them} out"
        if highest <= _HIGHEST.get(Outlet(departure.outlet), HIGHEST):
            remedy += f", or set {_setting(departure.outlet)}={highest}"
        raise EgressError(
            f"{_subject(departure)} does not leave: it holds {above[0].name} of class "
            f"{above[0].sensitivity}{more}, and may hold up to {most}; {remedy}."
        )


def _facts(departure: Departure) -> dict[str, Any]:
    """What the register holds of a departure beside who asked, and what it came to."""
    names = [column.name for column in departure.columns]
    classes = Counter(str(column.sensitivity) for column in departure.columns)
    return {
        "outlet": str(departure.outlet),
        "purpose": purpose_of(departure.purpose),
        "profile": str(departure.profile),
        "subject_named": departure.subject_named,
        "aggregated": _is_aggregated(departure),
        "columns": names if len(names) <= _MOST_NAMED else [],
        "column_count": len(names),
        "classes": dict(sorted(classes.items())),
        "columns_digest": digest_of("\n".join(names)),
        "about": dict(departure.about),
    }


def purpose_of(name: str | None) -> Purpose | None:
    """The purpose of that name, where `analysis` is profiling.

    Raises:
        EgressError: when there is no such purpose.
    """
    if name is None or name in set(Purpose):
        return None if name is None else Purpose(name)
    if name == "analysis":
        return Purpose.PROFILING
    known = ("analysis", *Purpose)
    raise EgressError(
        f"'{name}' is no purpose{suggestion(name, known)}; choose one of {', '.join(known)}."
    )


def digest_of(text: str) -> str:
    """SHA-256 of the text in UTF-8, in hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def digest_of_file(path: Path) -> str:
    """SHA-256 of the file's bytes, in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_names(departure: Departure) -> None:
    purpose_of(departure.purpose)
    for value, known, what in (
        (departure.outlet, tuple(Outlet), "outlet"),
        (departure.profile, tuple(Profile), "profile"),
    ):
        if value not in known:
            raise EgressError(
                f"'{value}' is no {what}{suggestion(value, known)}; there are {', '.join(known)}."
            )


def _is_aggregated(departure: Departure) -> bool:
    return departure.aggregated or departure.outlet in _AGGREGATED


def _subject(departure: Departure) -> str:
    """What leaves, as the beginning of a sentence."""
    article = "An" if departure.outlet[0] in "aeiou" else "A"
    return {
        Outlet.PUBLICATION: "The published file",
        Outlet.SHARED: "The shared file",
        Outlet.REPORT: "The report",
        Outlet.SUBJECT: "What is held of the customer",
        Outlet.TAGS: "What a draft of a tag would change",
        Outlet.IDENTITY: "Which identifiers are one customer's",
    }.get(Outlet(departure.outlet), f"{article} {departure.outlet}")


def _setting(outlet: str) -> str:
    return f"PORTRAIT_CLEARANCE__{outlet.upper()}"


def user_name() -> str:
    """The operating system's user; by number where it has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return f"user {os.getuid()}"
