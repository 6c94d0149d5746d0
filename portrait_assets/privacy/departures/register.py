"""The register of what left: an append-only file outside of the warehouse, chained by hashes.

A line is a JSON object that ends in the hash of the line before (`previous`) and its own (`hash`):
the SHA-256 of the line's bytes before `,"hash"` (a chain as in Haber and Stornetta, 1991, How to
time-stamp a digital document). The number and hash of the last line also stand in a file apart
from the register, so that lines cut off its end are missed.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from portrait_assets.core.errors import PortraitError
from portrait_assets.core.files import replace_files, sync
from portrait_assets.core.invocation import command
from portrait_assets.core.settings import Settings

NO_HASH = "0" * 64
"""What the first line has as the hash of the line before."""

_HASH = rb',"hash":"([0-9a-f]{64})"\}'
_END = re.compile(rb',"previous":"([0-9a-f]{64})"' + _HASH)
_HASH_LENGTH = len(',"hash":""}') + 64
_END_LENGTH = len(',"previous":""') + 64 + _HASH_LENGTH


class RegisterError(PortraitError):
    """The register is not what was written to it, and nothing leaves."""


class BrokenRegisterError(RegisterError):
    """The register of this file is broken: what of it, and what to do."""

    def __init__(self, file: Path, what: str) -> None:
        again = command("register", "renew", "--by", "NAME", "--reason", "WHY")
        self.subject = file.name
        self.what = f"the register of what left is not as it was written: {what}"
        self.remedy = (
            "nothing leaves before its newest copy is put back, or a new one begun that keeps this "
            f"one beside it (`{again}`)"
        )
        super().__init__(f"{self.subject}: {self.what}; {self.remedy}.")


@dataclass(frozen=True)
class Entry:
    """A line of the register.

    `values` are what is entered of the departure, by name, as `privacy.egress` gives them.
    """

    number: int
    at: datetime
    values: Mapping[str, Any]
    hash: str

    @property
    def reference(self) -> str:
        """Which one it is, in a sentence about what left."""
        return f"the one of {self.at:%Y-%m-%d} (entry {self.number} of the register)"

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def get(self, name: str, default: Any = None) -> Any:
        """The value of that name, or the default of one that the entry lacks."""
        return self.values.get(name, default)


@dataclass(frozen=True)
class _Lines:
    """The whole lines of a register that was verified, and how many bytes they take."""

    lines: tuple[bytes, ...]
    size: int

    @property
    def last_hash(self) -> str:
        return self.lines[-1][-66:-2].decode() if self.lines else NO_HASH


class Register:
    """The register of a source.

    Args:
        file: the register, which need not be there yet.
        head: where the number and hash of its last line are noted.
    """

    def __init__(self, file: Path, head: Path) -> None:
        self.file = file
        self.head = head

    @classmethod
    def of(cls, settings: Settings) -> Register:
        """The register of the settings' source."""
        return cls(settings.register_file, settings.register_head)

    def verify(self) -> int:
        """The number of lines, each of which is as it was written.

        Raises:
            RegisterError: naming the first line that is not, or the lines that are missing.
        """
        return len(self._read().lines)

    def entries(self, outlet: str | None = None) -> list[Entry]:
        """The entries, or those of an outlet, first to last.

        Raises:
            RegisterError: as `verify`.
        """
        # Within a text a quotation mark has a backslash, so that this is found nowhere else.
        wanted = b"" if outlet is None else f'"outlet":{json.dumps(outlet)},'.encode()
        lines = self._read().lines
        return [_entry(line) for line in lines if wanted in line]

    def entries_ever(self) -> list[Entry]:
        """The entries, after those that can be read of broken registers which were renewed.

        Raises:
            RegisterError: as `verify`.
        """
        kept = sorted(self.file.parent.glob(f"{self.file.stem}.*{self.file.suffix}"))
        return [*(entry for path in kept for entry in _readable(path)), *self.entries()]

    def append(self, values: Mapping[str, Any], now: datetime | None = None) -> Entry:
        """Add an entry with these values, which JSON must be able to hold; it is on the disk then.

        Raises:
            RegisterError: when the register is not what was written to it; nothing is added.
            OSError: when it cannot be written.
        """
        with self._locked() as file:
            before = self._verified(file.read(), self._head())
            number = len(before.lines) + 1
            line = _line(number, now or datetime.now(UTC), values, before.last_hash)
            file.truncate(before.size)  # A line that was not finished is no entry.
            file.write(line + b"\n")
            file.flush()
            os.fsync(file.fileno())
            entry = _entry(line)
            self._note(entry)
        return entry

    def renew(self, by: str, reason: str, now: datetime | None = None) -> tuple[Path, Entry]:
        """Begin a new register in the place of a broken one, which is kept beside it.

        The new one's first entry says what was broken, who began it and why.

        Returns:
            Where the broken one is kept, and the first entry of the new one.

        Raises:
            RegisterError: when the register is whole.
        """
        now = now or datetime.now(UTC)
        try:
            self.verify()
        except BrokenRegisterError as error:
            broken = error.what
        else:
            raise RegisterError(f"{self.file.name} is whole; there is nothing to renew.")
        kept = self.file.with_name(f"{self.file.stem}.{now:%Y%m%dT%H%M%S%fZ}.jsonl")
        digest = hashlib.sha256(self._content()).hexdigest()
        if self.file.is_file():
            os.replace(self.file, kept)
            sync(kept.parent)
        self.head.unlink(missing_ok=True)
        values = {
            "who": by,
            "outlet": "register",
            "about": {"reason": reason, "broken": broken, "kept_as": kept.name, "sha256": digest},
        }
        return kept, self.append(values, now)

    def _content(self) -> bytes:
        return self.file.read_bytes() if self.file.is_file() else b""

    @contextmanager
    def _locked(self) -> Iterator[IO[bytes]]:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with open(self.file, "a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            yield file

    def _note(self, entry: Entry) -> None:
        content = json.dumps({"number": entry.number, "hash": entry.hash}) + "\n"
        replace_files({self.head: content.encode()})

    def _read(self) -> _Lines:
        # The note first: whoever appends meanwhile writes the line before the note.
        head = self._head()
        return self._verified(self._content(), head)

    def _head(self) -> str | None:
        return self.head.read_text("utf-8", "replace") if self.head.is_file() else None

    def _verified(self, content: bytes, head: str | None) -> _Lines:
        *lines, unfinished = content.split(b"\n")
        previous = NO_HASH.encode()
        for number, line in enumerate(lines, 1):
            end = _END.fullmatch(line[-_END_LENGTH:])
            if end is None or _digest(line[:-_HASH_LENGTH]) != end[2]:
                raise self._broken(f"line {number} was changed")
            if end[1] != previous or not line.startswith(_start(number)):
                raise self._broken(
                    f"line {number} does not follow the line before it, so that lines were "
                    "removed, added or swapped"
                )
            previous = end[2]
        start = _start(len(lines) + 1)
        if not (start.startswith(unfinished) or unfinished.startswith(start)):
            raise self._broken(f"line {len(lines) + 1} was changed")
        self._check_head(lines, head)
        return _Lines(tuple(lines), len(content) - len(unfinished))

    def _check_head(self, lines: list[bytes], head: str | None) -> None:
        """Whether the last line that was noted is there; more may have been written since."""
        if head is None:
            return
        try:
            noted = json.loads(head)
            number, last = int(noted["number"]), str(noted["hash"])
        except (ValueError, KeyError, TypeError):
            raise self._broken(f"{self.head.name} was changed") from None
        if number > len(lines):
            gone = f"line {len(lines) + 1} is missing"
            if number > len(lines) + 1:
                gone = f"lines {len(lines) + 1} to {number} are missing"
            raise self._broken(gone)
        if number < 1 or lines[number - 1][-66:-2].decode() != last:
            raise self._broken(f"line {number} is not the one that was noted when it was written")

    def _broken(self, what: str) -> BrokenRegisterError:
        return BrokenRegisterError(self.file, what)


def _readable(file: Path) -> Iterator[Entry]:
    """The entries of a broken register, less the lines that are none."""
    for line in file.read_bytes().splitlines():
        with suppress(ValueError, KeyError, TypeError, AttributeError):
            yield _entry(line)


def _start(number: int) -> bytes:
    return b'{"number":%d,' % number


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()


def _line(number: int, at: datetime, values: Mapping[str, Any], previous: str) -> bytes:
    known = {"number": number, "at": f"{at:%Y-%m-%dT%H:%M:%S.%fZ}", **values, "previous": previous}
    body = json.dumps(known, ensure_ascii=True, separators=(",", ":")).encode()[:-1]
    return body + b',"hash":"' + _digest(body) + b'"}'


def _entry(line: bytes) -> Entry:
    read = json.loads(line)
    number, at = read.pop("number"), datetime.fromisoformat(read.pop("at"))
    own = read.pop("hash")
    del read["previous"]
    return Entry(number, at, read, own)
