"""A fitted model as one long table of rows: written, restored and hashed.

Every fitted number of a model is one row ``(part, item, position, key, value, text)``, so that a
model can be read in SQL, compared between versions and restored without running any code.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import polars as pl

from portrait_assets.core.arrays import Floats

ROWS_SCHEMA: dict[str, pl.DataType] = {
    "part": pl.String(),
    "item": pl.String(),
    "position": pl.Int64(),
    "key": pl.String(),
    "value": pl.Float64(),
    "text": pl.String(),
}
"""Columns and types of the long table."""

DIGITS = 10


class Row(NamedTuple):
    """One stored number or word of a model."""

    part: str
    item: str
    position: int
    key: str
    value: float | None = None
    text: str | None = None


def rows_to_frame(rows: Iterable[Row]) -> pl.DataFrame:
    """The rows as a frame with the columns of :data:`ROWS_SCHEMA`, in the given order."""
    return pl.DataFrame(list(rows), schema=ROWS_SCHEMA, orient="row")


def matrix_rows(part: str, key: str, matrix: Floats) -> list[Row]:
    """One row per cell of a matrix: ``item`` is the matrix row, ``position`` its column."""
    return [
        Row(part, str(i), j, key, float(value))
        for i, line in enumerate(matrix)
        for j, value in enumerate(line)
    ]


def matrix_from(rows: pl.DataFrame, part: str, key: str) -> Floats:
    """The matrix that :func:`matrix_rows` wrote, shape (items, positions)."""
    cells = rows.filter((pl.col("part") == part) & (pl.col("key") == key)).select(
        pl.col("item").cast(pl.Int64), "position", "value"
    )
    if cells.is_empty():
        return np.zeros((0, 0))
    item = cells["item"].to_numpy()
    position = cells["position"].to_numpy()
    matrix = np.zeros((int(item.max()) + 1, int(position.max()) + 1))
    matrix[item, position] = cells["value"].to_numpy()
    return matrix


def rows_hash(rows: pl.DataFrame) -> str:
    """A short hexadecimal hash of the rows, the same in whatever order they are stored."""
    ordered = rows.sort("part", "item", "position", "key")
    digest = hashlib.sha256()
    for part, item, position, key, value, text in ordered.iter_rows():
        number = "" if value is None else float(value).hex()
        digest.update(repr((part, item, position, key, number, text)).encode())
    return digest.hexdigest()[:16]


def round_significant(values: Floats) -> Floats:
    """Values rounded once to ten significant digits of the largest, before they are stored.

    Sums of floats may differ in their last bits between machines and thread counts; parameters
    that are rounded once do not carry that into a model's version.
    """
    values = np.asarray(values, dtype=np.float64)
    largest = float(np.abs(values).max(initial=0.0))
    if largest == 0.0 or not math.isfinite(largest):
        return values
    decimals = DIGITS - 1 - math.floor(math.log10(largest))
    return np.round(values, decimals) + 0.0
