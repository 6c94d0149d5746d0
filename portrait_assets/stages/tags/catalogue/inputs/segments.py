"""The columns of a customer's segment that tags may read."""

from __future__ import annotations

from portrait_assets.schema.table import Column, Type

SEGMENT_COLUMNS: tuple[Column, ...] = (
    Column("segment_id", Type.INTEGER, "Segment", "客群编号"),
    Column("segment_name_en", Type.TEXT, "Name of the segment in English", "客群英文名"),
    Column("segment_name_zh", Type.TEXT, "Name of the segment in Chinese", "客群中文名"),
    Column(
        "segment_confidence",
        Type.NUMBER,
        "How clearly the customer belongs to the segment",
        "客群归属置信度",
        unit="0 to 1",
        minimum=0,
        maximum=1,
    ),
)
"""Columns of the customer's segment, null in months without a cluster model."""
