"""Opening a DuckDB file with bounds on what it may use, and quoting what goes into SQL."""

from __future__ import annotations

import functools
import itertools
import re
import weakref
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import duckdb

from portrait_assets.core.errors import SourceError, WarehouseError
from portrait_assets.core.invocation import command


def quote(name: str) -> str:
    """The name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


_WRITE = "free room on the disk, or put the file back, and run again"
# One process writes at a time, so a commit fails only when the machine does.
_REMEDIES = {
    "OutOfMemoryException": (
        "raise PORTRAIT_MEMORY_LIMIT_GIB, or free room for what spills to the disk"
    ),
    "IOException": _WRITE,
    "TransactionException": _WRITE,
}


def literal(value: object) -> str:
    """The value, as text, in an SQL string literal."""
    return "'" + str(value).replace("'", "''") + "'"


def literals(values: Iterable[object]) -> str:
    """The values as a comma-separated list of SQL string literals."""
    return ", ".join(literal(value) for value in values)


_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_NUMBERS = ("DOUBLE", "FLOAT", "DECIMAL", *_INTEGERS, *(f"U{kind}" for kind in _INTEGERS))


def is_number(kind: str) -> bool:
    """Whether a DuckDB type is one of numbers."""
    return kind.partition("(")[0] in _NUMBERS


def number_text(column: str, kind: str) -> str:
    """SQL of a number as text, a whole one without a fraction or exponent; NaN is null.

    Args:
        column: SQL of the number.
        kind: its DuckDB type.
    """
    if "INT" in kind:
        return f"CAST({column} AS VARCHAR)"
    # Over Parquet without NaN in its statistics DuckDB takes isnan() for false.
    text = f"nullif(CAST({column} AS VARCHAR), 'nan')"
    whole = f"CAST(TRY_CAST({column} AS HUGEINT) AS VARCHAR)"
    return f"CASE WHEN {column} = trunc({column}) THEN coalesce({whole}, {text}) ELSE {text} END"


def qualified(full_name: str) -> str:
    """A `schema.table` name with both parts quoted."""
    return ".".join(quote(part) for part in full_name.split("."))


# Messages of these kinds name columns, files and SQL; all others may quote values of rows.
_WITHOUT_VALUES = (
    "Binder Error",
    "Catalog Error",
    "IO Error",
    "Out of Memory Error",
    "Parser Error",
    "Permission Error",
    "TransactionContext Error",
)
_VALUE = re.compile(
    r"""
    "[^"]*" | '[^']*' | \[.*\]      # what is quoted, and lists of examples
    | (?<![Ll]ine:\ )(?<![Ll]ine\ )(?<![\w.])[-+]?\d[\d.,:/-]*(?!\w)  # numbers, but of lines
    | (?<=[Ii]nput:\ ).*           # and what follows is the value itself
    """,
    re.VERBOSE,
)


def without_values(line: str) -> str:
    """A line of DuckDB's or polars' with `…` in place of what may be a value of a row."""
    return line if line.startswith(_WITHOUT_VALUES) else _VALUE.sub("…", line)


def first_line(error: Exception) -> str:
    """The first line of an error of DuckDB or polars, without values of rows."""
    return without_values((str(error).strip().splitlines() or [""])[0])


def error_message(error: duckdb.Error) -> str:
    """DuckDB's message in one line, with a remedy where the machine is what failed."""
    return with_remedy(type(error).__name__, first_line(error))


def with_remedy(exception: str, line: str) -> str:
    """The line of a DuckDB exception of this name, with its remedy if there is one."""
    line = line.rstrip(".")
    return f"{line}; {_REMEDIES[exception]}" if exception in _REMEDIES else line


def unreadable(error: duckdb.Error, files: str) -> SourceError | duckdb.Error:
    """The error as one that names the files being read; unchanged when the machine failed."""
    if type(error).__name__ in _REMEDIES:
        return error
    return SourceError(
        f"The rows of {files} cannot be read ({first_line(error)}); put a whole file in the place "
        "of the damaged one and run again."
    )


def spill_folder(path: Path) -> Path:
    """The folder beside a database file for what exists only while a process works on it."""
    return path.with_suffix(".spill")


