"""The table of suitability: by product, whom it suits and whom each rule refuses."""

from __future__ import annotations

from portrait_assets.schema.columns import count, required, text
from portrait_assets.schema.sensitivity import DECLARED, SHARE
from portrait_assets.schema.table import month_end_table

_text = required(text)

PRODUCT_RULE = month_end_table(
    schema="offers",
    name="product_rule",
    en="By product: how many customers it suits, and how many are refused by which rule",
    zh="产品适当性匹配结果及拒绝原因",
    operation=SHARE,
    columns=(
        _text("product_id", "Product", "产品编号"),
        _text(
            "rule",
            "suitable, or the first rule that is broken; rules of few customers are pooled",
            "适当（suitable）或首个未通过的规则（人数过少者合并）",
        ),
        count("customers", "Customers", "客户数"),
        _text("reason_en", "What it says", "英文说明", operation=DECLARED),
        _text("reason_zh", "The same in Chinese", "中文说明", operation=DECLARED),
    ),
    key=("as_of", "product_id", "rule"),
)
"""The customers of a product's rows add up to all customers of the month."""
