"""The tables of the features room: monthly aggregates that add up, and the feature matrix."""

from __future__ import annotations

from portrait_assets.schema.table import (
    Column,
    PartitionBy,
    Table,
    Type,
)
from portrait_assets.stages.features.declared import (
    concept,
    entity,
    habits,
    holdings,
    principle,
    symbol,
)
from portrait_assets.stages.features.declared.feature import MONEY, SHARE, Feature
from portrait_assets.stages.features.parts.spend import BASE_CONTACTS

FEATURES: tuple[Feature, ...] = (
    *entity.FEATURES,
    *symbol.FEATURES,
    *habits.FEATURES,
    *holdings.FEATURES,
    *concept.FEATURES,
    *principle.FEATURES,
)
_CUSTOMER_ID = Column("customer_id", Type.TEXT, "Customer", "客户编号", nullable=False)
DAY_PARTS = {"night": (0, 5), "morning": (6, 11), "afternoon": (12, 17), "evening": (18, 23)}
"""First and last hour of each part of the day."""
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _count(name: str, en: str, zh: str, unit: str | None = None) -> Column:
    return Column(name, Type.INTEGER, en, zh, nullable=False, minimum=0, unit=unit)


def _money(name: str, en: str, zh: str, nullable: bool = False) -> Column:
    return Column(name, Type.MONEY, en, zh, nullable=nullable, unit=MONEY)


def _share(name: str, en: str, zh: str) -> Column:
    return Column(name, Type.NUMBER, en, zh, nullable=False, unit=SHARE, minimum=0, maximum=1)


CUSTOMER_MONTH = Table(
    schema="features",
    name="customer_month",
    en="Additive aggregates per customer and month of activity",
    zh="客户月度可加汇总",
    columns=(
        _CUSTOMER_ID,
        _count("purchases", "Purchases: baskets, and lines without one", "购买次数"),
        _count("lines", "Transaction lines", "交易行数"),
        _count("purchase_days", "Days with a transaction", "有交易的天数", "days"),
        _money("amount", "Amount paid", "消费金额"),
        Column(
            "ticket_squares",
            Type.SQUARE,
            "Sum of squared amounts of purchases",
            "客单金额平方和",
            nullable=False,
            unit="currency of the source, squared",
        ),
        _money("smallest_ticket", "Smallest purchase", "最小客单金额", nullable=True),
        _money("largest_ticket", "Largest purchase", "最大客单金额", nullable=True),
        Column("first_at", Type.TIMESTAMP, "First transaction, local time", "首笔时间"),
        Column("last_at", Type.TIMESTAMP, "Last transaction, local time", "末笔时间"),
        _count("returned_lines", "Lines with a negative amount", "退货(退款)行数"),
        _money("returned_amount", "Amount given back", "退货(退款)金额"),
        _money("discount_amount", "Discount received", "优惠金额"),
        _count("discounted_lines", "Lines with a discount", "折扣行数"),
        _money("discounted_amount", "Amount paid on discounted lines", "折扣商品金额"),
        _count("branded_lines", "Lines of which it is known whether own label", "已知品牌行数"),
        _money("branded_amount", "Amount paid on those lines", "已知品牌金额"),
        _money("own_label_amount", "Amount paid for own-label products", "自有品牌金额"),
        _money("weekend_amount", "Amount paid on Saturday and Sunday", "周末金额"),
        _money("evening_amount", "Amount paid from 18:00 on", "晚间金额"),
        _count("night_lines", "Lines from 00:00 to 05:59", "凌晨行数"),
        _count("morning_lines", "Lines from 06:00 to 11:59", "上午行数"),
        _count("afternoon_lines", "Lines from 12:00 to 17:59", "下午行数"),
        _count("evening_lines", "Lines from 18:00 to 23:59", "晚间行数"),
        Column(
            "hour_x",
            Type.INTEGER,
            "Sum over lines of the cosine of the hour on a 24-hour circle",
            "小时圆周余弦和",
            nullable=False,
            unit="thousandths",
        ),
        Column(
            "hour_y",
            Type.INTEGER,
            "Sum over lines of the sine of the hour on a 24-hour circle",
            "小时圆周正弦和",
            nullable=False,
            unit="thousandths",
        ),
        *(
            _count(f"{name}_lines", f"Lines on {name.capitalize()}", f"星期{number}行数")
            for name, number in zip(WEEKDAYS, "一二三四五六日", strict=True)
        ),
        _count("digital_lines", "Lines through app, web and the like", "数字渠道行数"),
        _count("branch_lines", "Lines in a branch or shop", "网点(门店)行数"),
        _count("self_service_lines", "Lines at machines and terminals", "自助渠道行数"),
        _count("phone_lines", "Lines by telephone", "电话渠道行数"),
        _count("priced_lines", "Lines with a unit price in a category", "可比价行数"),
        _money("priced_amount", "Amount paid on those lines", "可比价金额"),
        _money("usual_cost", "What they cost at the category's average price", "按类别均价计金额"),
        _count(
            "cheaper_lines", "Lines 5 % or more below the product's usual price", "低于常价行数"
        ),
        _count("dearer_lines", "Lines 5 % or more above the product's usual price", "高于常价行数"),
        _count("dated_product_lines", "Lines of products with a day of launch", "有上市日产品行数"),
        _count("new_product_lines", "Lines within 182 days of the launch", "新品行数"),
        _count("promotable_lines", "Lines of products promoted somewhere", "有促销产品行数"),
        _count("display_lines", "Of these, bought while on display there", "陈列促销行数"),
        _count("mailer_lines", "Of these, bought while in the mailer there", "传单促销行数"),
        _money("promoted_amount", "Amount paid while on display or in the mailer", "促销期间金额"),
        _count(
            "display_odds",
            "Display lines to expect if display had no effect",
            "陈列促销期望行数",
            "millionths of a line",
        ),
        _count(
            "mailer_odds",
            "Mailer lines to expect if the mailer had no effect",
            "传单促销期望行数",
            "millionths of a line",
        ),
        _count("complaints", "Complaints", "投诉次数"),
        _count("surveys", "Survey answers with a score", "问卷评分次数"),
        Column(
            "survey_points",
            Type.QUANTITY,
            "Sum of the scores given",
            "问卷评分合计",
            nullable=False,
            unit="points on the source's scale",
        ),
        _count("visits", "Steps of visits", "访问步骤数"),
        _count("contacts", "Campaign contacts, control group left out", "触达次数"),
        _count("responses", "Campaign responses", "响应次数"),
    ),
    key=("month", "customer_id"),
)

