"""How far a run is, at a terminal: by stage and months, with the time left."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from portrait_assets.app.cli.options import print_problem
from portrait_assets.app.runs.estimate import Stage, duration
from portrait_assets.app.runs.progress import Clock
from portrait_assets.core.months import span


class RunProgress:
    """Prints the progress of several runs in turn, by the tables that they write."""

    def __init__(self, out: Console, bar: Progress, now: Callable[[], float]) -> None:
        self._out = out
        self._bar = bar
        self._task = bar.add_task("starting", total=None, left="")
        self._now = now
        self.clock = Clock()
        self._span = ""
        self._tables: dict[str, int] = {}
        self._rows: Counter[str] = Counter()
        self._took: defaultdict[str, float] = defaultdict(float)
        self._since = now()

    def say(self, sentence: str) -> None:
        """Print the sentence."""
        self._out.print(sentence, markup=False)

    def warn(self, sentence: str) -> None:
        """Print the sentence in yellow."""
        self._out.print(sentence, style="yellow", markup=False)

    def fail(self, sentence: str) -> None:
        """Print the sentence in red."""
        self._out.print(sentence, style="red", markup=False)

    def problem(self, sentence: str) -> None:
        """Print the sentence beside the command's own failure."""
        print_problem(sentence)

    def expect(self, stages: Sequence[Stage]) -> None:
        """The stages that are ahead, of this run and those after it; the bar is there from now."""
        self.clock.ahead = list(stages)
        self._bar.start()

    def start(self, months: Sequence[str], tables: Mapping[str, int]) -> None:
        """A run of these months begins, which writes so many tables in each stage."""
        self._span = span(months)
        self._tables = dict(tables)
        self._since = self._now()

    def on_written(self, table: str, rows: int) -> None:
        """A table was written."""
        stage = table.split(".")[0]
        self._rows[stage] += rows
        self._spent_on(stage)
        self._tables[stage] = self._tables.get(stage, 1) - 1
        description = f"{self._span}: {table}"
        self._bar.update(self._task, description=description, left=self._left())
        if self._tables[stage] == 0:
            self.end(stage)

    def end(self, stage: str) -> None:
        """A stage has ended."""
        self._spent_on(stage)
        rows, took = self._rows.pop(stage, 0), self._took.pop(stage)
        self.clock.ended(stage, took)
        if not self._out.is_terminal:
            self._out.print(f"  {self._span} {stage}: {rows:,} rows in {took:.1f} s{self._left()}")
        done, ahead = self.clock.took, self.clock.left
        self._bar.update(self._task, completed=done, total=done + ahead, left=self._left())

    def _spent_on(self, stage: str) -> None:
        """Add the time since the last table, as tables of several stages are written in turn."""
        now = self._now()
        self._took[stage] += now - self._since
        self._since = now

    def _left(self) -> str:
        return f", about {duration(self.clock.left)} left" if self.clock.ahead else ""


@contextmanager
def shown_progress(
    out: Console, now: Callable[[], float] = time.monotonic
) -> Iterator[RunProgress]:
    """Progress on a terminal as a bar, elsewhere as a line for each stage."""
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
        console=out,
        disable=not out.is_terminal,
    )
    try:
        yield RunProgress(out, bar, now)
    finally:
        bar.stop()
