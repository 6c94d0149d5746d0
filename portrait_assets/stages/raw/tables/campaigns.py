"""What customers are offered, by which contact, and what they answer."""

from __future__ import annotations

from portrait_assets.schema.columns import day, flag, money, share, text
from portrait_assets.schema.table import Column, Type
from portrait_assets.stages.raw.tables.canonical import (
    CAMPAIGN_ID,
    CHANNEL,
    CURRENCY,
    CUSTOMER_ID,
    NO_DAY,
    PRODUCT_ID,
    ROW_CURRENCY,
    Canonical,
    category,
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
        category("campaign_type", "Kind of campaign", "活动类型"),
        text("title", "Title", "活动名称"),
        day("started_on", "First day", "开始日期"),
        day("ended_on", "Last day", "结束日期", sentinels=NO_DAY),
        PRODUCT_ID,
        share(
            "control_share",
            "Share of its customers planned to be held out as control",
            "计划对照组占比",
            unit="share",
        ),
        money("budget", "What it may cost", "预算", minimum=0),
        money(
            "cost", "What it has cost altogether, contacts included", "总成本（含触达）", minimum=0
        ),
    ),
)

DELIVERY_STATUSES = ("delivered", "opened", "bounced", "refused", "unsubscribed")

CONTACTS = Canonical(
    name="contacts",
    en="Which customer a campaign reached",
    zh="活动触达",
    dated_by="contacted_on",
    ages=True,
    # An answer is counted from the contact before it.
    least_months=4,
    # Who unsubscribed, and what bounced, holds until a consent of a later day.
    ages_with=("delivery_status", ("", "delivered", "opened", "refused")),
    serves="marketing",
    required=("customer_id", "campaign_id", "contacted_on"),
    columns=(
        CUSTOMER_ID,
        CAMPAIGN_ID,
        day("contacted_on", "Day of the contact", "触达日期"),
        CHANNEL,
        flag("is_control", "Whether held out as control", "是否对照组"),
        money("cost", "What the contact cost", "触达成本", minimum=0),
        text(
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
    ages=True,
    serves="marketing",
    required=("customer_id", "campaign_id", "assigned_on"),
    keeps_count=True,
    columns=(
        CUSTOMER_ID,
        CAMPAIGN_ID,
        category("arm", "Arm: control for held out, any other name for contacted", "组别"),
        CHANNEL,
        day("assigned_on", "Day for which the contact is planned", "计划触达日期"),
    ),
)

RESPONSES = Canonical(
    name="responses",
    en="How customers answered a campaign",
    zh="活动响应",
    dated_by="responded_on",
    ages=True,
    serves="marketing",
    required=("customer_id", "campaign_id", "responded_on"),
    columns=(
        CUSTOMER_ID,
        CAMPAIGN_ID,
        day("responded_on", "Day of the response", "响应日期"),
        category("response", "What the customer did", "响应方式"),
        text("coupon_id", "Coupon redeemed", "优惠券编号"),
        PRODUCT_ID,
        Column("amount", Type.MONEY, "Amount of the response", "响应金额", unit=ROW_CURRENCY),
        CURRENCY,
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
        day("started_on", "First day of the span", "开始日期"),
        day("ended_on", "Last day of the span", "结束日期"),
        share(
            "display_share",
            "Share of stores and days with the product on display",
            "陈列促销占比",
            unit="share",
        ),
        share(
            "mailer_share",
            "Share of stores and days with the product in the mailer",
            "传单促销占比",
            unit="share",
        ),
    ),
)

TABLES = (CAMPAIGNS, CONTACTS, ASSIGNMENTS, RESPONSES, PROMOTIONS)
