"""Prospects are cleaned as customers are: forms, rules of persons, and the source's own rules."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from portrait_assets.methods.typing.rules import Conventions
from portrait_assets.stages.cleaned.rows.clean import Cleaned, clean
from portrait_assets.stages.raw.source import load_source
from portrait_assets.stages.raw.tables.persons import CUSTOMERS, KNOWN_OF_PROSPECTS, PROSPECTS

RECEIVED = {
    "recorded_on": "2024-03-05",
    "full_name": "王　小明",
    "phone": "+86 138-0013-8000",
    "email": "Xiao@Example.COM",
    "postcode": "100 000",
    "birth_date": "1990-01-02",
    "age": "34",
    "gender": "unknown",
    "income_band": "10-20万",
}
SOURCE = """\
name: town
title: {en: Town, zh: 小城}
licence: CC0
first_month: 2024-01
time_zone: UTC
country: CN
files_in: .
files: {people: people.csv}
rules:
  customers.income_band: {values: {medium: [10-20万]}}
  customers.gender: {allowed: [F, M]}
  prospects.gender: {allowed: [female, male]}
"""


def cleaned(canonical: str, changed: dict[str, str], conventions: Conventions) -> Cleaned:
    of = {"prospects": PROSPECTS, "customers": CUSTOMERS}[canonical]
    row = {**RECEIVED, f"{canonical[:-1]}_id": "X1", **changed}
    names = [column.name for column in of.columns]
    raw = pl.DataFrame(
        {name: [row.get(name)] for name in names}, schema=dict.fromkeys(names, pl.String)
    ).with_columns(month=pl.lit("2024-03"), source_file=pl.lit("f.csv"), source_row=pl.lit(1))
    return clean(raw, of, conventions)


@pytest.fixture
def conventions(tmp_path: Path) -> Conventions:
    folder = tmp_path / "town"
    folder.mkdir()
    (folder / "source.yaml").write_text(SOURCE, encoding="utf-8")
    (folder / "prospects.sql").write_text("SELECT * FROM people", encoding="utf-8")
    return load_source(folder).conventions


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"phone": "12"},
        {"email": "nobody"},
        {"birth_date": "2024-03-06"},
        {"birth_date": "1890-01-01"},
        {"recorded_on": "", "birth_date": "2024-04-01"},
        {"age": "20"},
        {"age": "300"},
    ],
)
def test_a_prospect_is_cleaned_as_a_customer_would_be(
    changed: dict[str, str], conventions: Conventions
):
    mine, theirs = (cleaned(of, changed, conventions) for of in ("prospects", "customers"))
    assert mine.kept.select(KNOWN_OF_PROSPECTS).equals(theirs.kept.select(KNOWN_OF_PROSPECTS))
    facts = ["column_name", "rule", "severity"]
    assert mine.rejects.select(facts).rows() == theirs.rejects.select(facts).rows()
    if changed:
        assert changed.keys() & set(mine.rejects["column_name"])


def test_values_have_one_form(conventions: Conventions):
    kept = cleaned("prospects", {}, conventions).kept.row(0, named=True)
    assert (kept["full_name"], kept["phone"]) == ("王小明", "13800138000")
    assert (kept["email"], kept["birth_date"]) == ("xiao@example.com", date(1990, 1, 2))
    assert kept["gender"] is None


def test_rules_of_customers_hold_unless_prospects_have_their_own(conventions: Conventions):
    kept = cleaned("prospects", {"gender": "female"}, conventions).kept.row(0, named=True)
    assert (kept["income_band"], kept["gender"]) == ("medium", "female")
    customer = cleaned("customers", {"gender": "female"}, conventions).kept.row(0, named=True)
    assert customer["gender"] is None
