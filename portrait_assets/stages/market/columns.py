"""Columns that several tables of the stage have."""

from __future__ import annotations

from portrait_assets.schema import columns
from portrait_assets.schema.columns import count, required, share
from portrait_assets.schema.table import Column, Type

EVERYONE = 0
"""The segment number of all customers together."""
FALSE_DISCOVERIES = 0.05
"""Share of what is called sure that may be chance."""
DIGITS = 6
"""Digits that ratios are rounded to."""
PURCHASES, HOLDINGS = "purchases", "holdings"
ALL, CATEGORY, PRODUCT = "all", "category", "product"
MONTH_BEFORE, YEAR_BEFORE = "month before", "year before"
LAGS = {MONTH_BEFORE: 1, YEAR_BEFORE: 12}
"""What a month is compared with, and how many months ago that is."""

SEGMENT_ID = Column(
    "segment_id",
    Type.INTEGER,
    "Segment; 0 for all customers",
    "客群编号（0为全体客户）",
    nullable=False,
    minimum=0,
)
SEGMENT_THEN = Column(
    "segment_id",
    Type.INTEGER,
    "Segment at the end of the earlier month; 0 for all customers, null for those who joined since",
    "对比月末客群（0为全体客户，空为新客户）",
    minimum=0,
)
COMPARISON = Column(
    "comparison",
    Type.TEXT,
    "The earlier month that the month is compared with",
    "对比口径（上月、去年同月）",
    nullable=False,
    allowed=tuple(LAGS),
)
MEASURE = Column(
    "measure",
    Type.TEXT,
    "What is counted: purchases of the month, or what is held at its end",
    "口径（当月购买、月末持有）",
    nullable=False,
    allowed=(PURCHASES, HOLDINGS),
)
ITEM_KIND = Column(
    "item_kind",
    Type.TEXT,
    "What the item is",
    "项目类型（合计、类别、产品）",
    nullable=False,
    allowed=(ALL, CATEGORY, PRODUCT),
)
ITEM = Column("item", Type.TEXT, "Category or product; all", "项目", nullable=False)


text = required(columns.text)


def customers(name: str = "customers", en: str = "Customers", zh: str = "客户数") -> Column:
    """A number of customers."""
    return count(name, en, zh, unit="customers")


P_VALUE = share("p_value", "Probability of such a difference by chance", "P值")
Q_VALUE = share("q_value", "False discovery rate over all that the month tests alike", "错误发现率")
