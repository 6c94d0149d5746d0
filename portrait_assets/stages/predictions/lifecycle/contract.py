"""The tables of the life cycle: spells in stages, and stages beside what customers did next."""

from __future__ import annotations

from portrait_assets.schema.columns import count, day, number, text
from portrait_assets.schema.resting import Resting
from portrait_assets.schema.sensitivity import DECLARED, PREDICTED, SHARE
from portrait_assets.schema.table import CUSTOMER_ID, month_end_table

STAGES = ("introduction", "growth", "maturity", "dormancy", "churn")
BASES = ("predictions", "gaps")
MEASURES = ("log loss", "auc")
VERDICTS = ("better", "not surely better", "worse", "not judged")

LIFECYCLE_STAGE = month_end_table(
    schema="predictions",
    name="lifecycle_stage",
    en="The stage of the life cycle that each customer is in, and the one that was left this month",
    zh="客户生命周期阶段（含当月离开的阶段）",
    operation=PREDICTED,
    columns=(
        CUSTOMER_ID,
        text(
            "stage",
            "Introduction, growth, maturity, dormancy or churn",
            "阶段（导入、成长、成熟、沉睡、流失）",
            nullable=False,
            allowed=STAGES,
        ),
        day(
            "entered_on",
            "Month end at which the customer was first found in it, or the day of joining; null "
            "where that was before the first month",
            "进入日期（首月之前已进入时为空）",
        ),
        day(
            "left_on",
            "Month end at which the customer was found in another; null while in it",
            "离开日期（仍处于该阶段时为空）",
        ),
        text(
            "basis",
            "Whether it rests on a predicted probability and the gap since the last purchase, or "
            "while none is known on the gap alone",
            "判定依据（预测概率与购买间隔，或仅购买间隔）",
            nullable=False,
            allowed=BASES,
            operation=DECLARED,
        ),
    ),
    key=("as_of", "customer_id", "stage"),
    published_as_enums=True,
)

LIFECYCLE_BACKTEST = month_end_table(
    schema="predictions",
    name="lifecycle_backtest",
    en="How well stages predicted the window that the month closes, beside stages by rules",
    zh="生命周期阶段回测（与规则阶段对比）",
    operation=SHARE,
    columns=(
        text(
            "measure",
            "Log loss of silence, purchase and high spend, less is better; or area under the curve "
            "of silence, more is better",
            "指标（三类结果的对数损失，越小越好；或沉默的AUC，越大越好）",
            nullable=False,
            allowed=MEASURES,
            operation=DECLARED,
        ),
        text(
            "base_month",
            "Month at whose end customers were in the stages",
            "基准月份",
            nullable=False,
            operation=DECLARED,
        ),
        count("customers", "Customers of whom the outcome is known", "结果已知客户数"),
        count("silent", "Those who were silent", "沉默客户数"),
        number("value", "The measure of the stages", "阶段指标值"),
        number("rule_value", "The measure of stages by rules", "规则阶段指标值"),
        number("gain", "By how much the stages are better", "优于规则阶段的幅度"),
        number("gain_low", "Low end of its 95 % interval", "幅度区间下限"),
        number("gain_high", "High end of the interval", "幅度区间上限"),
        text(
            "verdict",
            "Beside the stages by rules: better, not surely better, worse, or not judged",
            "与规则阶段相比的结论",
            nullable=False,
            allowed=VERDICTS,
        ),
    ),
    key=("as_of", "measure"),
    resting=Resting.ENOUGH,
)
