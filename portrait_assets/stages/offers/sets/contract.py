"""The tables of product sets: which products they have, and whom each is offered to."""

from __future__ import annotations

from typing import Any

from portrait_assets.schema.columns import count, counter, share, text
from portrait_assets.schema.resting import Resting
from portrait_assets.schema.sensitivity import DECLARED, SHARE, SUITED
from portrait_assets.schema.table import CUSTOMER_ID, Column, Sensitivity, month_end_table
from portrait_assets.stages.offers.next_product.contract import MOST_OFFERED


def _stated(name: str, en: str, zh: str, nullable: bool = False, **more: Any) -> Column:
    return text(name, en, zh, nullable, operation=DECLARED, **more)


_SET = _stated("set_code", "Code of the product set", "产品组合编码")
_PRODUCT = text("product_id", "Product", "产品编号", nullable=False)

PRODUCT_SET = month_end_table(
    schema="offers",
    name="product_set",
    en="The products of each set, for how many customers it is meant, and how many they suit",
    zh="产品组合及其产品（含适用人数）",
    operation=SHARE,
    columns=(
        _SET,
        _PRODUCT,
        _stated("name_en", "Name in English", "英文名"),
        _stated("name_zh", "Name in Chinese", "中文名"),
        _stated("owner", "Who is responsible for it", "负责方"),
        _stated("audience", "Condition on customers for whom it is, as written", "适用人群条件"),
        _stated("highest_grade", "Highest risk grade; null for any", "最高风险等级", True),
        _stated("words", "Words to use", "用语要求", allowed=("standard", "plain")),
        _stated("service", "Service to give", "服务方式", allowed=("any", "human")),
        count(
            "customers", "Customers of the audience; null for few", "人群客户数（过少为空）", True
        ),
        count(
            "suited",
            "Of these, those whom the product suits; null where they or the others are few",
            "其中适当客户数（过少为空）",
            nullable=True,
        ),
    ),
    key=("as_of", "set_code", "product_id"),
    resting=Resting.ENOUGH,
    counts=("customers", "suited"),
)

SET_OFFER = month_end_table(
    schema="offers",
    name="set_offer",
    en="The products of a set to offer each customer of its audience, of those that suit",
    zh="产品组合内客户推荐（仅含适当产品）",
    operation=SUITED,
    columns=(
        _SET,
        CUSTOMER_ID,
        counter(
            "rank",
            "Place among the products of the set, from 1",
            "组合内推荐次序",
            maximum=MOST_OFFERED,
            sensitivity=Sensitivity.C2,
        ),
        text("product_id", "Product", "产品编号", nullable=False, sensitivity=Sensitivity.C2),
        share(
            "probability",
            "Probability that the customer takes it; null where it is not known, and it comes "
            "after the others, the one that most customers have first",
            "购买概率（未知为空，按持有客户数排在其后）",
            sensitivity=Sensitivity.C2,
        ),
    ),
    key=("as_of", "set_code", "customer_id", "rank"),
)
