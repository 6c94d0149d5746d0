"""Tombstones: keyed hashes of ids of people who were erased, so that no source brings them back.

They stand in an append-only file of the source's folder that says nothing of anybody without the
key, which is never rotated. A person who comes back under a new id is a new customer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import polars as pl

from portrait_assets.core.errors import PortraitError
from portrait_assets.core.files import replace_files
from portrait_assets.core.settings import Settings
from portrait_assets.privacy.keys import Key, KeyFileError, KeyName, find_key, key_file, make_key

TOMBSTONES_FILE = "tombstones.csv"
COLUMNS = ("digest", "erased_on", "certificate", "key")
"""`digest` is the HMAC-SHA-256 of an id in hexadecimal digits, `key` the fingerprint of its key."""
MARK = "erased-"
"""With this before it a digest stands for an id in rows that are kept for what they count."""
CUSTOMERS = "customer_id"
_DIGITS = 64
_LETTERS = str.maketrans("0123456789", "ghijklmnop")
_WORD = 16
"""Letters of such a word."""


class TombstoneError(PortraitError):
    """The file of tombstones cannot be read as it stands."""


@dataclass(frozen=True)
class Tombstones:
    """The people who were erased from a source, as digests, and the key that makes them."""

    digests: frozenset[str] = frozenset()
    key: Key | None = field(default=None, repr=False)

    def __bool__(self) -> bool:
        """Whether anybody was erased."""
        return bool(self.digests)

    def among(self, ids: pl.Series, column: str = CUSTOMERS) -> pl.DataFrame:
        """Those of the ids that were erased.

        Args:
            ids: ids as received, without nulls; what stands around one is no part of it.
            column: the column that they stand in: ids of others than customers differ.

        Returns:
            `value`, the id as received, and `digest`.
        """
        found: dict[str, list[str]] = {"value": [], "digest": []}
        key = self.key
        if key is not None and self.digests:
            digests = key.hex_digests(_named(value, column) for value in ids)
            for value, digest in zip(ids, digests, strict=True):
                if digest in self.digests:
                    found["value"].append(value)
                    found["digest"].append(digest)
        return pl.DataFrame(found, schema={"value": pl.String, "digest": pl.String})


def digest_of(key: Key, identifier: str, column: str = CUSTOMERS) -> str:
    """The tombstone of an id: 64 hexadecimal digits."""
    return key.digest(_named(identifier, column)).hex()


def word_of(digest: str) -> str:
    """What stands for a text of theirs among categories: letters, for digits look like a number."""
    return MARK + digest.translate(_LETTERS)[:_WORD]


def _named(identifier: str, column: str) -> str:
    """What is hashed: ids of others than customers differ from a customer's."""
    text = identifier.strip()
    return text if column == CUSTOMERS else f"{column} {text}"


def tombstones_file(settings: Settings) -> Path:
    """The file of the source's tombstones."""
    return settings.source_dir / TOMBSTONES_FILE


def read_tombstones(settings: Settings) -> Tombstones:
    """Who was erased from the source.

    Raises:
        TombstoneError: when the file has a line that is no tombstone.
        KeyFileError: when there are tombstones and their key is missing or another one.
    """
    path = tombstones_file(settings)
    if not path.is_file():
        return Tombstones()
    rows = _lines(path)
    if not rows:
        return Tombstones()
    key = find_key(settings, KeyName.TOMBSTONES)
    place = key_file(settings, KeyName.TOMBSTONES)
    if key is None:
        raise KeyFileError(
            f"{TOMBSTONES_FILE} lists {len(rows):,} ids that were erased, and the key that "
            f"recognizes them, {place}, is missing; put it back from where your secrets are kept."
        )
    if others := {fingerprint for *_, fingerprint in rows} - {key.fingerprint}:
        raise KeyFileError(
            f"{TOMBSTONES_FILE} was written with the key {min(others)}, and {place} is the key "
            f"{key.fingerprint}; put the former back from where your secrets are kept."
        )
    return Tombstones(frozenset(digest for digest, *_ in rows), key)


def key_of_tombstones(settings: Settings) -> Key:
    """The key of the source's tombstones, made where nobody was erased yet.

    Raises:
        KeyFileError: as `read_tombstones`, and where the key cannot be used.
    """
    known = read_tombstones(settings).key
    key = known or find_key(settings, KeyName.TOMBSTONES)
    return key or make_key(settings, KeyName.TOMBSTONES)


def append_tombstones(
    settings: Settings, key: Key, digests: Iterable[str], certificate: str, erased_on: date
) -> int:
    """Add the digests that are not there yet, after all that stand; how many were added.

    Raises:
        OSError: when the file cannot be written; it is then as it was.
    """
    path = tombstones_file(settings)
    there = path.read_bytes() if path.is_file() else f"{','.join(COLUMNS)}\n".encode()
    known = {digest for digest, *_ in _lines(path)} if path.is_file() else set()
    new = sorted(set(digests) - known)
    if new:
        lines = "".join(f"{each},{erased_on},{certificate},{key.fingerprint}\n" for each in new)
        replace_files({path: _ended(there) + lines.encode()})
    return len(new)


def merged_tombstones(one: bytes, other: bytes) -> bytes:
    """The lines of both files, each once: a backup takes nobody's tombstone away."""
    lines = dict.fromkeys([*_ended(one).splitlines(), *other.splitlines()])
    return b"".join(line + b"\n" for line in lines)


def _ended(content: bytes) -> bytes:
    return content if not content or content.endswith(b"\n") else content + b"\n"


def _lines(path: Path) -> list[tuple[str, ...]]:
    header, *lines = path.read_text("utf-8", errors="replace").splitlines() or [""]
    rows = [tuple(line.split(",")) for line in lines]
    for number, row in enumerate([tuple(header.split(",")), *rows], 1):
        is_right = row == COLUMNS if number == 1 else _is_tombstone(row)
        if not is_right:
            raise TombstoneError(
                f"{path.parent.name}/{path.name}, line {number}, is no tombstone; restore the file "
                "from a backup (`portrait restore`)."
            )
    return rows


def _is_tombstone(row: tuple[str, ...]) -> bool:
    if len(row) != len(COLUMNS) or len(row[0]) != _DIGITS:
        return False
    return all(digit in "0123456789abcdef" for digit in row[0])