def require_file(path: Path) -> None:
    """Check that the file exists.

    Raises:
        WarehouseError: when it does not.
    """
    if not path.exists():
        others = sorted(each.parent.name for each in path.parent.parent.glob(f"*/{path.name}"))
        sentence = f"{path.name} does not exist yet; run `{command('run')}` first"
        named = f", or name a source that has one with --source: {', '.join(others)}"
        raise WarehouseError(f"{sentence}{named if others else ''}.")


def open_database(
    path: Path,
    memory_limit_gib: float = 2.0,
    threads: int | None = None,
    read_only: bool = False,
) -> duckdb.DuckDBPyConnection:
    """A connection to the file; what does not fit the memory limit spills beside it.

    Raises:
        WarehouseError: when the file cannot be opened.
    """
    if read_only:
        require_file(path)
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{memory_limit_gib}GiB",
        "temp_directory": str(spill_folder(path)),
        # An extension may only come from this machine, never from the network in mid-run.
        "autoinstall_known_extensions": False,
    }
    if threads is not None:
        config["threads"] = threads
    try:
        return without_bar(duckdb.connect(str(path), read_only=read_only, config=config))
    except duckdb.Error as error:
        raise WarehouseError(
            f"{path.name} in {path.parent.name} cannot be opened ({error_message(error)}); "
            f"close what else has it open, or rebuild it with `{command('run', '--fresh')}`."
        ) from None


def without_bar(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """The connection, which prints no progress bar: DuckDB takes a process that another started
    for a person's session. A cursor does not take the setting over.
    """
    con.execute("SET enable_progress_bar = false")
    return con


_SCRATCH = itertools.count(1)


@functools.cache
def _instance(is_sealed: bool) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"enable_external_access": not is_sealed, "threads": 1})


def scratch_database(is_sealed: bool = False) -> duckdb.DuckDBPyConnection:
    """A connection to an empty database in memory, which is gone when the connection is.

    All of a process share one instance with one thread: to start an instance takes 14 ms of
    processor time, to attach a database to it half of one. Settings are shared as well, so who
    sets any opens an instance instead.

    Args:
        is_sealed: whether SQL can reach no file, as befits SQL that people write.
    """
    instance = _instance(is_sealed)
    name = f"scratch_{next(_SCRATCH)}"
    con = instance.cursor()
    con.execute(f"ATTACH ':memory:' AS {name}; USE {name}")
    weakref.finalize(con, _detach, instance, name).atexit = False
    return con


def _detach(instance: duckdb.DuckDBPyConnection, name: str) -> None:
    with suppress(duckdb.Error):
        instance.cursor().execute(f"DETACH {name}")


def open_published(path: Path) -> duckdb.DuckDBPyConnection:
    """A connection to the published file that cannot write.

    Raises:
        WarehouseError: when it does not exist or is damaged.
    """
    require_file(path)
    try:
        return duckdb.connect(str(path), read_only=True)
    except duckdb.Error as error:
        raise WarehouseError(
            f"{path.name} in {path.parent.name} cannot be opened "
            f"({str(error).splitlines()[0]}); publish it again with `{command('run')}`."
        ) from None


def current_database(con: duckdb.DuckDBPyConnection) -> str:
    """The quoted name of the database in which names without one are looked for."""
    ((name,),) = con.execute("SELECT current_database()").fetchall()
    return quote(name)


def has_table(con: duckdb.DuckDBPyConnection, full_name: str) -> bool:
    """Whether the open file has the table, which is no view."""
    found = con.execute(
        "SELECT 1 FROM duckdb_tables() WHERE database_name = current_database() "
        "AND concat_ws('.', schema_name, table_name) = ?",
        [full_name],
    )
    return bool(found.fetchall())


def noted_key(con: duckdb.DuckDBPyConnection) -> str | None:
    """The fingerprint of the key that an open published file notes for its pseudonyms.

    None where it has the source's identifiers, as all files of older versions have.
    """
    try:
        found = con.execute("SELECT pseudonym_key FROM mart.publication").fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):
        return None
    return found[0][0] if found else None
