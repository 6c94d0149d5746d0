"""What customers had corrected and what they object to: rows that the operator adds to a source.

The rights to correct and to object (Personal Information Protection Law, articles 44 and 46; GDPR,
articles 16 and 21) are exercised on what a source delivers, which nobody here may change. So they
stand in files of their own in the source's folder, a line for each, which are only ever added to;
each line is a row of a canonical table from its day on, and is placed, typed, checked and counted
as any other. A line without any value was of somebody who was erased: it is no row, and keeps the
numbers of those after it, which stand in the warehouse.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from portrait_assets.core.errors import PortraitError, SourceError, suggestion
from portrait_assets.core.files import sync
from portrait_assets.methods.personal_data.forms import forms_of
from portrait_assets.methods.typing.rows import type_rows
from portrait_assets.methods.typing.rules import Conventions
from portrait_assets.methods.typing.text import marks_exchanged
from portrait_assets.schema.csv_text import neutralized, restored
from portrait_assets.schema.table import Type
from portrait_assets.stages.raw.tables.canonical import Canonical
from portrait_assets.stages.raw.tables.persons import CUSTOMERS, PURPOSES, REQUESTS

CORRECTIONS_FILE = "corrections.csv"
OBJECTIONS_FILE = "objections.csv"
OBJECTION = "objection"
_LINE = "source_row"
CORRECTABLE = tuple(
    column for column in CUSTOMERS.columns if column.name not in ("customer_id", "recorded_on")
)
"""What of a customer's record can be corrected."""


@dataclass(frozen=True)
class AmendingFile:
    """A file that amends a canonical table: its columns, and those that each line must fill."""

    name: str
    table: Canonical
    columns: tuple[str, ...]
    needed: tuple[str, ...]


AMENDING: Mapping[str, AmendingFile] = {
    each.table.name: each
    for each in (
        AmendingFile(
            CORRECTIONS_FILE,
            CUSTOMERS,
            ("recorded_on", "customer_id", "column", "value", "by", "reason"),
            ("recorded_on", "customer_id", "column", "value"),
        ),
        AmendingFile(
            OBJECTIONS_FILE,
            REQUESTS,
            ("requested_on", "customer_id", "purpose", "channel", "by", "reason"),
            ("requested_on", "customer_id"),
        ),
    )
}
"""By the canonical table."""
AMENDING_FILES = tuple(each.name for each in AMENDING.values())


def amending_file(folder: Path, table: str) -> Path | None:
    """The file of a source's own folder that amends the table; None where there is none."""
    amending = AMENDING.get(table)
    path = folder / amending.name if amending else None
    return path if path is not None and path.is_file() else None


def read_amendments(folder: Path, table: str, conventions: Conventions) -> pl.DataFrame:
    """The rows that a source's own folder adds to a canonical table, as text.

    Returns:
        The columns of the table of which a row has a value, the day in the source's own form, and
        `source_file` and `source_row`; no row where there is no file.

    Raises:
        SourceError: when the file cannot be read as what it is; it names the line.
    """
    path = amending_file(folder, table)
    if path is None:
        return pl.DataFrame(schema={"source_file": pl.String, "source_row": pl.Int64})
    amending = AMENDING[table]
    lines = _lines(folder, path, amending)
    rows = _corrected(folder, lines) if amending.table is CUSTOMERS else _objected(lines)
    rows = rows.with_columns(_as_delivered(amending.table, rows.columns, conventions))
    return rows.with_columns(pl.lit(amending.name).alias("source_file"), lines[_LINE])


def added_lines(folder: Path, table: str) -> pl.DataFrame | None:
    """The lines of the file that amends the table, as text with who and why; None for no file.

    Raises:
        SourceError: as `read_amendments`.
    """
    path = amending_file(folder, table)
    return None if path is None else _lines(folder, path, AMENDING[table]).drop(_LINE)


def _lines(folder: Path, path: Path, amending: AmendingFile) -> pl.DataFrame:
    """The lines that have a value, with their numbers in `source_row`."""
    place = f"{folder.name}/{path.name}"
    try:
        read = pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, UnicodeError):
        raise SourceError(
            f"{place} is no CSV file with the columns {', '.join(amending.columns)}; correct it, "
            "or restore it from a backup."
        ) from None
    lines = restored(read).select(pl.all().str.strip_chars().replace("", None))
    if missing := [name for name in amending.columns if name not in lines.columns]:
        raise SourceError(
            f"{place} has no column {missing[0]}; its columns are {', '.join(amending.columns)}."
        )
    number = pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias(_LINE)
    has_value = pl.any_horizontal(pl.col(name).is_not_null() for name in amending.columns)
    lines = lines.with_columns(number).filter(has_value)
    day = pl.col(amending.table.dated_by).str.to_date("%Y-%m-%d", strict=False)
    for problem, broken in (
        ("lacks {}", [(name, pl.col(name).is_null()) for name in amending.needed]),
        ("has no day as YYYY-MM-DD in {}", [(amending.table.dated_by, day.is_null())]),
    ):
        for name, is_broken in broken:
            found = _first_line(lines, is_broken)
            if found is not None:
                what = problem.format(name)
                raise SourceError(f"{place}, line {found}, {what}; correct the line.")
    return lines


def _first_line(lines: pl.DataFrame, is_broken: pl.Expr) -> int | None:
    """The number in the file, whose first line is the header, of the first line that is broken."""
    found: int | None = lines.select(pl.col(_LINE).filter(is_broken).first() + 1).item()
    return found


