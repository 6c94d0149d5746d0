"""Places in the bytes of files that hold one of many texts.

A page of a database that nothing refers to any more, and what no part of this program decodes, is
seen here alone.
"""

from __future__ import annotations

import os
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import polars as pl
import pyarrow as pa

BLOCK_BYTES = 32 << 20
"""Bytes that are looked at in one go, of one file or of many small ones."""
_BETWEEN = b"\0" * 16
"""What parts two files in a block; no text has it."""
_SEVEN_BITS = bytes(byte & 0x7F for byte in range(256))

Place = tuple[str, str]
"""A file, and a part of it."""
Stream = tuple[Place, Callable[[int], bytes]]
"""A place, and what reads so many of its bytes at most; none at its end."""


@dataclass(frozen=True)
class Spots:
    """Where forms stand in a file: each a first byte, and the byte after its last."""

    bounds: array[int] = field(default_factory=lambda: array("Q"))

    def __len__(self) -> int:
        return len(self.bounds) // 2

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self.bounds[::2], self.bounds[1::2], strict=True)


@dataclass(frozen=True)
class _Piece:
    """Bytes of a place within a block, where they stand there; `seen` ended the piece before."""

    place: Place
    start: int
    seen: int
    stands: int


class _Sought:
    """The forms of texts in UTF-8.

    polars looks for many texts in valid text: so the highest bit of each byte is cleared before,
    and what is found is compared with the bytes as they are.
    """

    def __init__(self, forms: Iterable[str]) -> None:
        encoded = sorted({form.encode() for form in forms})
        self.longest = max(map(len, encoded))
        self._shortest = min(map(len, encoded))
        self._with_seven_bits = sorted({each.translate(_SEVEN_BITS).decode() for each in encoded})
        self._by_beginning: dict[bytes, list[bytes]] = {}
        for each in encoded:
            self._by_beginning.setdefault(each[: self._shortest], []).append(each)

    def ends(self, block: bytes) -> Iterator[tuple[int, int]]:
        """Where in the block each form begins, and where it ends."""
        starts = (
            _with_seven_bits(block)
            .str.find_many(self._with_seven_bits, overlapping=True)[0]
            .unique()
            .sort()
        )
        for start in starts:
            beginning = block[start : start + self._shortest]
            for form in self._by_beginning.get(beginning, ()):
                if block.startswith(form, start):
                    yield start, start + len(form)


def _with_seven_bits(block: bytes) -> pl.Series:
    """The block as a text, without copies of it but the one that is changed."""
    changed = np.frombuffer(block, np.uint8) & 0x7F
    bounds = pa.py_buffer(np.array([0, len(changed)], np.int64))
    return pl.Series(pa.LargeStringArray.from_buffers(1, bounds, pa.py_buffer(changed)))


def places_in_bytes(streams: Iterable[Stream], forms: Sequence[str]) -> dict[Place, Spots]:
    """By place, where its bytes hold one of the forms in UTF-8."""
    found: dict[Place, Spots] = {}
    if not forms:
        return found
    sought = _Sought(forms)
    workers = max(1, min(4, os.cpu_count() or 1))
    waiting: list[Future[list[_Found]]] = []
    with ThreadPoolExecutor(workers) as pool:
        for block, pieces in _blocks(streams, sought.longest):
            waiting.append(pool.submit(_places, block, pieces, sought))
            if len(waiting) > workers:
                _add(found, waiting.pop(0).result())
        for each in waiting:
            _add(found, each.result())
    return found


_Found = tuple[Place, int, int]


def _add(found: dict[Place, Spots], more: Iterable[_Found]) -> None:
    for place, *bounds in more:
        found.setdefault(place, Spots()).bounds.extend(bounds)


def _blocks(streams: Iterable[Stream], longest: int) -> Iterator[tuple[bytes, list[_Piece]]]:
    """The bytes of all places, small ones together, large ones in pieces that overlap."""
    parts: list[bytes] = []
    pieces: list[_Piece] = []
    size = 0
    for place, read in streams:
        before, at = b"", 0
        while content := read(BLOCK_BYTES - size):
            pieces.append(_Piece(place, size, len(before), at - len(before)))
            at += len(content)
            parts += (before, content, _BETWEEN)
            size += len(before) + len(content) + len(_BETWEEN)
            before = _last(longest - 1, before, content)
            if size >= BLOCK_BYTES:
                yield b"".join(parts), pieces
                parts, pieces, size = [], [], 0
    if pieces:
        yield b"".join(parts), pieces


def _last(count: int, before: bytes, content: bytes) -> bytes:
    """So many bytes at the end of both, one after the other."""
    if not count:
        return b""
    return content[-count:] if len(content) >= count else (before + content)[-count:]


def _places(block: bytes, pieces: Sequence[_Piece], sought: _Sought) -> list[_Found]:
    found = []
    starts = [piece.start for piece in pieces]
    for start, end in sought.ends(block):
        piece = pieces[bisect_right(starts, start) - 1]
        if end - piece.start > piece.seen:
            by = piece.stands - piece.start
            found.append((piece.place, start + by, end + by))
    return found
