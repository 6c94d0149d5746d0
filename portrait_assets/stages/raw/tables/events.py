"""What else happens: with customers, in the market, and how it turns out."""

from __future__ import annotations

from portrait_assets.schema.columns import SOURCE_CURRENCY, day, number, text
from portrait_assets.schema.table import Column, Type
from portrait_assets.stages.raw.tables.canonical import (
    C3,
    CHANNEL,
    CURRENCY,
    CUSTOMER_ID,
    PRODUCT_ID,
    REGION,
    STORE_ID,
    Canonical,
    category,
)

INTERACTIONS = Canonical(
    name="interactions",
    en="Feedback and journeys: surveys, complaints, visits, posts",
    zh="客户互动与反馈",
    dated_by="occurred_at",
    ages=True,
    serves="profiling",
    required=("customer_id", "occurred_at", "kind"),
    columns=(
        CUSTOMER_ID,
        Column("occurred_at", Type.TIMESTAMP, "When it happened, local time", "发生时间"),
        category("kind", "survey, complaint, note, post, visit or another", "互动类型"),
        CHANNEL,
        REGION,
        STORE_ID,
        text("journey_id", "Journey that the step or the complaint belongs to", "旅程编号"),
        category("step", "Step of the journey", "旅程步骤"),
        text(
            "outcome",
            "How the journey ended, in its last row: completed or abandoned",
            "旅程结果（仅末行：completed 完成、abandoned 放弃）",
            allowed=("completed", "abandoned"),
        ),
        number("score", "Score given, on the source's scale", "评分"),
        text("content", "Text", "内容", sensitivity=C3),
    ),
)

MARKET = Canonical(
    name="market",
    en="What the market did: rates, prices, promotions",
    zh="市场指标",
    dated_by="observed_on",
    required=("indicator", "observed_on", "value"),
    columns=(
        category("indicator", "Indicator", "指标"),
        day("observed_on", "Day observed", "观测日期"),
        number("value", "Value, in the indicator's unit", "指标值"),
        PRODUCT_ID,
        STORE_ID,
        category("competitor", "Competitor that it was observed of; null for none", "竞争机构"),
        category("product_class", "Class of products that it is about", "产品类别"),
    ),
)

OUTCOMES = Canonical(
    name="outcomes",
    en="What is to be predicted, as it turned out",
    zh="结果",
    dated_by="observed_on",
    ages=True,
    # What came of a month is looked for in up to twelve after it.
    least_months=13,
    serves="profiling",
    required=("customer_id", "outcome", "observed_on"),
    columns=(
        CUSTOMER_ID,
        category("outcome", "Which outcome, such as default or attrition", "结果类型"),
        day("observed_on", "Day it was known", "确认日期"),
        number("value", "Value; 1 and 0 for yes and no", "结果值"),
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
        day("quoted_on", "Day from which the rate holds, up to the next", "生效日期"),
        number("rate", "Worth of one unit", "汇率", unit=SOURCE_CURRENCY, minimum=0),
    ),
)

TABLES = (INTERACTIONS, MARKET, OUTCOMES, EXCHANGE_RATES)
