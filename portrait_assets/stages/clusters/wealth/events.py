"""What became of wealth segments and their names, as of the free choice's segments."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from portrait_assets.stages.clusters.names.contract import WEALTH
from portrait_assets.stages.clusters.names.history.events import Month, segment_events
from portrait_assets.stages.clusters.names.words import Label
from portrait_assets.stages.clusters.wealth.contract import WEALTH_DESCRIPTION, WEALTH_SEGMENT
from portrait_assets.storage.duckdb.store import Warehouse


class Became(NamedTuple):
    """What became of a segment with the model of the month, and what it is made of."""

    status: str
    from_segments: tuple[int, ...]


def wealth_events(warehouse: Warehouse, month: str, smallest: int) -> pl.DataFrame:
    """The rows of `clusters.segment_event` on wealth segments of a month, without the month.

    Args:
        warehouse: with the wealth segments up to the month.
        month: the month.
        smallest: fewest customers that a reason may tell of.
    """
    described = warehouse.read(WEALTH_DESCRIPTION, [month])
    earlier = warehouse.last_before(WEALTH_DESCRIPTION, month)
    were_in = warehouse.last_before(WEALTH_SEGMENT, month)
    before = None
    if earlier is not None and were_in is not None and not earlier.is_empty():
        before = _month(earlier, were_in)
    changed = {
        segment: Became(status, tuple(int(each) for each in origins or ()))
        for segment, status, origins in described.filter(pl.col("status") != "kept")
        .select("segment_id", "status", "from_segments")
        .iter_rows()
    }
    now = _month(described, warehouse.read(WEALTH_SEGMENT, [month]))
    return segment_events(before, now, {}, changed, smallest, WEALTH)


def _month(described: pl.DataFrame, assignment: pl.DataFrame) -> Month:
    rows = described.select("segment_id", "name", "name_zh").iter_rows()
    names = {segment: Label(en, zh) for segment, en, zh in rows}
    return Month(names, frozenset(), assignment)
