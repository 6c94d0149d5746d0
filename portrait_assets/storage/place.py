"""Which table and months a step is at, as a note on the error that ends it.

A note (PEP 678) leaves the error, its class and its message as they are, and goes with it into
Dagster's records.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from portrait_assets.core.months import span

NOTE = "While making "


class Place:
    """The months that a step is at, of those that it was given."""

    def __init__(self) -> None:
        self._months: Sequence[str] = ()

    def each(self, months: Sequence[str]) -> Iterator[str]:
        """The months, one after the other; an error meanwhile is noted with the one it was at."""
        for month in months:
            self.at(month)
            yield month
        self.at(*months)

    def at(self, *months: str) -> None:
        """From now on the step is at these months."""
        self._months = months

    @contextmanager
    def noted(self, table: str, months: Sequence[str]) -> Iterator[None]:
        """An error within is noted with the table and the months, unless one within it did so."""
        around, self._months = self._months, months
        try:
            yield
        except BaseException as error:
            if not any(note.startswith(NOTE) for note in getattr(error, "__notes__", ())):
                error.add_note(f"{NOTE}{table} of {span(self._months)}")
            raise
        finally:
            self._months = around


def read_place(lines: Sequence[str]) -> str | None:
    """The table and months that the message of an error notes; None when it notes none."""
    return next((line.removeprefix(NOTE) for line in lines if line.startswith(NOTE)), None)
