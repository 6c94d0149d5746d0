"""The errors that a person can mend; their text is one sentence with the remedy in it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class PortraitError(Exception):
    """A mistake in a source, a setting or a request, stated in one sentence with its remedy."""

    exit_code = 1
    """Exit code of a command that ends with it."""


class RunFailedError(PortraitError):
    """A run failed; the failure is recorded with the run, and reported with it."""


class StoppedError(PortraitError):
    """A signal stopped the command; the exit code is 128 and the signal's number."""

    def __init__(self, sentence: str, signal_number: int) -> None:
        super().__init__(sentence)
        self.exit_code = 128 + signal_number


class SourceError(PortraitError):
    """A source definition, or a file that it names, cannot be used as it stands."""


class WarehouseError(PortraitError):
    """The warehouse cannot carry out what is requested of it."""


class WarehouseBusyError(WarehouseError):
    """Another run holds the warehouse and did not let go within the wait."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is spelt most alike, when one is close."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return close[0] if close else None


def suggestion(name: str, known: Iterable[str]) -> str:
    """` (did you mean spend_12m?)` when a known name is close, and otherwise nothing."""
    close = nearest(name, known)
    return f" (did you mean {close}?)" if close else ""


def listed(names: Iterable[str], most: int = 8) -> str:
    """Some names with commas, and how many more there are."""
    every = list(names)
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more
