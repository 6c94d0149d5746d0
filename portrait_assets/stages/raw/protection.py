"""Columns that protect customers: what suits them, and what may be done with what is known of them.

`contract` puts them into its tables.
"""

from __future__ import annotations

from portrait_assets.schema.table import Column, Sensitivity, Type

C2 = Sensitivity.C2
TOLERANCES = ("C1", "C2", "C3", "C4", "C5")
"""Risk tolerance from low to high; a product of the grade R3 suits C3 and higher."""
PURPOSES = ("profiling", "marketing", "credit", "sharing")
"""What personal information may be processed for; each is agreed to by itself."""
BASES = ("consent", "guardian", "contract", "law")
"""What makes processing lawful: Personal Information Protection Law, articles 13 and 31."""
REQUESTS = ("access", "correction", "erasure", "objection", "portability")
"""What a customer may ask for: the same law, articles 44 to 47."""

OF_CUSTOMERS = (
    Column(
        "risk_tolerance",
        Type.TEXT,
        "Assessed risk tolerance, C1 low to C5 high",
        "风险承受能力等级（C1 低至 C5 高）",
        allowed=TOLERANCES,
        sensitivity=C2,
    ),
    Column(
        "risk_assessed_on",
        Type.DATE,
        "Day of the risk assessment",
        "风险测评日期",
        sensitivity=C2,
    ),
    Column(
        "risk_tolerance_expires_on",
        Type.DATE,
        "First day on which the risk assessment no longer counts",
        "风险测评失效日期",
        sensitivity=C2,
    ),
    Column(
        "is_professional_investor",
        Type.BOOLEAN,
        "Whether recognized as a professional investor",
        "是否专业投资者",
        sensitivity=C2,
    ),
    Column(
        "extra_care_recorded_on",
        Type.DATE,
        "Day from which the customer is recorded as needing extra care; null for none",
        "登记为需特别关照客户的日期",
        sensitivity=C2,
    ),
    Column(
        "insurance_need_assessed_on",
        Type.DATE,
        "Day of the latest assessment of insurance needs",
        "保险需求评估日期",
        sensitivity=C2,
    ),
)

OF_PRODUCTS = (
    Column(
        "minimum_amount",
        Type.MONEY,
        "Least amount of a first purchase, deposit or loan",
        "起购（起存、起贷）金额",
        unit="currency of the source",
        minimum=0,
    ),
    Column("term_days", Type.INTEGER, "Term; null for none", "期限", unit="days", minimum=1),
    Column(
        "sold_to_risk_tolerance",
        Type.TEXT,
        "Lowest risk tolerance that it may be sold to; null where none is asked for",
        "可售最低风险承受能力等级",
        allowed=TOLERANCES,
    ),
    Column(
        "needs_assessment",
        Type.BOOLEAN,
        "Whether it is sold after a valid assessment only: of insurance needs for insurance, of "
        "the risk tolerance otherwise",
        "是否须先完成评估（保险为需求评估，其他为风险测评）",
    ),
    Column(
        "is_personalisable",
        Type.BOOLEAN,
        "Whether what is known of a customer may decide to whom it is offered",
        "是否可作个性化推荐",
    ),
)

OF_CONSENTS = (
    Column(
        "purpose",
        Type.TEXT,
        "What for: profiling, marketing, credit or sharing with others",
        "处理目的（画像、营销、信贷、对外提供）",
        allowed=PURPOSES,
    ),
    Column("channel", Type.TEXT, "Channel that it is limited to; null for any", "限定渠道"),
    Column("granted_on", Type.DATE, "Day from which it holds", "同意日期"),
    Column(
        "withdrawn_on",
        Type.DATE,
        "Day from which it no longer holds; null while it does",
        "撤回日期",
        sentinels=("1900-01-01", "9999-12-31"),
    ),
    Column(
        "basis",
        Type.TEXT,
        "What it rests on: consent of the customer's own or of a guardian, a contract or a law",
        "合法性基础（本人同意、监护人同意、合同、法定）",
        allowed=BASES,
    ),
)

OF_REQUESTS = (
    Column(
        "kind",
        Type.TEXT,
        "What is asked for: access, correction, erasure, objection or portability",
        "请求类型（查阅、更正、删除、反对、转移）",
        allowed=REQUESTS,
    ),
    Column("requested_on", Type.DATE, "Day of the request", "请求日期"),
    Column(
        "purpose",
        Type.TEXT,
        "Purpose that it is limited to; null for all",
        "限定的处理目的",
        allowed=PURPOSES,
    ),
    Column("channel", Type.TEXT, "Channel that it is limited to; null for all", "限定渠道"),
)

KNOWN_OF_PROSPECTS = (
    "recorded_on",
    "full_name",
    "phone",
    "email",
    "address",
    "postcode",
    "birth_date",
    "gender",
    "age",
    "occupation",
    "education",
    "marital_status",
    "income_band",
    "household_type",
    "children",
    "home_ownership",
    "region",
)
"""Columns of customers that are known of prospects too."""
OF_PROSPECTS = (
    Column("source", Type.TEXT, "Where it came from, such as an event or a partner", "线索来源"),
)
