"""What customers buy, pay and hold, and what is sold."""

from __future__ import annotations

from portrait_assets.schema.columns import day, flag, integer, money, number, text
from portrait_assets.schema.table import Column, Type
from portrait_assets.stages.raw.tables.canonical import (
    C2,
    CHANNEL,
    CURRENCY,
    CUSTOMER_ID,
    NO_DAY,
    PRODUCT_ID,
    REGION,
    ROW_CURRENCY,
    STORE_ID,
    TOLERANCES,
    Canonical,
    category,
)

RETURN_KINDS = ("return", "cancellation")
"""Kinds of transactions that give back, whatever the sign of their amount."""

TRANSACTIONS = Canonical(
    name="transactions",
    en="What customers bought, paid or received, line by line",
    zh="交易明细",
    dated_by="occurred_at",
    ages=True,
    # Features look back a year on withdrawn products, and three months before.
    least_months=16,
    serves="profiling",
    required=("customer_id", "occurred_at", "amount"),
    columns=(
        text("transaction_id", "Transaction line identifier", "交易流水号"),
        CUSTOMER_ID,
        Column("occurred_at", Type.TIMESTAMP, "When it happened, local time", "发生时间"),
        Column("amount", Type.MONEY, "Amount paid, after discounts", "金额", unit=ROW_CURRENCY),
        CURRENCY,
        Column("discount_amount", Type.MONEY, "Discount given", "优惠金额", unit=ROW_CURRENCY),
        Column("quantity", Type.QUANTITY, "Quantity", "数量", unit="units of the product"),
        PRODUCT_ID,
        category("category", "Category, where the row states it", "类别"),
        text("basket_id", "Purchase that the line belongs to", "订单编号"),
        STORE_ID,
        CHANNEL,
        REGION,
        flag(
            "is_on_display",
            "Whether the product was on display there and then; null where not known",
            "当时是否陈列促销",
        ),
        flag(
            "is_in_mailer",
            "Whether the product was in the mailer there and then; null where not known",
            "当时是否传单促销",
        ),
        text(
            "kind",
            "purchase, return or cancellation; where null, a negative amount is a return",
            "交易类型",
            allowed=("purchase", *RETURN_KINDS),
        ),
        text(
            "cancels",
            "transaction_id or basket_id of the purchase that this takes back",
            "所撤销（退回）的交易编号",
        ),
    ),
)

PRODUCTS = Canonical(
    name="products",
    en="What is on offer",
    zh="产品",
    dated_by="introduced_on",
    undated_allowed=True,
    required=("product_id",),
    unique=("product_id",),
    columns=(
        PRODUCT_ID,
        day("introduced_on", "Day the product was introduced", "上市日期"),
        day("withdrawn_on", "Day the product was withdrawn", "退市日期", sentinels=NO_DAY),
        category("department", "Department or product line", "部门（产品线）"),
        category("category", "Category", "类别"),
        category("product_type", "Type within the category", "细类"),
        category("brand", "Brand or maker", "品牌"),
        flag("is_own_label", "Whether it is the seller's own label", "是否自有品牌"),
        flag(
            "is_merchandise",
            "Whether it can be preferred: false for coupons, fees, deposits and the like",
            "是否可作偏好（优惠券、费用、押金等为否）",
        ),
        text("package_size", "Package size", "规格"),
        text("risk_grade", "Risk grade, R1 low to R5 high", "产品风险等级"),
        money(
            "minimum_amount",
            "Least amount of a first purchase, deposit or loan",
            "起购（起存、起贷）金额",
            minimum=0,
        ),
        integer("term_days", "Term; null for none", "期限", unit="days", minimum=1),
        text(
            "sold_to_risk_tolerance",
            "Lowest risk tolerance that it may be sold to; null where none is asked for",
            "可售最低风险承受能力等级",
            allowed=TOLERANCES,
        ),
        flag(
            "needs_assessment",
            "Whether it is sold after a valid assessment only: of insurance needs for insurance, "
            "of the risk tolerance otherwise",
            "是否须先完成评估（保险为需求评估，其他为风险测评）",
        ),
        flag(
            "is_personalisable",
            "Whether what is known of a customer may decide to whom it is offered",
            "是否可作个性化推荐",
        ),
        number(
            "margin_rate",
            "Margin earned on the balance, or on the amount where there is none",
            "年利润率",
            unit="share of the balance or amount a year",
        ),
    ),
)

BALANCES = Canonical(
    name="balances",
    en="What customers hold and owe, by account and day",
    zh="账户余额",
    dated_by="balance_on",
    ages=True,
    least_months=16,
    serves="profiling",
    required=("customer_id", "balance_on", "balance"),
    columns=(
        CUSTOMER_ID,
        text("account_id", "Account identifier", "账户编号", sensitivity=C2),
        PRODUCT_ID,
        day("balance_on", "Day of the balance", "余额日期"),
        Column(
            "balance",
            Type.MONEY,
            "What is held, or owed on an account with a credit limit; both are positive",
            "余额（有授信额度的账户为欠款额，其他账户为持有额，均为正数）",
            unit=ROW_CURRENCY,
        ),
        Column(
            "credit_limit", Type.MONEY, "Credit limit", "授信额度", unit=ROW_CURRENCY, minimum=0
        ),
        integer(
            "days_past_due", "Days past due", "逾期天数", unit="days", minimum=0, sentinels=("-1",)
        ),
        CURRENCY,
    ),
)

TABLES = (TRANSACTIONS, PRODUCTS, BALANCES)
