"""Who is who: which customer a source's record belongs to, and what found it."""

from __future__ import annotations

from dataclasses import replace

from portrait_assets.schema.columns import day, integer, required, share, text
from portrait_assets.schema.sensitivity import AGREEMENT, STATISTIC
from portrait_assets.schema.table import CUSTOMER_ID, Table

_text = required(text)

SOURCE_CUSTOMER_ID = text(
    "source_customer_id", "Identifier in the source", "源系统客户编号", identifies=True
)

IDENTITY_MAP = Table(
    schema="identity",
    name="identity_map",
    en="Which customer a source's record belongs to, from the month it was first seen",
    zh="客户身份映射",
    operation=AGREEMENT,
    columns=(
        replace(SOURCE_CUSTOMER_ID, nullable=False),
        CUSTOMER_ID,
        day("valid_from", "First day it holds", "生效日期", nullable=False),
        share(
            "match_probability",
            "Probability that the record is this customer's",
            "匹配概率",
            nullable=False,
        ),
        _text("evidence", "Why", "依据"),
    ),
    key=("source_customer_id",),
)

CUSTOMER_ALIAS = Table(
    schema="identity",
    name="customer_alias",
    en="Customers that turned out to be another, and since when",
    zh="客户编号合并记录",
    operation=AGREEMENT,
    columns=(
        replace(CUSTOMER_ID, name="alias_id", en="Identifier given up", zh="弃用编号"),
        replace(CUSTOMER_ID, en="Customer who it is", zh="保留编号"),
        day("valid_from", "First day it holds", "生效日期", nullable=False),
        _text("evidence", "Why", "依据"),
    ),
    key=("alias_id",),
)

CURRENT_CUSTOMER = Table(
    schema="main",
    name="current_customer",
    en="Customers of earlier months who are known as another today",
    zh="已并入其他客户的历史客户编号",
    columns=(
        replace(CUSTOMER_ID, name="alias_id", en="The customer then", zh="当时的客户编号"),
        replace(CUSTOMER_ID, en="Whom it is known as today", zh="当前客户编号"),
    ),
    key=("alias_id",),
    partition_by=None,
)

LINKAGE_MODEL = Table(
    schema="identity",
    name="linkage_model",
    en="What linkage learnt: made when there was none, or twice the records of the last",
    zh="记录关联模型",
    operation=STATISTIC,
    columns=(
        integer("records", "Records learnt from", "训练记录数", nullable=False),
        _text("model", "Weights and settings, as JSON", "模型参数"),
    ),
    key=("records",),
)
