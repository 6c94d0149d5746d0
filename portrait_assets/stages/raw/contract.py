"""The canonical tables that a source may provide, and the two that account for reading them.

The columns are declared once, as what a value is meant to be; `raw` keeps them as received and
`cleaned.contract` makes the typed twins from the same declarations.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from portrait_assets.schema.table import (
    Column,
    Sensitivity,
    Table,
    Type,
)
from portrait_assets.stages.raw import protection

C2, C3 = Sensitivity.C2, Sensitivity.C3
# Codes of the field for what is not known, of attributes; a source declares further ones.
NOT_KNOWN = ("unknown", "?", "n/a", "null", "-", "未知", "不详")
NO_AGE = ("-1", "999")
NO_AMOUNT = ("-1", "-999")
NO_DAY = ("1900-01-01", "9999-12-31")
SOURCE_CURRENCY, ROW_CURRENCY = "currency of the source", "currency of the row"
"""Units of money; what is in a row's own currency is converted into the source's."""

SOURCE_FILE = Column("source_file", Type.TEXT, "File the row came from", "来源文件", nullable=False)
SOURCE_ROW = Column(
    "source_row", Type.INTEGER, "Row number in that file, from 1", "来源行号", nullable=False
)


@dataclass(frozen=True)
class Canonical:
    """A canonical table: its columns, how it is dated and what identifies a row.

    `dated_by` is the column that places a row in a month; a source may leave an
    `undated_allowed` one out, and then all rows belong to the source's first month.
    `required` must be returned by the source's SQL and must be readable in every row.
    """

    name: str
    en: str
    zh: str
    columns: tuple[Column, ...]
    dated_by: str
    required: tuple[str, ...]
    undated_allowed: bool = False
    unique: tuple[str, ...] = field(default=())

    @property
    def names_a_customer(self) -> bool:
        """Whether its rows belong to customers."""
        return any(column.name == "customer_id" for column in self.columns)

    @property
    def in_row_currency(self) -> tuple[Column, ...]:
        """Its amounts in the currency that each row states."""
        return tuple(column for column in self.columns if column.unit == ROW_CURRENCY)

    def column(self, name: str) -> Column:
        """The column of that name; KeyError where there is none."""
        return self.raw_table().column(name)

    def raw_table(self) -> Table:
        """The contract of raw.<name>."""
        return Table(
            schema="raw",
            name=self.name,
            en=f"{self.en}, as received",
            zh=f"{self.zh}（原始）",
            columns=(*self.columns, SOURCE_FILE, SOURCE_ROW),
            key=("source_file", "source_row"),
            types_as_received=True,
        )


def _text(name: str, en: str, zh: str, **more: object) -> Column:
    return Column(name, Type.TEXT, en, zh, **more)  # type: ignore[arg-type]


CUSTOMER_ID = _text("customer_id", "Customer identifier", "客户编号")
CURRENCY = _text("currency", "Currency, ISO 4217; the source's where null", "币种")
CHANNEL = _text("channel", "Channel through which it happened", "渠道", sentinels=NOT_KNOWN)
PRODUCT_ID = _text("product_id", "Product identifier", "产品编号")
STORE_ID = _text("store_id", "Store or branch", "门店（网点）编号")
REGION = _text("region", "Region where it happened", "发生地区")
CAMPAIGN_ID = _text("campaign_id", "Campaign identifier", "活动编号")

CUSTOMERS = Canonical(
    name="customers",
    en="Who the customers are",
    zh="客户基本信息",
    dated_by="recorded_on",
    undated_allowed=True,
    required=("customer_id",),
    columns=(
        CUSTOMER_ID,
        Column("recorded_on", Type.DATE, "Day from which the record holds", "记录生效日"),
        Column("joined_on", Type.DATE, "Day the customer joined", "开户（入会）日期"),
        _text("full_name", "Name", "姓名", sensitivity=C3),
        _text("national_id", "National identity number", "身份证号", sensitivity=C3),
        _text("phone", "Telephone number", "电话号码", sensitivity=C3),
        _text("email", "Email address", "电子邮箱", sensitivity=C3),
        _text("address", "Postal address", "通讯地址", sensitivity=C3),
        _text("bank_card", "Bank card number", "银行卡号", sensitivity=C3),
        _text("postcode", "Postcode", "邮政编码", sensitivity=C2),
        Column(
            "birth_date",
            Type.DATE,
            "Date of birth",
            "出生日期",
            sensitivity=C3,
            sentinels=NO_DAY,
        ),
        _text("gender", "Gender", "性别", sensitivity=C2, sentinels=NOT_KNOWN),
        Column(
            "age",
            Type.INTEGER,
            "Age when recorded",
            "年龄",
            unit="years",
            minimum=0,
            maximum=120,
            sensitivity=C2,
            sentinels=NO_AGE,
        ),
        _text("age_band", "Age band as the source states it", "年龄段", sentinels=NOT_KNOWN),
        _text("occupation", "Occupation", "职业", sensitivity=C2, sentinels=NOT_KNOWN),
        _text("education", "Education", "学历", sensitivity=C2, sentinels=NOT_KNOWN),
        _text("marital_status", "Marital status", "婚姻状况", sensitivity=C2, sentinels=NOT_KNOWN),
        Column(
            "income",
            Type.MONEY,
            "Yearly income",
            "年收入",
            unit=SOURCE_CURRENCY,
            minimum=0,
            sensitivity=C2,
            sentinels=NO_AMOUNT,
        ),
        _text(
            "income_band",
            "Income band: very_low, low, medium, high or very_high",
            "收入段（五档：very_low 至 very_high）",
            sensitivity=C2,
            sentinels=NOT_KNOWN,
        ),
        _text("household_size", "Persons in the household", "家庭人数", sentinels=NOT_KNOWN),
        _text(
            "household_type",
            "Household: single, single_parent, couple, couple_with_children or extended",
            "家庭构成（single、single_parent、couple、couple_with_children、extended）",
            sentinels=NOT_KNOWN,
        ),
        _text("children", "Children in the household", "子女数", sentinels=NOT_KNOWN),
        _text(
            "home_ownership",
            "Home: owner, renter, probable_owner, probable_renter or with_family",
            "住房状况（owner、renter、probable_owner、probable_renter、with_family）",
            sensitivity=C2,
            sentinels=NOT_KNOWN,
        ),
        _text("region", "Region of residence", "地区", sentinels=NOT_KNOWN),
        *protection.OF_CUSTOMERS,
    ),
)

RETURN_KINDS = ("return", "cancellation")
"""Kinds of transactions that give back, whatever the sign of their amount."""

TRANSACTIONS = Canonical(
    name="transactions",
    en="What customers bought, paid or received, line by line",
    zh="交易明细",
    dated_by="occurred_at",
    required=("customer_id", "occurred_at", "amount"),
    columns=(
        _text("transaction_id", "Transaction line identifier", "交易流水号"),
        CUSTOMER_ID,
        Column("occurred_at", Type.TIMESTAMP, "When it happened, local time", "发生时间"),
        Column("amount", Type.MONEY, "Amount paid, after discounts", "金额", unit=ROW_CURRENCY),
        CURRENCY,
        Column("discount_amount", Type.MONEY, "Discount given", "优惠金额", unit=ROW_CURRENCY),
        Column("quantity", Type.QUANTITY, "Quantity", "数量", unit="units of the product"),
        PRODUCT_ID,
        _text("category", "Category, where the row states it", "类别"),
        _text("basket_id", "Purchase that the line belongs to", "订单编号"),
        STORE_ID,
        CHANNEL,
        REGION,
        Column(
            "is_on_display",
            Type.BOOLEAN,
            "Whether the product was on display there and then; null where not known",
            "当时是否陈列促销",
        ),
        Column(
            "is_in_mailer",
            Type.BOOLEAN,
            "Whether the product was in the mailer there and then; null where not known",
            "当时是否传单促销",
        ),
        _text(
            "kind",
            "purchase, return or cancellation; where null, a negative amount is a return",
            "交易类型",
            allowed=("purchase", *RETURN_KINDS),
        ),
        _text(
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
        Column("introduced_on", Type.DATE, "Day the product was introduced", "上市日期"),
        Column(
            "withdrawn_on",
            Type.DATE,
            "Day the product was withdrawn",
            "退市日期",
            sentinels=NO_DAY,
        ),
        _text("department", "Department or product line", "部门（产品线）"),
        _text("category", "Category", "类别"),
        _text("product_type", "Type within the category", "细类"),
        _text("brand", "Brand or maker", "品牌"),
        Column(
            "is_own_label", Type.BOOLEAN, "Whether it is the seller's own label", "是否自有品牌"
        ),
        Column(
            "is_merchandise",
            Type.BOOLEAN,
            "Whether it can be preferred: false for coupons, fees, deposits and the like",
            "是否可作偏好（优惠券、费用、押金等为否）",
        ),
        _text("package_size", "Package size", "规格"),
        _text("risk_grade", "Risk grade, R1 low to R5 high", "产品风险等级"),
        *protection.OF_PRODUCTS,
        Column(
            "margin_rate",
            Type.NUMBER,
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
    required=("customer_id", "balance_on", "balance"),
    columns=(
        CUSTOMER_ID,
        _text("account_id", "Account identifier", "账户编号", sensitivity=C2),
        PRODUCT_ID,
        Column("balance_on", Type.DATE, "Day of the balance", "余额日期"),
        Column("balance", Type.MONEY, "Balance", "余额", unit=ROW_CURRENCY),
        Column(
            "credit_limit",
            Type.MONEY,
            "Credit limit",
            "授信额度",
            unit=ROW_CURRENCY,
            minimum=0,
        ),
        Column(
            "days_past_due",
            Type.INTEGER,
            "Days past due",
            "逾期天数",
            unit="days",
            minimum=0,
            sentinels=("-1",),
        ),
        CURRENCY,
    ),
)

CAMPAIGNS = Canonical(
    name="campaigns",
    en="What was offered to whom, when",
    zh="营销活动",
    dated_by="started_on",
    undated_allowed=True,
    required=("campaign_id",),
    unique=("campaign_id",),
    columns=(
        CAMPAIGN_ID,
        _text("campaign_type", "Kind of campaign", "活动类型"),
        _text("title", "Title", "活动名称"),
        Column("started_on", Type.DATE, "First day", "开始日期"),
        Column("ended_on", Type.DATE, "Last day", "结束日期", sentinels=NO_DAY),
        PRODUCT_ID,
        Column(
            "control_share",
            Type.NUMBER,
            "Share of its customers planned to be held out as control",
            "计划对照组占比",
            unit="share",
            minimum=0,
            maximum=1,
        ),
        Column("budget", Type.MONEY, "What it may cost", "预算", unit=SOURCE_CURRENCY, minimum=0),
        Column(
            "cost",
            Type.MONEY,
            "What it has cost altogether, contacts included",
            "总成本（含触达）",
            unit=SOURCE_CURRENCY,
            minimum=0,
        ),
    ),
)

DELIVERY_STATUSES = ("delivered", "opened", "bounced", "refused", "unsubscribed")

CONTACTS = Canonical(
    name="contacts",
    en="Which customer a campaign reached",
    zh="活动触达",
    dated_by="contacted_on",
    required=("customer_id", "campaign_id", "contacted_on"),
    columns=(
        CUSTOMER_ID,
        CAMPAIGN_ID,
        Column("contacted_on", Type.DATE, "Day of the contact", "触达日期"),
        CHANNEL,
        Column("is_control", Type.BOOLEAN, "Whether held out as control", "是否对照组"),
        Column(
            "cost",
            Type.MONEY,
            "What the contact cost",
            "触达成本",
            unit=SOURCE_CURRENCY,
            minimum=0,
        ),
        _text(
            "delivery_status",
            "What became of the contact; null where none was tried: delivered, opened, bounced, "
            "refused or unsubscribed",
            "触达结果（delivered 送达、opened 打开、bounced 退回、refused 拒绝、"
            "unsubscribed 退订；未触达为空）",
            allowed=DELIVERY_STATUSES,
        ),
    ),
)

ASSIGNMENTS = Canonical(
    name="assignments",
    en="Which customer was assigned to which arm of a campaign, before it ran",
    zh="活动分组",
    dated_by="assigned_on",
    required=("customer_id", "campaign_id", "assigned_on"),
    columns=(
        CUSTOMER_ID,
        CAMPAIGN_ID,
        _text("arm", "Arm: control for held out, any other name for contacted", "组别"),
        CHANNEL,
        Column("assigned_on", Type.DATE, "Day for which the contact is planned", "计划触达日期"),
    ),
)

RESPONSES = Canonical(
    name="responses",
    en="How customers answered a campaign",
    zh="活动响应",
    dated_by="responded_on",
    required=("customer_id", "campaign_id", "responded_on"),
    columns=(
        CUSTOMER_ID,
        CAMPAIGN_ID,
        Column("responded_on", Type.DATE, "Day of the response", "响应日期"),
        _text("response", "What the customer did", "响应方式"),
        _text("coupon_id", "Coupon redeemed", "优惠券编号"),
        PRODUCT_ID,
        Column("amount", Type.MONEY, "Amount of the response", "响应金额", unit=ROW_CURRENCY),
        CURRENCY,
    ),
)

INTERACTIONS = Canonical(
    name="interactions",
    en="Feedback and journeys: surveys, complaints, visits, posts",
    zh="客户互动与反馈",
    dated_by="occurred_at",
    required=("customer_id", "occurred_at", "kind"),
    columns=(
        CUSTOMER_ID,
        Column("occurred_at", Type.TIMESTAMP, "When it happened, local time", "发生时间"),
        _text("kind", "survey, complaint, note, post, visit or another", "互动类型"),
        CHANNEL,
        REGION,
        STORE_ID,
        _text("journey_id", "Journey that the step or the complaint belongs to", "旅程编号"),
        _text("step", "Step of the journey", "旅程步骤"),
        _text(
            "outcome",
            "How the journey ended, in its last row: completed or abandoned",
            "旅程结果（仅末行：completed 完成、abandoned 放弃）",
            allowed=("completed", "abandoned"),
        ),
        Column("score", Type.NUMBER, "Score given, on the source's scale", "评分"),
        _text("content", "Text", "内容", sensitivity=C3),
    ),
)

MARKET = Canonical(
    name="market",
    en="What the market did: rates, prices, promotions",
    zh="市场指标",
    dated_by="observed_on",
    required=("indicator", "observed_on", "value"),
    columns=(
        _text("indicator", "Indicator", "指标"),
        Column("observed_on", Type.DATE, "Day observed", "观测日期"),
        Column("value", Type.NUMBER, "Value, in the indicator's unit", "指标值"),
        PRODUCT_ID,
        STORE_ID,
        _text("competitor", "Competitor that it was observed of; null for none", "竞争机构"),
        _text("product_class", "Class of products that it is about", "产品类别"),
    ),
)

PROMOTIONS = Canonical(
    name="promotions",
    en="How widely a product was promoted in a span of days, over stores and days",
    zh="产品促销覆盖",
    dated_by="ended_on",
    required=("product_id", "ended_on"),
    columns=(
        PRODUCT_ID,
        Column("started_on", Type.DATE, "First day of the span", "开始日期"),
        Column("ended_on", Type.DATE, "Last day of the span", "结束日期"),
        Column(
            "display_share",
            Type.NUMBER,
            "Share of stores and days with the product on display",
            "陈列促销占比",
            unit="share",
            minimum=0,
            maximum=1,
        ),
        Column(
            "mailer_share",
            Type.NUMBER,
            "Share of stores and days with the product in the mailer",
            "传单促销占比",
            unit="share",
            minimum=0,
            maximum=1,
        ),
    ),
)

OUTCOMES = Canonical(
    name="outcomes",
    en="What is to be predicted, as it turned out",
    zh="结果",
    dated_by="observed_on",
    required=("customer_id", "outcome", "observed_on"),
    columns=(
        CUSTOMER_ID,
        _text("outcome", "Which outcome, such as default or attrition", "结果类型"),
        Column("observed_on", Type.DATE, "Day it was known", "确认日期"),
        Column("value", Type.NUMBER, "Value; 1 and 0 for yes and no", "结果值"),
    ),
)

EXCHANGE_RATES = Canonical(
    name="exchange_rates",
    en="What other currencies were worth",
    zh="汇率",
    dated_by="quoted_on",
    required=("currency", "quoted_on", "rate"),
    unique=("currency", "quoted_on"),
    columns=(
        CURRENCY,
        Column("quoted_on", Type.DATE, "Day from which the rate holds, up to the next", "生效日期"),
        Column("rate", Type.NUMBER, "Worth of one unit", "汇率", unit=SOURCE_CURRENCY, minimum=0),
    ),
)

CONSENTS = Canonical(
    name="consents",
    en="What processing of personal information customers agreed to, and when they withdrew it",
    zh="个人信息处理同意",
    dated_by="granted_on",
    required=("customer_id", "purpose", "granted_on"),
    columns=(CUSTOMER_ID, *protection.OF_CONSENTS),
)

REQUESTS = Canonical(
    name="requests",
    en="What customers asked to be done with their personal information",
    zh="个人信息权利请求",
    dated_by="requested_on",
    required=("customer_id", "kind", "requested_on"),
    columns=(CUSTOMER_ID, *protection.OF_REQUESTS),
)

PROSPECTS = Canonical(
    name="prospects",
    en="Who might become a customer, by what is known of them",
    zh="潜在客户",
    dated_by="recorded_on",
    undated_allowed=True,
    required=("prospect_id",),
    columns=(
        _text("prospect_id", "Prospect identifier", "潜在客户编号"),
        *(CUSTOMERS.column(name) for name in protection.KNOWN_OF_PROSPECTS),
        *protection.OF_PROSPECTS,
    ),
)

CANONICAL: tuple[Canonical, ...] = (
    CUSTOMERS,
    TRANSACTIONS,
    PRODUCTS,
    BALANCES,
    CAMPAIGNS,
    CONTACTS,
    RESPONSES,
    INTERACTIONS,
    MARKET,
    PROMOTIONS,
    OUTCOMES,
    EXCHANGE_RATES,
    ASSIGNMENTS,
    CONSENTS,
    REQUESTS,
    PROSPECTS,
)
CANONICAL_BY_NAME = {canonical.name: canonical for canonical in CANONICAL}

UNPLACED = Table(
    schema="raw",
    name="unplaced",
    en="Lines that belong to no month of the source: broken, without a readable date, or too late",
    zh="无法归入月份的记录",
    columns=(
        _text("table_name", "Table the row was meant for", "目标表", nullable=False),
        SOURCE_FILE,
        SOURCE_ROW,
        _text(
            "reason",
            "Why: no readable date, after the last month, or how the line is broken",
            "原因",
            nullable=False,
        ),
        _text("dated", "The date as received", "原始日期"),
    ),
    key=("table_name", "source_file", "source_row"),
)

RECEIPTS = Table(
    schema="raw",
    name="receipts",
    # It counts whole files: it changes in every month with any row of any month, and what it has
    # of a month's own rows changes with the month's tables.
    makes_stale=False,
    en="What each reading of the source's files found, per table and month",
    zh="源文件读取清单",
    columns=(
        _text("table_name", "Table", "表", nullable=False),
        Column("is_provided", Type.BOOLEAN, "Whether the source has it", "数据源是否提供", False),
        Column(
            "rows_received",
            Type.INTEGER,
            "Lines of the files that count in this month: its rows, and what is unplaced in it",
            "计入本月的行数（含未归月）",
            nullable=False,
            minimum=0,
        ),
        Column("rows_in_file", Type.INTEGER, "Rows in the files", "文件行数", False, minimum=0),
        Column(
            "rows_placed", Type.INTEGER, "Rows placed in any month", "已归月行数", False, minimum=0
        ),
        Column(
            "rows_unplaced", Type.INTEGER, "Rows in raw.unplaced", "未归月行数", False, minimum=0
        ),
        _text(
            "problem",
            "Why the table could not be read and keeps what it had; null when it was read",
            "无法读取的原因（保留上次读取结果）；正常读取为空",
        ),
    ),
    key=("table_name",),
    published=True,
)
