"""Which rows of a table are of people who were erased, as their tombstones tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from portrait_assets.privacy.tombstones import MARK, Tombstones, word_of
from portrait_assets.stages.raw.reading.files import SourceReader
from portrait_assets.stages.raw.reading.received import Received
from portrait_assets.stages.raw.tables.canonical import Canonical
from portrait_assets.storage.duckdb.connection import literal, quote


@dataclass(frozen=True)
class Erased:
    """The rows of a table that are of people who were erased.

    `column` names the people, and the temporary table `values` has what it holds of them:
    `value`, `digest`, which is their tombstone, and the `word` that stands for a text. `texts` are
    such tables by other columns, of values that were theirs alone.
    """

    column: str
    values: str
    texts: Mapping[str, str] = field(default_factory=dict)

    @property
    def stays(self) -> str:
        """SQL of whether a row is of nobody of them."""
        name = quote(self.column)
        return f"({name} IS NULL OR {name} NOT IN (SELECT value FROM {self.values}))"

    def in_place(self, sql: str) -> str:
        """The rows that the query gives, with tombstones in the place of ids and of their texts."""
        name = quote(self.column)
        replaced = [f"coalesce({literal(MARK)} || e.digest, r.{name}) AS {name}"]
        for column, values in self.texts.items():
            text = f"r.{quote(column)}"
            mark = f"SELECT x.word FROM {values} AS x WHERE x.value = {text}"
            replaced.append(
                f"CASE WHEN e.digest IS NULL THEN {text} ELSE coalesce(({mark}), {text}) END "
                f"AS {quote(column)}"
            )
        return (
            f"SELECT r.* REPLACE ({', '.join(replaced)}) "
            f"FROM ({sql}) AS r LEFT JOIN {self.values} AS e ON r.{name} = e.value"
        )


def erased_of(
    reader: SourceReader, canonical: Canonical, rows: Received, tombstones: Tombstones
) -> Erased | None:
    """Whose rows of the table are to be dropped; None where nobody's are."""
    column = canonical.identifier
    if column not in rows.types:
        return None
    values = _tombstones_of(reader, canonical, rows, column, tombstones)
    if values is None:
        return None
    texts = {
        each.name: found
        for each in (canonical.columns if canonical.keeps_count else ())
        if each.name != column and rows.types.get(each.name) == "VARCHAR"
        if (found := _tombstones_of(reader, canonical, rows, each.name, tombstones))
    }
    return Erased(column, values, texts)


def _tombstones_of(
    reader: SourceReader, canonical: Canonical, rows: Received, column: str, tombstones: Tombstones
) -> str | None:
    """A temporary table of the values of the column that have a tombstone; None where none has."""
    name = quote(column)
    kept = reader.keep(
        f"values of {canonical.name}.{column}",
        f"SELECT DISTINCT {name} AS value FROM ({rows.sql}) WHERE {name} IS NOT NULL",
    )
    found = tombstones.among(reader.con.sql(f"FROM {kept}").pl()["value"], column)
    if found.is_empty():
        return None
    words = pl.Series("word", map(word_of, found["digest"]), dtype=pl.String)
    reader.con.register("found_erased", found.with_columns(words))
    values = reader.keep(f"erased of {canonical.name}.{column}", "FROM found_erased")
    reader.con.unregister("found_erased")
    return values