def _corrected(folder: Path, lines: pl.DataFrame) -> pl.DataFrame:
    """A row for each line, which holds nothing but the value that it corrects."""
    known = [column.name for column in CORRECTABLE]
    strange = _first_line(lines, ~pl.col("column").is_in(known))
    if strange is not None:
        raise SourceError(
            f"{folder.name}/{CORRECTIONS_FILE}, line {strange}, names a column that cannot be "
            f"corrected; name one of {', '.join(known)}."
        )
    named = [name for name in known if name in set(lines["column"])]
    return lines.select(
        "customer_id",
        "recorded_on",
        *(pl.when(pl.col("column") == name).then(pl.col("value")).alias(name) for name in named),
    )


def _objected(lines: pl.DataFrame) -> pl.DataFrame:
    return lines.select(
        "customer_id", pl.lit(OBJECTION).alias("kind"), "requested_on", "purpose", "channel"
    )


def _as_delivered(
    table: Canonical, given: Collection[str], conventions: Conventions
) -> Iterator[pl.Expr]:
    """The days among these columns as the source writes them, to be read with its own.

    Operators write days as YYYY-MM-DD.
    """
    for column in table.columns:
        if column.name not in given:
            continue
        text = pl.col(column.name)
        formats = conventions.date_formats(table.name, column.name)
        if formats and column.type is Type.DATE:
            day = text.str.to_date("%Y-%m-%d", strict=False)
            yield pl.coalesce(day.dt.to_string(formats[0]), text).alias(column.name)


# -- adding to the files ---------------------------------------------------------------------


@dataclass(frozen=True)
class Correction:
    """A value of a customer's record that is put right, from a day on, by whom and why."""

    recorded_on: date
    customer_id: str
    column: str
    value: str
    by: str
    reason: str


@dataclass(frozen=True)
class Objection:
    """What a customer objects to, from a day on: a purpose and a channel, or all where None."""

    requested_on: date
    customer_id: str
    purpose: str | None
    channel: str | None
    by: str
    reason: str


def add_correction(folder: Path, correction: Correction, conventions: Conventions) -> None:
    """Add a correction to the file of the source's folder, which only its owner can read.

    Raises:
        PortraitError: when there is no such column, or a rule of the column does not allow the
            value; the sentence has the rule and not the value.
        SourceError: when the file cannot be used as it stands.
        OSError: when it cannot be written.
    """
    names = [column.name for column in CORRECTABLE]
    if correction.column not in names:
        raise PortraitError(
            f"{correction.column} is nothing that can be corrected of a customer"
            f"{suggestion(correction.column, names)}; name one of {', '.join(names)}."
        )
    broken = broken_rule(correction.column, correction.value, conventions)
    if broken is not None:
        column = CUSTOMERS.column(correction.column)
        allowed = f" ({', '.join(column.allowed)})" if column.allowed else ""
        raise PortraitError(
            f"The value for {correction.column} is not taken: {broken}; give one that "
            f"{correction.column} can have{allowed}, a day as YYYY-MM-DD, a number with a point."
        )
    _add(folder, AMENDING[CUSTOMERS.name], correction.__dict__)


def broken_rule(column: str, value: str, conventions: Conventions) -> str | None:
    """The rule of the contract or of the source that a value of `customers` breaks, if any.

    The value is typed and checked as a row that a source delivers is.
    """
    one = {"customer_id": "1", "recorded_on": None, column: value}
    given = pl.DataFrame([one], schema=dict.fromkeys(one, pl.String))
    given = given.with_columns(_as_delivered(CUSTOMERS, one, conventions))
    if conventions.has_decimal_comma(CUSTOMERS.name, column):
        given = given.with_columns(marks_exchanged(pl.col(column)))
    row = given.with_columns(
        *(
            pl.lit(None, dtype=pl.String).alias(each.name)
            for each in CUSTOMERS.columns
            if each.name not in one
        ),
        pl.lit(CORRECTIONS_FILE).alias("source_file"),
        pl.lit(1, dtype=pl.Int64).alias("source_row"),
    )
    found = type_rows(row, CUSTOMERS, conventions, forms_of(conventions.country)).findings
    if not value.strip():
        return "it is empty"
    rules = found.filter(pl.col("column_name") == column)["rule"]
    return str(rules[0]) if len(rules) else None


def add_objection(folder: Path, objection: Objection) -> None:
    """Add an objection to the file of the source's folder, which only its owner can read.

    Raises:
        PortraitError: when there is no such purpose.
        SourceError: when the file cannot be used as it stands.
        OSError: when it cannot be written.
    """
    if objection.purpose is not None and objection.purpose not in PURPOSES:
        raise PortraitError(
            f"'{objection.purpose}' is no purpose{suggestion(objection.purpose, PURPOSES)}; name "
            f"one of {', '.join(PURPOSES)}, or none to object to all."
        )
    _add(folder, AMENDING[REQUESTS.name], objection.__dict__)


def _add(folder: Path, amending: AmendingFile, entry: Mapping[str, object]) -> None:
    """Add a line to the file, and wait until it is on the disk.

    What stands in the file is only read: a stop between leaves whole lines.
    """
    path = folder / amending.name
    columns = amending.columns
    if path.is_file():
        columns = tuple(_lines(folder, path, amending).drop(_LINE).columns)
    else:
        folder.mkdir(parents=True, exist_ok=True)
    text = "".join(_text_of(path, columns, entry))
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "ab") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
    sync(folder)


def _text_of(path: Path, columns: tuple[str, ...], entry: Mapping[str, object]) -> Iterator[str]:
    before = path.read_bytes() if path.is_file() else b""
    if before and not before.endswith(b"\n"):
        yield "\n"
    values = [entry.get(name) for name in columns]
    row = neutralized(
        pl.DataFrame(
            [["" if value is None else str(value) for value in values]],
            schema=dict.fromkeys(columns, pl.String),
            orient="row",
        )
    ).row(0)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if not before:
        writer.writerow(columns)
    writer.writerow(row)
    yield out.getvalue()
