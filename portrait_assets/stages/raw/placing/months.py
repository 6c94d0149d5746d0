"""Which month a row belongs to, decided in the source's time zone; and what belongs to none."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from portrait_assets.core.months import next_month
from portrait_assets.privacy.tombstones import Tombstones
from portrait_assets.stages.raw.placing.erased import Erased, erased_of
from portrait_assets.stages.raw.reading.dates import Dates, is_moment
from portrait_assets.stages.raw.reading.files import SourceReader
from portrait_assets.stages.raw.reading.received import Received, received
from portrait_assets.stages.raw.tables.canonical import Canonical
from portrait_assets.storage.duckdb.connection import literal, literals, quote
from portrait_assets.storage.duckdb.rows import Query

NO_DATE = "no readable date"
AFTER_LAST = "after the last month"
NOBODY_ERASED = Tombstones()


@dataclass(frozen=True)
class Placing:
    """How the rows of one table of a source are placed in months."""

    reader: SourceReader
    canonical: Canonical
    types: Mapping[str, str]
    sql: str
    dates: Dates
    first: str
    last: str
    table: str | None = None
    erased: Erased | None = None
    kept_from: str = ""

    def kept(self) -> Placing:
        """The same, with all rows read into a table that exists as long as the reader is open.

        All queries then read the same rows, and the SQL runs once. What
        does not fit into memory spills to the disk.
        """
        sql = f"SELECT * FROM {self._placed()}"
        return replace(self, table=self.reader.keep(f"placed {self.canonical.name}", sql))

    @property
    def is_derived(self) -> bool:
        """Whether the SQL returns something else than the rows of one file, as in a GROUP BY."""
        return self.reader.source.rows_of(self.canonical.name) is None

    @property
    def _dating(self) -> list[str]:
        """The columns that a row is dated by and that the SQL returns."""
        return [name for name in self.canonical.dating if name in self.types]

    @property
    def _is_dated(self) -> bool:
        return bool(self._dating)

    @property
    def _date(self) -> str:
        """SQL of the moment that a row is dated by, null where it cannot be read."""
        moments = [self.dates.moment(name) for name in self._dating]
        if self.dates.received.is_undated:
            moments.append(_first_day(self.first))
        # Of a single column the statistics of Parquet row groups tell what need not be read.
        return moments[0] if len(moments) == 1 else f"coalesce({', '.join(moments)})"

    @property
    def is_read_fast(self) -> bool:
        """Whether single columns and months of it are read from its files at little cost."""
        name = self.reader.source.rows_of(self.canonical.name)
        sql = self.reader.source.sql(self.canonical.name)
        return (
            name is not None
            and self.reader.reads_only(name, sql)
            and all(path.suffix == ".parquet" for path in self.reader.source.files(name))
            and self._is_dated
            and all(is_moment(self.types[name]) for name in self._dating)
        )

    @property
    def _month(self) -> str:
        # greatest() skips nulls, so an unreadable date must be recognized before it.
        return (
            "CASE WHEN dated IS NOT NULL "
            f"THEN greatest(strftime(dated, '%Y-%m'), {literal(self.first)}) END AS month"
        )

    def _placed(self, dated: str = "true") -> str:
        """All rows with the month that they fall in, null where the date cannot be read.

        `dated` is a condition on the date that rows are known to meet: by the statistics of
        Parquet row groups others are then not read.
        """
        if self.table is not None:
            return self.table
        if not self._is_dated:
            return f"(SELECT {literal(self.first)} AS month, * FROM ({self.sql}))"
        return (
            f"(SELECT {self._month}, * EXCLUDE (dated) "
            f"FROM (SELECT {self._date} AS dated, * FROM ({self.sql})) WHERE {dated})"
        )

    def rows(self, months: Sequence[str]) -> Query:
        """The rows of these months, with the types that the files have."""
        if self.canonical.ages_with is None:
            months = [month for month in months if month >= self.kept_from]
        if not months:
            return Query(f"SELECT * FROM {self._placed()} LIMIT 0", self.types, self.reader.files)
        within = f"dated < {_first_day(next_month(max(months)))}"
        if min(months) > self.first:
            within += f" AND dated >= {_first_day(min(months))}"
        return Query(
            f"SELECT * FROM {self._placed(within)} "
            f"WHERE month IN ({literals(months)}) AND {self._stays} AND NOT {self._is_past}",
            self.types,
            self.reader.files,
        )

    def has_rows(self) -> bool:
        """Whether any row lies in a month of the source."""
        within = f"dated < {_first_day(next_month(self.last))}"
        is_within = f"month <= {literal(self.last)}"
        found = self.reader.query(f"SELECT 1 FROM {self._placed(within)} WHERE {is_within} LIMIT 1")
        return bool(found)

    def counts(self) -> dict[str | None, int]:
        """Number of rows that the SQL returns by the month they fall in; None for no date."""
        if self.table is not None or not self._is_dated:
            sql = f"SELECT month, count(*) FROM {self._placed()} GROUP BY month"
        else:
            # A month is a number first: formatting it as text for every row takes longer.
            sql = (
                f"SELECT {self._month}, CAST(sum(rows) AS BIGINT) FROM ("
                "SELECT min(dated) AS dated, count(*) AS rows "
                f"FROM (SELECT {self._date} AS dated FROM ({self.sql})) "
                "GROUP BY dated IS NULL, year(dated) * 12 + month(dated)) GROUP BY month"
            )
        return dict(self.reader.con.execute(sql).fetchall())

    def erased_counts(self) -> dict[str | None, int]:
        """As `counts`, of the rows of people who were erased."""
        if self.erased is None:
            return {}
        sql = f"SELECT month, count(*) FROM {self._placed()} WHERE NOT {self._stays} GROUP BY month"
        return dict(self.reader.con.execute(sql).fetchall())

    def past_counts(self) -> dict[str, int]:
        """By month before the first that is kept, rows removed for age, or with their people."""
        sql = (
            f"SELECT month, count(*) FROM {self._placed()} "
            f"WHERE month < {literal(self.kept_from)} AND ({self._is_past} OR NOT {self._stays}) "
            "GROUP BY month"
        )
        return dict(self.reader.con.execute(sql).fetchall()) if self.kept_from else {}

    @property
    def _is_past(self) -> str:
        """SQL of whether a row is older than it is kept."""
        if not self.kept_from:
            return "false"
        return self.reader.source.is_past(self.canonical, self.kept_from, self.types)

    @property
    def _stays(self) -> str:
        """SQL of whether a row is of nobody who was erased."""
        return "true" if self.erased is None else self.erased.stays

    def values_of(self, column: str) -> list[str | None]:
        """The different values of a column as text; none where the SQL does not return it."""
        if column not in self.types:
            return []
        sql = f"SELECT DISTINCT CAST({quote(column)} AS VARCHAR) FROM {self._placed()}"
        return [value for (value,) in self.reader.con.execute(sql).fetchall()]

    def unplaced(self) -> pl.DataFrame:
        """The rows that belong to no month of the source, as `raw.unplaced` holds them.

        A row without a date stands in the first month's partition, a later one in the last's.
        """
        return pl.concat([self._broken_lines(), self._outside(self._stays)])

    def erased_unplaced(self) -> pl.DataFrame:
        """As `unplaced`, the rows of people who were erased, which it leaves out."""
        return self._outside(f"NOT {self._stays}")

    def erased_outside(self) -> list[str]:
        """Whom of the people who were erased those rows name, as received."""
        if self.erased is None or not self._is_dated:
            return []
        who = quote(self.erased.column)
        found = self.reader.con.execute(
            f"SELECT DISTINCT {who} FROM {self._placed(self._is_outside)} WHERE NOT {self._stays} "
            f"AND (month IS NULL OR month > {literal(self.last)}) ORDER BY 1"
        ).fetchall()
        return [value for (value,) in found]

    @property
    def _is_outside(self) -> str:
        """SQL of whether a row's date lies in no month; see `_placed`."""
        return f"dated IS NULL OR dated >= {_first_day(next_month(self.last))}"

    def _outside(self, which: str) -> pl.DataFrame:
        if not self._is_dated:
            return self._broken_lines().clear()
        as_text = ", ".join(f"CAST({quote(name)} AS VARCHAR)" for name in self._dating)
        found: pl.DataFrame = self.reader.con.sql(
            f"SELECT CASE WHEN month IS NULL THEN {literal(self.first)} ELSE {literal(self.last)} "
            f"END AS month, {literal(self.canonical.name)} AS table_name, source_file, source_row, "
            f"CASE WHEN month IS NULL THEN {literal(NO_DATE)} ELSE {literal(AFTER_LAST)} END "
            f"AS reason, coalesce({as_text}) AS dated "
            f"FROM {self._placed(self._is_outside)} WHERE {which} "
            f"AND (month IS NULL OR month > {literal(self.last)}) ORDER BY ALL"
        ).pl()
        return found

    def _broken_lines(self) -> pl.DataFrame:
        return unplaced_lines(
            self.reader.broken_lines(self.reader.source.rows_of(self.canonical.name) or ""),
            self.canonical.name,
            self.first,
        )

    def rows_in_file(self) -> int | None:
        """Lines of the file that the table is read from; None for a derived table."""
        name = self.reader.source.rows_of(self.canonical.name)
        if name is None:
            return None
        added = self.reader.added(self.canonical.name)
        own = added.rows if added else 0
        return self.reader.rows_in(name) + self._broken_lines().height + own

    def found(self) -> Found:
        """How many lines there are, and by month how many of them are placed and unplaced."""
        counts = self.counts()
        undated = counts.pop(None, 0)
        placed = {month: n for month, n in counts.items() if month and month <= self.last}
        late = sum(counts.values()) - sum(placed.values())
        unplaced = {self.first: undated + self._broken_lines().height}
        unplaced[self.last] = unplaced.get(self.last, 0) + late
        in_file = self.rows_in_file()
        in_all = sum(placed.values()) + sum(unplaced.values())
        of_people = self.erased_counts()
        erased = {month: n for month, n in of_people.items() if month and month <= self.last}
        erased |= self.past_counts()
        for month, count in of_people.items():
            if not month or month > self.last:  # In no month.
                of = self.last if month else self.first
                erased[of] = erased.get(of, 0) + count
        return Found(placed, unplaced, in_all if in_file is None else in_file, erased)


