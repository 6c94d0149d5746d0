"""Marks: unique texts planted in every text column, so that wherever one turns up it is found.

A scan for personal data looks for `PM-` and eight digits in what leaves the warehouse; where it
was planted `truth/marks.parquet` says. Identifiers that stand in several tables are marked by
their value, in all tables alike, so that rows still belong together; of other text some rows are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
import pyarrow as pa

from portrait_assets.schema.table import Column, Sensitivity, Type
from portrait_assets.stages.raw.contract import CANONICAL_BY_NAME
from portrait_assets.synthetic.common.randomness import Ints
from portrait_assets.synthetic.common.writing import Piece

CUSTOMERS_PER_MARK = 20
"""One customer of so many has marked identifiers, wherever they stand."""
ROWS_PER_MARK = 200
"""One row of so many has a mark in a personal column; of other columns one row of a file's part."""
MARK = r"PM-\d{8}"
LISTED = pa.schema(
    [(name, pa.string()) for name in ("table_name", "column_name", "customer_id", "mark")]
)


def _one_in(many: int, tens: int = 1) -> Callable[[pl.Expr], pl.Expr]:
    """The identifiers whose number, divided by `tens`, leaves 1 divided by `many`."""
    return lambda ids: ids.str.extract(r"(\d+)").cast(pl.Int64) // tens % many == 1


MARKED_IDS: dict[str, Callable[[pl.Expr], pl.Expr]] = {
    "customer_id": _one_in(CUSTOMERS_PER_MARK),
    "account_id": _one_in(
        CUSTOMERS_PER_MARK, tens=10
    ),  # An account has its owner's number and a digit.
    "prospect_id": _one_in(10),
    "product_id": lambda ids: ids == "P402",
    "campaign_id": lambda ids: ids == "CMP001",
    "store_id": lambda ids: ids == "B0001",
}
"""Identifiers that stand in several tables, and which of their values are marked."""
SHARED_IDS = ("product_id", "campaign_id", "store_id")
"""Identifiers of no customer's, though they stand in rows of customers."""
SAME_IDS = {"duplicate_id": "customer_id"}


@dataclass
class Marker:
    """Marks pieces in the order in which they are written, and keeps account of the marks."""

    _marks: dict[tuple[str, str], str] = field(default_factory=dict)
    """Mark by kind of identifier and value."""
    _count: int = 0
    _listed: list[pl.DataFrame] = field(default_factory=list)

    def marked(self, pieces: Iterable[Piece]) -> Iterator[Piece]:
        """The same pieces with marks; those of the truth have marked identifiers only."""
        for piece in pieces:
            rows = _with_plain_text(piece.rows)
            if len(rows):
                rows = self._with_marks(piece, rows)
            yield replace(piece, rows=rows)

    def table(self) -> pa.Table:
        """truth/marks: each mark by table and column, and the customer of its row."""
        if not self._listed:
            return LISTED.empty_table()
        listed = pl.concat(self._listed).unique(maintain_order=True)
        return listed.to_arrow().cast(LISTED)

    def _with_marks(self, piece: Piece, rows: pa.Table) -> pa.Table:
        canonical = CANONICAL_BY_NAME.get(piece.table)
        texts = [c for c in canonical.columns if c.type is Type.TEXT] if canonical else []
        ids = [name for name in rows.column_names if SAME_IDS.get(name, name) in MARKED_IDS]
        placed = []
        for name in ids:
            rows, marks = self._with_marked_ids(rows, name)
            placed.append((name, marks))
        for column in texts:
            if column.name not in ids:
                rows, marks = self._with_marked_text(rows, column)
                placed.append((column.name, marks))
        if canonical:
            self._listed += [_listed(piece.table, rows, name, marks) for name, marks in placed]
        return rows

    def _with_marked_ids(self, rows: pa.Table, name: str) -> tuple[pa.Table, pl.Series]:
        """The rows with marked identifiers, and the mark of each row."""
        kind, values = SAME_IDS.get(name, name), pl.Series(name, rows[name])
        chosen = values.to_frame().select(MARKED_IDS[kind](pl.col(name)).fill_null(False))
        ids = values.filter(chosen.to_series()).unique().sort()
        self._marks |= {
            (kind, one): self._next_mark() for one in ids if (kind, one) not in self._marks
        }
        marks = [self._marks[kind, one] for one in ids]
        mark = values.replace_strict(ids, marks, default=None, return_dtype=pl.String)
        return _with_text(rows, name, values, mark, "-"), mark

    def _with_marked_text(self, rows: pa.Table, column: Column) -> tuple[pa.Table, pl.Series]:
        """The rows with some marked values of a column, or one mark where it has no value."""
        values = pl.Series(column.name, rows[column.name], dtype=pl.String)
        filled = np.flatnonzero(values.is_not_null().to_numpy())
        among: Ints = filled if len(filled) else np.arange(len(values))
        is_personal = column.sensitivity is not Sensitivity.C1
        first = self._count % min(len(among), ROWS_PER_MARK)
        chosen = among[first::ROWS_PER_MARK] if is_personal else among[first : first + 1]
        position = np.full(len(values), -1)
        position[chosen] = np.arange(len(chosen))
        marks = pl.Series([self._next_mark() for _ in chosen], dtype=pl.String)
        places = pl.Series(position)
        mark = marks.gather(places.set(places < 0, None))
        return _with_text(rows, column.name, values, mark, " "), mark

    def _next_mark(self) -> str:
        self._count += 1
        return f"PM-{self._count:08d}"


def _with_plain_text(rows: pa.Table) -> pa.Table:
    """The rows with every text column as Arrow's ordinary string."""
    fields = [
        column.with_type(pa.string()) if pa.types.is_dictionary(column.type) else column
        for column in rows.schema
    ]
    return rows.cast(pa.schema(fields))


def _with_text(
    rows: pa.Table, name: str, values: pl.Series, mark: pl.Series, between: str
) -> pa.Table:
    frame = pl.DataFrame([values.alias("value"), mark.alias("mark")])
    marked = frame.select(
        pl.when(pl.col("mark").is_null())
        .then("value")
        .otherwise(pl.concat_str("value", "mark", separator=between, ignore_nulls=True))
    ).to_series()
    place = rows.column_names.index(name)
    return rows.set_column(place, name, marked.to_arrow().cast(pa.string()))


def _listed(table: str, rows: pa.Table, column: str, marks: pl.Series) -> pl.DataFrame:
    of_customers = column not in SHARED_IDS and "customer_id" in rows.column_names
    customer = pl.Series(rows["customer_id"]) if of_customers else [None] * len(rows)
    return (
        pl.DataFrame(
            {
                "table_name": [table] * len(rows),
                "column_name": [column] * len(rows),
                "customer_id": pl.Series(customer, dtype=pl.String),
                "mark": marks,
            }
        )
        .drop_nulls("mark")
        .unique(maintain_order=True)
    )