CUSTOMER_CATEGORY_MONTH = Table(
    schema="features",
    name="customer_category_month",
    en="Additive aggregates per customer, category, brand and month",
    zh="客户类别品牌月度可加汇总",
    columns=(
        _CUSTOMER_ID,
        Column(
            "choice_id",
            Type.INTEGER,
            "Number of category and brand",
            "类别品牌编号",
            nullable=False,
        ),
        Column("category", Type.TEXT, "Category", "类别"),
        Column("brand", Type.TEXT, "Brand or maker", "品牌"),
        _count("lines", "Transaction lines", "交易行数"),
        _money("amount", "Amount paid", "消费金额"),
    ),
    key=("month", "customer_id", "choice_id"),
)

CUSTOMER_CAMPAIGN_MONTH = Table(
    schema="features",
    name="customer_campaign_month",
    en="Contacts and responses per customer, kind of campaign and month",
    zh="客户营销触达与响应月度汇总",
    columns=(
        _CUSTOMER_ID,
        Column("campaign_type", Type.TEXT, "Kind of campaign", "活动类型", nullable=False),
        _count("contacts", "Contacts, control group left out", "触达次数"),
        _count("responses", "Responses", "响应次数"),
        _count("responded_contacts", "Contacted campaigns first responded to", "响应活动数"),
        _count("lag_days", "Days from contact to first response, summed", "响应时滞合计", "days"),
        Column("last_response_on", Type.DATE, "Last response", "末次响应日"),
    ),
    key=("month", "customer_id", "campaign_type"),
)

CUSTOMER_BALANCE_MONTH = Table(
    schema="features",
    name="customer_balance_month",
    en="What each customer held and owed at the last balances of the month",
    zh="客户月末余额汇总",
    columns=(
        _CUSTOMER_ID,
        _count("accounts", "Accounts", "账户数"),
        _count("products", "Different products", "产品数"),
        _money("balance", "Balance of accounts without a credit limit", "资产余额"),
        _money("owed", "Balance of accounts with a credit limit", "负债余额"),
        _money("credit_limit", "Credit limits", "授信额度"),
        Column(
            "days_past_due",
            Type.INTEGER,
            "Most days past due",
            "最长逾期天数",
            unit="days",
            minimum=0,
        ),
        _count("graded_accounts", "Accounts whose product has a risk grade", "有风险等级账户数"),
        _money("graded_balance", "Balance of those accounts", "有风险等级余额"),
        _money("risk_points", "Sum of balance x risk grade", "风险加权余额"),
    ),
    key=("month", "customer_id"),
)

PRODUCT_MONTH = Table(
    schema="features",
    name="product_month",
    en="What was sold of each product with a unit price, by month",
    zh="产品月度销售汇总",
    columns=(
        Column("product_id", Type.TEXT, "Product", "产品编号", nullable=False),
        Column("category", Type.TEXT, "Category", "类别"),
        _count("lines", "Transaction lines", "交易行数"),
        Column(
            "quantity",
            Type.QUANTITY,
            "Quantity",
            "数量",
            nullable=False,
            unit="units of the product",
        ),
        _money("amount", "Amount paid", "消费金额"),
    ),
    key=("month", "product_id"),
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

CAMPAIGN_RESPONSE = Table(
    schema="features",
    name="campaign_response",
    en="How each customer responds to each kind of campaign, within twelve months",
    zh="客户分活动类型响应",
    columns=(
        _CUSTOMER_ID,
        Column("campaign_type", Type.TEXT, "Kind of campaign", "活动类型", nullable=False),
        _count("contacts_12m", "Contacts, control group left out", "触达次数", "contacts"),
        _count("responded_contacts_12m", "Contacts responded to", "有响应触达次数", "contacts"),
        _count("responses_12m", "Responses", "响应次数", "responses"),
        _share(
            "response_rate_12m",
            f"Response rate, shrunk to the base's of that kind as if by {BASE_CONTACTS} contacts",
            "响应率(收缩)",
        ),
        _share("base_response_rate_12m", "The base's response rate of that kind", "总体响应率"),
    ),
    key=("as_of", "customer_id", "campaign_type"),
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
