"""Parquet files that grow chunk by chunk, and the account of the bad values in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from portrait_assets.synthetic.common.truth import Planted

LABEL = (
    "SYNTHETIC: every person and every value was invented by a random generator; "
    "any likeness to a real person is chance"
)
UNIQUE_TEXT = frozenset({"transaction_id", "account_id", "national_id", "phone", "email"})
"""Columns in which a dictionary would only cost time."""


@dataclass(frozen=True)
class Piece:
    """Rows for the end of one file; `file` is relative to the bank's folder, with its suffix."""

    file: str
    rows: pa.Table
    planted: Sequence[Planted] = ()

    @property
    def table(self) -> str:
        """The table that the file belongs to."""
        return self.file.split("/")[0].removesuffix(".parquet")


class BankFiles:
    """The files of a bank while they are written; one row group per piece.

    Pieces of one file must come in order; different files may be written at the same time.
    A pool that writes ends within the context, also where something fails: pyarrow crashes where a
    file is finished while a thread writes to it.
    """

    def __init__(self, folder: Path) -> None:
        """Files under this folder; each is opened with its first piece."""
        self.folder = folder
        self.rows: dict[str, int] = defaultdict(int)
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._bad: list[tuple[str, str, Planted, int]] = []

    def __enter__(self) -> BankFiles:
        """The files themselves."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish every file."""
        for writer in self._writers.values():
            writer.add_key_value_metadata({"synthetic": LABEL})
            writer.close()

    def write(self, pieces: Iterable[Piece], pool: Executor) -> None:
        """Append pieces, each to its file, in the order given."""
        by_file: dict[str, list[Piece]] = defaultdict(list)
        for piece in pieces:
            by_file[piece.file].append(piece)
            self._account(piece)
        for file, parts in by_file.items():
            if file not in self._writers:
                self._writers[file] = self._open(file, parts[0].rows.schema)
        list(pool.map(self._append, by_file.values()))

    def _account(self, piece: Piece) -> None:
        for planted in piece.planted:
            if len(planted.rows):
                self._bad.append((piece.table, piece.file, planted, self.rows[piece.file]))
        self.rows[piece.file] += piece.rows.num_rows

    def _open(self, file: str, schema: pa.Schema) -> pq.ParquetWriter:
        path = self.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        return pq.ParquetWriter(
            path,
            schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=[name for name in schema.names if name not in UNIQUE_TEXT],
            # Plain Parquet types, so that a dictionary in memory is text in the file, and money
            # is a 64-bit integer underneath, which reads faster than 16 bytes.
            store_schema=False,
            store_decimal_as_integer=True,
        )

    def _append(self, pieces: Sequence[Piece]) -> None:
        for piece in pieces:
            if piece.rows.num_rows:
                writer = self._writers[piece.file]
                writer.write_table(piece.rows, row_group_size=piece.rows.num_rows)

    def table_rows(self) -> dict[str, int]:
        """Rows written so far by table, truth/ included under its files' own names."""
        counts: dict[str, int] = defaultdict(int)
        for file, rows in self.rows.items():
            name = file if file.startswith("truth/") else file.split("/")[0]
            counts[name.removesuffix(".parquet")] += rows
        return dict(counts)

    def bad_values(self) -> pa.Table:
        """Every planted bad value; `source_row` counts from 1 within its file."""
        parts = [
            pl.DataFrame(
                {
                    "source_row": planted.rows + offset + 1,
                    "true_value": pl.Series(planted.true_values, dtype=pl.String),
                }
            ).select(
                pl.lit(table).alias("table_name"),
                pl.lit(file).alias("source_file"),
                "source_row",
                pl.lit(planted.column or None, dtype=pl.String).alias("column_name"),
                pl.lit(planted.kind).alias("kind"),
                "true_value",
            )
            for table, file, planted, offset in self._bad
        ]
        schema = {
            "table_name": pl.String,
            "source_file": pl.String,
            "source_row": pl.Int64,
            "column_name": pl.String,
            "kind": pl.String,
            "true_value": pl.String,
        }
        frame = pl.concat(parts) if parts else pl.DataFrame(schema=schema)
        frame = frame.cast(schema).sort(*schema)  # type: ignore[arg-type]
        return plain_text(frame.to_arrow())


def plain_text(table: pa.Table) -> pa.Table:
    """The same table with every text column as Arrow's ordinary string."""
    text = (pa.types.is_large_string, pa.types.is_string_view)
    fields = [
        field.with_type(pa.string()) if any(is_text(field.type) for is_text in text) else field
        for field in table.schema
    ]
    return table.cast(pa.schema(fields))
