"""Columns that several tables of the predictions stage have."""

from __future__ import annotations

from portrait_assets.schema.columns import counter, share, text
from portrait_assets.schema.sensitivity import DECLARED

BY_TARGET = ("as_of", "target", "horizon")
HORIZON = counter(
    "horizon",
    "Months after the month's end in which it is to happen",
    "预测期",
    unit="months",
    operation=DECLARED,
)
TRAINED_FROM = text("trained_from", "First base month that it learned from", "训练起始基准月份")
TRAINED_UNTIL = text("trained_until", "Last base month that it learned from", "训练截止基准月份")
CURRENCY_UNIT = text(
    "unit",
    "Currency of the amounts, where the source declares one",
    "币种（数据源已声明时）",
    operation=DECLARED,
)
TARGET_NAMES = (
    text("name_en", "Name of the target", "目标名称（英文）"),
    text("name_zh", "Name of the target in Chinese", "目标名称"),
)
WHY = (
    text("reason_en", "Why, in a sentence", "英文理由", nullable=False),
    text("reason_zh", "Why, in a sentence, in Chinese", "中文理由", nullable=False),
)
AGAINST = (
    text("baseline", "Best baseline of the windows before that one", "此前最佳基准规则"),
    share("baseline_auc", "Its area in the newest closed window", "基准规则AUC"),
)
"""Of a decision on a target: what it is called, why, and what its AUC is held against."""
