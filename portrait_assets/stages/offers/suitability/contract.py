"""The table of suitability: by product, whom it suits and whom each rule refuses."""

from __future__ import annotations

from portrait_assets.schema.sensitivity import DECLARED, SHARE
from portrait_assets.schema.table import Column, PartitionBy, Table, Type

PRODUCT_RULE = Table(
    schema="offers",
    name="product_rule",
    en="By product: how many customers it suits, and how many are refused by which rule",
    zh="产品适当性匹配结果及拒绝原因",
    operation=SHARE,
    columns=(
        Column("product_id", Type.TEXT, "Product", "产品编号", nullable=False),
        Column(
            "rule",
            Type.TEXT,
            "suitable, or the first rule that is broken; rules of few customers are pooled",
            "适当（suitable）或首个未通过的规则（人数过少者合并）",
            nullable=False,
        ),
        Column("customers", Type.INTEGER, "Customers", "客户数", nullable=False, minimum=1),
        Column("reason_en", Type.TEXT, "What it says", "英文说明", False, operation=DECLARED),
        Column(
            "reason_zh", Type.TEXT, "The same in Chinese", "中文说明", False, operation=DECLARED
        ),
    ),
    key=("as_of", "product_id", "rule"),
    partition_by=PartitionBy.AS_OF,
    published=True,
)
"""The customers of a product's rows add up to all customers of the month."""
