"""Columns that several tables of the predictions stage have."""

from __future__ import annotations

from portrait_assets.schema.columns import counter, text
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
