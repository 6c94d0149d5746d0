"""The typed twins of the raw tables, who is who, and what was set aside."""

from __future__ import annotations

from dataclasses import replace

from portrait_assets.schema.table import (
    Column,
    Sensitivity,
    Severity,
    Table,
    Type,
)
from portrait_assets.stages.raw.contract import (
    CANONICAL,
    CUSTOMERS,
    SOURCE_FILE,
    SOURCE_ROW,
    Canonical,
)

SOURCE_CUSTOMER_ID = Column(
    "source_customer_id", Type.TEXT, "Identifier in the source", "源系统客户编号"
)


def cleaned_table(canonical: Canonical) -> Table:
    """The contract of cleaned.<name>: the canonical columns, typed, with where they came from."""
    columns = tuple(
        replace(column, nullable=column.name not in canonical.required)
        for column in canonical.columns
    )
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

IDENTITY_MAP = Table(
    schema="cleaned",
    name="identity_map",
    en="Which customer a source's record belongs to, from the month it was first seen",
    zh="客户身份映射",
    columns=(
        Column(
            "source_customer_id",
            Type.TEXT,
            "Identifier in the source",
            "源系统客户编号",
            nullable=False,
        ),
        Column("customer_id", Type.TEXT, "Customer", "客户编号", nullable=False),
        Column("valid_from", Type.DATE, "First day it holds", "生效日期", nullable=False),
        Column(
            "match_probability",
            Type.NUMBER,
            "Probability that the record is this customer's",
            "匹配概率",
            nullable=False,
            minimum=0,
            maximum=1,
        ),
        Column("evidence", Type.TEXT, "Why", "依据", nullable=False),
    ),
    key=("source_customer_id",),
    published=True,
)

CUSTOMER_ALIAS = Table(
    schema="cleaned",
    name="customer_alias",
    en="Customers that turned out to be another, and since when",
    zh="客户编号合并记录",
    columns=(
        Column("alias_id", Type.TEXT, "Identifier given up", "弃用编号", nullable=False),
        Column("customer_id", Type.TEXT, "Customer who it is", "保留编号", nullable=False),
        Column("valid_from", Type.DATE, "First day it holds", "生效日期", nullable=False),
        Column("evidence", Type.TEXT, "Why", "依据", nullable=False),
    ),
    key=("alias_id",),
    published=True,
)

GOLDEN_RECORD = Table(
    schema="cleaned",
    name="golden_record",
    en="The best record of each customer of whom a month has told something new",
    zh="客户黄金记录",
    columns=(
        *(replace(c, nullable=c.name != "customer_id") for c in CUSTOMERS.columns),
        Column(
            "origins",
            Type.TEXTS,
            "Where each value came from: attribute, file and row",
            "各字段来源",
            nullable=False,
        ),
    ),
    key=("customer_id",),
    published=True,
    private=tuple(c.name for c in CUSTOMERS.columns if c.sensitivity is Sensitivity.C3),
)


def _share_column(name: str, en: str, zh: str) -> Column:
    return Column(name, Type.NUMBER, en, zh, unit="share", minimum=0, maximum=1)


QUALITY = Table(
    schema="cleaned",
    name="quality",
    en="How good what was received is, per table and month",
    zh="数据质量汇总",
    columns=(
        Column("table_name", Type.TEXT, "Table", "表", nullable=False),
        Column("rows_received", Type.INTEGER, "Rows received", "接收行数", nullable=False),
        Column("rows_kept", Type.INTEGER, "Rows kept", "保留行数", nullable=False),
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

LINKAGE_MODEL = Table(
    schema="cleaned",
    name="linkage_model",
    en="What linkage learnt: made when there was none, or twice the records of the last",
    zh="记录关联模型",
    columns=(
        Column("records", Type.INTEGER, "Records learnt from", "训练记录数", nullable=False),
        Column("model", Type.TEXT, "Weights and settings, as JSON", "模型参数", nullable=False),
    ),
    key=("records",),
)

REJECTS = Table(
    schema="cleaned",
    name="rejects",
    en="Every value and row that was not taken as it came, and why",
    zh="剔除与修正记录",
    columns=(
        Column("table_name", Type.TEXT, "Table", "表", nullable=False),
        SOURCE_FILE,
        SOURCE_ROW,
        Column("column_name", Type.TEXT, "Column; null for a whole row", "字段"),
        Column("rule", Type.TEXT, "Rule that was broken", "规则", nullable=False),
        Column(
            "severity",
            Type.TEXT,
            "What was done: row, value, note or merged",
            "处理方式",
            nullable=False,
            allowed=tuple(Severity),
        ),
        Column("received", Type.TEXT, "Value as received, masked if personal", "原始值"),
    ),
    key=("table_name", "source_file", "source_row", "column_name", "rule"),
    published=True,
    private=("received",),
)
