"""The tables of the features room: monthly aggregates that add up, and the feature matrix."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from portrait_assets.privacy.consent import REASONS
from portrait_assets.schema.columns import count, flag, integer, required, share, text
from portrait_assets.schema.resting import Resting
from portrait_assets.schema.sensitivity import CONSENT, STATISTIC
from portrait_assets.schema.table import (
    CUSTOMER_ID,
    Column,
    EmptyRows,
    PartitionBy,
    Sensitivity,
    Table,
    Type,
    month_end_table,
)
from portrait_assets.stages.features.declared import (
    concept,
    credit,
    entity,
    habits,
    holdings,
    lately,
    prices,
    principle,
    symbol,
)
from portrait_assets.stages.features.declared.feature import MONEY, SHARE, Feature
from portrait_assets.stages.features.described.sensitivity import class_of, classes
from portrait_assets.stages.features.monthly import aggregates
from portrait_assets.stages.features.monthly.aggregate import Aggregate
from portrait_assets.storage.fits import fits_table

_text = required(text)

FEATURES: tuple[Feature, ...] = (
    *entity.FEATURES,
    *symbol.FEATURES,
    *habits.FEATURES,
    *holdings.FEATURES,
    *concept.FEATURES,
    *prices.FEATURES,
    *principle.FEATURES,
    *credit.FEATURES,
    *lately.FEATURES,
)
_CHOICE_ID = integer("choice_id", "Number of category and brand", "类别品牌编号", nullable=False)
_CAMPAIGN_TYPE = _text("campaign_type", "Kind of campaign", "活动类型")


def _count(name: str, en: str, zh: str, unit: str | None = None) -> Column:
    return count(name, en, zh, unit=unit)


def _columns(table: str, aggregated: Iterable[Aggregate], *keys: Column) -> tuple[Column, ...]:
    return (
        *keys,
        *(
            replace(each.column, sensitivity=class_of(f"{table}.{each.name}"))
            for each in aggregated
        ),
    )


_CLASSES = classes(FEATURES)


def _share(name: str, en: str, zh: str) -> Column:
    return share(name, en, zh, nullable=False, unit=SHARE)


UNPROFILED = Table(
    schema="features",
    name="unprofiled",
    en="Customers who may not be profiled as of the month, and why",
    zh="不得画像的客户及原因",
    columns=(
        CUSTOMER_ID,
        _text("because", "Why", "原因", allowed=tuple(REASONS)),
        flag(
            "keeps_row",
            "Whether the published matrices keep a row of nulls for them; minors have none",
            "已发布矩阵是否保留空行",
            nullable=False,
        ),
    ),
    key=("as_of", "customer_id"),
    partition_by=PartitionBy.AS_OF,
)

PROFILING_ALLOWED = flag(
    "profiling_allowed",
    "Whether the customer may be profiled; false in the row of nulls of one who may not",
    "是否允许画像（不允许者各列为空）",
    operation=CONSENT,
)
EMPTY_ROWS = EmptyRows(
    UNPROFILED, f"SELECT as_of, customer_id, false AS {PROFILING_ALLOWED.name}", "keeps_row"
)
"""The rows of nulls that the published matrices have."""

CUSTOMER_MONTH = Table(
    schema="features",
    name="customer_month",
    en="Additive aggregates per customer and month of activity",
    zh="客户月度可加汇总",
    columns=_columns("customer_month", aggregates.CUSTOMER_MONTH, CUSTOMER_ID),
    key=("month", "customer_id"),
)

CUSTOMER_CATEGORY_MONTH = Table(
    schema="features",
    name="customer_category_month",
    en="Additive aggregates per customer, category, brand and month",
    zh="客户类别品牌月度可加汇总",
    columns=(
        CUSTOMER_ID,
        _CHOICE_ID,
        *(each.column for each in aggregates.CUSTOMER_CATEGORY_MONTH),
    ),
    key=("month", "customer_id", "choice_id"),
)

CUSTOMER_CAMPAIGN_MONTH = Table(
    schema="features",
    name="customer_campaign_month",
    en="Contacts and responses per customer, kind of campaign and month",
    zh="客户营销触达与响应月度汇总",
    columns=(
        CUSTOMER_ID,
        _CAMPAIGN_TYPE,
        *(each.column for each in aggregates.CUSTOMER_CAMPAIGN_MONTH),
    ),
    key=("month", "customer_id", "campaign_type"),
)

CUSTOMER_BALANCE_MONTH = Table(
    schema="features",
    name="customer_balance_month",
    en="What each customer held and owed at the last balances of the month",
    zh="客户月末余额汇总",
    columns=_columns("customer_balance_month", aggregates.CUSTOMER_BALANCE_MONTH, CUSTOMER_ID),
    key=("month", "customer_id"),
)

PRODUCT_MONTH = Table(
    schema="features",
    name="product_month",
    en="What was sold of each product with a unit price, by month",
    zh="产品月度销售汇总",
    columns=(
        _text("product_id", "Product", "产品编号"),
        text("category", "Category", "类别"),
        _count("lines", "Transaction lines", "交易行数"),
        Column(
            "quantity",
            Type.QUANTITY,
            "Quantity",
            "数量",
            nullable=False,
            unit="units of the product",
        ),
        Column("amount", Type.MONEY, "Amount paid", "消费金额", nullable=False, unit=MONEY),
        integer(
            "customers",
            "Customers who bought it; null where a former version counted none",
            "购买客户数",
            minimum=0,
        ),
    ),
    key=("month", "product_id"),
    resting=Resting.COUNTED,
)

FEATURE_MATRIX = month_end_table(
    schema="features",
    name="feature_matrix",
    en="Feature matrix: one row per customer, as of the month's last day",
    zh="特征矩阵",
    columns=(
        CUSTOMER_ID,
        *(replace(each.column, sensitivity=_CLASSES[each.name]) for each in FEATURES),
        PROFILING_ALLOWED,
    ),
    key=("as_of", "customer_id"),
    private=tuple(n for n, each in _CLASSES.items() if each is Sensitivity.C3),
    empty_rows=EMPTY_ROWS,
)

CAMPAIGN_RESPONSE = month_end_table(
    schema="features",
    name="campaign_response",
    en="How each customer responds to each kind of campaign, within twelve months",
    zh="客户分活动类型响应",
    columns=(
        CUSTOMER_ID,
        _CAMPAIGN_TYPE,
        _count("contacts_12m", "Contacts, control group left out", "触达次数", "contacts"),
        _count("responded_contacts_12m", "Contacts responded to", "有响应触达次数", "contacts"),
        _count("responses_12m", "Responses", "响应次数", "responses"),
        _share(
            "response_rate_12m",
            "Response rate, shrunk to the base's of that kind as if by "
            f"{principle.BASE_CONTACTS} contacts",
            "响应率（收缩）",
        ),
        _share("base_response_rate_12m", "The base's response rate of that kind", "总体响应率"),
    ),
    key=("as_of", "customer_id", "campaign_type"),
)

FEATURE_SELECTION = month_end_table(
    schema="features",
    name="feature_selection",
    en="Which features of the month carry information of their own, and why others do not",
    zh="特征选择",
    operation=STATISTIC,
    columns=(
        _text("feature", "Column of the feature matrix", "特征"),
        _text("element", "Element of the portrait", "画像要素"),
        flag("is_kept", "Whether clusters and models should use it", "是否保留", nullable=False),
        text(
            "reason",
            "Why it is left out; null when it is kept",
            "剔除原因",
            allowed=("empty", "near-constant", "duplicated", "collinear"),
        ),
        share(
            "value",
            "Share of the most common value, or rank correlation with the other feature",
            "判定数值",
            unit="0 to 1",
        ),
        share("threshold", "The value from which on a feature is left out", "阈值", unit="0 to 1"),
        text(
            "other_feature",
            "The feature kept in its place, for a duplicated or collinear one",
            "替代特征",
        ),
    ),
    key=("as_of", "feature"),
)

FITTED = fits_table("features")
