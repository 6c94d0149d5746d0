"""A small world for the tag tests: five customers, a handful of features, short catalogues."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from portrait_assets.tags.catalogue import load_catalogue
from portrait_assets.tags.tag import Catalogue
from portrait_assets.warehouse.contract import Column, Sensitivity, Type

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


def features(as_of: date = JUNE, **columns: list[object]) -> pl.DataFrame:
    """The feature matrix of customers a, b, c, ...; columns that are not given are null."""
    height = len(next(iter(columns.values())))
    given = {"as_of": [as_of] * height, "customer_id": list("abcdefghij"[:height]), **columns}
    schema = {"as_of": pl.Date(), "customer_id": pl.String()}
    schema |= {name: column.polars_type for name, column in COLUMNS.items()}
    return pl.DataFrame(
        {name: given.get(name, [None] * height) for name in schema}, schema=schema, strict=False
    )
