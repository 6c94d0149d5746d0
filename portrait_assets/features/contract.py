"""The tables of the features room: monthly aggregates that add up, and the feature matrix."""

from __future__ import annotations

from portrait_assets.features import concept, entity, principle, symbol
from portrait_assets.features.feature import Feature
from portrait_assets.warehouse.contract import Column, PartitionBy, Table, Type

FEATURES: tuple[Feature, ...] = (
    *entity.FEATURES,
    *symbol.FEATURES,
    *concept.FEATURES,
    *principle.FEATURES,
)
_CUSTOMER_ID = Column("customer_id", Type.TEXT, "Customer", "客户编号", nullable=False)
_MONEY = "currency of the source"


def _count(name: str, en: str, zh: str) -> Column:
    return Column(name, Type.INTEGER, en, zh, nullable=False, minimum=0)


def _money(name: str, en: str, zh: str) -> Column:
    return Column(name, Type.MONEY, en, zh, nullable=False, unit=_MONEY)


CUSTOMER_MONTH = Table(
    schema="features",
    name="customer_month",
    en="Additive aggregates per customer and month of activity",
    zh="客户月度可加汇总",
    columns=(
        _CUSTOMER_ID,
        _count("purchases", "Purchases (baskets)", "购买次数"),
        _count("lines", "Transaction lines", "交易行数"),
        _money("amount", "Amount paid", "消费金额"),
        _money("discount_amount", "Discount received", "优惠金额"),
        _money("discounted_amount", "Amount paid on discounted lines", "折扣商品金额"),
        _money("own_label_amount", "Amount paid for own-label products", "自有品牌金额"),
        _money("branded_amount", "Amount paid for products of known brand", "已知品牌金额"),
        _money("weekend_amount", "Amount paid on Saturday and Sunday", "周末金额"),
        _money("evening_amount", "Amount paid from 18:00 on", "晚间金额"),
        Column("first_at", Type.TIMESTAMP, "First transaction, local time", "首笔时间"),
        Column("last_at", Type.TIMESTAMP, "Last transaction, local time", "末笔时间"),
        _count("contacts", "Campaign contacts, control group left out", "触达次数"),
        _count("responses", "Campaign responses", "响应次数"),
        _count("responded_contacts", "Campaigns first responded to in the month", "响应活动数"),
        Column("last_response_on", Type.DATE, "Last response", "末次响应日"),
    ),
    key=("month", "customer_id"),
)

CUSTOMER_CATEGORY_MONTH = Table(
    schema="features",
    name="customer_category_month",
    en="Additive aggregates per customer, category and month",
    zh="客户类别月度可加汇总",
    columns=(
        _CUSTOMER_ID,
        Column("category", Type.TEXT, "Category", "类别", nullable=False),
        _count("lines", "Transaction lines", "交易行数"),
        _money("amount", "Amount paid", "消费金额"),
    ),
    key=("month", "customer_id", "category"),
)

FEATURE_MATRIX = Table(
    schema="features",
    name="feature_matrix",
    en="Feature matrix: one row per customer, as of the month's last day",
    zh="特征矩阵",
    columns=(_CUSTOMER_ID, *(feature.column for feature in FEATURES)),
    key=("as_of", "customer_id"),
    partition_by=PartitionBy.AS_OF,
    published=True,
)

FEATURE_SELECTION = Table(
    schema="features",
    name="feature_selection",
    en="Which features of the month say something of their own, and why others do not",
    zh="特征选择",
    columns=(
        Column("feature", Type.TEXT, "Column of the feature matrix", "特征", nullable=False),
        Column("element", Type.TEXT, "Element of the portrait", "画像要素", nullable=False),
        Column(
            "is_kept",
            Type.BOOLEAN,
            "Whether clusters and models should use it",
            "是否保留",
            nullable=False,
        ),
        Column(
            "reason",
            Type.TEXT,
            "Why it is left out; null when it is kept",
            "剔除原因",
            allowed=("empty", "near-constant", "duplicated", "collinear"),
        ),
        Column(
            "value",
            Type.NUMBER,
            "Share of the most common value, or rank correlation with the other feature",
            "判定数值",
            unit="0 to 1",
            minimum=0,
            maximum=1,
        ),
        Column(
            "threshold",
            Type.NUMBER,
            "The value from which on a feature is left out",
            "阈值",
            unit="0 to 1",
            minimum=0,
            maximum=1,
        ),
        Column(
            "other_feature",
            Type.TEXT,
            "The feature kept in its place, for a duplicated or collinear one",
            "替代特征",
        ),
    ),
    key=("as_of", "feature"),
    partition_by=PartitionBy.AS_OF,
    published=True,
)
