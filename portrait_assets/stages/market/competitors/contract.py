"""The tables of what competitors do, and of what is launched."""

from __future__ import annotations

from portrait_assets.schema.columns import count, day, flag, number, share
from portrait_assets.schema.resting import Resting
from portrait_assets.schema.sensitivity import SHARE
from portrait_assets.schema.table import month_end_table
from portrait_assets.stages.market.columns import P_VALUE, Q_VALUE, customers, text

_UNIT = "unit of the indicator"

COMPETITOR = month_end_table(
    schema="market",
    name="competitor",
    en="Competitors' indicators beside the own ones, and how own demand moved with them",
    zh="竞争机构动态：与本机构指标并列对比",
    operation=SHARE,
    columns=(
        text("indicator", "Indicator, as the source names it", "指标"),
        text("product_class", "Class of products; empty for none", "产品类别"),
        text("product_id", "Product; empty for none", "产品编号"),
        text("competitor", "Competitor", "竞争机构"),
        number(
            "value", "Its newest value of the month", "竞争机构指标值", unit=_UNIT, nullable=False
        ),
        number("own_value", "The own newest value; null for none", "本机构指标值", unit=_UNIT),
        number("gap", "value - own_value", "差距", unit=_UNIT),
        number("usual_gap", "Mean gap of the 12 usual months before", "通常差距", unit=_UNIT),
        number("usual_gap_low", "Lower end of where 95 of 100 lie", "通常差距下限", unit=_UNIT),
        number("usual_gap_high", "Upper end of where 95 of 100 lie", "通常差距上限", unit=_UNIT),
        P_VALUE,
        Q_VALUE,
        flag(
            "is_move",
            "Whether the gap is surely not the usual one; null where it is not judged",
            "是否异动",
        ),
        count("competitors", "Competitors with a value", "可比机构数"),
        count(
            "higher_than_own", "Of these, with a value above the own one", "高于本机构的家数", True
        ),
        number(
            "correlation",
            "Correlation of the gap's changes with those of what is held (or bought) of the class "
            "or product: a correlation, and no cause",
            "差距变化与本机构业务量变化的相关系数（仅为相关，非因果）",
            minimum=-1,
            maximum=1,
        ),
        number("correlation_low", "Lower end of its 95 % interval", "相关系数下限"),
        number("correlation_high", "Upper end of its 95 % interval", "相关系数上限"),
        share(
            "correlation_q_value",
            "False discovery rate over the month's correlations",
            "相关系数的错误发现率",
        ),
        count(
            "correlation_months",
            "Changes that the correlation rests on",
            "相关月数",
            nullable=True,
            unit="months",
        ),
    ),
    key=("as_of", "indicator", "product_class", "product_id", "competitor"),
    resting=Resting.NOBODY,
)

LAUNCH = month_end_table(
    schema="market",
    name="launch",
    en="Products introduced within a year: who took them, and what they switched from",
    zh="新产品上市跟踪：持有、新增与转换来源",
    operation=SHARE,
    columns=(
        text("product_id", "Product", "产品编号"),
        text("category", "Its category", "类别", nullable=True),
        day("introduced_on", "Day it was introduced", "上市日期", nullable=False),
        count("months", "Months since the one of that day", "上市月数"),
        customers("customers", "Customers who hold it, or bought it in the month", "客户数"),
        customers("takers", "Of these, who did not in the month before", "新增客户数"),
        share("take_rate", "Takers / customers who could take it", "新增率"),
        share(
            "other_take_rate",
            "The same of the other products of the category, together",
            "同类其他产品新增率",
        ),
        P_VALUE,
        Q_VALUE,
        flag(
            "is_taken_up",
            "Whether it is surely taken more often than the others; null where it is not judged",
            "是否明显起量",
        ),
        text(
            "from_product",
            "Product of the category that most takers held before; null where few did",
            "主要转换来源产品",
            nullable=True,
        ),
        share(
            "changed_share",
            "Share of its customers of the month before who took the new one",
            "转换率",
        ),
        share("changed_share_low", "Lower end of its 95 % interval", "转换率下限"),
        share("changed_share_high", "Upper end of its 95 % interval", "转换率上限"),
    ),
    key=("as_of", "product_id"),
)
