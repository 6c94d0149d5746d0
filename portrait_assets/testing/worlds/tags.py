"""A small world for the tag tests: five customers, a handful of features, short catalogues."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from portrait_assets.core.months import last_day
from portrait_assets.schema.table import Column, Sensitivity, Type
from portrait_assets.stages.clusters.contract import CLUSTER_ASSIGNMENT, CLUSTER_SEGMENT
from portrait_assets.stages.tags.catalogue.listing import catalogue_rows
from portrait_assets.stages.tags.catalogue.load import load_catalogue
from portrait_assets.stages.tags.catalogue.tag import Catalogue
from portrait_assets.stages.tags.changes import changes_view
from portrait_assets.stages.tags.contract import TAG_CATALOGUE, portrait_matrix_table
from portrait_assets.stages.tags.evaluation.inputs import (
    NO_PERMISSIONS,
    NO_SEGMENTS,
    nothing_predicted,
)
from portrait_assets.stages.tags.evaluation.steps import evaluation_steps
from portrait_assets.stages.tags.evaluation.tag_table import tag_table
from portrait_assets.storage.duckdb.tables import (
    column_types,
    create_table_sql,
    create_view_sql,
    ensure_table,
    existing_types,
)
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Source

MAY, JUNE, JULY = date(2017, 5, 31), date(2017, 6, 30), date(2017, 7, 31)

COLUMNS = {
    column.name: column
    for column in (
        Column("spend", Type.MONEY, "Spend", "消费"),
        Column("visits", Type.INTEGER, "Visits", "到访", minimum=0),
        Column("share", Type.NUMBER, "Share", "占比", minimum=0, maximum=1),
        Column("region", Type.TEXT, "Region", "地区"),
        Column("member", Type.BOOLEAN, "Member", "会员"),
        Column("salary", Type.MONEY, "Salary", "薪资", sensitivity=Sensitivity.C3),
    )
}
HEAD = """\
categories:
  value: {en: Value, zh: 价值}
defaults:
  name: {en: Tag, zh: 标签}
  description: {en: Used in tests., zh: 测试用。}
  element: symbol
  category: [value, value, value]
  kind: rule
  owner: tests
  sensitivity: C1
  valid_months: 1
  on_missing: clear
  status: active
  version: 1
tags:
"""
TIER = """\
  - code: tier
    values:
      - {value: high, en: High, zh: 高, when: "spend >= 100"}
      - {value: low, en: Low, zh: 低, when: "spend < 100"}
"""
HOME = """\
  - code: home
    on_missing: keep_last
    valid_months: 2
    expression: region
    type: text
"""
INTERESTS = """\
  - code: interests
    many: true
    values:
      - {value: often, en: Often, zh: 常来, when: "visits >= 10"}
      - {value: member, en: Member, zh: 会员, when: "member"}
"""
SAVE = """\
  - code: save
    expression: "tier = 'high' AND visits < 3"
    type: boolean
    confidence: "share"
"""


def write_catalogue(folder: Path, *tags: str, name: str = "catalogue.yaml") -> Path:
    """A catalogue file of these tags under the usual head."""
    path = folder / name
    path.write_text(HEAD + "".join(tags), encoding="utf-8")
    return path


def catalogue_of(folder: Path, *tags: str) -> Catalogue:
    """The catalogue of these tags over the small world's columns."""
    return load_catalogue(write_catalogue(folder, *tags), columns=COLUMNS)


def touched_by(catalogue: Catalogue, names: Iterable[str]) -> Catalogue:
    """The catalogue with no other tags than those that read one of these columns, and their inputs.

    To evaluate all that the packs have takes most of half a second.
    """
    inputs = {tag.code: set[str]() for tag in catalogue.tags}
    for tag in catalogue.tags:
        inputs[tag.code].update(tag.inputs)
    codes = set(names)
    while more := {code for code in inputs if inputs[code] & codes} - codes:
        codes |= more
    codes &= inputs.keys()
    while more := set[str]().union(*(inputs[code] for code in codes)) & inputs.keys() - codes:
        codes |= more
    return replace(catalogue, tags=tuple(tag for tag in catalogue.tags if tag.code in codes))


def features(as_of: date = JUNE, **columns: Sequence[object]) -> pl.DataFrame:
    """The feature matrix of customers a, b, c, ...; columns that are not given are null."""
    height = len(next(iter(columns.values())))
    given = {"as_of": [as_of] * height, "customer_id": list("abcdefghij"[:height]), **columns}
    schema = {"as_of": pl.Date(), "customer_id": pl.String()}
    schema |= {name: column.polars_type for name, column in COLUMNS.items()}
    return pl.DataFrame(
        {name: given.get(name, [None] * height) for name in schema}, schema=schema, strict=False
    )


def tagged(
    con: duckdb.DuckDBPyConnection, catalogue: Catalogue, months: dict[date, pl.DataFrame]
) -> None:
    """Fill the connection with the tags of these feature matrices, month by month."""
    shown = tag_table(catalogue)
    con.execute("CREATE SCHEMA features")
    con.execute("CREATE SCHEMA tags")
    # Without the comments, which take most of the time and which nothing here reads.
    for table in (TAG_CATALOGUE, portrait_matrix_table(catalogue), shown.stored):
        con.execute(create_table_sql(table, column_types(table)))
    con.execute(create_view_sql(shown))
    con.execute(f"CREATE VIEW tags.tag_changes AS {changes_view(catalogue).sql}")
    before = None
    for as_of, world in months.items():
        con.register("world", world)
        con.execute("CREATE TABLE IF NOT EXISTS features.feature_matrix AS FROM world LIMIT 0")
        con.execute("INSERT INTO features.feature_matrix FROM world")
        con.unregister("world")
        month = f"{as_of:%Y-%m}"
        write_tags(con, catalogue, [month], before)
        before = month


def without_segments(con: duckdb.DuckDBPyConnection) -> None:
    """Create the tables of segments, in which nobody is."""
    for table in (CLUSTER_ASSIGNMENT, CLUSTER_SEGMENT):
        ensure_table(con, table)


def write_tags(
    con: duckdb.DuckDBPyConnection,
    catalogue: Catalogue,
    months: Sequence[str],
    before: str | None = None,
) -> None:
    """Write the tags of months of features.feature_matrix, without segments, and the catalogue.

    Args:
        con: the database of the stage's tables.
        catalogue: the catalogue.
        months: months without a gap (YYYY-MM), evaluated together.
        before: the month before them, if it has tags.
    """
    steps = evaluation_steps(catalogue, months, before)
    relations: dict[Source, str] = {
        step: nothing_predicted(catalogue, table)
        for table, step in steps.predicted.items()
        if not existing_types(con, table.full_name)
    }
    relations |= {steps.segment: NO_SEGMENTS, steps.permission: NO_PERMISSIONS}
    engine = Engine(con, relations)
    with engine.shared([steps.evaluated], steps.scope):
        targets = {"portrait_matrix": steps.matrix, "tag_details": steps.details}
        for table, step in targets.items():
            con.register("rows_of_tags", engine.frame(step, steps.scope))
            con.execute(f"INSERT INTO tags.{table} BY NAME FROM rows_of_tags")
            con.unregister("rows_of_tags")
    for month in months:
        con.register("listed", catalogue_rows(catalogue, last_day(month)))
        con.execute("INSERT INTO tags.tag_catalogue BY NAME FROM listed")
        con.unregister("listed")


def of_month(table: str, as_of: date) -> str:
    """The SELECT of a month's rows of a table."""
    return f"SELECT * FROM {table} WHERE as_of = DATE '{as_of}'"
