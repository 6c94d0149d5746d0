"""The tables that a shared file has besides those of the published one, and what it takes of these.

Rows of one customer are only in the portrait matrix. Of aggregates it takes those that describe the
matrix, without texts that people wrote and without counts of fewer than k customers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from portrait_assets.schema.columns import count, day, flag, integer, number, required, share, text
from portrait_assets.schema.table import Column, Table, month_end_table
from portrait_assets.stages.clusters.contract import (
    CLUSTER_MIGRATION,
    CLUSTER_PROFILE,
    CLUSTER_SEGMENT,
)
from portrait_assets.stages.features.described.catalogue import FEATURE_CATALOGUE
from portrait_assets.stages.tags.contract import TAG_CATALOGUE
from portrait_assets.stages.validation.contract import DRIFT, MIGRATION

_cells = partial(count, unit="customers")
_share = partial(share, nullable=False, unit="share")
_text = required(text)

ANONYMITY = Table(
    schema="mart",
    name="anonymity",
    en="What was taken off each column so that customers are not found by it",
    zh="各字段的泛化与抑制",
    columns=(
        _text("column_name", "Column", "字段"),
        flag(
            "is_quasi_identifier",
            "Rests on what others may know of a customer; otherwise a text of any content",
            "是否为准标识符（否则为取值开放的文本）",
            nullable=False,
        ),
        _text("generalised_to", "How its cells are shown that are not suppressed", "泛化层次"),
        _cells("unknown", "Cells that were null before", "原本缺失"),
        _cells("as_recorded", "Cells shown with their value", "原值"),
        _cells("generalised", "Cells shown with a range of values", "泛化"),
        _cells("suppressed", "Cells that are null so that nobody is found by them", "抑制"),
        _share("share_generalised", "Generalised cells / cells that were not null", "泛化占比"),
        _share("share_suppressed", "Suppressed cells / cells that were not null", "抑制占比"),
    ),
    key=("column_name",),
    partition_by=None,
    published=True,
)

DIVERSITY = Table(
    schema="mart",
    name="diversity",
    en="Classes of customers alike in all quasi-identifiers in which a tag has one value only: who "
    "finds the class knows it of everybody in it",
    zh="等价类内取值单一的敏感标签",
    columns=(
        _text("column_name", "Column that is no quasi-identifier", "敏感字段"),
        count("classes", "Classes with a value", "等价类数"),
        count(
            "classes_of_one_value",
            "Classes in which all customers have the same value",
            "取值单一的等价类数",
        ),
        _cells("customers", "Customers in these", "涉及客户数"),
    ),
    key=("column_name",),
    partition_by=None,
    published=True,
)

SHARED_PUBLICATION = Table(
    schema="mart",
    name="shared_publication",
    en="What this file is: one month, under pseudonyms of its own that no other file has",
    zh="对外共享文件说明",
    columns=(
        _text("source", "Source", "数据源"),
        day("as_of", "Last day of the month", "观察截止日", nullable=False),
        _text("purpose", "What it was given for", "提供目的", nullable=True),
        integer(
            "k",
            "Every combination of quasi-identifiers is had by at least so many; null: of a public "
            "source, as it is",
            "k-匿名的k（公开数据源为空）",
            minimum=1,
        ),
        _cells("customers", "Customers", "客户数"),
        integer("classes", "Different combinations", "等价类数", minimum=0),
        integer("smallest_class", "Customers of the rarest", "最小等价类", minimum=0),
        number("average_class", "Customers / classes", "平均等价类", minimum=0),
        share(
            "information_loss",
            "Mean normalised certainty penalty of the cells: 0 as recorded, 1 all suppressed",
            "信息损失（NCP）",
        ),
    ),
    partition_by=None,
    published=True,
)


@dataclass(frozen=True)
class Aggregate:
    """A table of aggregates that a shared file takes: which rows, as SQL over `t` with {k}."""

    table: Table
    rows: str = "true"


AGGREGATES = (
    Aggregate(TAG_CATALOGUE.without("approved_by", "approval_reason")),
    Aggregate(FEATURE_CATALOGUE),
    Aggregate(CLUSTER_SEGMENT, "t.customers >= {k}"),
    Aggregate(
        CLUSTER_PROFILE,
        "EXISTS (FROM published.clusters.cluster_segment AS s WHERE s.as_of = t.as_of "
        "AND s.segment_id = t.segment_id AND s.customers >= {k} "
        "AND (t.level IS NULL OR t.segment_mean * s.customers >= {k}))",
    ),
    Aggregate(CLUSTER_MIGRATION, "t.customers >= {k}"),
    Aggregate(MIGRATION, "t.customers >= {k}"),
    Aggregate(DRIFT, "least(t.customers, t.reference_customers) >= {k}"),
)


def shared_matrix(columns: tuple[Column, ...]) -> Table:
    """The portrait matrix of a shared file with these columns."""
    return month_end_table(
        schema="tags",
        name="portrait_matrix",
        en="Portrait matrix of one month: one row per customer, one column per tag",
        zh="单月客户画像矩阵",
        columns=columns,
        key=("as_of", "customer_id"),
    )
