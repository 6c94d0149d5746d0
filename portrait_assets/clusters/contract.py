"""The tables of the clusters room: models as rows, who is in which segment, what each is like."""

from __future__ import annotations

from portrait_assets.features.contract import FEATURES
from portrait_assets.features.feature import Element
from portrait_assets.warehouse.contract import Column, PartitionBy, Table, Type

# Segments are told apart by what customers do, value and react to; who they are describes them.
# A feature whose level grows with the length of the history would move everyone each month.
_USED = (
    "recency_days",
    "purchases_3m",
    "spend_3m",
    "average_ticket_12m",
    "active_month_share_12m",
    "weekend_spend_share_12m",
    "evening_spend_share_12m",
    "total_balance",
    "max_days_past_due",
    "top_category_share_12m",
    "category_hhi_12m",
    "own_label_share_12m",
    "discounted_share_12m",
    "discount_depth_12m",
    "response_lift_12m",
)
USED_FEATURES = tuple(feature for feature in FEATURES if feature.name in _USED)
VALUE_FEATURE = "spend_12m"

_SEGMENT_ID = Column("segment_id", Type.INTEGER, "Segment", "客群编号", nullable=False, minimum=1)
_VERSION = Column(
    "model_version", Type.TEXT, "Version of the cluster model", "模型版本", nullable=False
)


def _number(name: str, en: str, zh: str, **more: object) -> Column:
    return Column(name, Type.NUMBER, en, zh, **more)  # type: ignore[arg-type]


CLUSTER_MODEL = Table(
    schema="clusters",
    name="cluster_model",
    en="The cluster model in force: parameters, prototypes and candidates as rows",
    zh="聚类模型(逐行参数)",
    columns=(
        _VERSION,
        Column("part", Type.TEXT, "Part of the model", "组成部分", nullable=False),
        Column("item", Type.TEXT, "Item of the part", "条目", nullable=False),
        Column("position", Type.INTEGER, "Order within the part", "次序", nullable=False),
        Column("key", Type.TEXT, "What is told of the item", "参数名", nullable=False),
        _number("value", "Number", "数值"),
        Column("text", Type.TEXT, "Text", "文本"),
    ),
    key=("as_of", "part", "item", "position", "key"),
    partition_by=PartitionBy.AS_OF,
    published=True,
)

CLUSTER_ASSIGNMENT = Table(
    schema="clusters",
    name="cluster_assignment",
    en="Which segment each customer is in",
    zh="客户所属客群",
    columns=(
        Column("customer_id", Type.TEXT, "Customer", "客户编号", nullable=False),
        _SEGMENT_ID,
        _number(
            "distance",
            "Distance to the segment's prototype",
            "到原型的距离",
            nullable=False,
            unit="prepared units",
            minimum=0,
        ),
        _number(
            "confidence",
            "Membership against the next segment",
            "归属置信度",
            nullable=False,
            unit="0.5 to 1",
            minimum=0,
            maximum=1,
        ),
        _VERSION,
    ),
    key=("as_of", "customer_id"),
    partition_by=PartitionBy.AS_OF,
    published=True,
)

CLUSTER_SEGMENT = Table(
    schema="clusters",
    name="cluster_segment",
    en="The segments: name, size and value",
    zh="客群概况",
    columns=(
        _SEGMENT_ID,
        Column("name_en", Type.TEXT, "Name in English", "英文名", nullable=False),
        Column("name_zh", Type.TEXT, "Name in Chinese", "中文名", nullable=False),
        Column("customers", Type.INTEGER, "Customers", "客户数", nullable=False, minimum=0),
        _number("share", "Share of customers", "客户占比", nullable=False, minimum=0, maximum=1),
        _number("value_share", "Share of spend in 12 months", "消费占比"),
        _VERSION,
    ),
    key=("as_of", "segment_id"),
    partition_by=PartitionBy.AS_OF,
    published=True,
)

CLUSTER_PROFILE = Table(
    schema="clusters",
    name="cluster_profile",
    en="What sets each segment apart, feature by feature",
    zh="客群画像特征",
    columns=(
        _SEGMENT_ID,
        Column(
            "element",
            Type.TEXT,
            "Element of the portrait",
            "画像要素",
            nullable=False,
            allowed=tuple(Element),
        ),
        Column("feature", Type.TEXT, "Feature", "特征", nullable=False),
        Column("level", Type.TEXT, "Value of a categorical feature", "取值"),
        _number("segment_mean", "Mean in the segment; share for a value", "客群均值"),
        _number("base_mean", "Mean of all customers; share for a value", "总体均值"),
        _number("std_difference", "Difference in standard deviations of the base", "标准化差异"),
        _number("tgi", "Target group index: 100 x segment / base", "TGI"),
        _number("p_value", "Probability of such a difference by chance", "P值"),
        _number("q_value", "False discovery rate over the profile", "错误发现率"),
    ),
    key=("as_of", "segment_id", "feature", "level"),
    partition_by=PartitionBy.AS_OF,
    published=True,
)
