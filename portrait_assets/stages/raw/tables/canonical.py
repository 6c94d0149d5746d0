"""What a canonical table is, and the columns that several of them have.

The columns are declared once, as what a value is meant to be; `raw` keeps them as received and
`cleaned.contract` makes the typed twins from the same declarations.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from portrait_assets.schema.columns import integer, text
from portrait_assets.schema.table import Column, Sensitivity, Table

C2, C3 = Sensitivity.C2, Sensitivity.C3
# Codes of the field for what is not known, of attributes; a source declares further ones.
NOT_KNOWN = ("unknown", "?", "n/a", "null", "-", "未知", "不详")
NO_AGE = ("-1", "999")
NO_AMOUNT = ("-1", "-999")
NO_DAY = ("1900-01-01", "9999-12-31")
ROW_CURRENCY = "currency of the row"
"""Unit of money that is converted into the source's currency."""

SOURCE_FILE = text("source_file", "File the row came from", "来源文件", nullable=False)
SOURCE_ROW = integer(
    "source_row", "Row number in that file, from 1", "来源行号", nullable=False, traces=True
)


@dataclass(frozen=True)
class Canonical:
    """A canonical table: its columns, how it is dated and what identifies a row.

    `dated_by` is the column that places a row in a month; a source may leave an
    `undated_allowed` one out, and then all rows belong to the source's first month. Where it has
    no value, the first of `dated_else` that has one takes its place.
    `required` must be returned by the source's SQL and must be readable in every row; what is
    `returned` must be there too, and some rows may lack it. With
    `keeps_count` the rows of people who are erased stay, under a tombstone for an id. A table that
    `ages` has rows that may be removed after some months, of which later months read the newest
    `least_months`. Where `ages_with` names a column, only rows age in which it is null or one of
    these words: what the others say holds whatever their age. `serves` is the purpose that its
    rows are kept for.
    """

    name: str
    en: str
    zh: str
    columns: tuple[Column, ...]
    dated_by: str
    required: tuple[str, ...]
    undated_allowed: bool = False
    unique: tuple[str, ...] = field(default=())
    keeps_count: bool = False
    ages: bool = False
    least_months: int = 1
    ages_with: tuple[str, tuple[str, ...]] | None = None
    serves: str = ""
    dated_else: tuple[str, ...] = ()
    returned: tuple[str, ...] = ()

    @property
    def dating(self) -> tuple[str, ...]:
        """The columns that a row is dated by: the first that has a value counts."""
        return (self.dated_by, *self.dated_else)

    @property
    def names_a_customer(self) -> bool:
        """Whether its rows belong to customers."""
        return any(column.name == "customer_id" for column in self.columns)

    @property
    def identifier(self) -> str:
        """The column of who its rows are about; empty where they are about nobody."""
        return next((column.name for column in self.columns if column.identifies), "")

    @property
    def in_row_currency(self) -> tuple[Column, ...]:
        """Its amounts in the currency that each row states."""
        return tuple(column for column in self.columns if column.unit == ROW_CURRENCY)

    def column(self, name: str) -> Column:
        """The column of that name; KeyError where there is none."""
        return self.raw_table().column(name)

    def raw_table(self) -> Table:
        """The contract of raw.<name>."""
        return Table(
            schema="raw",
            name=self.name,
            en=f"{self.en}, as received",
            zh=f"{self.zh}（原始）",
            columns=(*self.columns, SOURCE_FILE, SOURCE_ROW),
            key=("source_file", "source_row"),
            types_as_received=True,
        )


def category(name: str, en: str, zh: str, **more: Any) -> Column:
    """A column of words that many customers share, which holds no free text."""
    return text(name, en, zh, is_category=True, **more)


CUSTOMER_ID = text("customer_id", "Customer identifier", "客户编号", identifies=True)
CURRENCY = text("currency", "Currency, ISO 4217; the source's where null", "币种")
CHANNEL = category("channel", "Channel through which it happened", "渠道", sentinels=NOT_KNOWN)
PRODUCT_ID = text("product_id", "Product identifier", "产品编号")
STORE_ID = text("store_id", "Store or branch", "门店（网点）编号")
REGION = category("region", "Region where it happened", "发生地区")
CAMPAIGN_ID = text("campaign_id", "Campaign identifier", "活动编号")

TOLERANCES = ("C1", "C2", "C3", "C4", "C5")
"""Risk tolerance from low to high; a product of the grade R3 suits C3 and higher."""
