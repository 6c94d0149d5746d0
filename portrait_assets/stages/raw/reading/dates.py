"""How the dates that a source's SQL gives are read in SQL, as `methods.typing` reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from portrait_assets.core.errors import SourceError
from portrait_assets.methods.typing.dates import (
    DATE_FORMATS,
    EXCEL_EPOCH,
    ISO_MOMENT,
    ISO_OFFSET,
    YEARS,
)
from portrait_assets.schema.table import Column, Sensitivity, Type
from portrait_assets.stages.raw.reading.files import SourceReader
from portrait_assets.stages.raw.reading.received import Received
from portrait_assets.stages.raw.tables.canonical import Canonical
from portrait_assets.storage.duckdb.connection import (
    is_number,
    literal,
    literals,
    number_text,
    quote,
)

FULL_WIDTH, HALF_WIDTH = "０１２３４５６７８９／：－．", "0123456789/:-."
EXAMPLES, EXAMPLE_CHARACTERS = 3, 40


@dataclass(frozen=True)
class Dates:
    """The columns of dates of one table of a source."""

    reader: SourceReader
    canonical: Canonical
    received: Received

    def moment(self, name: str) -> str:
        """SQL of the moment that a column's value states, null where it cannot be read."""
        column, kind = quote(name), self.received.types[name]
        if is_moment(kind):
            return column
        time_zone = self.reader.source.definition.time_zone
        if kind == "TIMESTAMP WITH TIME ZONE":
            return _by_clocks(column, time_zone)
        text = f"translate({self._text(name)}, '{FULL_WIDTH}', '{HALF_WIDTH}')"
        if declared := self._declared(name):
            return f"try_strptime({text}, [{literals(declared)}])"
        return stated_moment(text, time_zone)

    def _text(self, name: str) -> str:
        column = quote(name)
        kind = self.received.types[name]
        if is_number(kind):
            return number_text(column, kind)
        return f"trim(CAST({column} AS VARCHAR))"

    def _declared(self, name: str) -> tuple[str, ...]:
        return self.reader.source.conventions.date_formats(self.canonical.name, name)

    def require_readable(self) -> None:
        """Check that of each column that has values at least one can be read.

        Raises:
            SourceError: when of a column none can; the sentence names three of them.
        """
        for column in self.canonical.columns:
            kind = self.received.types.get(column.name)
            if column.type not in (Type.DATE, Type.TIMESTAMP) or kind is None:
                continue
            if is_moment(kind) or kind == "TIMESTAMP WITH TIME ZONE":
                continue
            is_read = f"{self.moment(column.name)} IS NOT NULL"
            if self.reader.query(f"SELECT 1 FROM ({self.received.sql}) WHERE {is_read} LIMIT 1"):
                continue
            if examples := self._examples(column):
                raise SourceError(self._unreadable(column.name, examples))

    def _examples(self, column: Column) -> list[str]:
        """The first values of the column, codes for not known left out, masked if personal."""
        codes = self.reader.source.codes(column, self.canonical.name)
        text = shown = self._text(column.name)
        if column.sensitivity is not Sensitivity.C1:
            shown = rf"regexp_replace({text}, '\p{{N}}', '9', 'g')"
            shown = rf"regexp_replace({shown}, '\p{{L}}', 'x', 'g')"
        rows = self.reader.query(
            f"SELECT DISTINCT left({shown}, {EXAMPLE_CHARACTERS}) FROM ({self.received.sql}) "
            f"WHERE lower({text}) NOT IN ({literals(['', *codes])}) ORDER BY 1 LIMIT {EXAMPLES}"
        )
        return [f"'{row[0]}'" for row in rows]

    def _unreadable(self, name: str, examples: Sequence[str]) -> str:
        source, column = self.reader.source, f"{self.canonical.name}.{name}"
        files = self.reader.files_of(self.canonical.name)
        *first, last = examples
        shown = f"{', '.join(first)} and {last}" if first else last
        remedy = (
            f"declare how they are written in source.yaml, such as "
            f"rules: {{{column}: {{date_format: '%m/%d/%Y %H:%M'}}}}, or list under its sentinels "
            "what stands for not known"
        )
        by = ""
        if declared := self._declared(name):
            by = f" by {' or '.join(declared)}"
            remedy = f"correct date_format under rules, {column} in source.yaml"
        return (
            f"{source.name}: none of the dates in {column} ({files}) can be read{by}, which holds "
            f"{shown}; {remedy}."
        )


def stated_moment(text: str, time_zone: str) -> str:
    """SQL of the moment that a text states in a form that is read unasked; null for none.

    Of one with an offset it is what the clocks of the time zone showed.
    """
    zoned = f"TRY_CAST({text} AS TIMESTAMP WITH TIME ZONE)"
    return (
        f"CASE WHEN regexp_full_match({text}, '[1-9][0-9]{{4}}') "
        f"THEN DATE '{EXCEL_EPOCH}' + TRY_CAST({text} AS INTEGER) "
        f"WHEN regexp_full_match({text}, {literal(ISO_MOMENT)}) "
        f"THEN TRY_CAST({text} AS TIMESTAMP) "
        f"WHEN regexp_full_match({text}, {literal(ISO_MOMENT + ISO_OFFSET)}) "
        f"THEN {_by_clocks(zoned, time_zone)} "
        f"ELSE try_strptime({text}, [{literals(DATE_FORMATS)}]) END"
    )


def _by_clocks(zoned: str, time_zone: str) -> str:
    """SQL of a moment by a zone's clocks; null where these are beyond the years that are read."""
    local = f"({zoned} AT TIME ZONE {literal(time_zone)})"
    first, last = YEARS
    return f"CASE WHEN year{local} BETWEEN {first} AND {last} THEN {local} END"


def is_moment(kind: str) -> bool:
    """Whether values of this DuckDB type are dates without a time zone."""
    return kind == "DATE" or (kind.startswith("TIMESTAMP") and "ZONE" not in kind)
