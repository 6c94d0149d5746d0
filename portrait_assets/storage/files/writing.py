"""Writing tables to files that people name: all of them whole, or none."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import polars as pl

from portrait_assets.core.files import replace_files
from portrait_assets.schema.csv_text import neutralized
from portrait_assets.storage.files.errors import TableFileError

_SEPARATORS = {".csv": ",", ".txt": ",", ".tsv": "\t"}
_OTHERS = (".xlsx", ".xls", ".ods", ".json", ".ndjson", ".jsonl", ".pdf", ".html", ".zip")


def check_targets(file: Path, *targets: Path) -> None:
    """Raise where what is computed of a file could not be written, before it is computed.

    Args:
        file: the table that is read, which is not written over.
        targets: where tables, or other texts, are to be written.

    Raises:
        TableFileError: when a folder is not there, a place is no file, two names are one file, or a
            name ends as those of other kinds of files do.
    """
    taken = [file.resolve()]
    for to in targets:
        if not to.absolute().parent.is_dir():
            raise TableFileError(
                f"There is no folder '{to.parent}' to write '{to.name}' to; make it."
            )
        if to.exists() and not to.is_file():
            raise TableFileError(f"'{to}' is a folder or a device; name a file to write.")
        ending, is_packed = _ending(to)
        if ending in _OTHERS or (is_packed and ending not in _SEPARATORS):
            raise TableFileError(
                f"'{to.name}' would be neither CSV nor Parquet; name it .csv, .csv.gz or .parquet."
            )
        if to.resolve() in taken:
            raise TableFileError(f"'{to.name}' would be written over; name another file to write.")
        taken.append(to.resolve())


def table_bytes(table: pl.DataFrame, to: Path) -> bytes:
    """The table as a file of the kind that a name ends in: CSV, packed or not, or else Parquet."""
    ending, is_packed = _ending(to)
    written = BytesIO()
    if ending not in _SEPARATORS:
        table.write_parquet(written)
        return written.getvalue()
    neutralized(table).write_csv(written, separator=_SEPARATORS[ending])
    # Equal rows give an equal file.
    return gzip.compress(written.getvalue(), mtime=0) if is_packed else written.getvalue()


def write_files(contents: Mapping[Path, bytes]) -> None:
    """Write these files over those that there are, all of them or none.

    Raises:
        TableFileError: when one cannot be written.
    """
    try:
        replace_files(contents)
    except OSError as error:
        shown = ", ".join(f"'{path}'" for path in contents)
        raise TableFileError(
            f"{shown} cannot be written ({error.strerror or error}); choose another place."
        ) from None


def write_table(table: pl.DataFrame, to: Path) -> None:
    """Write one table.

    Raises:
        TableFileError: when it cannot be written.
    """
    write_files({to: table_bytes(table, to)})


def _ending(to: Path) -> tuple[str, bool]:
    """What the name ends in before .gz, in small letters, and whether .gz follows."""
    name = to.name.lower()
    return Path(name.removesuffix(".gz")).suffix, name.endswith(".gz")
