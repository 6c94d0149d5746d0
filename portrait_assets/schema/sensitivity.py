"""A column's sensitivity class: the highest of what it is computed from, unless lowered.

Classes are those of JR/T 0171-2020. What lowers a class is an operation, such as a band, a count or
a share over many customers. There is a closed list of them, each declared once with what it lowers,
on which condition and why; columns and tags name the operation and never a class below their
inputs'.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from portrait_assets.core.cells import SMALLEST_CELL
from portrait_assets.schema.table import Column, Sensitivity, Table

_C1, _C2, _C3 = Sensitivity
_TO_C1 = {_C3: _C1, _C2: _C1}


@dataclass(frozen=True)
class Operation:
    """What is done to values, and the class of the result by the highest class of the inputs.

    A class that `lowers` does not name stays. `condition` is what must hold for it, in words;
    `least_customers` is checked where values are published, `most_values` and `is_ranked` of
    tags where they are declared.
    """

    name: str
    lowers: Mapping[Sensitivity, Sensitivity]
    en: str
    zh: str
    condition: str = "none"
    least_customers: int | None = None
    most_values: int | None = None
    is_ranked: bool = False

    def of(self, inputs: Sensitivity) -> Sensitivity:
        """The class of what the operation gives from inputs of at most this class."""
        return self.lowers.get(inputs, inputs)

    def __hash__(self) -> int:
        return hash(self.name)


YEARS = Operation(
    "years",
    {_C3: _C2},
    "full years are left of a day of birth",
    "仅保留周岁，不含出生日期",
)
IS_KNOWN = Operation(
    "is_known",
    _TO_C1,
    "whether a value is recorded is left of the value",
    "仅保留是否有记录，不含取值",
)
BAND = Operation(
    "band",
    {_C3: _C2, _C2: _C1},
    "one of a few bands is left of the value",
    "仅保留所属区间，不含取值",
    condition="a tag with at most 10 values",
    most_values=10,
)
COUNT = Operation(
    "count",
    {_C3: _C2, _C2: _C1},
    "how often something happened is left of what it was",
    "仅保留发生次数，不含内容",
)
RANK = Operation(
    "rank",
    {_C3: _C2, _C2: _C1},
    "the place among all customers is left of the value",
    "仅保留在全体客户中的位次，不含取值",
    condition="a rule that ranks all customers",
    is_ranked=True,
)
SEGMENT = Operation(
    "segment",
    {_C2: _C1},
    "the nearest of a few prototypes over many columns is left of all of them",
    "仅保留多列综合后最近的客群，不含各列取值",
    condition="inputs without C3",
)
PREDICTED = Operation(
    "predicted",
    {_C2: _C1},
    "the probability that a model gives to many columns together is left of all of them",
    "仅保留模型对多列综合得出的概率，不含各列取值",
    condition="inputs without C3",
)
SHARE = Operation(
    "share",
    _TO_C1,
    f"a number about groups of customers; a level of fewer than {SMALLEST_CELL} is pooled",
    f"仅为群体数值；不足{SMALLEST_CELL}名客户的取值合并为其他",
    condition=f"at least {SMALLEST_CELL} customers",
    least_customers=SMALLEST_CELL,
)
STATISTIC = Operation(
    "statistic",
    _TO_C1,
    "one number about the distribution over all customers, or a sentence on it",
    "仅为全体客户分布的统计量或相关说明",
    condition="all customers of a month",
)
CONFIDENCE = Operation(
    "confidence",
    {_C2: _C1},
    "how sure a value is, or since when it holds, is left of what decided it",
    "仅保留取值的置信度及判定时间，不含判定依据",
    condition="inputs without C3",
)
AGREEMENT = Operation(
    "agreement",
    _TO_C1,
    "which columns of two records agree, and how probably they are one person's, is left of them",
    "仅保留两条记录哪些字段一致及匹配概率，不含取值",
)
MASK = Operation(
    "mask",
    _TO_C1,
    "letters and digits of C2 are made alike, and C3 is left out",
    "C2中的字母和数字已掩码，C3不保留",
)
ROWS = Operation(
    "rows",
    _TO_C1,
    "how many rows there are, of which file or rule, is left of their values",
    "仅保留行数及其来源、规则，不含取值",
)
DECLARED = Operation(
    "declared",
    _TO_C1,
    "it states a name, a rule or a version as declared, and nothing of a customer",
    "仅为已声明的名称、规则或版本，不含客户信息",
)
CONSENT = Operation(
    "consent",
    _TO_C1,
    "whether something is allowed, since when and why, is left of records, requests and ages",
    "仅保留是否允许、起始日期及原因，不含依据的记录、请求与年龄",
)
SUITED = Operation(
    "suited",
    {_C3: _C2},
    "which products suit by stated rules is left of assessments, ages and balances",
    "仅保留按既定规则是否适当，不含测评、年龄与余额",
)
OPERATIONS = {
    each.name: each
    for each in (
        *(YEARS, IS_KNOWN, BAND, COUNT, RANK, SEGMENT, PREDICTED, SHARE, STATISTIC),
        CONFIDENCE,
        *(AGREEMENT, MASK, ROWS, DECLARED, CONSENT, SUITED),
    )
}
"""All operations that lower a class, by name."""

_ORDER = list(Sensitivity)


def highest(classes: Iterable[Sensitivity]) -> Sensitivity:
    """The highest of the classes; C1 where there is none."""
    return max(classes, default=_C1, key=_ORDER.index)


def derived(inputs: Iterable[Sensitivity], operation: Operation | None = None) -> Sensitivity:
    """The class of what is computed from inputs of these classes."""
    of_inputs = highest(inputs)
    return operation.of(of_inputs) if operation else of_inputs


def operation_of(table: Table, column: Column) -> Operation | None:
    """What gives the column: its own operation, or else that of its table."""
    return column.operation or table.operation


def too_low(
    table: Table, inputs: Callable[[Column], Iterable[Sensitivity]]
) -> Iterator[tuple[Column, Sensitivity]]:
    """The columns of a class below that of their inputs, without an operation that lowers so far.

    Args:
        table: its contract; the partition column and columns that identify are left out.
        inputs: gives the classes of what a column is computed from.

    Returns:
        Each such column with the class that it has to have at least.
    """
    for column in table.columns:
        if column.identifies:
            continue
        least = derived(inputs(column), operation_of(table, column))
        if _ORDER.index(column.sensitivity) < _ORDER.index(least):
            yield column, least
