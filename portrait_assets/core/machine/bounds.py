"""How much is taken into memory at once; nothing that comes out depends on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field

Item = TypeVar("Item")


class Bounds(BaseModel):
    """Upper bounds of what a step holds at once: lower ones take less memory and more time.

    Each is also an environment variable, such as `PORTRAIT_BOUNDS__TABLE_VALUES`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    table_values: int = Field(20_000_000, gt=0)
    """Values of a table that a check looks at, whose drift is measured, or that are sorted when
    they are published."""
    typed_values: int = Field(10_000_000, gt=0)
    """Values that are typed: one, and what is found about it, takes about 80 bytes."""
    frame_rows: int = Field(500_000, gt=0)
    """Rows of a lazy frame that are written."""
    record_customers: int = Field(200_000, gt=0)
    """Customers whose records are weighed: with its origins one takes up to 10 KiB."""
    matrix_customers: int = Field(100_000, gt=0)
    """Customers whose features are computed: each takes about 3 KiB."""
    joined_rows: int = Field(2_000_000, gt=0)
    """Customers of several months that are joined to what they did in others."""
    tag_customers: int = Field(200_000, gt=0)
    """Customers of several months whose tags are evaluated, for which a month is never divided,
    and of one month whose tags are compared with those of the month before."""
    run_rows: int = Field(20_000_000, gt=0)
    """Rows of the source whose months are materialized together, so that a run that is stopped
    goes on at the last such piece: three months of a bank of a million customers."""

    def rows_of(self, columns: int) -> int:
        """Rows of a table with so many columns that may be held at once."""
        return max(1, self.table_values // columns)

    def columns_of(self, rows: int) -> int:
        """Columns of a table with so many rows that may be held at once."""
        return max(1, self.table_values // max(1, rows))


def every_kth(count: int, most: int) -> int:
    """The k of which every k-th leaves so many at most."""
    return max(1, -(-count // most))


def in_batches(
    items: Iterable[Item], sizes: Mapping[Item, int], limit: int
) -> Iterator[list[Item]]:
    """The items, in order, in groups that together hold at most `limit`, or are one item."""
    batch: list[Item] = []
    size = 0
    for item in items:
        if batch and size + sizes[item] > limit:
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += sizes[item]
    if batch:
        yield batch
