"""The tables of what is in demand."""

from __future__ import annotations

from portrait_assets.schema.columns import count, flag, integer, money, number, share
from portrait_assets.schema.resting import Resting
from portrait_assets.schema.sensitivity import SHARE
from portrait_assets.schema.table import Column, Table, Type, month_end_table
from portrait_assets.stages.market.columns import (
    ITEM,
    ITEM_KIND,
    MEASURE,
    P_VALUE,
    Q_VALUE,
    SEGMENT_ID,
    customers,
    text,
)

_CATEGORY = text("category", "Category of a product, or the item itself", "所属类别", nullable=True)
_LINES = integer(
    "lines",
    "Lines bought less those given back; accounts, of what is held",
    "净购买明细行数（持有口径为账户数）",
    nullable=False,
)
_QUANTITY = Column(
    "quantity",
    Type.QUANTITY,
    "Quantity net of returns; null where a line states none",
    "净数量",
    unit="units of the item",
)
_AMOUNT = money("amount", "Takings net of returns; balances, of what is held", "净金额（或余额）")
_WITHOUT_AMOUNT = count(
    "without_amount",
    "Lines or accounts without an amount in the source's currency, which are left out",
    "无法折算为本位币的明细行数（未计入）",
)

ITEM_MONTH = Table(
    schema="market",
    name="item_month",
    en="What each segment bought in the month and holds at its end, item by item, small ones too",
    zh="客群项目月度汇总（含小单元格，不发布）",
    operation=SHARE,
    columns=(
        SEGMENT_ID,
        MEASURE,
        ITEM_KIND,
        ITEM,
        _CATEGORY,
        customers(),
        _LINES,
        _QUANTITY,
        _AMOUNT,
        _WITHOUT_AMOUNT,
    ),
    key=("segment_id", "measure", "item_kind", "item"),
)

DEMAND = month_end_table(
    schema="market",
    name="demand",
    en="What is in demand: customers, amount and share by segment and item",
    zh="市场需求：分客群、项目的客户数、金额与占比",
    operation=SHARE,
    columns=(
        SEGMENT_ID,
        MEASURE,
        ITEM_KIND,
        ITEM,
        _CATEGORY,
        customers(en="Customers who bought or hold it", zh="购买（持有）客户数"),
        share("reach", "Customers / all of the segment", "客户渗透率"),
        _LINES,
        _QUANTITY,
        _AMOUNT,
        number("amount_share", "Amount / the segment's takings", "金额占比", unit="share"),
        _WITHOUT_AMOUNT,
        money("amount_year_before", "Amount of the same month a year before", "去年同月金额"),
        number(
            "year_on_year",
            "Change of the amount on the year before; null where that is not above 0",
            "同比变动",
            unit="share of the year before",
        ),
        number(
            "seasonal_index",
            "Season of the month against an average one; null where none is sure",
            "季节指数",
            unit="1 is average",
        ),
        money("adjusted_amount", "Amount less its season; null where none is sure", "季调金额"),
    ),
    key=("as_of", "segment_id", "measure", "item_kind", "item"),
)

SEASON = month_end_table(
    schema="market",
    name="season",
    en="Seasonal indices of each item's amounts, from at least 24 months, all customers together",
    zh="各项目季节指数",
    operation=SHARE,
    columns=(
        MEASURE,
        ITEM_KIND,
        ITEM,
        integer(
            "month_of_year", "Month of the year", "月份", nullable=False, minimum=1, maximum=12
        ),
        number("index", "Against an average month", "季节指数", unit="1 is average"),
        number("index_low", "Lower end of its 95 % interval", "指数下限", unit="1 is average"),
        number("index_high", "Upper end of its 95 % interval", "指数上限", unit="1 is average"),
        P_VALUE,
        Q_VALUE,
        flag("is_seasonal", "Whether there surely is a season", "是否有季节性"),
        count("months", "Months that it is computed from", "月数", unit="months"),
    ),
    key=("as_of", "measure", "item_kind", "item", "month_of_year"),
    resting=Resting.ENOUGH,
)

DIRECTIONS = ("rising", "falling", "none is sure", "unknown")

TREND = month_end_table(
    schema="market",
    name="trend",
    en="Trend of each item's amounts over up to 24 months, all customers together",
    zh="各项目金额趋势",
    operation=SHARE,
    columns=(
        MEASURE,
        ITEM_KIND,
        ITEM,
        text("direction", "Direction of the trend", "方向", allowed=DIRECTIONS),
        number("trend", "Change per month / the median amount", "月度趋势", unit="share per month"),
        number("trend_low", "Lower end of its 95 % interval", "趋势下限", unit="share per month"),
        number("trend_high", "Upper end of its 95 % interval", "趋势上限", unit="share per month"),
        P_VALUE,
        Q_VALUE,
        flag("is_adjusted", "Whether the season was removed", "是否季调"),
        count("months", "Months that it is computed from", "月数", unit="months"),
    ),
    key=("as_of", "measure", "item_kind", "item"),
    resting=Resting.ENOUGH,
)