@dataclass(frozen=True)
class Found:
    """Lines of a table's files: by month those placed in it, those unplaced, and all of them.

    Unplaced lines stand in the month of `raw.unplaced` that names them. `erased` are those of
    either that are of people who were erased.
    """

    placed: Mapping[str, int]
    unplaced: Mapping[str, int]
    in_file: int
    erased: Mapping[str, int] = field(default_factory=dict)


def _first_day(month: str) -> str:
    return f"DATE {literal(month + '-01')}"


def unplaced_lines(broken: pl.DataFrame, table: str, month: str) -> pl.DataFrame:
    """Broken lines of a file as `raw.unplaced` holds them."""
    return broken.select(
        pl.lit(month).alias("month"),
        pl.lit(table).alias("table_name"),
        "source_file",
        "source_row",
        "reason",
        pl.lit(None, dtype=pl.String).alias("dated"),
    )


def placings(
    reader: SourceReader,
    tombstones: Tombstones = NOBODY_ERASED,
    kept_from: Mapping[str, str] | None = None,
    tables: Collection[str] | None = None,
) -> dict[str, Placing]:
    """The placing of every table that the source provides and whose files can be read, by name.

    Where `tables` are given it is of these alone.

    Rows of people who were erased are in none, but for assignments, which keep arm and count; nor
    are rows of months before the one from which `kept_from` says that a table's are kept.

    Raises:
        SourceError: when a table's SQL cannot be used.
    """
    return {
        canonical.name: replace(
            _placing(reader, canonical, tombstones), kept_from=(kept_from or {}).get(name, "")
        )
        for name, canonical in reader.source.provided.items()
        if reader.problem(name) is None and (tables is None or name in tables)
    }


def _placing(reader: SourceReader, canonical: Canonical, tombstones: Tombstones) -> Placing:
    months = reader.source.months()
    rows = received(reader, canonical)
    erased = erased_of(reader, canonical, rows, tombstones) if tombstones else None
    if erased is not None and canonical.keeps_count:
        rows, erased = Received(erased.in_place(rows.sql), rows.types), None
    return Placing(
        reader,
        canonical,
        rows.types,
        rows.sql,
        Dates(reader, canonical, rows),
        *(months[0], months[-1]),
        erased=erased,
    )
