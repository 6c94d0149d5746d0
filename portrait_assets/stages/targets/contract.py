"""The tables of the targets stage, in the month that closes the window."""

from __future__ import annotations

from dataclasses import replace

from portrait_assets.schema.columns import integer, number, text
from portrait_assets.schema.sensitivity import DECLARED, highest
from portrait_assets.schema.table import CUSTOMER_ID, Column, Table
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.features.contract import (
    CUSTOMER_BALANCE_MONTH,
    CUSTOMER_CAMPAIGN_MONTH,
    CUSTOMER_CATEGORY_MONTH,
    CUSTOMER_MONTH,
)
from portrait_assets.stages.targets.declared.outcome import LONGEST_HORIZON, Fact
from portrait_assets.stages.targets.declared.outcomes import FACTS, TAKEN

_BASE_MONTH = text(
    "base_month",
    "Month, as YYYY-MM, after whose end the window begins",
    "基准月份",
    nullable=False,
    operation=DECLARED,
)
_HORIZON = integer(
    "horizon",
    "Months from the base month to the one that closes the window",
    "观察期",
    nullable=False,
    unit="months",
    minimum=1,
    maximum=LONGEST_HORIZON,
    operation=DECLARED,
)


def _column(fact: Fact, months: Table) -> Column:
    """The fact's column, of the class of what it is added up from."""
    inputs = (column for column in months.columns if column.name in fact.words)
    return replace(fact.column, sensitivity=highest(column.sensitivity for column in inputs))


def _columns(months: Table) -> tuple[Column, ...]:
    return tuple(_column(fact, months) for fact in FACTS if fact.of == months.name)


TARGET = Table(
    schema="targets",
    name="target",
    en="What each customer did in the window that the month closes; without a row, nothing",
    zh="目标变量：客户在观察期内的行为（无记录即无行为）",
    columns=(_BASE_MONTH, _HORIZON, CUSTOMER_ID, *_columns(CUSTOMER_MONTH)),
    key=("month", "horizon", "customer_id"),
)

BALANCE_TARGET = Table(
    schema="targets",
    name="balance_target",
    en="What each customer owed in the window that the month closes; without a row, not known",
    zh="目标变量：客户在观察期内的负债与逾期（无记录即未知）",
    columns=(_BASE_MONTH, _HORIZON, CUSTOMER_ID, *_columns(CUSTOMER_BALANCE_MONTH)),
    key=("month", "horizon", "customer_id"),
)

CAMPAIGN_TARGET = Table(
    schema="targets",
    name="campaign_target",
    en="Contacts and responses of each customer by kind of campaign in the window",
    zh="目标变量：客户在观察期内分活动类型的触达与响应",
    columns=(
        _BASE_MONTH,
        _HORIZON,
        CUSTOMER_ID,
        CUSTOMER_CAMPAIGN_MONTH.column("campaign_type"),
        *_columns(CUSTOMER_CAMPAIGN_MONTH),
    ),
    key=("month", "horizon", "customer_id", "campaign_type"),
)

PRODUCT_TARGET = Table(
    schema="targets",
    name="product_target",
    en="Categories of product that a customer took in the window and had not before",
    zh="目标变量：客户在观察期内新增的产品类别",
    columns=(
        _BASE_MONTH,
        _HORIZON,
        CUSTOMER_ID,
        replace(
            CUSTOMER_CATEGORY_MONTH.column("category"),
            nullable=False,
            sensitivity=highest(
                column.sensitivity
                for column in (
                    CLEANED["products"].column("category"),
                    CLEANED["balances"].column("product_id"),
                    CUSTOMER_CATEGORY_MONTH.column("category"),
                )
            ),
        ),
    ),
    key=("month", "horizon", "customer_id", "category"),
)

SOURCE_OUTCOME = Table(
    schema="targets",
    name="source_outcome",
    en="Outcomes that the source reported in the window that the month closes",
    zh="目标变量：数据源在观察期内报告的结果",
    columns=(
        _BASE_MONTH,
        _HORIZON,
        CUSTOMER_ID,
        text(
            "outcome",
            "Which outcome, as the source names it",
            "结果类型",
            nullable=False,
            sensitivity=CLEANED["outcomes"].column("outcome").sensitivity,
        ),
        number(
            "value",
            "Greatest value reported; 1 and 0 for yes and no",
            "结果值",
            nullable=False,
            sensitivity=CLEANED["outcomes"].column("value").sensitivity,
        ),
    ),
    key=("month", "horizon", "customer_id", "outcome"),
)

STORED = {
    CUSTOMER_MONTH.name: TARGET,
    CUSTOMER_BALANCE_MONTH.name: BALANCE_TARGET,
    CUSTOMER_CAMPAIGN_MONTH.name: CAMPAIGN_TARGET,
    TAKEN.of: PRODUCT_TARGET,
}
"""The table that facts are stored in, by what they are of."""
