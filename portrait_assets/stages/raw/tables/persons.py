"""Who the customers are, who might become one, and what they agreed to."""

from __future__ import annotations

from portrait_assets.privacy.egress import Purpose
from portrait_assets.schema.columns import day, flag, integer, money, text
from portrait_assets.stages.raw.tables.canonical import (
    C2,
    C3,
    CUSTOMER_ID,
    NO_AGE,
    NO_AMOUNT,
    NO_DAY,
    NOT_KNOWN,
    TOLERANCES,
    Canonical,
    category,
)

PURPOSES = tuple(map(str, Purpose))
"""What personal information may be processed for; each is agreed to by itself."""

BASES = ("consent", "guardian", "contract", "law")
"""What makes processing lawful: Personal Information Protection Law, articles 13 and 31."""

REQUEST_KINDS = ("access", "correction", "erasure", "objection", "portability")
"""What a customer may ask for: the same law, articles 44 to 47."""

QUASI_IDENTIFIERS = (
    *("gender", "age", "age_band", "birth_date", "region", "postcode", "address"),
    *("occupation", "education", "marital_status", "income", "income_band"),
    *("household_size", "household_type", "children", "home_ownership"),
)
"""Columns of customers by which somebody may be found who is not named: others know them too."""

CUSTOMERS = Canonical(
    name="customers",
    en="Who the customers are",
    zh="客户基本信息",
    dated_by="recorded_on",
    undated_allowed=True,
    required=("customer_id",),
    columns=(
        CUSTOMER_ID,
        day("recorded_on", "Day from which the record holds", "记录生效日"),
        day("joined_on", "Day the customer joined", "开户（入会）日期", sentinels=NO_DAY),
        text("full_name", "Name", "姓名", sensitivity=C3),
        text("national_id", "National identity number", "身份证号", sensitivity=C3),
        text("phone", "Telephone number", "电话号码", sensitivity=C3),
        text("email", "Email address", "电子邮箱", sensitivity=C3),
        text("address", "Postal address", "通讯地址", sensitivity=C3),
        text("bank_card", "Bank card number", "银行卡号", sensitivity=C3),
        text("postcode", "Postcode", "邮政编码", sensitivity=C2),
        day("birth_date", "Date of birth", "出生日期", sensitivity=C3, sentinels=NO_DAY),
        category("gender", "Gender", "性别", sensitivity=C2, sentinels=NOT_KNOWN),
        integer(
            "age",
            "Age when recorded",
            "年龄",
            unit="years",
            minimum=0,
            maximum=120,
            sensitivity=C2,
            sentinels=NO_AGE,
        ),
        category("age_band", "Age band as the source states it", "年龄段", sentinels=NOT_KNOWN),
        category("occupation", "Occupation", "职业", sensitivity=C2, sentinels=NOT_KNOWN),
        category("education", "Education", "学历", sensitivity=C2, sentinels=NOT_KNOWN),
        category(
            "marital_status", "Marital status", "婚姻状况", sensitivity=C2, sentinels=NOT_KNOWN
        ),
        money("income", "Yearly income", "年收入", minimum=0, sensitivity=C2, sentinels=NO_AMOUNT),
        category(
            "income_band",
            "Income band: very_low, low, medium, high or very_high",
            "收入段（五档：very_low 至 very_high）",
            sensitivity=C2,
            sentinels=NOT_KNOWN,
        ),
        category("household_size", "Persons in the household", "家庭人数", sentinels=NOT_KNOWN),
        category(
            "household_type",
            "Household: single, single_parent, couple, couple_with_children or extended",
            "家庭构成（single、single_parent、couple、couple_with_children、extended）",
            sentinels=NOT_KNOWN,
        ),
        category("children", "Children in the household", "子女数", sentinels=NOT_KNOWN),
        category(
            "home_ownership",
            "Home: owner, renter, probable_owner, probable_renter or with_family",
            "住房状况（owner、renter、probable_owner、probable_renter、with_family）",
            sensitivity=C2,
            sentinels=NOT_KNOWN,
        ),
        category("region", "Region of residence", "地区", sentinels=NOT_KNOWN),
        text(
            "risk_tolerance",
            "Assessed risk tolerance, C1 low to C5 high",
            "风险承受能力等级（C1 低至 C5 高）",
            allowed=TOLERANCES,
            sensitivity=C2,
        ),
        day("risk_assessed_on", "Day of the risk assessment", "风险测评日期", sensitivity=C2),
        day(
            "risk_tolerance_expires_on",
            "First day on which the risk assessment no longer counts",
            "风险测评失效日期",
            sensitivity=C2,
        ),
        flag(
            "is_professional_investor",
            "Whether recognized as a professional investor",
            "是否专业投资者",
            sensitivity=C2,
        ),
        day(
            "extra_care_recorded_on",
            "Day from which the customer is recorded as needing extra care; null for none",
            "登记为需履行特别注意义务的日期",
            sensitivity=C2,
        ),
        day(
            "insurance_need_assessed_on",
            "Day of the latest assessment of insurance needs",
            "保险需求评估日期",
            sensitivity=C2,
        ),
    ),
)

