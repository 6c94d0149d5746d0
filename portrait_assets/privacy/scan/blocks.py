"""What bytes of a DuckDB file belong to: values of a column, or nothing that can be read.

After a header a file is blocks of one size. A block holds segments of columns one after the other,
and zeros after them, or pages of what describes tables, or what nothing refers to any more. DuckDB
compresses segments with parts of values in place of values, so that their bytes may read like a
text that no value has.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence

import duckdb

from portrait_assets.storage.duckdb.connection import literal, qualified

_HEADER_BYTES = 3 * 4096
_CHECKSUM_BYTES = 8
"""At the beginning of each block; segments are counted from behind it."""
_NOT_DECODED = ("BLOB", "BIT")
"""Types whose values may hold a text and are not searched as texts."""


def columns_of(con: duckdb.DuckDBPyConnection, places: Sequence[int]) -> list[str | None]:
    """The column, `schema.table.column`, whose values are stored at each place of the file.

    None where it is of no column, of a type that is not read as text, or of a table with rows that
    were deleted, whose values are still stored and not read.

    Args:
        con: a connection to the file alone.
        places: bytes from its beginning on.
    """
    ((size,),) = con.execute("SELECT block_size FROM pragma_database_size()").fetchall()
    within = [divmod(place - _HEADER_BYTES, size) for place in places]
    stored = _stored(con, {block for block, _ in within if block >= 0})
    return [_at(stored.get(block, []), at - _CHECKSUM_BYTES) for block, at in within]


_Segment = tuple[int, str | None]
"""Where it begins in its block, and the column that it is of."""


def _at(segments: Sequence[_Segment], at: int) -> str | None:
    number = bisect_right(segments, at, key=lambda each: each[0])
    return segments[number - 1][1] if number and at >= 0 else None


def _stored(con: duckdb.DuckDBPyConnection, blocks: Collection[int]) -> dict[int, list[_Segment]]:
    """By block its segments, in their order."""
    found: dict[int, list[_Segment]] = {}
    for table, types in _tables(con):
        segments = _segments(con, table, blocks)
        if not segments:
            continue
        is_whole = not _has_deleted(con, table)
        for column, block, begins in segments:
            is_decoded = not any(kind in types[column] for kind in _NOT_DECODED)
            owner = f"{table}.{column}" if is_whole and is_decoded else None
            found.setdefault(block, []).append((begins, owner))
    return {block: sorted(each, key=lambda one: one[0]) for block, each in found.items()}


def _tables(con: duckdb.DuckDBPyConnection) -> Iterable[tuple[str, dict[str, str]]]:
    rows = con.execute(
        "SELECT concat_ws('.', schema_name, table_name), list(column_name), list(data_type) "
        "FROM duckdb_columns() WHERE NOT internal AND (schema_name, table_name) IN "
        "(SELECT (schema_name, table_name) FROM duckdb_tables()) GROUP BY ALL ORDER BY 1"
    ).fetchall()
    return ((table, dict(zip(names, kinds, strict=True))) for table, names, kinds in rows)


def _segments(
    con: duckdb.DuckDBPyConnection, table: str, blocks: Collection[int]
) -> list[tuple[str, int, int]]:
    """Column, block and beginning of the table's segments in these blocks; long texts have own."""
    wanted = ", ".join(map(str, sorted(blocks)))
    info = f"pragma_storage_info({literal(qualified(table))})"
    return con.execute(
        f"SELECT column_name, block_id, block_offset FROM {info} WHERE block_id IN ({wanted}) "
        "UNION ALL SELECT column_name, block, 0 FROM "
        f"(SELECT column_name, unnest(additional_block_ids) AS block FROM {info}) "
        f"WHERE block IN ({wanted})"
    ).fetchall()


def _has_deleted(con: duckdb.DuckDBPyConnection, table: str) -> bool:
    ((there, stored),) = con.execute(
        f"SELECT (SELECT count(*) FROM {qualified(table)}), (SELECT sum(count) FROM "
        f"pragma_storage_info({literal(qualified(table))}) WHERE column_path = '[0]')"
    ).fetchall()
    return bool(there != stored)
