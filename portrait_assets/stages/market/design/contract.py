"""The tables that a product is designed by."""

from __future__ import annotations

from portrait_assets.schema.columns import count, integer, money, number, share
from portrait_assets.schema.sensitivity import SHARE
from portrait_assets.schema.table import month_end_table
from portrait_assets.stages.market.columns import (
    ITEM,
    MEASURE,
    P_VALUE,
    Q_VALUE,
    SEGMENT_ID,
    customers,
    text,
)

HOLDS = ("more than others", "less than others", "none is sure")

SEGMENT_NEED = month_end_table(
    schema="market",
    name="segment_need",
    en="What each segment holds, wants and lacks, beside what is on offer",
    zh="客群需求：持有、新增需求与缺口，及供需差距",
    operation=SHARE,
    columns=(
        SEGMENT_ID,
        MEASURE,
        ITEM,
        customers(en="Customers of the segment", zh="客群客户数"),
        share(
            "held_share", "Share who hold it, or bought it within a year", "持有（近12月购买）占比"
        ),
        share("base_share", "The same of the customers of all other segments", "其他客群占比"),
        number("tgi", "Target group index: 100 x held_share / share of all", "目标群体指数"),
        text("holds", "What is sure of it", "持有对比", allowed=HOLDS),
        share("holds_q_value", "False discovery rate of that difference", "持有差异的错误发现率"),
        number(
            "lacking",
            "Further customers who would hold it at the rate of all other segments; below 0 where "
            "more hold it than at that rate",
            "与其他客群相比的缺口客户数",
            unit="customers",
        ),
        share(
            "taken_share",
            "Wants: share of those without it three months ago who took it since; null where "
            "what they had then is unknown",
            "新增需求：近3月新增占比",
        ),
        share("base_taken_share", "The same of the other segments", "其他客群新增占比"),
        text("wants", "What is sure of it", "新增对比", nullable=True, allowed=HOLDS),
        share("wants_q_value", "False discovery rate of that difference", "新增差异的错误发现率"),
        share("demand_share", "Share of what the segment's customers hold or bought", "需求占比"),
        count(
            "offered",
            "Products of the category on offer at the month's end; null where none ever was",
            "在售产品数",
            nullable=True,
        ),
        share("offer_share", "Share of the products of all these categories", "供给占比"),
        number("gap", "demand_share - offer_share", "供需差距", unit="share"),
    ),
    key=("as_of", "segment_id", "measure", "item"),
)

PRICE_POINT = month_end_table(
    schema="market",
    name="price_point",
    en="At which prices each segment buys, and at which there is an offer, by category",
    zh="价格带：分客群、类别的需求与供给",
    operation=SHARE,
    columns=(
        SEGMENT_ID,
        MEASURE,
        ITEM,
        integer("band", "Band of prices, 1 the lowest", "价格带", nullable=False, minimum=1),
        money(
            "price_above", "Prices of the band are above it; null of the lowest", "价格下界（不含）"
        ),
        money("price_to", "Highest price of the band; null of the highest", "价格上界（含）"),
        money(
            "usual_price",
            "Price that is paid most often in the band; null where too few pay it",
            "最常见价格",
        ),
        customers(),
        count("lines", "Lines bought, or accounts held", "交易明细行数（账户数）"),
        share("demand_share", "Share of the segment's lines of the category", "需求占比"),
        share("base_share", "The same of the other segments", "其他客群需求占比"),
        P_VALUE,
        Q_VALUE,
        count(
            "offered",
            "Products whose price in the month is in the band; null where none has a unit price",
            "在售产品数",
            nullable=True,
        ),
        share("offer_share", "Share of the category's products that have a price", "供给占比"),
        number("gap", "demand_share - offer_share", "供需差距", unit="share"),
    ),
    key=("as_of", "segment_id", "measure", "item", "band"),
)

BUNDLE = month_end_table(
    schema="market",
    name="bundle",
    en="Categories that are bought or held together more often than by chance",
    zh="捆绑组合：高于随机水平的同购（同持）类别",
    operation=SHARE,
    columns=(
        SEGMENT_ID,
        MEASURE,
        ITEM,
        text("other_item", "Category that goes with it", "关联类别"),
        count("baskets", "Baskets, or customers, with both", "同购的购物篮数（同持客户数）"),
        customers(en="Customers with both", zh="同购（同持）客户数"),
        share("support", "Share of all baskets, or customers, with both", "支持度"),
        share("confidence", "Of those with item, share that have other_item", "置信度"),
        share("other_confidence", "Of those with other_item, share that have item", "反向置信度"),
        number("lift", "Support / what it would be by chance", "提升度", minimum=0),
        number("lift_low", "Lower end of its 95 % interval", "提升度下限", minimum=0),
        number("lift_high", "Upper end of its 95 % interval", "提升度上限", minimum=0),
        P_VALUE,
        Q_VALUE,
    ),
    key=("as_of", "segment_id", "measure", "item", "other_item"),
)
