"""A source's files as DuckDB views, each row with the file and the row number it came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import polars as pl

from portrait_assets.core.errors import SourceError
from portrait_assets.stages.raw.amendments import AMENDING, amending_file, read_amendments
from portrait_assets.stages.raw.definition import FileKind, FileSpec
from portrait_assets.stages.raw.reading.statements import does_not_run, require_select
from portrait_assets.stages.raw.reading.text_files import BROKEN_LINES, load_text_file, transcode
from portrait_assets.stages.raw.source import Source
from portrait_assets.stages.raw.tables.canonical import Canonical
from portrait_assets.storage.duckdb.connection import (
    first_line,
    literal,
    literals,
    quote,
    unreadable,
)

PATTERN_CHARACTERS = frozenset("*?[]{}\\")


@dataclass(frozen=True)
class Added:
    """A temporary table of the rows that were added to a canonical one, and their number."""

    table: str
    columns: tuple[str, ...]
    rows: int


class SourceReader:
    """The source's files as temporary views on one connection, for as long as it is open.

    Text files keep every value as text; Parquet and JSON keep their own types. Files in another
    encoding are written again as UTF-8 into `scratch`, while it is open. A file that cannot be
    read has no view; `problem` states it for the tables that need it. The SQL in the folder `views`
    of the source becomes views too, for what several tables read.
    """

    def __init__(
        self, con: duckdb.DuckDBPyConnection, source: Source, scratch: Path | None = None
    ) -> None:
        self.con = con
        self.scratch = scratch
        self.source = source
        self._opened = ExitStack()
        self._tables: list[str] = []
        self._broken: list[tuple[str, pl.DataFrame]] = []
        self._problems: dict[str, str] = {}
        self._added: dict[str, Added] = {}

    def __enter__(self) -> SourceReader:
        self.source.check()
        try:
            for name, spec in self.source.definition.files.items():
                try:
                    self._create_view(name, spec)
                except SourceError as error:
                    self._problems[name] = str(error)
            for name in self.source.views:
                self._create_shared_view(name)
            for name in AMENDING:
                self._keep_added(name)
        except BaseException:
            self._opened.close()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        # A run that a signal stops closes the connection first; what is temporary went with it.
        with suppress(duckdb.ConnectionException):
            for name in (*self.source.views, *self.source.definition.files):
                self.con.execute(f"DROP VIEW IF EXISTS temp.{quote(name)}")
            for table in self._tables:
                self.con.execute(f"DROP TABLE IF EXISTS temp.{quote(table)}")
        self._opened.close()

    def _create_view(self, name: str, spec: FileSpec) -> None:
        parts: dict[Path, str] = {}
        problems: list[str] = []
        for number, path in enumerate(self.source.files(name), 1):
            try:
                parts[path] = self._select(f"{name} {number}", path, spec)
            except SourceError as error:
                problems.append(str(error))
        if problems:
            raise SourceError(_and_others(problems, spec.path))
        together = " UNION ALL BY NAME ".join(parts.values())
        try:
            self.con.execute(f"CREATE OR REPLACE TEMP VIEW {quote(name)} AS {together}")
        except duckdb.Error as error:
            if problems := list(self._damaged(parts)):
                raise SourceError(_and_others(problems, spec.path)) from None
            raise SourceError(
                f"{self.source.name}: the file '{spec.path}' cannot be read: {first_line(error)}"
            ) from None

    def _damaged(self, parts: Mapping[Path, str]) -> Iterator[str]:
        """A sentence on each file that cannot be read by itself."""
        for path, sql in parts.items():
            try:
                self.con.execute(f"DESCRIBE {sql}").fetchall()
            except duckdb.Error as error:
                name = path.relative_to(self.source.files_folder).as_posix()
                yield (
                    f"{self.source.name}: the file '{name}' cannot be read: "
                    f"{first_line(error).rstrip('.')}; put a whole file in its place, or take it "
                    "away where it is to hold no rows."
                )

    def _create_shared_view(self, name: str) -> None:
        sql = self.source.view_sql(name)
        place = f"{self.source.name}/views/{name}.sql"
        require_select(self.con, place, f"the view {name}", sql)
        if problem := self._problem_of(sql):
            self._problems[name] = problem
            return
        try:
            self.con.execute(f"CREATE OR REPLACE TEMP VIEW {quote(name)} AS {sql}")
        except duckdb.Error as error:
            raise does_not_run(place, error) from None

    def _keep_added(self, table: str) -> None:
        own = self.source.own_folder
        if amending_file(own, table) is None:
            return
        rows = read_amendments(own, table, self.source.conventions)
        name = AMENDING[table].name
        self.con.register("added rows", rows)
        try:
            self.con.execute(
                f'CREATE OR REPLACE TEMP TABLE {quote(name)} AS SELECT * FROM "added rows"'
            )
        finally:
            self.con.unregister("added rows")
        self._tables.append(name)
        self._added[table] = Added(name, tuple(rows.columns), rows.height)

    def added(self, table: str) -> Added | None:
        """What the operator has added to a canonical table on behalf of customers, if anything."""
        return self._added.get(table)

    def _problem_of(self, sql: str) -> str | None:
        needed = self._names_in(sql)
        return next(
            (problem for name, problem in self._problems.items() if name.lower() in needed), None
        )

    def _names_in(self, sql: str) -> set[str]:
        """What the query reads, in lower case: also where it cannot run, as a file is missing.

        Names that its own WITH gives are among them; none where it is no SELECT.
        """
        # All rows are fetched: a result that is not read to its end keeps others from being read.
        found = self.con.execute(
            "SELECT unnest(json_extract_string(json_serialize_sql(?), '$..table_name'))", [sql]
        ).fetchall()
        return {name.lower() for (name,) in found}

    def reads_only(self, name: str, sql: str) -> bool:
        """Whether the query reads this file of the source and nothing else."""
        return self._names_in(sql) == {name.lower()}

    def may_write_numbers(self, sql: str) -> bool:
        """Whether the query reads text files, or numbers that its SQL may write as text."""
        texts = {name.lower() for name, _ in self._broken}
        read = self._read_by(sql)
        return any(name.lower() in texts or self._has_floating(name) for name in read)

    def _read_by(self, sql: str) -> list[str]:
        """The files, as they are declared, that the query reads, also through views."""
        names = self._names_in(sql)
        for view in reversed(self.source.views):
            if view.lower() in names:
                names |= self._names_in(self.source.view_sql(view))
        return [name for name in self.source.definition.files if name.lower() in names]

    def _has_floating(self, name: str) -> bool:
        described = self.query(f"DESCRIBE {quote(name)}")
        return any(row[1] in ("DOUBLE", "FLOAT") for row in described)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows that the query gives.

        Raises:
            SourceError: when a file turns out to be damaged.
        """
        try:
            return self.con.execute(sql).fetchall()
        except duckdb.Error as error:
            raise unreadable(error, self.files) from None

    def problem(self, table: str) -> str | None:
        """Why a table cannot be read, as a sentence that names the file; None when it can."""
        return self._problem_of(self.source.sql(table)) or self._problems.get(
            self.source.rows_of(table) or ""
        )

    def problems(self) -> list[str]:
        """Of every file that cannot be read, a sentence that names it."""
        return [
            self._problems[name] for name in self.source.definition.files if name in self._problems
        ]

    def _select(self, table: str, path: Path, spec: FileSpec) -> str:
        file_name = path.relative_to(self.source.files_folder).as_posix()
        kind = spec.kind(path.name)
        if kind is FileKind.PARQUET:
            return (
                f"SELECT * EXCLUDE (file_row_number), {literal(file_name)} AS source_file, "
                "file_row_number + 1 AS source_row "
                f"FROM read_parquet({literal(self._plainly_named(path))}, file_row_number = true)"
            )
        if kind is FileKind.TEXT:
            # Read once into a table: its rows are counted, placed and selected several times.
            self._tables.append(table)
            name = table.rsplit(" ", 1)[0]
            found = load_text_file(self.con, table, self._as_utf8(path, spec), spec, file_name)
            self._broken.append((name, found))
            return f"SELECT * FROM {quote(table)}"
        return (
            f"SELECT *, {literal(file_name)} AS source_file, "
            f"row_number() OVER () AS source_row "
            f"FROM read_json({literal(self._plainly_named(path))})"
        )

    def _as_utf8(self, path: Path, spec: FileSpec) -> Path:
        if spec.encoding.lower().replace("_", "-") in ("utf-8", "utf8"):
            return self._plainly_named(path)
        folder = self._opened.enter_context(
            TemporaryDirectory(prefix="portrait-", dir=self.scratch)
        )
        target = Path(folder) / "utf-8.csv"
        try:
            transcode(path, spec.encoding, target)
        except (UnicodeError, LookupError) as error:
            raise SourceError(
                f"{self.source.name}: '{path.name}' cannot be read as {spec.encoding} ({error}); "
                "correct its encoding in source.yaml."
            ) from None
        return target

    def _plainly_named(self, path: Path) -> Path:
        """The file under a name in which DuckDB sees no pattern; it has no way to escape one."""
        if not PATTERN_CHARACTERS & set(str(path)):
            return path
        folder = self._opened.enter_context(
            TemporaryDirectory(prefix="portrait-", dir=self.scratch)
        )
        compressed = ".gz" if path.name.lower().endswith(".gz") else ""
        link = Path(folder) / f"file{compressed}"
        link.symlink_to(path.resolve())
        return link

    def rows_in(self, name: str) -> int:
        """Rows of a name's files; those of Parquet come from its footers, which takes no time."""
        paths = self.source.files(name)
        counted = f"SELECT count(*) FROM {quote(name)}"
        if all(path.suffix.lower() == ".parquet" for path in paths):
            files = literals(str(self._plainly_named(path)) for path in paths)
            counted = f"SELECT CAST(sum(num_rows) AS BIGINT) FROM parquet_file_metadata([{files}])"
        return int(self.con.execute(counted).fetchall()[0][0])

    @property
    def files(self) -> str:
        """The files of the source, as source.yaml names them."""
        return ", ".join(spec.path for spec in self.source.definition.files.values())

    def files_of(self, table: str) -> str:
        """The files that the table's rows are of, as source.yaml names them."""
        rows_of = self.source.rows_of(table)
        read = [rows_of] if rows_of else self._read_by(self.source.sql(table))
        return ", ".join(self.source.definition.files[name].path for name in read) or self.files

    def keep(self, table: str, sql: str) -> str:
        """Name of a temporary table of what the query gives, for as long as the reader is open.

        Raises:
            SourceError: when a file turns out to be damaged.
        """
        try:
            self.con.execute(f"CREATE OR REPLACE TEMP TABLE {quote(table)} AS {sql}")
        except duckdb.Error as error:
            raise unreadable(error, self.files) from None
        self._tables.append(table)
        return f"temp.{quote(table)}"

    def broken_lines(self, name: str) -> pl.DataFrame:
        """The lines of a name's text files that are no rows: source_file, source_row, reason."""
        return pl.concat(
            [pl.DataFrame(schema=BROKEN_LINES), *(part for of, part in self._broken if of == name)]
        )

    def columns(self, canonical: Canonical) -> dict[str, str]:
        """DuckDB type by name of the columns that the table's SQL returns.

        Raises:
            SourceError: when the SQL is not one SELECT, fails, or returns other columns than
                the canonical ones, or one of them twice.
        """
        place = f"{self.source.name}/{canonical.name}.sql"
        sql = self.source.sql(canonical.name)
        require_select(self.con, place, f"the table {canonical.name}", sql)
        try:
            described = self.con.execute(f"DESCRIBE ({sql})").fetchall()
        except duckdb.Error as error:
            raise does_not_run(place, error) from None
        # DuckDB names AGE AS age as the file does: names that differ in case alone are one to it.
        returned = [(name.lower(), kind) for name, kind, *_ in described]
        types = dict(returned)
        for name, count in Counter(name for name, _ in returned).items():
            if count > 1:
                raise SourceError(
                    f"{place} returns the column {name} twice; leave one of them out."
                )
        allowed = {column.name for column in canonical.raw_table().columns}
        if unknown := sorted(types.keys() - allowed):
            raise SourceError(
                f"{place} returns the column {unknown[0]}, which {canonical.name} does not have; "
                f"rename it to one of: {', '.join(sorted(allowed))}."
            )
        left_out = self.source.left_out(canonical)
        if returned_too := sorted(left_out & types.keys()):
            raise SourceError(
                f"{place} returns the column {returned_too[0]}, which is not given by the rules of "
                "source.yaml; take it out of one of them."
            )
        always = (*canonical.required, *canonical.returned)
        needed = {*always, "source_file", "source_row"} - left_out
        if missing := sorted(needed - types.keys()):
            optional = {column.name for column in canonical.in_row_currency}
            unless = (
                ", or declare under rules in source.yaml that there is none "
                f"(`{canonical.name}.{missing[0]}: {{given: false}}`)"
            )
            raise SourceError(
                f"{place} does not return the column {missing[0]}; add it"
                f"{unless if missing[0] in optional else ''}."
            )
        return types


def _and_others(problems: list[str], files: str) -> str:
    """The first of a name's files that cannot be read, and how many others cannot either."""
    first, others = problems[0], len(problems) - 1
    if not others:
        return first
    return f"{first.rstrip('.')}; {others} more of {files} cannot be read either."
