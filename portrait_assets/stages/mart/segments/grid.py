"""The business grid: customers by value tier, stage of life and risk appetite, beside segments.

It stands in the mart since it reads tags, which stand after the segments in the flow. Who may not
be profiled is in no segment, and in no cell either.
"""

from __future__ import annotations

from collections.abc import Iterable

from portrait_assets.schema.table import Table
from portrait_assets.stages.clusters.micro.contract import MICRO_SEGMENT
from portrait_assets.stages.clusters.wealth.contract import WEALTH_SEGMENT
from portrait_assets.storage.duckdb.connection import quote
from portrait_assets.storage.publishing.file import View

MATRIX = "tags.portrait_matrix"
SIDES = {"tier": "value_tier", "life_stage": "family_stage", "risk": "risk_appetite"}
"""The sides of the grid, and the tag that each is."""
UNKNOWN = "unknown"


def business_grid(tables: Iterable[Table]) -> View:
    """mart.business_grid: the cell of each customer and month, and the segments beside it.

    Args:
        tables: the contracts of the tables that are published; a side whose tag the source's packs
            do not have is unknown of everyone.
    """
    matrix = next(table for table in tables if table.full_name == MATRIX)
    sides = ", ".join(
        f"m.{quote(tag)}::VARCHAR AS {side}" if tag in matrix.column_names else f"NULL AS {side}"
        for side, tag in SIDES.items()
    )
    cell = ", ".join(f"coalesce({side}, '{UNKNOWN}')" for side in SIDES)
    return View(
        "mart.business_grid",
        f"""
        SELECT g.*, concat_ws(' / ', {cell}) AS cell, w.segment_id AS wealth_segment_id,
            w.name AS wealth_segment, p.micro_id, p.name AS micro_segment
        FROM (
            SELECT m.as_of, m.customer_id, m.segment_id, {sides} FROM {MATRIX} AS m
            WHERE m.segment_id IS NOT NULL
        ) AS g
        LEFT JOIN {WEALTH_SEGMENT.full_name} AS w USING (as_of, customer_id)
        LEFT JOIN {MICRO_SEGMENT.full_name} AS p USING (as_of, customer_id)
        """,
        "The business grid: the cell of each customer by value tier, stage of life and risk, and "
        "the segments beside it",
        "业务网格：客户按价值层级、人生阶段与风险偏好所处的格，及其所属客群",
        shows=MATRIX,
        columns={
            "tier": "Value tier / 价值层级",
            "life_stage": "Stage of life: family / 人生阶段（家庭）",
            "risk": "Risk appetite / 风险偏好",
            "cell": f"Cell of the grid; {UNKNOWN} where a side is not known / 网格单元",
            "wealth_segment_id": "Wealth segment / 财富客群编号",
            "wealth_segment": "Name of the wealth segment / 财富客群名称",
            "micro_id": "Part of its segment / 微细分编号",
            "micro_segment": "Name of the part / 微细分名称",
        },
    )
