"""The tables of what changed against an earlier month."""

from __future__ import annotations

from portrait_assets.schema.columns import money, number, share
from portrait_assets.schema.sensitivity import SHARE
from portrait_assets.schema.table import Column, Type, month_end_table
from portrait_assets.stages.market.columns import (
    ALL,
    COMPARISON,
    ITEM,
    MEASURE,
    P_VALUE,
    Q_VALUE,
    SEGMENT_THEN,
    customers,
    text,
)

UNITS = ("quantity", "purchases")
DIRECTIONS = ("more", "fewer", "none is sure")

TAKINGS_CHANGE = month_end_table(
    schema="market",
    name="takings_change",
    en="What a change of takings is made of: volume + price + mix = change, to the cent",
    zh="销售额变动分解：量、价、结构之和等于变动额（精确到分）",
    operation=SHARE,
    columns=(
        COMPARISON,
        SEGMENT_THEN,
        Column(
            "item",
            Type.TEXT,
            f"Category; {ALL} for the sum of all, those of few customers too",
            "类别（all为合计，含未单列的小类别）",
            nullable=False,
        ),
        customers(
            "customers_before", "Customers who bought it in the earlier month", "对比月客户数"
        ),
        customers("customers", "Customers who bought it in the month", "当月客户数"),
        money("amount_before", "Takings of the earlier month, net of returns", "对比月金额", False),
        money("amount", "Takings of the month, net of returns", "当月金额", False),
        money("change", "amount - amount_before", "变动额", False),
        money("volume", "Because more or fewer purchases were made", "量的影响", False),
        money("price", "Because of other prices", "价的影响", False),
        money("mix", "Because other things were bought", "结构的影响", False),
        money(
            "range_change",
            "Part of the mix from what was sold in only one of the months",
            "其中：新增与退出项目",
            False,
        ),
        text(
            "price_of",
            "What the price is of: a unit where all lines state quantities, or a purchase",
            "价格口径（单位数量或每笔购买）",
            nullable=True,
            allowed=UNITS,
        ),
    ),
    key=("as_of", "comparison", "segment_id", "item"),
    counts=("customers_before", "customers"),
)

DEMAND_CHANGE = month_end_table(
    schema="market",
    name="demand_change",
    en="What changed and for whom: customers who buy or hold each item, against an earlier month",
    zh="需求变化：分客群、项目的客户渗透变化",
    operation=SHARE,
    columns=(
        COMPARISON,
        MEASURE,
        SEGMENT_THEN,
        ITEM,
        customers("customers", "Customers of the earlier month, who are followed", "跟踪客户数"),
        share("reach_before", "Share of them who bought or held it then", "对比月渗透率"),
        share("reach", "Share of them who buy or hold it now", "当月渗透率"),
        number("reach_change", "reach - reach_before", "渗透率变化", unit="share"),
        number("reach_change_low", "Lower end of its 95 % interval", "变化下限", unit="share"),
        number("reach_change_high", "Upper end of its 95 % interval", "变化上限", unit="share"),
        P_VALUE,
        Q_VALUE,
        text("direction", "What is sure of the change", "方向", allowed=DIRECTIONS),
    ),
    key=("as_of", "comparison", "measure", "segment_id", "item"),
)
