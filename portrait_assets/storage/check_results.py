"""The table of what each check found, which reports and `doctor` read."""

from __future__ import annotations

from portrait_assets.schema.columns import count, flag, required, text
from portrait_assets.schema.sensitivity import ROWS
from portrait_assets.schema.table import Table

_text = required(text)

CHECK_RESULTS = Table(
    schema="validation",
    name="check_results",
    en="What each check found, per table and month",
    zh="检查结果",
    operation=ROWS,
    columns=(
        _text("table_name", "Table", "表"),
        _text("check_name", "Check", "检查项"),
        _text(
            "severity",
            "What a failure means: ERROR stops, WARN reports",
            "级别",
            allowed=("ERROR", "WARN"),
        ),
        flag("is_blocking", "Whether a failure stops what follows", "是否阻断", nullable=False),
        flag("passed", "Whether it passed", "是否通过", nullable=False),
        count("failures", "Failures found", "失败数"),
        _text("detail", "What was found", "说明"),
    ),
    key=("month", "table_name", "check_name"),
    published=True,
)
