"""What is wrong with a warehouse, what it was found in, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from portrait_assets.core.invocation import command
from portrait_assets.core.settings import Settings
from portrait_assets.schema.table import Table
from portrait_assets.stages.raw.source import Source
from portrait_assets.storage.dagster.checks import TableCheck
from portrait_assets.storage.duckdb.partitions import WHOLE
from portrait_assets.storage.duckdb.store import Warehouse


@dataclass(frozen=True)
class Issue:
    """Something that is not as it should be: what it concerns, what it is, and what to do."""

    subject: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.what}; {self.remedy}."


@dataclass(frozen=True)
class Examination:
    """An open warehouse, its source, and the contracts and checks that its tables must keep."""

    settings: Settings
    source: Source
    warehouse: Warehouse
    tables: Sequence[Table]
    checks: Sequence[tuple[Table, TableCheck]]
    upstream: Mapping[str, Sequence[str]]

    def materialized(self, table: Table) -> dict[str, int]:
        """Rows by month materialized, of the months that the source covers."""
        covered = {*self.source.months(), WHOLE}
        return {m: n for m, n in self.warehouse.materialized(table).items() if m in covered}


def of_month(month: str) -> str:
    """The month within a sentence; nothing for a table that has none."""
    return f" of {month}" if month else ""


def run_again(first: str = "", last: str = "") -> str:
    """To run again: these months, or what has changed."""
    span = first if last in ("", first) else f"{first}..{last}"
    option = ["--months", span] if first else []
    return f"run `{command('run', *option)}`"


def make_again() -> str:
    """To make every month again."""
    return f"make every month again with `{command('run', '--fresh')}`"
