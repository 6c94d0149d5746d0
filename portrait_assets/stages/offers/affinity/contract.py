"""The tables of affinities: each customer's best items, and the items of segments."""

from __future__ import annotations

from typing import Any

from portrait_assets.methods.recommendation.lift import FALSE_DISCOVERY
from portrait_assets.methods.recommendation.products.takings import TREES
from portrait_assets.methods.recommendation.purchases.bought import BASES as BOUGHT_BASES
from portrait_assets.schema.columns import count, counter, flag, number, required, text
from portrait_assets.schema.sensitivity import PREDICTED, SHARE
from portrait_assets.schema.table import CUSTOMER_ID, Column, month_end_table

MOST_LISTED = 10
"""Items of each kind that a customer has at most."""
AHEAD = 3
"""Months within which something is bought or taken."""
CATEGORY, TYPE, PRODUCT = "category", "type", "product"
KINDS = (CATEGORY, TYPE, PRODUCT)
BASES = (*BOUGHT_BASES, TREES)
DIGITS = 6

_text = required(text)
_KIND = _text(
    "item_kind",
    "What kind of item: category, type or product",
    "对象类型（category类别、type细类、product产品）",
    allowed=KINDS,
)
_ITEM = _text("item", "Category, type or product_id", "对象")


def _number(name: str, en: str, zh: str, **more: Any) -> Column:
    return number(name, en, zh, minimum=0, **more)


PRODUCT_AFFINITY = month_end_table(
    schema="offers",
    name="product_affinity",
    en="What each customer will most probably buy or take next, ten items of each kind",
    zh="客户产品偏好（各类型前十项）",
    operation=PREDICTED,
    columns=(
        CUSTOMER_ID,
        _KIND,
        _ITEM,
        counter(
            "rank",
            "Place among the customer's items of the kind, from 1",
            "位次",
            maximum=MOST_LISTED,
        ),
        _number(
            "probability",
            f"Probability of buying it within {AHEAD} months, or of taking a product not held yet "
            "of one's own accord",
            f"{AHEAD}个月内购买（或自行办理）的概率",
            nullable=False,
            maximum=1,
        ),
        _text(
            "basis",
            "repurchase: bought before; boosted trees, companions: what others like the customer "
            "take, and what goes with what is had; segment: the segment's rate",
            "依据（repurchase复购、boosted trees提升树、companions关联、segment客群比率）",
            allowed=BASES,
        ),
    ),
    key=("as_of", "customer_id", "item_kind", "item"),
    published_as_enums=True,
)

SEGMENT_PRODUCT = month_end_table(
    schema="offers",
    name="segment_product",
    en="How much more often each segment buys or holds an item than others do",
    zh="客群产品偏好（TGI与提升度）",
    operation=SHARE,
    columns=(
        _KIND,
        _ITEM,
        _text("segment", "Number of the segment, or how many are pooled", "客群编号（或合并数）"),
        count(
            "customers",
            "Its customers who bought the item in twelve months, or hold it",
            "购买或持有客户数",
        ),
        count("segment_size", "Its customers", "客群客户数"),
        _number(
            "tgi",
            "Target group index: the segment's rate over that of all customers, times 100",
            "TGI指数",
        ),
        _number("lift", "The segment's rate over that of all others", "提升度（相对其他客户）"),
        _number("lift_low", "Low end of its 95 % interval", "提升度95%区间下限"),
        _number("lift_high", "High end of the interval", "提升度95%区间上限"),
        _number("p_value", "Probability of such a difference by chance", "P值", maximum=1),
        _number(
            "q_value",
            "The same, adjusted for all items and segments of the kind in the month",
            "错误发现率（Q值）",
            maximum=1,
        ),
        flag(
            "stands_out",
            f"Whether it stands out; of those that do at most {FALSE_DISCOVERY:.0%} by chance",
            f"是否显著（错误发现率不超过{FALSE_DISCOVERY:.0%}）",
        ),
    ),
    key=("as_of", "item_kind", "item", "segment"),
)
