"""The table of the validation room: one finding per row."""

from __future__ import annotations

from enum import StrEnum

from portrait_assets.warehouse.contract import Column, PartitionBy, Table, Type


class Verdict(StrEnum):
    """What a finding says."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"
    NOT_JUDGED = "not judged"


class Area(StrEnum):
    """What a finding is about."""

    CONSERVATION = "conservation"
    CHECKS = "checks"
    SOURCE = "source"
    FEATURES = "features"
    CLUSTERS = "clusters"
    TAGS = "tags"


VALIDATION_REPORT = Table(
    schema="validation",
    name="validation_report",
    en="Findings on data, features, clusters and tags, as of each month",
    zh="验证报告",
    columns=(
        Column("area", Type.TEXT, "Area", "领域", nullable=False, allowed=tuple(Area)),
        Column("subject", Type.TEXT, "What it is about", "对象", nullable=False),
        Column("metric", Type.TEXT, "What was measured", "指标", nullable=False),
        Column("value", Type.NUMBER, "Value; null where it cannot be computed", "数值"),
        Column("threshold", Type.NUMBER, "Where the verdict turns; null where none", "阈值"),
        Column("verdict", Type.TEXT, "Verdict", "结论", nullable=False, allowed=tuple(Verdict)),
        Column(
            "advice_en", Type.TEXT, "What it means and what to do", "建议(英文)", nullable=False
        ),
        Column("advice_zh", Type.TEXT, "The same in Chinese", "建议(中文)", nullable=False),
    ),
    key=("as_of", "area", "subject", "metric"),
    partition_by=PartitionBy.AS_OF,
    published=True,
)
