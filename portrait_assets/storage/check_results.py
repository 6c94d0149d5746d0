"""The table of what each check found, which reports and `doctor` read."""

from __future__ import annotations

from portrait_assets.schema.sensitivity import ROWS
from portrait_assets.schema.table import Column, Table, Type

CHECK_RESULTS = Table(
    schema="validation",
    name="check_results",
    en="What each check found, per table and month",
    zh="检查结果",
    operation=ROWS,
    columns=(
        Column("table_name", Type.TEXT, "Table", "表", nullable=False),
        Column("check_name", Type.TEXT, "Check", "检查项", nullable=False),
        Column(
            "severity",
            Type.TEXT,
            "What a failure means: ERROR stops, WARN reports",
            "级别",
            nullable=False,
            allowed=("ERROR", "WARN"),
        ),
        Column(
            "is_blocking",
            Type.BOOLEAN,
            "Whether a failure stops what follows",
            "是否阻断",
            nullable=False,
        ),
        Column("passed", Type.BOOLEAN, "Whether it passed", "是否通过", nullable=False),
        Column("failures", Type.INTEGER, "Failures found", "失败数", nullable=False, minimum=0),
        Column("detail", Type.TEXT, "What was found", "说明", nullable=False),
    ),
    key=("month", "table_name", "check_name"),
    published=True,
)
