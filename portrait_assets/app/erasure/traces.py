"""What is left of people outside of the warehouse: Dagster's records, logs, exports, decisions."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import polars as pl

from portrait_assets.app.backup import irreplaceable_files
from portrait_assets.app.subject.page import accounts_folder
from portrait_assets.core.errors import SourceError
from portrait_assets.core.files import replace_files
from portrait_assets.core.settings import Settings
from portrait_assets.privacy.certificate import certificates_folder
from portrait_assets.privacy.departures.entries import (
    files_written,
    folders_written,
    unfinished_files,
)
from portrait_assets.privacy.erasure import ERASURE_LOCK, PLAN_FILE, Rows
from portrait_assets.privacy.scan.files import first_bytes, name_from, sqlite_texts
from portrait_assets.privacy.scan.values import holding
from portrait_assets.privacy.scan.wanted import Wanted
from portrait_assets.privacy.tombstones import MARK, TOMBSTONES_FILE
from portrait_assets.schema.csv_text import neutralized, restored
from portrait_assets.stages.raw.amendments import AMENDING_FILES
from portrait_assets.stages.raw.source import Source
from portrait_assets.storage.duckdb.connection import quote

Note = Callable[[Rows], None]
"""Called with what is about to be removed, before it is, so that a kill loses no count."""
_LOCKS = ("warehouse.lock", "records.lock", ERASURE_LOCK)
_SQLITE = b"SQLite format 3"


def files_of(settings: Settings, source: Source) -> list[Path]:
    """Every file of the source in the data folder, and what left that is still in its place.

    Not the keys, the plan and the source's own.

    Raises:
        RegisterError: when the register of what left is broken.
    """
    own = {path.resolve() for path in source_files(source)}
    folders = (
        settings.warehouse_dir,
        settings.dagster_home,
        settings.source_dir,
        certificates_folder(settings).parent,
        accounts_folder(settings),
    )
    here = (path for folder in folders for path in folder.rglob("*"))
    return sorted(
        path
        for path in {*here, *files_written(settings)}
        if path.is_file() and path.resolve() not in own and path.name not in (PLAN_FILE, *_LOCKS)
    )


def source_files(source: Source) -> Iterator[Path]:
    """The files that the source is read from, which an erasure does not touch."""
    for name in source.definition.files:
        with suppress(SourceError):  # One that is missing holds nobody.
            yield from source.files(name)


def shown(path: Path, settings: Settings) -> str:
    """The path from the data folder on, where it is in it."""
    return name_from(path, settings.data_dir.resolve())


def clean_decisions(settings: Settings, wanted: Wanted, note: Note) -> None:
    """Remove from the tables that people keep in the source's folder the rows on the erased.

    Raises:
        OSError: when a file cannot be written; it is then as it was.
    """
    for name, path in irreplaceable_files(settings.source_dir).items():
        if path.suffix != ".csv" or name == TOMBSTONES_FILE:
            continue
        rows = restored(pl.read_csv(path, infer_schema=False))
        of_them = _of_erased(rows, wanted)
        note(Rows(name=name, before=rows.height, after=int((~of_them).sum())))
        if of_them.any():
            kept = rows.filter(~of_them)
            if name in AMENDING_FILES:  # The warehouse names these lines by their numbers.
                kept = rows.with_columns(pl.when(~of_them).then(pl.all()))
            replace_files({path: neutralized(kept).write_csv().encode()})


def remove_accounts(settings: Settings, ids: Collection[str], note: Note) -> None:
    """Remove the files that persons were to be given of what is held of them.

    Raises:
        OSError: when a file cannot be removed.
    """
    folders = [accounts_folder(settings), *folders_written(settings)]
    for folder in dict.fromkeys(map(Path.resolve, folders)):
        accounts = sorted(folder.glob("subject_*.json"))
        theirs = [path for path in accounts if not _named_in(path).isdisjoint(ids)]
        if theirs:
            name, left = shown(folder, settings), len(accounts) - len(theirs)
            note(Rows(name=name, before=len(accounts), after=left, what="accounts removed"))
        for path in theirs:
            path.with_suffix(".html").unlink(missing_ok=True)
            path.unlink()


def remove_unfinished(settings: Settings, note: Note) -> None:
    """Remove what a process that was killed left beside the places of files that left.

    Raises:
        OSError: when a file cannot be removed.
        RegisterError: when the register of what left is broken.
    """
    for path in unfinished_files(settings):
        note(Rows(name=shown(path, settings), before=1, after=0, what="unfinished files removed"))
        path.unlink()


def _named_in(account: Path) -> set[str]:
    """The identifiers of the person that an account is of; none where it is no account."""
    try:
        return set(json.loads(account.read_bytes())["identifiers"])
    except (ValueError, KeyError, TypeError):
        return set()


def clean_file(path: Path, wanted: Wanted, name: str, note: Note) -> None:
    """Remove what is wanted from a file that holds it, where it is of a kind that can be.

    Of tables whole rows go; in other text, and in SQLite's values, a mark takes the place.

    Raises:
        OSError: when the file cannot be written; it is then as it was.
    """
    head = first_bytes(path)
    if head.startswith(_SQLITE):
        _in_sqlite(path, wanted, name, note)
    elif head.startswith(b"PAR1"):
        _in_parquet(path, wanted, name, note)
    elif path.suffix.lower() in (".csv", ".tsv"):
        _in_csv(path, wanted, name, note)
    else:
        _in_text(path, wanted, name, note)


def _in_text(path: Path, wanted: Wanted, name: str, note: Note) -> None:
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError:
        return
    frame = pl.Series([text]).str.replace_many(wanted.forms, [MARK[:-1]] * len(wanted.forms))
    count = len(pl.Series([text]).str.find_many(wanted.forms)[0])
    note(Rows(name=name, before=count, after=0, what="texts replaced"))
    replace_files({path: frame[0].encode()})


def _in_sqlite(path: Path, wanted: Wanted, name: str, note: Note) -> None:
    con = sqlite3.connect(path, timeout=30)
    replaced = 0
    try:
        for table, column in sqlite_texts(con):
            replaced += _replace_in(con, quote(table), quote(column), wanted.forms)
        note(Rows(name=name, before=replaced, after=0, what="texts replaced"))
        con.commit()
        con.execute("VACUUM")
        con.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        con.close()


def _replace_in(con: sqlite3.Connection, table: str, column: str, forms: Sequence[str]) -> int:
    rows = con.execute(
        f"SELECT rowid, {column} FROM {table} WHERE typeof({column}) = 'text'"
    ).fetchall()
    values = pl.Series([value for _, value in rows], dtype=pl.String)
    theirs = holding(values, forms)
    if not theirs.any():
        return 0
    now = values.filter(theirs).str.replace_many(list(forms), [MARK[:-1]] * len(forms))
    numbers = pl.Series([number for number, _ in rows]).filter(theirs)
    con.executemany(
        f"UPDATE {table} SET {column} = ? WHERE rowid = ?", list(zip(now, numbers, strict=True))
    )
    return int(theirs.sum())


def _in_parquet(path: Path, wanted: Wanted, name: str, note: Note) -> None:
    rows = pl.read_parquet(path)
    kept = rows.filter(~_of_erased(rows, wanted))
    content = BytesIO()
    kept.write_parquet(content)
    note(Rows(name=name, before=rows.height, after=kept.height))
    replace_files({path: content.getvalue()})


def _in_csv(path: Path, wanted: Wanted, name: str, note: Note) -> None:
    separator = "\t" if path.suffix.lower() == ".tsv" else ","
    try:
        rows = pl.read_csv(path, infer_schema=False, separator=separator)
    except (pl.exceptions.PolarsError, UnicodeError):
        return
    kept = rows.filter(~_of_erased(restored(rows), wanted))
    note(Rows(name=name, before=rows.height, after=kept.height))
    replace_files({path: kept.write_csv(separator=separator).encode()})


def _of_erased(rows: pl.DataFrame, wanted: Wanted) -> pl.Series:
    """Of each row, whether it names one of the erased or holds a text of theirs."""
    of_them = pl.repeat(False, rows.height, dtype=pl.Boolean, eager=True)
    for name in rows.columns:
        if name in wanted.ids:
            ids = rows[name].cast(pl.String).str.strip_chars()
            of_them |= ids.is_in(list(wanted.ids[name])).fill_null(False)
        if rows.schema[name] == pl.String:
            of_them |= holding(rows[name], wanted.forms)
    return of_them
