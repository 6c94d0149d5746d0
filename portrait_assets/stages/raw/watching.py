"""What a source's files hold, month by month, in a form that shows what has changed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

import duckdb

from portrait_assets.core.errors import SourceError
from portrait_assets.core.months import next_month
from portrait_assets.stages.raw.placing import placings
from portrait_assets.stages.raw.reading import SourceReader
from portrait_assets.stages.raw.source import Source

Digests = dict[str, dict[str, str]]


def file_stamp(source: Source) -> str:
    """Name, size and time of every file and SQL of the source: cheap to take, as text."""
    paths = sorted([*source.folder.glob("*.sql"), *source.folder.glob("views/*.sql")])
    for name in source.definition.files:
        paths += source.files(name)
    stamps = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in paths]
    return json.dumps(stamps)


def month_digests(source: Source) -> Digests:
    """By table and month, a digest of the rows that does not depend on their order.

    Raises:
        SourceError: when the source, or one of its files, cannot be read.
    """
    with duckdb.connect() as con, SourceReader(con, source) as reader:
        if problems := reader.problems():
            # Its rows are not known, so that neither is whether they have changed.
            raise SourceError(problems[0])
        return {
            name: placing.digests(source.months()) for name, placing in placings(reader).items()
        }


def changed_months(before: Mapping[str, Mapping[str, str]], now: Digests) -> list[str]:
    """The months in which any table's rows differ between two states of the source, in order."""
    months = set()
    for table in before.keys() | now.keys():
        old, new = before.get(table, {}), now.get(table, {})
        months |= {month for month in old.keys() | new.keys() if old.get(month) != new.get(month)}
    return sorted(months)


def as_ranges(months: Iterable[str]) -> list[tuple[str, str]]:
    """Months in order, joined to ranges (first, last) of months without a gap."""
    ranges: list[tuple[str, str]] = []
    for month in months:
        if ranges and next_month(ranges[-1][1]) == month:
            ranges[-1] = (ranges[-1][0], month)
        else:
            ranges.append((month, month))
    return ranges
