"""What reading a source found, table by table and month by month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from portrait_assets.stages.raw.contract import RECEIPTS
from portrait_assets.stages.raw.placing.months import Found, Placing


@dataclass(frozen=True)
class Unread:
    """A table whose files cannot be read: why, and the rows by month of an earlier reading."""

    problem: str | None
    rows: Mapping[str, int]


def receipts(
    placed: Mapping[str, Placing],
    tables: Sequence[str],
    months: Sequence[str],
    unread: Mapping[str, Unread] | None = None,
) -> pl.DataFrame:
    """What reading the source found: one row per table and month, as `raw.receipts` holds them.

    Args:
        placed: the tables that were read.
        tables: all tables, also those that the source does not provide.
        months: the months.
        unread: the tables that could not be read.
    """
    unread = unread or {}
    rows = []
    for table in tables:
        placing = placed.get(table)
        found = placing.found() if placing else Found({}, {}, 0)
        stands = unread.get(table, Unread(None, {}))
        rows += [
            {
                "month": month,
                "table_name": table,
                "is_provided": placing is not None or table in unread,
                "rows_received": found.placed.get(month, stands.rows.get(month, 0))
                + found.unplaced.get(month, 0),
                "rows_in_file": found.in_file,
                "rows_placed": sum(found.placed.values()),
                "rows_unplaced": sum(found.unplaced.values()),
                "rows_erased": found.erased.get(month, 0),
                "problem": stands.problem,
            }
            for month in months
        ]
    return pl.DataFrame(rows, schema=RECEIPTS.polars_schema)
