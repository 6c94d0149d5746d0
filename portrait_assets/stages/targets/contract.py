"""The tables of the targets stage, in the month that closes the window."""

from __future__ import annotations

from dataclasses import replace

from portrait_assets.schema.sensitivity import DECLARED, highest
from portrait_assets.schema.table import CUSTOMER_ID, Column, Table, Type
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.features.contract import CUSTOMER_MONTH
from portrait_assets.stages.targets.outcomes import FACTS, Fact

HORIZONS = (1, 2, 3)
"""The lengths of the windows in months."""

_BASE_MONTH = Column(
    "base_month",
    Type.TEXT,
    "Month, as YYYY-MM, after whose end the window begins",
    "基准月份",
    nullable=False,
    operation=DECLARED,
)
_HORIZON = Column(
    "horizon",
    Type.INTEGER,
    "Months from the base month to the one that closes the window",
    "观察期",
    nullable=False,
    unit="months",
    minimum=min(HORIZONS),
    maximum=max(HORIZONS),
    operation=DECLARED,
)


def _column(fact: Fact) -> Column:
    """The fact's column, of the class of what it is added up from."""
    inputs = (column for column in CUSTOMER_MONTH.columns if column.name in fact.words)
    return replace(fact.column, sensitivity=highest(column.sensitivity for column in inputs))


TARGET = Table(
    schema="targets",
    name="target",
    en="What each customer did in the window that the month closes; without a row, nothing",
    zh="目标变量：客户在观察期内的行为（无记录即无行为）",
    columns=(_BASE_MONTH, _HORIZON, CUSTOMER_ID, *map(_column, FACTS)),
    key=("month", "horizon", "customer_id"),
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
        Column(
            "outcome",
            Type.TEXT,
            "Which outcome, as the source names it",
            "结果类型",
            nullable=False,
            sensitivity=CLEANED["outcomes"].column("outcome").sensitivity,
        ),
        Column(
            "value",
            Type.NUMBER,
            "Greatest value reported; 1 and 0 for yes and no",
            "结果值",
            nullable=False,
            sensitivity=CLEANED["outcomes"].column("value").sensitivity,
        ),
    ),
    key=("month", "horizon", "customer_id", "outcome"),
)
