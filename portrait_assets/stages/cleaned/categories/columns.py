"""Which category columns of a source look like free text, as of each month.

A column is judged by its rows of the newest months that have `EVIDENCE_ROWS` together, or of all
months up to this one. A column that looked like free text once does so from then on, unless the
source declares that it is kept: months do not change to and fro.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

import polars as pl

from portrait_assets.methods.personal_data.free_text import Values, free_text
from portrait_assets.methods.typing.rules import ColumnRules
from portrait_assets.schema.columns import count, flag, required, text
from portrait_assets.schema.sensitivity import ROWS
from portrait_assets.schema.table import Table
from portrait_assets.stages.cleaned.categories.values import (
    LOOKED_AT,
    WITH_CATEGORIES,
    Measured,
    domain_of,
    measure,
)
from portrait_assets.stages.raw.definition import Keep
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.steps import BEFORE, Read, read

_flag, _text = required(flag), required(text)

CATEGORY_COLUMNS = Table(
    schema="cleaned",
    name="category_columns",
    en="Columns that are meant as categories, and whether they look like free text",
    zh="类别字段及其是否形似自由文本",
    operation=ROWS,
    columns=(
        _text("table_name", "Table", "表"),
        _text("column_name", "Column", "字段"),
        count("rows", "Rows with a value that were looked at", "参与判断的行数"),
        count("distinct_values", "Different values among them", "不同取值数"),
        count("repeated_values", "Values in three rows or more", "出现三次以上的取值数"),
        count("own_values", "Of these, values of one customer alone", "其中仅属一名客户的取值数"),
        count(
            "personal_values",
            "Values with the form of a name, number or address of a person, of 20,000 at most",
            "形似个人姓名、号码或地址的取值数",
        ),
        _flag(
            "holds_codes",
            "Whether numbers of six digits and more are usual in it",
            "是否以六位以上编码为主",
        ),
        _flag(
            "looks_like_free_text",
            "Whether it looks like free text, or did in an earlier month",
            "是否形似自由文本",
        ),
        text(
            "declared",
            "What source.yaml declares: keep or hold; null for nothing",
            "数据源声明（keep保留、hold扣留）",
            allowed=tuple(Keep),
        ),
        _flag(
            "is_held",
            "Whether its values are held back: null in the cleaned table",
            "取值是否扣留（清洗后为空）",
        ),
        _text("reason_en", "Why it looks like free text or is held back", "英文原因", True),
        _text("reason_zh", "The same in Chinese", "原因", True),
    ),
    key=("table_name", "column_name"),
    published=True,
)

READS: tuple[Read, ...] = (*LOOKED_AT.values(), read(CATEGORY_COLUMNS, BEFORE))


def judged_months(
    warehouse: Warehouse,
    months: Sequence[str],
    rules: Mapping[str, ColumnRules],
    declared: Mapping[str, Keep],
) -> Iterator[pl.DataFrame]:
    """The rows of CATEGORY_COLUMNS for these months, month by month.

    Args:
        warehouse: with the raw tables up to the months.
        months: in their order.
        rules: the source's own rules by table.column; a column whose domain they declare is left
            out.
        declared: what the source declares of its categories by table.column.
    """
    before = warehouse.last_before(CATEGORY_COLUMNS, months[0])
    known = _free_before(before) if before is not None else {}
    measured_of: dict[str, Mapping[str, Sequence[Measured]]] = {}
    for month in warehouse.place.each(months):
        for canonical in WITH_CATEGORIES:
            of = measured_of.get(canonical.name, {})
            measured_of[canonical.name] = measure(warehouse, canonical, month, rules, of)
        rows = [
            _judged(measured, declared, known) | {"month": month}
            for by_rows in measured_of.values()
            for measured in chain.from_iterable(by_rows.values())
        ]
        seen = {(row["table_name"], row["column_name"]) for row in rows}
        # Of a column that has no values to look at any more it is still known what it held.
        rows += [
            _judged(Measured(table, column, _NOTHING, False), declared, known) | {"month": month}
            for table, column in known
            if (table, column) not in seen and domain_of(rules, f"{table}.{column}") is None
        ]
        frame = pl.DataFrame(rows, schema=CATEGORY_COLUMNS.polars_schema).sort(CATEGORY_COLUMNS.key)
        known = _free_before(frame)
        yield frame


_Reasons = dict[tuple[str, str], tuple[str, str]]


def _free_before(rows: pl.DataFrame) -> _Reasons:
    free = rows.filter("looks_like_free_text")
    return {
        (table, column): (en, zh)
        for table, column, en, zh in free.select(
            "table_name", "column_name", "reason_en", "reason_zh"
        ).iter_rows()
    }


_NOTHING = Values(0, 0, 0, 0, 0, 0, 0, 0, 0, 0.0)


def _judged(
    measured: Measured, declared_of: Mapping[str, Keep], known: _Reasons
) -> dict[str, object]:
    values, name = measured.values, (measured.table, measured.column)
    declared = declared_of.get(".".join(name))
    reason = known.get(name) or free_text(values)
    is_held = declared is Keep.HOLD or (reason is not None and declared is not Keep.KEEP)
    why: tuple[str | None, str | None] = reason or (None, None)
    if reason is None and declared is Keep.HOLD:
        why = ("declared in source.yaml", "source.yaml中声明")
    return {
        "table_name": measured.table,
        "column_name": measured.column,
        "rows": values.rows,
        "distinct_values": values.values,
        "repeated_values": values.repeated,
        "own_values": values.own,
        "personal_values": values.personal,
        "holds_codes": measured.holds_codes,
        "looks_like_free_text": reason is not None,
        "declared": str(declared) if declared else None,
        "is_held": is_held,
        "reason_en": why[0],
        "reason_zh": why[1],
    }
