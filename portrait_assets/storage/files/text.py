"""Delimited text as UTF-8, and what separates its values."""

from __future__ import annotations

import codecs
import csv
import io

from portrait_assets.storage.files.errors import TableFileError

SEPARATORS = (",", ";", "\t", "|")
_CHINESE = "GB18030"
"""What Excel writes CSV in on Chinese machines (GBK is a part of it)."""
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_HEADER_BYTES = 1 << 20


def in_utf8(content: bytes, name: str) -> bytes:
    """The text in UTF-8, without a mark of its order of bytes, and with usual ends of lines.

    Text is in UTF-8, in UTF-16 with such a mark, or in GB18030, which is believed where most signs
    beyond ASCII are common Chinese ones: the bytes of other encodings mostly make rare ones of it.

    Raises:
        TableFileError: when it is in none of these.
    """
    if content.startswith(_UTF_16):
        content = _decoded(content, "utf-16", name).encode()
    plain = content.removeprefix(codecs.BOM_UTF8).lstrip(b"\r\n")
    if b"\n" not in plain:
        plain = plain.replace(b"\r", b"\n")  # As old spreadsheets ended lines.
    try:
        plain.decode()
    except UnicodeDecodeError:
        text = _decoded(plain, _CHINESE, name)
        signs = {sign for sign in text if not sign.isascii()}
        if sum(map(_is_common, signs)) < len(signs) / 2:
            raise _unreadable(name) from None
        return text.encode()
    return plain


def header_of(content: bytes, name: str) -> tuple[str, list[str]]:
    """What separates the values of a text, and the names in its first line.

    The separator is what parts most names; where none is, a comma.

    Raises:
        TableFileError: when there is no line, or it is no header of delimited text.
    """
    text = content[:_HEADER_BYTES].decode(errors="ignore")
    if not text.strip():
        raise TableFileError(f"'{name}' is empty; its first line must hold the names of columns.")
    if "\0" in text.split("\n", 1)[0]:
        raise TableFileError(f"'{name}' is no text; save the table as CSV or Parquet.")
    if text.startswith(("{", "[{", "<")):
        raise TableFileError(f"'{name}' is JSON or a page; save its table as CSV or Parquet.")
    parted = {each: _first(text, each) for each in SEPARATORS}
    separator = max(SEPARATORS, key=lambda each: len(parted[each]))
    names = parted[separator]
    if len(names) < 2 and not all(parted.values()):
        raise TableFileError(
            f"The first line of '{name}' has a name longer than {csv.field_size_limit():,} "
            "characters; close its quotation mark, or save the table as CSV or Parquet."
        )
    return separator, names


def longer_line(content: bytes, separator: str, names: int) -> tuple[int, int] | None:
    """The number of the first line with more values than there are names, and how many it has.

    None as well where a value before it is longer than any that is read so.
    """
    rows = csv.reader(io.StringIO(content.decode(), newline=""), delimiter=separator)
    try:
        for row in rows:
            if len(row) > names:
                return rows.line_num, len(row)
    except csv.Error:
        pass
    return None


def _first(text: str, separator: str) -> list[str]:
    """The first row; none where a value of it is too long."""
    try:
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=separator), [])
    except csv.Error:
        return []


def _decoded(content: bytes, encoding: str, name: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        raise _unreadable(name) from None


def _unreadable(name: str) -> TableFileError:
    return TableFileError(f"'{name}' is not text in UTF-8 or GB18030; save it as CSV in UTF-8.")


def _is_common(sign: str) -> bool:
    """Whether it is of the first level of GB 2312, or of its punctuation."""
    lead, *rest = sign.encode(_CHINESE)
    in_level = 0xA1 <= lead <= 0xA9 or 0xB0 <= lead <= 0xD7
    return in_level and len(rest) == 1 and rest[0] >= 0xA1
