"""The typed twins of the raw tables, the best record of each customer, and what was set aside."""

from __future__ import annotations

from dataclasses import replace

from portrait_assets.schema.columns import SOURCE_CURRENCY, integer, required, share, text, texts
from portrait_assets.schema.sensitivity import MASK, ROWS
from portrait_assets.schema.table import Column, Sensitivity, Severity, Table
from portrait_assets.stages.identity.contract import SOURCE_CUSTOMER_ID
from portrait_assets.stages.raw.contract import CANONICAL
from portrait_assets.stages.raw.tables.canonical import SOURCE_FILE, SOURCE_ROW, Canonical
from portrait_assets.stages.raw.tables.persons import CUSTOMERS

_text = required(text)


def original(column: Column) -> Column:
    """The column that keeps an amount as the row states it, where it is in another currency."""
    return replace(
        column,
        name=f"{column.name}_original",
        en=f"{column.en}, before conversion; null in the source's currency",
        zh=f"{column.zh}（原币；本位币为空）",
    )


def cleaned_table(canonical: Canonical) -> Table:
    """The contract of cleaned.<name>: the canonical columns, typed, with where they came from.

    Amounts are in the source's currency, and null where they could not be converted.
    """
    money = canonical.in_row_currency
    columns = tuple(
        replace(column, unit=SOURCE_CURRENCY)
        if column in money
        else replace(column, nullable=column.name not in canonical.required)
        for column in canonical.columns
    ) + tuple(map(original, money))
    if canonical is CUSTOMERS:
        columns = (*columns, SOURCE_CUSTOMER_ID)
    return Table(
        schema="cleaned",
        name=canonical.name,
        en=canonical.en,
        zh=canonical.zh,
        columns=(*columns, SOURCE_FILE, SOURCE_ROW),
        key=("source_file", "source_row"),
        published=canonical.name == "customers",
        private=tuple(c.name for c in columns if c.sensitivity is Sensitivity.C3),
    )


CLEANED: dict[str, Table] = {canonical.name: cleaned_table(canonical) for canonical in CANONICAL}

GOLDEN_RECORD = Table(
    schema="cleaned",
    name="golden_record",
    en="The best record of each customer with new data in the month",
    zh="客户黄金记录",
    columns=(
        *(replace(c, nullable=c.name != "customer_id") for c in CUSTOMERS.columns),
        texts(
            "origins",
            "Where each value came from: attribute, file and row",
            "各字段来源",
            nullable=False,
            traces=True,
            operation=ROWS,
        ),
    ),
    key=("customer_id",),
    published=True,
    private=tuple(c.name for c in CUSTOMERS.columns if c.sensitivity is Sensitivity.C3),
)


def _share_column(name: str, en: str, zh: str) -> Column:
    return share(name, en, zh, unit="share")


QUALITY = Table(
    schema="cleaned",
    name="quality",
    en="How good what was received is, per table and month",
    zh="数据质量汇总",
    operation=ROWS,
    columns=(
        _text("table_name", "Table", "表"),
        integer("rows_received", "Rows received", "接收行数", nullable=False),
        integer("rows_kept", "Rows kept", "保留行数", nullable=False),
        _share_column(
            "completeness", "Values filled, of the columns that the source has", "完整性"
        ),
        _share_column("validity", "Rows without a value that breaks a rule of its own", "有效性"),
        _share_column("uniqueness", "Rows that say something no other row says", "唯一性"),
        _share_column("timeliness", "Rows that stand in the month they are dated in", "及时性"),
        _share_column("consistency", "Rows whose values agree with one another", "一致性"),
    ),
    key=("table_name",),
    published=True,
)

REJECTS = Table(
    schema="cleaned",
    name="rejects",
    en="Every value and row that was not taken as it came, and why",
    zh="剔除与修正记录",
    operation=ROWS,
    columns=(
        _text("table_name", "Table", "表"),
        SOURCE_FILE,
        SOURCE_ROW,
        text("column_name", "Column; null for a whole row", "字段"),
        _text("rule", "Rule that was broken", "规则"),
        _text(
            "severity",
            "What was done: row, value, note, merged or unplaced",
            "处理方式",
            allowed=tuple(Severity),
        ),
        text("received", "Value as received, masked if personal", "原始值", operation=MASK),
    ),
    key=("table_name", "source_file", "source_row", "column_name", "rule"),
    published=True,
    private=("received",),
)