CONSENTS = Canonical(
    name="consents",
    en="What processing of personal information customers agreed to, and when they withdrew it",
    zh="个人信息处理同意",
    dated_by="recorded_on",
    dated_else=("granted_on", "withdrawn_on"),
    required=("customer_id",),
    returned=("purpose", "granted_on"),
    columns=(
        CUSTOMER_ID,
        day(
            "recorded_on",
            "Day from which the record holds: that of the consent or of its withdrawal; null for "
            "the day of the consent",
            "记录生效日（同意日或撤回日；为空即同意日）",
        ),
        text(
            "purpose",
            "What for: profiling, marketing, credit or sharing with others; null of a withdrawal "
            "from all of them",
            "处理目的（画像、营销、信贷、对外提供；撤回记录为空即全部目的）",
            allowed=PURPOSES,
        ),
        text("channel", "Channel that it is limited to; null for any", "限定渠道"),
        day(
            "granted_on",
            "Day from which it holds; null only of what was withdrawn",
            "同意日期（仅撤回记录可为空）",
        ),
        day(
            "withdrawn_on",
            "Day from which it no longer holds; null while it does",
            "撤回日期",
            sentinels=("1900-01-01", "9999-12-31"),
        ),
        text(
            "basis",
            "What it rests on: consent of the customer's own or of a guardian, a contract or a law",
            "合法性基础（本人同意、监护人同意、合同、法定）",
            allowed=BASES,
        ),
    ),
)

REQUESTS = Canonical(
    name="requests",
    en="What customers asked to be done with their personal information",
    zh="个人信息权利请求",
    dated_by="requested_on",
    required=("customer_id", "kind", "requested_on"),
    columns=(
        CUSTOMER_ID,
        text(
            "kind",
            "What is asked for: access, correction, erasure, objection or portability",
            "请求类型（查阅、更正、删除、反对、转移）",
            allowed=REQUEST_KINDS,
        ),
        day("requested_on", "Day of the request", "请求日期"),
        text(
            "purpose",
            "Purpose that it is limited to; null for all",
            "限定的处理目的",
            allowed=PURPOSES,
        ),
        text("channel", "Channel that it is limited to; null for all", "限定渠道"),
    ),
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

PROSPECTS = Canonical(
    name="prospects",
    en="Who might become a customer, by what is known of them",
    zh="潜在客户",
    dated_by="recorded_on",
    ages=True,
    serves="marketing",
    undated_allowed=True,
    required=("prospect_id",),
    columns=(
        text("prospect_id", "Prospect identifier", "潜在客户编号", identifies=True),
        *(CUSTOMERS.column(name) for name in KNOWN_OF_PROSPECTS),
        category("source", "Where it came from, such as an event or a partner", "线索来源"),
        day(
            "marketing_agreed_on",
            "Day on which they agreed to be approached; null where no agreement is recorded",
            "同意接受营销日期（无记录为空）",
            sentinels=NO_DAY,
        ),
    ),
)

OF_PERSONS = (CUSTOMERS, PROSPECTS)
"""The tables of records of persons, which are cleaned alike."""

TABLES = (CUSTOMERS, CONSENTS, REQUESTS, PROSPECTS)
