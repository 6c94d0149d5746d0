"""Monthly aggregates per customer: what each counts of a month's events, and how it adds up.

Declared once: the tables' columns, the SQL that fills them, what becomes of the rows of two
customers who turn out to be one person, and sums over a window of months all come from here.
"""

from __future__ import annotations

from portrait_assets.schema.table import MONEY_FACTOR, Column, Type
from portrait_assets.stages.features.monthly.aggregate import (
    Adds,
    Aggregate,
    circle,
    count,
    least,
    money,
    money_held,
    money_where,
    most,
    number,
)

DAY_PARTS = {"night": (0, 5), "morning": (6, 11), "afternoon": (12, 17), "evening": (18, 23)}
"""First and last hour of each part of the day."""
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
PRICE_MOVED = 0.05
"""A price is cheaper or dearer than usual from this relative difference on."""

CUSTOMER_MONTH: tuple[Aggregate, ...] = (
    number(
        "purchases",
        "Purchases: lines of one basket_id, and lines without one",
        "购买次数",
        "count(days)",
    ),
    number("lines", "Transaction lines", "交易行数", "count(occurred_at)"),
    number(
        "purchase_days",
        "Days with a purchase",
        "有购买的天数",
        "coalesce(bit_count(bit_or(days)), 0)",
        "days",
    ),
    money("amount", "Amount paid", "消费金额", "amount"),
    number("tickets", "Purchases of a known amount", "金额已知的购买次数", "count(ticket)"),
    money("ticket_amount", "Amount of purchases", "购买金额", "ticket"),
    Aggregate(
        Column(
            "ticket_squares",
            Type.SQUARE,
            "Sum of squared amounts of purchases",
            "客单金额平方和",
            nullable=False,
            unit="currency of the source, squared",
        ),
        f"coalesce(sum(CAST(ticket AS {MONEY_FACTOR}) * CAST(ticket AS {Type.MONEY})), 0)",
    ),
    least("smallest_ticket", Type.MONEY, "Smallest purchase", "最小客单金额", "ticket"),
    most("largest_ticket", Type.MONEY, "Largest purchase", "最大客单金额", "ticket"),
    least("first_at", Type.TIMESTAMP, "First purchase, local time", "首笔时间", "from_at"),
    most("last_at", Type.TIMESTAMP, "Last purchase, local time", "末笔时间", "until_at"),
    count("returned_lines", "Lines that give back", "退货（退款）行数", "gives_back"),
    money_where(
        "returned_amount", "Amount given back", "退货（退款）金额", "gives_back", "-amount"
    ),
    money("discount_amount", "Discount received", "优惠金额", "discount_amount"),
    count("discounted_lines", "Lines with a discount", "折扣行数", "discount_amount > 0"),
    money_where(
        "discounted_amount",
        "Amount paid on discounted lines",
        "折扣消费金额",
        "discount_amount > 0",
    ),
    number(
        "branded_lines",
        "Lines of which it is known whether own label",
        "已知品牌行数",
        "count(is_own_label)",
    ),
    money_where(
        "branded_amount", "Amount paid on those lines", "已知品牌金额", "is_own_label IS NOT NULL"
    ),
    money_where(
        "own_label_amount", "Amount paid for own-label products", "自有品牌金额", "is_own_label"
    ),
    money_where("weekend_amount", "Amount paid on Saturday and Sunday", "周末金额", "weekday >= 6"),
    money_where("evening_amount", "Amount paid from 18:00 on", "晚间金额", "hour_of_day >= 18"),
    *(
        count(
            f"{name}_lines",
            f"Lines from {first:02}:00 to {last:02}:59",
            f"{zh}行数",
            f"hour_of_day BETWEEN {first} AND {last}",
        )
        for (name, (first, last)), zh in zip(
            DAY_PARTS.items(), ("凌晨", "上午", "下午", "晚间"), strict=True
        )
    ),
    circle(
        "hour_x",
        "Sum over lines of the cosine of the hour on a 24-hour circle",
        "小时圆周余弦和",
        "cos",
    ),
    circle(
        "hour_y",
        "Sum over lines of the sine of the hour on a 24-hour circle",
        "小时圆周正弦和",
        "sin",
    ),
    *(
        count(
            f"{name}_lines",
            f"Lines on {name.capitalize()}",
            f"星期{'一二三四五六日'[n - 1]}行数",
            f"weekday = {n}",
        )
        for n, name in enumerate(WEEKDAYS, 1)
    ),
    count(
        "digital_lines", "Lines through app, web and the like", "数字渠道行数", "channel_kind = 1"
    ),
    count("branch_lines", "Lines in a branch or shop", "网点（门店）行数", "channel_kind = 2"),
    count(
        "self_service_lines", "Lines at machines and terminals", "自助渠道行数", "channel_kind = 3"
    ),
    count("phone_lines", "Lines by telephone", "电话渠道行数", "channel_kind = 4"),
    number(
        "priced_lines", "Lines with a unit price in a category", "可比价行数", "count(usual_cost)"
    ),
    money_where(
        "priced_amount", "Amount paid on those lines", "可比价金额", "usual_cost IS NOT NULL"
    ),
    money(
        "usual_cost",
        "What they cost at the category's average price",
        "按类别均价计金额",
        "usual_cost",
    ),
    count(
        "cheaper_lines",
        "Lines 5 % or more below the product's usual price",
        "低于常价行数",
        f"price_difference <= -{PRICE_MOVED}",
    ),
    count(
        "dearer_lines",
        "Lines 5 % or more above the product's usual price",
        "高于常价行数",
        f"price_difference >= {PRICE_MOVED}",
    ),
    number(
        "dated_product_lines",
        "Lines of products with a day of launch",
        "有上市日产品行数",
        "count(is_new)",
    ),
    count("new_product_lines", "Lines within 182 days of the launch", "新品行数", "is_new"),
    count(
        "promotable_lines",
        "Lines of products promoted somewhere",
        "有促销产品行数",
        "display_odds IS NOT NULL OR mailer_odds IS NOT NULL",
    ),
    count(
        "display_lines",
        "Of these, bought while on display there",
        "陈列促销行数",
        "display_odds IS NOT NULL AND is_on_display",
    ),
    count(
        "mailer_lines",
        "Of these, bought while in the mailer there",
        "传单促销行数",
        "mailer_odds IS NOT NULL AND is_in_mailer",
    ),
    money_where(
        "promoted_amount",
        "Amount paid while on display or in the mailer",
        "促销期间金额",
        "is_on_display OR is_in_mailer",
    ),
    number(
        "display_odds",
        "Display lines to expect if display had no effect",
        "陈列促销期望行数",
        "coalesce(sum(display_odds), 0)",
        "millionths of a line",
    ),
    number(
        "mailer_odds",
        "Mailer lines to expect if the mailer had no effect",
        "传单促销期望行数",
        "coalesce(sum(mailer_odds), 0)",
        "millionths of a line",
    ),
    count("complaints", "Complaints", "投诉次数", "kind = 'complaint'"),
    count(
        "surveys",
        "Survey answers with a score",
        "问卷评分次数",
        "kind = 'survey' AND score IS NOT NULL",
    ),
    Aggregate(
        Column(
            "survey_points",
            Type.QUANTITY,
            "Sum of the scores given",
            "问卷评分合计",
            nullable=False,
            unit="points on the source's scale",
        ),
        "coalesce(sum(CASE WHEN kind = 'survey' THEN score END), 0)",
    ),
    count("visits", "Steps of visits", "访问步骤数", "kind = 'visit'"),
    count("contacts", "Campaign contacts, control group left out", "触达次数", "of = 'contact'"),
    count("responses", "Campaign responses", "响应次数", "of = 'response'"),
)
"""Over the rows that `monthly.EVENT` gives: lines, baskets, interactions, contacts, responses."""

