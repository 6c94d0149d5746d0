"""Tables in one file that get further rows after those that they had.

A pipeline that has read a file finds every row where it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from portrait_assets.synthetic.common.randomness import Mask
from portrait_assets.synthetic.common.writing import BankFiles, Piece

Moved = dict[str, pl.DataFrame]
"""By file: where the further rows stand now (`row`) by where they stood (`source_row`), from 1."""


@dataclass(frozen=True)
class _Further:
    """The rows of a file that its former version did not have."""

    before: Path
    rows: pa.Table
    moved: pl.DataFrame


def append_rows(before: Path, after: Path, names: list[str]) -> Moved:
    """Put the rows that each file had before first, in their order, and the others after them.

    Args:
        before: folder of the former files.
        after: folder of the files that hold all of their rows, and others; they are replaced.
        names: names of the files; one that has lost or changed a row stays as it is.
    """
    found = {name: _further(before / name, after / name) for name in names}
    changed = {name: further for name, further in found.items() if further is not None}
    aside = after / ".appended"
    with BankFiles(aside) as files, ThreadPoolExecutor(1) as pool:
        for name, further in changed.items():
            for piece in _pieces(name, further):
                files.write([piece], pool)
    for name in changed:
        (aside / name).replace(after / name)
    return {name: further.moved for name, further in changed.items()}


def _further(before: Path, after: Path) -> _Further | None:
    had, now = pl.read_parquet(before), pl.read_parquet(after)
    if had.schema != now.schema:
        return None
    is_further = ~now.hash_rows().is_in(had.hash_rows().implode())
    if is_further.sum() != len(now) - len(had):
        return None
    mask: Mask = is_further.to_numpy()
    places = pl.Series("source_row", range(1, len(now) + 1), dtype=pl.Int64).filter(is_further)
    row = pl.int_range(len(had) + 1, len(had) + 1 + len(places), dtype=pl.Int64, eager=True)
    moved = pl.DataFrame([places, row.alias("row")])
    return _Further(before, pq.read_table(after).filter(pa.array(mask)), moved)


def _pieces(name: str, further: _Further) -> Iterator[Piece]:
    file = pq.ParquetFile(further.before)
    for group in range(file.num_row_groups):
        yield Piece(name, file.read_row_group(group))
    yield Piece(name, further.rows)
