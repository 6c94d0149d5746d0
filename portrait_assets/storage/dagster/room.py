"""A room as one object, from which definitions, doctor, report and command line are assembled.

Rooms are listed wherever their names are needed, also to print `portrait --help`, so a room's
`room.py` loads nothing heavy: what it declares are functions, which import when they are called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, NamedTuple, ParamSpec, TypeVar, cast

if TYPE_CHECKING:
    import dagster as dg

    from portrait_assets.core.settings import Settings
    from portrait_assets.schema.table import Table
    from portrait_assets.storage.dagster.checks import TableCheck
    from portrait_assets.storage.published import Section
    from portrait_assets.storage.publishing.content import Extract
    from portrait_assets.storage.publishing.file import View

_Read = TypeVar("_Read")
_Needs = ParamSpec("_Needs")


class Pace(NamedTuple):
    """Seconds that a room takes: once per run, per month, and per million rows of the source."""

    run: float
    month: float
    million_rows: float

    def seconds(self, months: int, rows: int) -> float:
        """What so many months with so many rows take in one run."""
        return self.run + self.month * months + self.million_rows * rows / 1e6


UNMEASURED = Pace(1.0, 0.35, 5.0)
"""About the mean of the rooms that were measured."""


class SourceFolder:
    """A source's folder, from which each thing is read once, however many rooms need it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read: dict[Callable[..., Any], Any] = {}

    def read(
        self,
        reader: Callable[Concatenate[Path, _Needs], _Read],
        *needs: _Needs.args,
        **named: _Needs.kwargs,
    ) -> _Read:
        """What the reader gives for the folder and what else it needs; errors are the reader's."""
        if reader not in self._read:
            self._read[reader] = reader(self.path, *needs, **named)
        return cast(_Read, self._read[reader])


@dataclass(frozen=True)
class Context:
    """What rooms are assembled for: settings, the source's folder and months, and all rooms."""

    settings: Settings
    folder: SourceFolder
    partitions: dg.PartitionsDefinition[str]
    rooms: tuple[Room, ...]

    @property
    def tables(self) -> list[Table]:
        """The contract of every table that the rooms make, in the order of the flow."""
        return [table for room in self.rooms for table in room.tables(self)]

    @property
    def checks(self) -> dict[Table, Sequence[TableCheck]]:
        """What is checked of tables besides their contracts, in the order of the flow."""
        return {table: own for room in self.rooms for table, own in room.checks(self).items()}

    @property
    def views(self) -> list[View | Extract]:
        """What the published file has besides the tables that are published."""
        return [view for room in self.rooms for view in room.views(self)]

    @property
    def sections(self) -> list[Section]:
        """The sections of the report, from the mart's own back to those of the source's rooms."""
        return [section for room in reversed(self.rooms) for section in room.report()]


def declared(reference: str) -> Callable[[Context], Any]:
    """Gives what stands under a reference, `package.module:NAME`, imported when it is called."""
    module, _, name = reference.partition(":")
    return lambda _context: getattr(import_module(module), name)


@dataclass(frozen=True)
class Room:
    """A stage of the flow.

    Args:
        name: of the room, of the schema of its tables and of its folder in `stages`.
        tables: gives the contracts of its tables.
        steps: gives the steps that write them; rooms later in the flow may be absent.
        checks: gives what is checked of a table besides its contract.
        views: gives what the published file has of its tables besides those that are published.
        report: gives the sections that the report has of it.
        commands: the modules of the room's commands, each with a `typer.Typer` of that name; as
            strings, which the command line imports, for no layer below depends on it.
        pace: what the room takes, for estimates of a run.
    """

    name: str
    tables: Callable[[Context], Sequence[Table]] = lambda context: ()
    steps: Callable[[Context], Sequence[dg.AssetsDefinition]] = lambda context: ()
    checks: Callable[[Context], Mapping[Table, Sequence[TableCheck]]] = lambda context: {}
    views: Callable[[Context], Sequence[View | Extract]] = lambda context: ()
    report: Callable[[], Sequence[Section]] = lambda: ()
    commands: tuple[str, ...] = ()
    pace: Pace = UNMEASURED
