"""What the category columns of raw tables hold by a month: how their values are shared and look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import duckdb
import polars as pl

from portrait_assets.methods.personal_data.free_text import (
    FEWEST_VALUES,
    REPEATED,
    Values,
    bears_a_name,
    has_long_number,
    is_personal,
)
from portrait_assets.methods.typing.rules import ColumnRules
from portrait_assets.schema.table import Column
from portrait_assets.stages.raw.contract import CANONICAL, CANONICAL_BY_NAME
from portrait_assets.stages.raw.tables.canonical import Canonical
from portrait_assets.stages.raw.tables.persons import OF_PERSONS
from portrait_assets.storage.duckdb.connection import literal, quote
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.storage.steps import EVER, read

EVIDENCE_ROWS = 100_000
CODES_SHARE = 0.5
"""Rows with a number of six digits from which on such numbers are usual in a column."""
MOST_LOOKED_AT = 20_000
"""Distinct values whose form is looked at, drawn by a hash."""
HELD_BY = {
    "products": (("transactions", "balances"), "product_id"),
    "campaigns": (("contacts", "assignments"), "campaign_id"),
}
"""The tables by whose rows customers have the values of a table that names none, and the key."""


def category_columns(canonical: Canonical) -> list[Column]:
    """The columns of the table that are meant as categories and have no declared domain."""
    return [c for c in canonical.columns if c.is_category and c.allowed is None]


WITH_CATEGORIES = [canonical for canonical in CANONICAL if category_columns(canonical)]
LOOKED_AT = {
    name: read(CANONICAL_BY_NAME[name].raw_table(), EVER)
    for name in dict.fromkeys(
        (*(c.name for c in WITH_CATEGORIES), *(t for of, _ in HELD_BY.values() for t in of))
    )
}


def domain_of(rules: Mapping[str, ColumnRules], name: str) -> tuple[str, ...] | None:
    """What a column, as table.column, may hold as far as the source states it."""
    return rules.get(name, ColumnRules()).domain


@dataclass(frozen=True)
class Measured:
    """What a column of a table holds, and whether numbers of six digits are usual in it."""

    table: str
    column: str
    values: Values
    holds_codes: bool


def measure(
    warehouse: Warehouse,
    canonical: Canonical,
    month: str,
    rules: Mapping[str, ColumnRules],
    before: Mapping[str, Sequence[Measured]],
) -> Mapping[str, Sequence[Measured]]:
    """What each category column of the table that has values holds by the month.

    A column whose domain the source declares is left out: other values are not taken.

    Args:
        warehouse: with the raw tables up to the month.
        canonical: the table.
        month: the month.
        rules: the source's own rules by table.column.
        before: what this gave for the month before.

    Returns:
        It, by the SELECT of the rows that were looked at; nothing where there are none yet.
    """
    columns = [
        column
        for column in category_columns(canonical)
        if domain_of(rules, f"{canonical.name}.{column.name}") is None
    ]
    relation = _rows_sql(warehouse, canonical, month, columns) if columns else None
    if relation is None:
        return {}
    if relation in before:
        return before
    return {relation: list(_each_measured(warehouse.con, canonical, columns, relation))}


def _each_measured(
    con: duckdb.DuckDBPyConnection, canonical: Canonical, columns: Sequence[Column], relation: str
) -> Iterator[Measured]:
    con.execute(f"CREATE OR REPLACE TEMP TABLE category_rows AS {relation}")
    try:
        counts = ", ".join(
            f"count({quote(each.name)}), approx_count_distinct({quote(each.name)})"
            for each in columns
        )
        found = con.execute(f"SELECT {counts} FROM category_rows").fetchall()[0]
        for column, rows, different in zip(columns, found[::2], found[1::2], strict=True):
            if rows:
                yield _measured(con, canonical, column, different)
    finally:
        con.execute("DROP TABLE category_rows")


def _measured(
    con: duckdb.DuckDBPyConnection, canonical: Canonical, column: Column, different: int
) -> Measured:
    value = f"{quote(column.name)} AS value"
    is_shared = different >= FEWEST_VALUES and _names_somebody(canonical)
    if not is_shared:
        source, counted = f"SELECT {value} FROM category_rows", "count(*) AS rows, 0 AS customers"
    elif canonical in OF_PERSONS:
        # A record that is written again says nothing new of its person.
        source = f"SELECT DISTINCT who, {value} FROM category_rows"
        counted = "count(*) AS rows, count(*) AS customers"
    else:
        source = f"SELECT who, {value}, count(*) AS lines FROM category_rows GROUP BY ALL"
        counted = "sum(lines)::BIGINT AS rows, count(*) AS customers"
    with_counts = f"SELECT value, {counted} FROM ({source}) WHERE value IS NOT NULL GROUP BY value"
    con.execute(f"CREATE OR REPLACE TEMP TABLE category_values AS {with_counts}")
    try:
        rows, distinct, repeated, own, once, twice = con.execute(
            f"SELECT sum(rows)::BIGINT, count(*), count(*) FILTER (rows >= {REPEATED}), "
            f"count(*) FILTER (rows >= {REPEATED} AND customers = 1), count(*) FILTER (rows = 1), "
            "count(*) FILTER (rows = 2 AND customers = 2) "
            "FROM category_values"
        ).fetchall()[0]
        sample = con.sql(
            "SELECT value, rows FROM category_values ORDER BY md5(value), value "
            f"LIMIT {MOST_LOOKED_AT}"
        ).pl()
    finally:
        con.execute("DROP TABLE category_values")
    forms = _forms(sample, canonical)
    codes, in_rows = forms.pop("codes"), forms.pop("rows_of_codes")
    # Codes of a kind are several and used again; one identifier among words is not usual in it.
    is_usual = in_rows >= max(CODES_SHARE * sample["rows"].sum(), 2 * codes)
    holds_codes = codes > 1 and is_usual
    counted_rows = {"repeated": repeated, "own": own, "once": once, "twice": twice}
    shared = counted_rows if is_shared else dict.fromkeys(counted_rows, 0)
    values = Values(rows, distinct, seen=sample.height, **shared, **forms)  # type: ignore[arg-type]
    return Measured(canonical.name, column.name, values, holds_codes)


def _forms(sample: pl.DataFrame, canonical: Canonical) -> dict[str, float]:
    text, of_customers = pl.col("value"), is_of_customers(canonical)
    names = bears_a_name(text) if of_customers else pl.lit(False)
    # Lazily, for only so polars computes what these have in common once.
    found = sample.lazy().select(
        is_personal(text, of_customers).sum().alias("personal"),
        (names.sum() if of_customers else pl.lit(0)).alias("names"),
        has_long_number(text).sum().alias("codes"),
        pl.col("rows").filter(has_long_number(text)).sum().alias("rows_of_codes"),
        text.str.len_chars().mean().alias("characters"),
    )
    return dict(found.collect(engine="in-memory").row(0, named=True))


def is_of_customers(canonical: Canonical) -> bool:
    """Whether its categories are about what persons do or are, and not about what is sold."""
    return bool(canonical.identifier)


def _names_somebody(canonical: Canonical) -> bool:
    return is_of_customers(canonical) or canonical.name in HELD_BY


def _rows_sql(
    warehouse: Warehouse, canonical: Canonical, month: str, columns: Sequence[Column]
) -> str | None:
    """The SELECT of the columns as text and of `who` has them; None where there is no row yet."""
    own = _newest_sql(warehouse, canonical.name, month)
    if own is None:
        return None
    values = ", ".join(
        f"nullif(trim(CAST(own.{quote(each.name)} AS VARCHAR)), '') AS {quote(each.name)}"
        for each in columns
    )
    if canonical.name not in HELD_BY:
        name = f"own.{canonical.identifier}" if canonical.identifier else "NULL"
        return f"SELECT CAST({name} AS VARCHAR) AS who, {values} FROM ({own}) AS own"
    tables, key = HELD_BY[canonical.name]
    holders = [
        f"SELECT CAST({key} AS VARCHAR) AS key, CAST(customer_id AS VARCHAR) AS who FROM ({rows})"
        for table in tables
        if (rows := _newest_sql(warehouse, table, month)) is not None
    ]
    if not holders:
        return None
    return (
        f"SELECT who, {values} FROM ({own}) AS own "
        f"JOIN ({' UNION ALL '.join(holders)}) ON CAST(own.{key} AS VARCHAR) = key"
    )


def _newest_sql(warehouse: Warehouse, table: str, month: str) -> str | None:
    """The SELECT of the newest months up to this one that have EVIDENCE_ROWS rows together.

    Of products and campaigns all are wanted, however long ago they were introduced. It is the same
    as for the month before where there are no newer rows.
    """
    contract = LOOKED_AT[table].table
    known = warehouse.materialized(contract).items()
    newest, total = list[str](), 0
    for each, rows in sorted(known, reverse=True):
        if each > month or not rows:
            continue
        if total >= EVIDENCE_ROWS and table not in HELD_BY:
            break
        newest.append(each)
        total += rows
    if not newest:
        return None
    return (
        f"SELECT * FROM {contract.full_name} "
        f"WHERE month BETWEEN {literal(newest[-1])} AND {literal(newest[0])}"
    )