CUSTOMER_CATEGORY_MONTH: tuple[Aggregate, ...] = (
    Aggregate(Column("category", Type.TEXT, "Category", "类别"), "category", Adds.ANY),
    Aggregate(Column("brand", Type.TEXT, "Brand or maker", "品牌"), "brand", Adds.ANY),
    number("lines", "Lines bought", "购买行数", "count(CASE WHEN NOT gives_back THEN 1 END)"),
    money("amount", "Amount paid", "消费金额", "amount"),
)

CUSTOMER_CAMPAIGN_MONTH: tuple[Aggregate, ...] = (
    number(
        "contacts", "Contacts, control group left out", "触达次数", "coalesce(sum(contacts), 0)"
    ),
    number("responses", "Responses", "响应次数", "coalesce(sum(responses), 0)"),
    number(
        "responded_contacts",
        "Contacted campaigns first responded to",
        "响应活动数",
        "coalesce(sum(responded), 0)",
    ),
    number(
        "lag_days",
        "Days from contact to first response, summed",
        "响应时滞合计",
        "coalesce(sum(CASE WHEN responded = 1 THEN lag_days END), 0)",
        "days",
    ),
    most("last_response_on", Type.DATE, "Last response", "末次响应日", "last_on"),
)

CUSTOMER_BALANCE_MONTH: tuple[Aggregate, ...] = (
    number("accounts", "Accounts", "账户数", "count(*)"),
    number("products", "Different products", "产品数", "count(DISTINCT product_id)"),
    money_where(
        "balance",
        "Balance of accounts without a credit limit",
        "资产余额",
        "credit_limit IS NULL",
        "balance",
    ),
    money_where(
        "owed",
        "Balance of accounts with a credit limit",
        "负债余额",
        "credit_limit IS NOT NULL",
        "balance",
    ),
    money("credit_limit", "Credit limits", "授信额度", "credit_limit"),
    Aggregate(
        Column(
            "days_past_due",
            Type.INTEGER,
            "Most days past due",
            "最长逾期天数",
            unit="days",
            minimum=0,
        ),
        "max(days_past_due)",
        Adds.MOST,
    ),
    Aggregate(
        Column(
            "highest_utilisation",
            Type.NUMBER,
            "Highest balance / credit limit of an account",
            "单账户最高额度使用率",
            unit="times",
        ),
        "max(CASE WHEN credit_limit > 0 THEN "
        "round(CAST(balance AS DOUBLE) / CAST(credit_limit AS DOUBLE), 6) END)",
        Adds.MOST,
    ),
    number(
        "graded_accounts",
        "Accounts whose product has a risk grade",
        "有风险等级账户数",
        "count(grade)",
    ),
    money_where(
        "graded_balance",
        "Balance of those accounts",
        "有风险等级余额",
        "grade IS NOT NULL",
        "balance",
    ),
    money("risk_points", "Sum of balance x risk grade", "风险加权余额", "balance * grade"),
    money_held(
        "demand_balance",
        "Balance on demand: of products without a term, a credit limit and a risk grade above the "
        "lowest",
        "活期余额",
        "is_on_demand",
        "balance",
    ),
    money_held(
        "revolving_owed",
        "Balance of accounts with a credit limit whose product has no term",
        "循环授信欠款",
        "is_revolving",
        "balance",
    ),
    money_held(
        "revolving_limit",
        "Credit limits of accounts with a credit limit whose product has no term",
        "循环授信额度",
        "is_revolving",
        "credit_limit",
    ),
)
