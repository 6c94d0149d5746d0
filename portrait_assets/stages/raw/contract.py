"""The canonical tables that a source may provide, and the two that account for reading them."""

from __future__ import annotations

from portrait_assets.schema.columns import count, flag, integer, text
from portrait_assets.schema.sensitivity import ROWS
from portrait_assets.schema.table import Table
from portrait_assets.stages.raw.tables import campaigns, events, persons, trade
from portrait_assets.stages.raw.tables.canonical import SOURCE_FILE, SOURCE_ROW, Canonical

CANONICAL: tuple[Canonical, ...] = (
    *persons.TABLES,
    *trade.TABLES,
    *campaigns.TABLES,
    *events.TABLES,
)
CANONICAL_BY_NAME = {canonical.name: canonical for canonical in CANONICAL}
FOUNDING = ("transactions", "balances")
"""The tables of which a source has one: who has rows in them is a customer."""

UNPLACED = Table(
    schema="raw",
    name="unplaced",
    en="Lines that belong to no month of the source: broken, without a readable date, or too late",
    zh="无法归入月份的记录",
    operation=ROWS,
    columns=(
        text("table_name", "Table the row was meant for", "目标表", nullable=False),
        SOURCE_FILE,
        SOURCE_ROW,
        text(
            "reason",
            "Why: no readable date, after the last month, or how the line is broken",
            "原因",
            nullable=False,
        ),
        text("dated", "The date as received", "原始日期"),
    ),
    key=("table_name", "source_file", "source_row"),
)

RECEIPTS = Table(
    schema="raw",
    name="receipts",
    # It counts whole files: it changes in every month with any row of any month, and what it has
    # of a month's own rows changes with the month's tables.
    makes_stale=False,
    en="What each reading of the source's files found, per table and month",
    zh="源文件读取清单",
    operation=ROWS,
    columns=(
        text("table_name", "Table", "表", nullable=False),
        flag("is_provided", "Whether the source has it", "数据源是否提供", nullable=False),
        count(
            "rows_received",
            "Lines of the files that count in this month: its rows, and what is unplaced in it",
            "计入本月的行数（含未归月）",
        ),
        count("rows_in_file", "Rows in the files", "文件行数"),
        count("rows_placed", "Rows placed in any month", "已归月行数"),
        count("rows_unplaced", "Rows in no month", "未归月行数"),
        integer(
            "rows_erased",
            "Of those received, lines of customers who were erased, which are not stored",
            "其中已删除客户的行数（不保存）",
            minimum=0,
        ),
        text(
            "problem",
            "Why the table could not be read and keeps what it had; null when it was read",
            "无法读取的原因（保留上次读取结果）；正常读取为空",
        ),
    ),
    key=("table_name",),
    published=True,
)
