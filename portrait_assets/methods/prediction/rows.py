"""A model as one long table: columns, writing, reading and its version.

Every number of a model stands in a row of plain types, so that a model can be read in SQL,
compared between versions and scored by any engine, and restoring it runs no code.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import polars as pl

from portrait_assets.core.arrays import Floats

ROWS_SCHEMA: dict[str, pl.DataType] = {
    "part": pl.String(),
    "position": pl.Int64(),
    "feature": pl.String(),
    "level": pl.String(),
    "key": pl.String(),
    "value": pl.Float64(),
    "text": pl.String(),
    "tree": pl.Int64(),
    "left": pl.Int64(),
    "right": pl.Int64(),
    "threshold": pl.Float64(),
    "missing_left": pl.Boolean(),
    "rows": pl.Int64(),
}
"""Columns and types of the table.

`part` is `model` (`key` with `value` or `text`), `dropped` (`text` says why), `encoding` (`key`
names the number of the feature, or `level`, `other` and `missing`; of bins, behind their number as
`weights`, `interval` up to `threshold`, `code`, `level`, `other` and `missing`, each with its
weight as `value`), `term` (`value` is the coefficient of a column of the design, `threshold` its
mean; `key` is its kind), `node` of `tree`
(`position` is its number; `key`, `feature` and `level` name the column that it splits at
`threshold`, up to which rows go to the node `left`, and others to `right`; null where all known
values go left; a leaf has no `key` and adds `value`; `rows` it was fitted on) or `calibration`
(`threshold` is a margin, `value` the log odds there).
"""

DIGITS = 10


class Row(NamedTuple):
    """A row of the table; what does not concern it is null."""

    part: str
    position: int
    feature: str | None = None
    level: str | None = None
    key: str | None = None
    value: float | None = None
    text: str | None = None
    tree: int | None = None
    left: int | None = None
    right: int | None = None
    threshold: float | None = None
    missing_left: bool | None = None
    rows: int | None = None


def to_frame(rows: Iterable[Row]) -> pl.DataFrame:
    """The rows as a frame with the columns of `ROWS_SCHEMA`, in the given order."""
    return pl.DataFrame(list(rows), schema=ROWS_SCHEMA, orient="row")


def part(rows: pl.DataFrame, name: str) -> list[Row]:
    """The rows of one part in the order that they were written, however they are stored."""
    ordered = rows.filter(pl.col("part") == name).sort("tree", "position")
    return [Row(*row) for row in ordered.select(list(ROWS_SCHEMA)).iter_rows()]


def version(rows: pl.DataFrame) -> str:
    """A short hexadecimal hash of the rows, the same in whatever order they are stored."""
    ordered = rows.select(list(ROWS_SCHEMA)).sort("part", "tree", "position")
    return hashlib.sha256(ordered.write_csv().encode()).hexdigest()[:16]


def rounded(values: Floats) -> Floats:
    """Values rounded to ten significant digits each: the last bits of a sum differ by machine."""
    with np.errstate(divide="ignore"):
        size = np.floor(np.log10(np.abs(values)))
    scale = 10.0 ** (DIGITS - 1 - np.where(np.isfinite(size), size, 0))
    found: Floats = np.round(values * scale) / scale
    return found
