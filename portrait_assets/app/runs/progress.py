"""What a run reports while it goes on, and how long it still takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from portrait_assets.app.runs.estimate import Stage


class Progress(Protocol):
    """Receives what a run reports: sentences, its stages, and the tables that it writes."""

    def say(self, sentence: str) -> None:
        """Something that whoever waits for the run should read."""

    def warn(self, sentence: str) -> None:
        """Something that may end the run later."""

    def fail(self, sentence: str) -> None:
        """Months that failed a check."""

    def problem(self, sentence: str) -> None:
        """Something that the notifier failed at."""

    def expect(self, stages: Sequence[Stage]) -> None:
        """The stages that are ahead, of this run and those after it."""

    def start(self, months: Sequence[str], tables: Mapping[str, int]) -> None:
        """A run of these months begins, which writes so many tables in each stage."""

    def on_written(self, table: str, rows: int) -> None:
        """A table was written."""

    def end(self, stage: str) -> None:
        """A stage has ended."""


@dataclass
class Clock:
    """The time left, from what stages should take and what those that ended took."""

    ahead: list[Stage] = field(default_factory=list)
    took: float = 0.0
    expected: float = 0.0

    def ended(self, stage: str, seconds: float) -> None:
        """Note that the next stage of this name has ended."""
        for index, each in enumerate(self.ahead):
            if each.name == stage:
                self.expected += each.seconds
                self.took += seconds
                del self.ahead[index]
                return

    @property
    def left(self) -> float:
        """Seconds left, should the rest keep to the pace so far."""
        pace = self.took / self.expected if self.expected else 1.0
        return pace * sum(each.seconds for each in self.ahead)
