"""The SQL that a source is written in: one SELECT that runs, or a sentence on where it does not."""

from __future__ import annotations

import re

import duckdb

from portrait_assets.core.errors import SourceError
from portrait_assets.storage.duckdb.connection import first_line

_NEAREST = re.compile(r'^(?:Candidate bindings:[ :]*|Did you mean )(".+")', re.MULTILINE)
_LINE = re.compile(r"^LINE (\d+): (.*)$", re.MULTILINE)


def require_select(con: duckdb.DuckDBPyConnection, place: str, gives: str, sql: str) -> None:
    """Check that the text is a single SELECT, without running it.

    Args:
        con: any connection; what the SELECT reads need not be there.
        place: the file, as messages name it.
        gives: what the SELECT is of, such as "the table customers".
        sql: the text.

    Raises:
        SourceError: when it is not; of a mistake in it the sentence has the line, as DuckDB shows
            it.
    """
    try:
        statements = con.extract_statements(sql)
    except duckdb.ParserException as error:
        raise _misspelt(place, gives, error) from None
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise SourceError(f"{place} must be a single SELECT statement.")


def does_not_run(place: str, error: duckdb.Error) -> SourceError:
    """The sentence on a SELECT that names what the source does not have."""
    found = _NEAREST.search(str(error))
    nearest = f" (such as {found[1]})" if found else ""
    return SourceError(
        f"{place} does not run: {first_line(error).rstrip('!.')}; correct it to the tables and "
        f"columns that the source's files have{nearest}."
    )


def _misspelt(place: str, gives: str, error: duckdb.ParserException) -> SourceError:
    what = first_line(error).removeprefix("Parser Error: ").rstrip("!.")
    found = _LINE.search(str(error))
    where = f" in line {found[1]}, `{found[2].strip()}`" if found else ""
    return SourceError(
        f"{place}, which gives {gives}, is no valid SQL: {what}{where}; correct it there, and "
        "write a name that is also a word of SQL in double quotation marks."
    )
