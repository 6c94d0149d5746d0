"""The tables of the values of contracts, where a source has balances and margins of products."""

from __future__ import annotations

from dataclasses import replace

from portrait_assets.schema.columns import (
    SOURCE_CURRENCY,
    count,
    integer,
    money,
    number,
    share,
    text,
)
from portrait_assets.schema.resting import Resting
from portrait_assets.schema.sensitivity import DECLARED, PREDICTED, STATISTIC
from portrait_assets.schema.table import CUSTOMER_ID, month_end_table
from portrait_assets.stages.predictions.columns import CURRENCY_UNIT, HORIZON

_CATEGORY = text(
    "category", "Category of the products", "产品类别", nullable=False, operation=DECLARED
)

CONTRACT_VALUE = month_end_table(
    schema="predictions",
    name="contract_value",
    en="What the contracts of each customer will probably earn in the months ahead",
    zh="客户合约价值",
    operation=PREDICTED,
    columns=(
        CUSTOMER_ID,
        replace(HORIZON, en="Months after the month's end that the value is of"),
        CURRENCY_UNIT,
        count(
            "contracts", "Accounts with a balance and a known margin", "有余额且利润率已知账户数"
        ),
        money(
            "balance", "Their balances, debts too, without a sign", "余额合计（含负债，取绝对值）"
        ),
        money(
            "expected_margin",
            "Margin to expect: chance to be there x balance x yearly margin / 12, by month",
            "预期利润（存续概率×余额×年利润率/12，逐月）",
        ),
    ),
    key=("as_of", "customer_id"),
    published_as_enums=True,
)

CONTRACT_MODEL = month_end_table(
    schema="predictions",
    name="contract_model",
    en="How contracts of each category end, and what was expected of them in the newest window",
    zh="合约存续与回测",
    operation=STATISTIC,
    columns=(
        _CATEGORY,
        count("contracts", "Contracts that were ever observed", "曾观察合约数"),
        count("ended", "Of these, no longer there", "已终止合约数"),
        money("expected_margin", "Margin expected of all in the horizon", "预测期预期利润合计"),
        text("judged_after", "Month at whose end that window begins", "评估窗口前的月份"),
        integer("judged", "Contracts judged in it", "评估合约数", minimum=0),
        money("judged_expected", "Margin that was expected of them", "评估期预期利润", True),
        money("judged_actual", "Margin that they earned", "评估期实际利润", True),
        number(
            "mean_absolute_error",
            "Mean absolute error of the margin by contract",
            "单合约利润平均绝对误差",
            unit=SOURCE_CURRENCY,
            minimum=0,
        ),
        number("total_bias", "Expected / actual margin - 1", "利润总额偏差"),
    ),
    key=("as_of", "category"),
    resting=Resting.ENOUGH,
    counts=("contracts",),
)

CONTRACT_HAZARD = month_end_table(
    schema="predictions",
    name="contract_hazard",
    en="Chance that a contract ends in a month, by how many months it has lasted",
    zh="按合约时长的终止率",
    operation=STATISTIC,
    columns=(
        _CATEGORY,
        count(
            "tenure",
            "Whole months so far; the last row of a category is of all later ones too",
            "已存续整月数（各类别末行含其后各月）",
        ),
        share("hazard", "Chance", "终止率", nullable=False),
    ),
    key=("as_of", "category", "tenure"),
    resting=Resting.ENOUGH,
)
