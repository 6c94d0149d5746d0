"""The table of what to offer each customer next."""

from __future__ import annotations

from typing import Any

from portrait_assets.schema.columns import counter, money, share, text
from portrait_assets.schema.sensitivity import SUITED
from portrait_assets.schema.table import CUSTOMER_ID, Column, Sensitivity, month_end_table

C2 = Sensitivity.C2
MOST_OFFERED = 3
"""Products that a customer has at most."""
NONE = "none"
"""What stands in the place of a product where there is none to offer."""
PERSONAL, GENERIC = "personal", "generic"
BASES = (PERSONAL, GENERIC, NONE)
REASONS = ("more_probable", "most_taken", "nothing_known", "none_suits", "none_better")


def _text(name: str, en: str, zh: str, **more: Any) -> Column:
    return text(name, en, zh, nullable=False, sensitivity=C2, **more)


NEXT_PRODUCT = month_end_table(
    schema="offers",
    name="next_product",
    en="The products to offer each customer next, of those that suit; an input of campaigns",
    zh="客户下一最佳产品（仅含适当产品，供营销活动使用）",
    operation=SUITED,
    columns=(
        CUSTOMER_ID,
        counter(
            "rank",
            "Place among the products offered, from 1",
            "推荐次序",
            maximum=MOST_OFFERED,
            sensitivity=C2,
        ),
        _text("product_id", "Product; none where nothing is offered", "产品编号（无推荐为none）"),
        _text(
            "basis",
            "personal: by the customer's own affinity; generic: what all who refuse profiling get; "
            "none: nothing is offered",
            "推荐依据（personal 个人偏好、generic 通用、none 无推荐）",
            allowed=BASES,
        ),
        share(
            "probability",
            "Probability that the customer takes it; null where unknown or profiling is refused",
            "购买概率（未知或客户拒绝画像时为空）",
            sensitivity=C2,
        ),
        share(
            "base_probability",
            "Mean of this probability over all customers",
            "全体客户平均概率",
            sensitivity=C2,
        ),
        money(
            "value",
            "Expected margin of a year: probability x margin rate x amount that holders usually "
            "have; null where one of them is unknown",
            "预期年利润（概率×年利润率×持有人常见金额）",
            sensitivity=C2,
        ),
        _text("reason", "Why, as a code", "原因代码", allowed=REASONS),
        _text("reason_en", "Why, in a sentence", "英文原因"),
        _text("reason_zh", "Why, in a sentence, in Chinese", "中文原因"),
    ),
    key=("as_of", "customer_id", "rank"),
    published_as_enums=True,
)
"""No column is a price: what a customer is known by sets none."""
