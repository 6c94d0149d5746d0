"""The columns of a customer's segment that tags may read."""

from __future__ import annotations

from portrait_assets.schema.columns import integer, share, text
from portrait_assets.schema.table import Column

SEGMENT_COLUMNS: tuple[Column, ...] = (
    integer("segment_id", "Segment", "客群编号"),
    text("segment_name_en", "Name of the segment in English", "客群英文名"),
    text("segment_name_zh", "Name of the segment in Chinese", "客群中文名"),
    share(
        "segment_confidence",
        "How clearly the customer belongs to the segment",
        "客群归属置信度",
        unit="0 to 1",
    ),
)
"""Columns of the customer's segment, null in months without a cluster model."""
