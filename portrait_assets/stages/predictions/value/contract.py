"""The tables of customers' values: values, the methods beside one another, and their parameters."""

from __future__ import annotations

from dataclasses import replace

from portrait_assets.schema.columns import count, flag, integer, money, number, text
from portrait_assets.schema.sensitivity import DECLARED, PREDICTED, STATISTIC
from portrait_assets.schema.table import CUSTOMER_ID, month_end_table
from portrait_assets.stages.predictions.columns import CURRENCY_UNIT, HORIZON, WHY

METHODS = ("BG/NBD", "Pareto/NBD", "the last window repeats", "boosted trees")
"""Methods as `methods.lifetime` names them."""
BASES = ("purchases",)
"""What a value rests on."""
STATUSES = ("chosen", "not chosen", "unusable", "not judged")
PARTS = ("fit", "interval of purchases", "interval of spend")


_METHOD = text("method", "Method", "预测方法", nullable=False, operation=DECLARED)

CUSTOMER_VALUE = month_end_table(
    schema="predictions",
    name="customer_value",
    en="What each customer will probably buy and spend in the months ahead",
    zh="客户价值",
    operation=PREDICTED,
    columns=(
        CUSTOMER_ID,
        text("method", "Method", "预测方法", nullable=False, allowed=METHODS, operation=DECLARED),
        replace(HORIZON, en="Months after the month's end that the value is of"),
        text(
            "basis",
            "What it is computed from: purchases, so that value means spend",
            "价值依据（购买，即消费金额）",
            nullable=False,
            allowed=BASES,
            operation=DECLARED,
        ),
        CURRENCY_UNIT,
        number(
            "expected_purchases",
            "Days with a purchase to expect",
            "预期购买天数",
            nullable=False,
            unit="days",
            minimum=0,
        ),
        money(
            "expected_spend",
            "Spend to expect, net of what is given back; null where no amount is known",
            "预期消费金额（扣除退货，金额未知时为空）",
            minimum=0,
        ),
        integer(
            "low",
            "Low end: the purchases of 95 of 100 customers lie within",
            "购买天数区间下限（95%客户）",
            minimum=0,
        ),
        integer("high", "High end", "购买天数区间上限", minimum=0),
        money("spend_low", "Low end of the spend", "消费金额区间下限", minimum=0),
        money("spend_high", "High end of the spend", "消费金额区间上限", minimum=0),
        number(
            "p_alive",
            "Probability that the customer has not lapsed; null where no model could be fitted",
            "存活概率（无可用模型时为空）",
            minimum=0,
            maximum=1,
        ),
    ),
    key=("as_of", "customer_id", "basis"),
    published_as_enums=True,
)

_WINDOW = "judged in the newest window that was over when methods were compared"

VALUE_MODEL = month_end_table(
    schema="predictions",
    name="value_model",
    en="The methods of customers' values beside one another, and which was chosen",
    zh="客户价值方法比较",
    operation=STATISTIC,
    columns=(
        _METHOD,
        text(
            "status",
            "Whether it was chosen, or why not",
            "选用状态",
            nullable=False,
            allowed=STATUSES,
        ),
        *WHY,
        text("compared_in", "Month in which methods were compared and fitted", "比较与拟合月份"),
        number("log_likelihood", "Log-likelihood of the fit", "对数似然"),
        flag(
            "converged",
            "Whether the fit converged to parameters that are no boundary; null without a fit",
            "是否收敛且未退化（无拟合时为空）",
        ),
        count("fitted_on", "Customers that it was fitted on", "拟合客户数", nullable=True),
        text("judged_after", "Month at whose end that window begins", "评估窗口前的月份"),
        count("judged", "Customers judged in it", "评估客户数", nullable=True),
        number(
            "mean_absolute_error",
            f"Mean absolute error of purchases by customer, {_WINDOW}",
            "最近窗口平均绝对误差",
            minimum=0,
        ),
        number("total_bias", "Purchases expected of all / actual - 1", "最近窗口总量偏差"),
        number("spend_bias", "The same of spend", "最近窗口消费总额偏差"),
        number(
            "season_error",
            "Mean absolute error in the same season a year before",
            "去年同期平均绝对误差",
            minimum=0,
        ),
        number("season_bias", "Total bias in it", "去年同期总量偏差"),
        count("valued", "Customers valued by it in the month", "本月估值客户数", nullable=True),
    ),
    key=("as_of", "method"),
)

VALUE_PARAMETER = month_end_table(
    schema="predictions",
    name="value_parameter",
    en="The parameters that values are computed by until methods are compared again",
    zh="客户价值模型参数",
    operation=STATISTIC,
    columns=(
        _METHOD,
        text(
            "part",
            "Fit (times in weeks), or interval: errors by bins of the expectation",
            "组成部分",
            nullable=False,
            allowed=PARTS,
        ),
        text("key", "Parameter", "参数名", nullable=False),
        count("position", "Order", "次序"),
        number("value", "Its value", "参数值"),
        text("problem", "What is wrong with the fit", "拟合问题"),
    ),
    key=("as_of", "method", "part", "key", "position"),
)
