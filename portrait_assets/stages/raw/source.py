"""A source definition: a folder with `source.yaml` and one `.sql` file per table it provides."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Collection, Mapping
from datetime import date
from functools import cached_property
from pathlib import Path

from portrait_assets.core.errors import SourceError
from portrait_assets.core.invocation import command, pip_command
from portrait_assets.core.months import month_range, next_month
from portrait_assets.core.source_folder import DEFINITION_FILE, definition_folder, source_names
from portrait_assets.core.yaml.file import read_yaml
from portrait_assets.core.yaml.text import Place
from portrait_assets.methods.typing.rules import ColumnRules, Conventions
from portrait_assets.schema.table import Column
from portrait_assets.stages.raw.amendments import AMENDING_FILES, amending_file
from portrait_assets.stages.raw.contract import CANONICAL, CANONICAL_BY_NAME, FOUNDING
from portrait_assets.stages.raw.definition import (
    FileSpec,
    SourceDefinition,
    TableSpec,
    check_rules,
    months_kept,
    saved_otherwise,
)
from portrait_assets.stages.raw.tables.canonical import Canonical
from portrait_assets.stages.raw.tables.persons import CUSTOMERS, KNOWN_OF_PROSPECTS, PROSPECTS
from portrait_assets.storage.duckdb.connection import literal, literals, quote

PACKAGE = "package:"


class Source:
    """A source definition together with the folder that it was read from.

    Raises:
        SourceError: on making one, when the definition cannot be used; see `load_source`.
    """

    def __init__(self, folder: Path, definition: SourceDefinition, own_folder: Path) -> None:
        self.folder = folder
        self.own_folder = own_folder
        self.definition = definition
        self.name = definition.name

    @cached_property
    def defined(self) -> frozenset[str]:
        """The names of the canonical tables that the source has SQL for."""
        return frozenset(c.name for c in CANONICAL if (self.folder / f"{c.name}.sql").is_file())

    @cached_property
    def provided(self) -> dict[str, Canonical]:
        """The canonical tables that the source has SQL for, or to which rows are added, by name."""
        return {
            c.name: c
            for c in CANONICAL
            if c.name in self.defined or amending_file(self.own_folder, c.name)
        }

    def sql(self, table: str) -> str:
        """The SQL text of a table; the line end keeps a comment from what is put after it.

        A table of which there are only rows that were added is read from these.

        Raises:
            SourceError: when the file is not UTF-8.
        """
        if table not in self.defined and (added := amending_file(self.own_folder, table)):
            return f"SELECT * FROM {quote(added.name)}\n"
        return self._read_sql(f"{table}.sql")

    @cached_property
    def views(self) -> list[str]:
        """The names of what several tables are made from, each an SQL in the folder `views`."""
        return sorted(path.stem for path in (self.folder / "views").glob("*.sql"))

    def view_sql(self, name: str) -> str:
        """The SQL text of such a view.

        Raises:
            SourceError: when the file is not UTF-8.
        """
        return self._read_sql(f"views/{name}.sql")

    def _read_sql(self, file: str) -> str:
        try:
            text = (self.folder / file).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise SourceError(f"{self.name}/{file} is not UTF-8; save it as that.") from None
        return text.strip().rstrip(";") + "\n"

    def months(self, today: date | None = None) -> list[str]:
        """All months of the source; without a last month, up to the last complete one."""
        last = self.definition.last_month
        if last is None:
            current = today or date.today()
            last = next_month(f"{current:%Y-%m}", -1)
        return month_range(self.definition.first_month, last)

    @cached_property
    def conventions(self) -> Conventions:
        """How its values are read: time zone, country, and its own rules."""
        return Conventions(self.definition.time_zone, self.definition.country, self.rules)

    @cached_property
    def rules(self) -> Mapping[str, ColumnRules]:
        """Its own rules by table.column; those of customers are also prospects', who have none."""
        declared = self.definition.rules
        inherited = {
            f"{PROSPECTS.name}.{name}": declared[f"{CUSTOMERS.name}.{name}"]
            for name in KNOWN_OF_PROSPECTS
            if f"{CUSTOMERS.name}.{name}" in declared
        }
        return {**inherited, **declared}

    def codes(self, column: Column, table: str) -> list[str]:
        """The codes, in lower case, that stand for what is not known in a column of a table."""
        own = self.rules.get(f"{table}.{column.name}", ColumnRules())
        return [*column.sentinels, *(code.lower() for code in own.sentinels)]

    def left_out(self, canonical: Canonical) -> set[str]:
        """The columns of a table that the source declares not to know."""
        names = {column.name for column in canonical.columns}
        rules = {name: self.rules.get(f"{canonical.name}.{name}", ColumnRules()) for name in names}
        return {name for name, own in rules.items() if not own.given}

    @cached_property
    def kept_from(self) -> dict[str, str]:
        """By table whose rows are removed with age, the first month whose rows are kept.

        Of a table that is named by itself and by its purpose the shorter span holds.
        """
        keep, last = self.definition.keep_months, self.months()[-1]
        spans = {canonical.name: months_kept(keep, canonical) for canonical in CANONICAL}
        return {name: next_month(last, 1 - span) for name, span in spans.items() if span}

    @cached_property
    def customers_kept_from(self) -> str | None:
        """The month before which a relationship ended whose customer goes; None where all stay."""
        span = self.definition.keep_months.get(CUSTOMERS.name)
        return None if span is None else next_month(self.months()[-1], 1 - span)

    def is_past(self, canonical: Canonical, kept_from: str, columns: Collection[str]) -> str:
        """SQL of whether a row as received is removed for its age; see `Canonical.ages_with`.

        Args:
            canonical: its table.
            kept_from: the first month (YYYY-MM) whose rows are kept.
            columns: those that the row has, with `month`.
        """
        is_old = f"month < {literal(kept_from)}"
        column, words = canonical.ages_with or ("", ())
        if column not in columns:
            return f"({is_old})"
        own = self.rules.get(f"{canonical.name}.{column}", ColumnRules()).values
        spelt = {*words, *(each.lower() for word in words for each in own.get(word, ()))}
        value = f"lower(trim(CAST({quote(column)} AS VARCHAR)))"
        return f"({is_old} AND coalesce({value} IN ({literals(sorted(spelt))}), true))"

    def rows_of(self, table: str) -> str | None:
        """The file whose rows the table's SQL returns, or None for a derived table."""
        spec = self.definition.tables.get(table, TableSpec())
        if spec.derived or table not in self.defined:
            return None
        return spec.rows_of or table

    @cached_property
    def files_folder(self) -> Path:
        """The folder in which the source's files are.

        Raises:
            SourceError: when it names a package or a variable that is not there.
        """
        where = os.path.expandvars(self.definition.files_in)
        place = self.definition.place_of("files_in")
        if "$" in where:
            raise SourceError(
                f"{place}: {self.definition.files_in} is not set; "
                "set that variable to the folder that holds the source's files."
            )
        if not where.startswith(PACKAGE):
            try:
                return (self.folder / Path(where).expanduser()).resolve()
            except (OSError, RuntimeError, ValueError):
                raise SourceError(
                    f"{place}: files_in '{where}' is no folder; name one that is there."
                ) from None
        package, _, inside = where.removeprefix(PACKAGE).partition("/")
        # find_spec does not import a package, but it imports those that the package stands in.
        if not package.isidentifier():
            raise SourceError(
                f"{place}: files_in '{where}' names no package; write package:name/folder."
            )
        found = importlib.util.find_spec(package)
        if found is None or found.origin is None:
            hint = self.definition.install_hint or f"install the package {package}"
            hint = hint.replace("{pip}", pip_command())
            raise SourceError(f"{place}: the package {package} is not installed; {hint}.")
        return Path(found.origin).parent / inside

    def files(self, name: str) -> list[Path]:
        """The files that a name in source.yaml stands for, sorted.

        Raises:
            SourceError: when there is none, or the name is no path within `files_in`.
        """
        pattern = self.definition.files[name].path
        place = self.definition.place_of("files", name)
        try:
            found = sorted(
                path
                for path in self.files_folder.glob(pattern)
                if path.is_file() and not self._amends(path)
            )
        except (OSError, NotImplementedError, ValueError):
            raise SourceError(
                f"{place}: '{pattern}' ({name}) is no path within files_in; "
                "give a relative one, which may hold * for any characters."
            ) from None
        if not found:
            raise SourceError(
                f"{place}: the file '{pattern}' ({name}) is not in "
                f"{self.definition.files_in}; put it there or correct files_in and files."
            )
        return found

    def _amends(self, path: Path) -> bool:
        """Whether the file holds what the operator adds, and nothing that the source delivers."""
        return path.name in AMENDING_FILES and path.parent == self.own_folder.resolve()

    def check(self) -> None:
        """Check what can be known without reading a file's contents.

        Raises:
            SourceError: when no table is provided, a table's file has no entry, or a file is
                missing.
        """
        if not any(table in self.provided for table in FOUNDING):
            raise SourceError(
                f"{self.name}: neither transactions.sql nor balances.sql is in the source's "
                "folder; a portrait needs one of them."
            )
        if self.folder != self.own_folder and (lost := sorted(self.own_folder.glob("**/*.sql"))):
            raise SourceError(
                f"{self.name}: {lost[0]} is not read, as the source is defined in "
                f"{self.folder}; copy that folder's files beside it, or remove it."
            )
        for stray in self.folder.glob("*.sql"):
            if stray.stem not in CANONICAL_BY_NAME:
                raise SourceError(
                    f"{self.name}: {stray.name} is no canonical table; "
                    f"name it after one of {', '.join(CANONICAL_BY_NAME)}."
                )
        for table in self.provided:
            rows_of = self.rows_of(table)
            if rows_of is not None and rows_of not in self.definition.files:
                place = self.definition.place_of("tables", table, "rows_of")
                raise SourceError(
                    f"{place}: the source lists no file '{rows_of}' for {table}.sql; say "
                    f"under tables.{table} which file it reads (rows_of) or that it is derived."
                )
        for name, spec in self.definition.files.items():
            self._check_files(self.definition.place_of("files", name), spec, self.files(name))

    def _check_files(self, place: Place, spec: FileSpec, paths: Collection[Path]) -> None:
        for path in paths:
            if spec.kind(path.name) is None:
                if what := saved_otherwise(path.name):
                    raise SourceError(
                        f"{place}: '{path.name}' is {what}, which is not read; save its table as "
                        "CSV in UTF-8 or as Parquet, and name that."
                    )
                raise SourceError(
                    f"{place}: by its name '{path.name}' is neither CSV, Parquet nor JSON; "
                    "rename it, or declare its delimiter if it is text."
                )
            if path.relative_to(self.files_folder).as_posix() in AMENDING_FILES:
                raise SourceError(
                    f"{place}: {path.name} is the name of the file of what customers had "
                    "corrected or object to; rename the source's own."
                )


def load_source(own_folder: Path) -> Source:
    """Read the definition of the source whose folder in the data folder this is.

    The packaged source of that name is read where the folder does not define one.

    Raises:
        SourceError: when source.yaml is missing, is not YAML, or says something it may not.
    """
    folder = definition_folder(own_folder)
    path = folder / DEFINITION_FILE
    if not path.is_file():
        raise SourceError(
            f"There is no source '{folder.name}': {folder}/{DEFINITION_FILE} is missing; there "
            f"are {', '.join(source_names(folder.parent))} (`{command('sources')}`)."
        )
    definition = read_yaml(path, SourceDefinition, SourceError, file=f"{folder.name}/{path.name}")
    if definition.name != folder.name:
        raise SourceError(
            f"{definition.place_of('name')}: the source has the name '{definition.name}'; "
            "the name must be that of its folder."
        )
    if definition.last_month is not None and definition.last_month < definition.first_month:
        raise SourceError(
            f"{definition.place_of('last_month')}: last_month lies before first_month; "
            "correct one of them."
        )
    check_rules(definition)
    return Source(folder, definition, own_folder)
