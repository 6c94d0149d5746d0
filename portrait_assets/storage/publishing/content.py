"""What a published file is to have: tables by their contracts, and what stands for customers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from portrait_assets.schema.columns import integer, required, text
from portrait_assets.schema.sensitivity import DECLARED, ROWS
from portrait_assets.schema.table import Column, Table, Type
from portrait_assets.storage.duckdb.connection import literals
from portrait_assets.storage.duckdb.tables import column_types
from portrait_assets.storage.publishing.pseudonymizing import Pseudonyms, as_pseudonymized

_text = required(text)

PUBLICATION = Table(
    schema="mart",
    name="publication",
    en="When and from which run this file was made",
    zh="发布信息",
    operation=DECLARED,
    columns=(
        _text("source", "Source", "数据源"),
        text("first_month", "First month published", "首月"),
        text("last_month", "Last month published", "末月"),
        _text("run_id", "Run that published", "运行编号"),
        Column("published_at", Type.TIMESTAMP, "When, in UTC", "发布时间（UTC）", nullable=False),
        text(
            "pseudonym_key",
            "Fingerprint of the key of the pseudonyms that it has for customers; null where it has "
            "the source's own identifiers",
            "假名密钥指纹（沿用数据源客户编号时为空）",
        ),
    ),
    partition_by=None,
    published=True,
)

TABLE_ROWS = Table(
    schema="mart",
    name="table_rows",
    en="Rows of every table of the warehouse by month, and when they were made",
    zh="各表各月行数",
    operation=ROWS,
    columns=(
        _text("table_name", "Table", "表"),
        _text("month", "Month", "月份"),
        integer("row_count", "Rows", "行数", nullable=False),
        _text("run_id", "Run that wrote them", "运行编号"),
        Column("made_at", Type.TIMESTAMP, "When, in UTC", "生成时间（UTC）", nullable=False),
        Column(
            "changed_at",
            Type.TIMESTAMP,
            "When the rows last changed, in UTC",
            "内容变更时间（UTC）",
            nullable=False,
        ),
    ),
    partition_by=None,
    published=True,
)


@dataclass(frozen=True)
class Extract:
    """A table that only the file has: what the SELECT gives in the warehouse as it is published.

    It stands for tables of the warehouse that it `reads` and that are not published.
    """

    table: Table
    sql: str
    reads: tuple[Table, ...]


@dataclass(frozen=True)
class Content:
    """What a file is to have: its tables by their contracts there, and what stands for customers.

    Without pseudonyms it has their identifiers.
    """

    tables: tuple[Table, ...]
    extracts: tuple[Extract, ...]
    pseudonyms: Pseudonyms | None

    @classmethod
    def of(
        cls,
        tables: Iterable[Table],
        extracts: Iterable[Extract],
        pseudonyms: Pseudonyms | None,
    ) -> Content:
        """The content of a file published from these tables of a warehouse."""
        published = [table.without(*table.private) for table in tables if table.published]
        if pseudonyms is not None:
            published = [as_pseudonymized(table) for table in published]
        return cls(tuple(published), tuple(extracts), pseudonyms)

    @property
    def contracts(self) -> list[Table]:
        """The contract of every table of the file but `mart.publication`."""
        extracts = [each.table for each in self.extracts]
        if self.pseudonyms is not None:
            extracts = [as_pseudonymized(table) for table in extracts]
        return [*self.tables, *extracts, TABLE_ROWS]

    @property
    def key(self) -> str | None:
        """The fingerprint of the pseudonyms' key, which the file notes."""
        return self.pseudonyms.fingerprint if self.pseudonyms else None


def published_types(table: Table) -> dict[str, str]:
    """DuckDB type by column name in the published file."""
    types = column_types(table)
    if table.published_as_enums:
        types |= {
            column.name: f"ENUM({literals(column.allowed)})"
            for column in table.columns
            if column.type is Type.TEXT and column.allowed
        }
    return types
