"""Reading a table in a file, whatever it was saved as."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from portrait_assets.storage.files.errors import TableFileError
from portrait_assets.storage.files.text import header_of, in_utf8, longer_line
from portrait_assets.storage.files.values import read_values

_PARQUET, _GZIP, _ZIP, _OLD_EXCEL = b"PAR1", b"\x1f\x8b", b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_LOOKED_AT = 1_000


@dataclass(frozen=True)
class TableFile:
    """A table in a file that is there: the names of its columns, and its rows when they are read.

    `separator` is what separates the values of text, and None where the file is Parquet.
    """

    path: Path
    names: tuple[str, ...]
    separator: str | None
    _header: tuple[str | None, ...] = field(repr=False)
    _content: bytes = field(repr=False)

    def read(self, columns: Sequence[str] | None = None, as_text: bool = False) -> pl.DataFrame:
        """The rows, in order; of a table in Parquet with the types that it has.

        Values of text are numbers, booleans or days where all of a column are, and otherwise words;
        what says that there is nothing (`NA`, `null`) is null.

        Args:
            columns: the names of those that are read; all by default.
            as_text: leaves the values of text as they are written, null where nothing is.

        Raises:
            TableFileError: when the rows cannot be read.
        """
        wanted = [*(self.names if columns is None else columns)]
        try:
            if self.separator is None:
                return self._of_parquet(wanted)
            rows = self._of_text(wanted, as_text)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise TableFileError(self._fault(error)) from None
        if as_text:
            return rows
        return rows.with_columns(
            read_values(column, self.separator)
            for column in rows.iter_columns()
            if column.dtype == pl.String
        )

    def _of_parquet(self, wanted: Sequence[str]) -> pl.DataFrame:
        # Names in the file may have blanks about them.
        written = dict(zip(self.names, pl.read_parquet_schema(self.path), strict=True))
        rows = pl.read_parquet(self.path, columns=[written[name] for name in wanted])
        return rows.rename({written[name]: name for name in wanted})

    def _of_text(self, wanted: Sequence[str], as_text: bool) -> pl.DataFrame:
        places = sorted(self._header.index(name) for name in wanted)
        rows = pl.read_csv(
            self._content,
            separator=self.separator or ",",
            columns=places,
            infer_schema=not as_text,
            infer_schema_length=None,
            try_parse_dates=not as_text and self._has_days(),
        )
        rows.columns = [self._header[place] or "" for place in places]
        return rows.select(wanted)

    def _has_days(self) -> bool:
        """Whether the first rows have days: to look for them in all takes nine times as long."""
        first = pl.read_csv(
            self._content,
            separator=self.separator or ",",
            n_rows=_LOOKED_AT,
            infer_schema_length=_LOOKED_AT,
            try_parse_dates=True,
            truncate_ragged_lines=True,
            ignore_errors=True,  # Rows after these are parsed too, and may be of other types.
        )
        return any(dtype.is_temporal() for dtype in first.dtypes)

    def _fault(self, error: Exception) -> str:
        name = self.path.name
        if self.separator is not None and (
            longer := longer_line(self._content, self.separator, len(self._header))
        ):
            line, values = longer
            return (
                f"Line {line} of '{name}' has {values} values, and its header {len(self._header)} "
                "names; put texts that hold a separator in quotation marks."
            )
        return _unreadable(name, error, self._header)


def open_table(file: Path) -> TableFile:
    """A table in a file: Parquet, or text with commas, semicolons, tabs or bars, packed or not.

    What a file holds decides, and not its ending. Text is in UTF-8, UTF-16 or GB18030.

    Raises:
        TableFileError: when there is no such file, it is no table, or two columns have one name.
    """
    if file.is_dir():
        raise TableFileError(f"'{file}' is a folder; name the CSV or Parquet table in it.")
    if not file.exists():
        raise TableFileError(f"There is no file '{file}'; name a CSV or Parquet table.")
    try:
        with file.open("rb") as opened:
            start = opened.read(4)
            is_parquet = start == _PARQUET
            content = b"" if is_parquet else start + opened.read()
        if start[:2] == _GZIP and not is_parquet:
            content = gzip.decompress(content)
        names = [*pl.read_parquet_schema(file)] if is_parquet else []
    except (pl.exceptions.PolarsError, OSError, EOFError, zlib.error) as error:
        raise TableFileError(_unreadable(file.name, error)) from None
    separator = None
    if not is_parquet:
        if start in (_ZIP, _OLD_EXCEL):
            raise TableFileError(
                f"'{file.name}' is an Excel workbook or an archive; save its table as CSV in UTF-8."
            )
        content = in_utf8(content, file.name)
        separator, names = header_of(content, file.name)
    header: list[str | None] = [name.strip() for name in names]
    if separator is not None and "" in header:
        header = _without_empty(header, content, separator, file.name)
    named = tuple(name for name in header if name is not None)
    twice = next((name for name in named if named.count(name) > 1), None)
    if twice == "":
        raise TableFileError(f"'{file.name}' has columns with values and no name; name them.")
    if twice is not None:
        raise TableFileError(f"'{file.name}' has two columns {twice}; rename or leave out one.")
    return TableFile(file, named, separator, tuple(header), content)


def read_table(file: Path, as_text: bool = False) -> pl.DataFrame:
    """All rows of a table in a file; arguments as of `TableFile.read`.

    Raises:
        TableFileError: when it cannot be read, or has no row.
    """
    rows = open_table(file).read(as_text=as_text)
    if rows.is_empty():
        raise TableFileError(f"'{file.name}' has no row; name a table with rows.")
    return rows


def _without_empty(
    header: Sequence[str | None], content: bytes, separator: str, name: str
) -> list[str | None]:
    """The header, null for columns without name and values, which spreadsheets often add."""
    places = [place for place, each in enumerate(header) if not each]
    try:
        rows = pl.read_csv(
            content,
            separator=separator,
            columns=places,
            infer_schema=False,
            truncate_ragged_lines=True,
        )
    except pl.exceptions.PolarsError as error:
        raise TableFileError(_unreadable(name, error, header)) from None
    is_empty = [not (column.str.strip_chars() != "").any() for column in rows.iter_columns()]
    empty = {place for place, each in zip(places, is_empty, strict=True) if each}
    return [None if place in empty else each for place, each in enumerate(header)]


def _unreadable(name: str, error: Exception, header: Sequence[str | None] = ()) -> str:
    """What is wrong, without the text of the error, which may quote a value of the table."""
    text = str(error)
    named = (each for each in header if each)
    where = next((each for each in named if f"at column '{each}' (column number" in text), None)
    if isinstance(error, OSError) and error.strerror:
        reason = error.strerror
    elif not isinstance(error, pl.exceptions.PolarsError):
        reason = "it is packed, and cut off or damaged"
    elif where:
        reason = f"a value of column {where} cannot be parsed"
    else:
        reason = "it is cut off or damaged"
    return f"'{name}' cannot be read as a table ({reason}); save it as CSV in UTF-8 or as Parquet."
