"""A source that gives less than a portrait asks for gets one that says what it does not know."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from portrait_assets.core.settings import Settings
from portrait_assets.stages.mart.report import write_report
from portrait_assets.stages.raw.source import Title
from portrait_assets.testing.shop import run

MONTHS = ["2024-01", "2024-02", "2024-03"]
DEFINITION = """\
name: {name}
title: {{en: A small source, zh: 小数据源}}
licence: CC0; all of it is invented
first_month: 2024-01
last_month: 2024-03
time_zone: Asia/Shanghai
currency: CNY
files_in: .
files:
{files}
"""


def source(folder: Path, name: str, tables: dict[str, tuple[str, list[str]]]) -> Settings:
    """A source of these CSV files, each the header and rows of one canonical table."""
    own = folder / "sources" / name
    own.mkdir(parents=True)
    files = "\n".join(f"  {table}: {table}.csv" for table in tables)
    (own / "source.yaml").write_text(DEFINITION.format(name=name, files=files))
    for table, (header, rows) in tables.items():
        (own / f"{table}.csv").write_text("\n".join([header, *rows]) + "\n")
        (own / f"{table}.sql").write_text(
            f"SELECT {header}, source_file, source_row FROM {table}\n"
        )
    return Settings(data_dir=folder, source=name, lock_wait_seconds=0.5)


def bank(folder: Path) -> Settings:
    """Sixty customers with a deposit each, and no transaction."""
    people = range(60)
    balances = [
        f"C{n:02},A{n:02},deposit,{month}-28,{100 + 37 * n % 900}"
        for month in MONTHS
        for n in people
    ]
    customers = [f"C{n:02},20{10 + n % 13}-05-01,{20 + n}" for n in people]
    return source(
        folder,
        "deposits",
        {
            "balances": ("customer_id, account_id, product_id, balance_on, balance", balances),
            "customers": ("customer_id, joined_on, age", customers),
        },
    )


def published(settings: Settings) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(settings.warehouse_dir / "portrait.duckdb"), read_only=True)


@pytest.mark.slow
def test_a_bank_without_transactions(tmp_path: Path):
    settings = bank(tmp_path)
    assert run(settings, MONTHS).success
    con = published(settings)

    rows = con.sql("SELECT * EXCLUDE (as_of, customer_id, customer_no) FROM portrait").pl()
    held = {name for name in rows.columns if rows[name].null_count() < rows.height}
    read = dict(
        con.sql(
            "SELECT tag_code, needs FROM tags.tag_catalogue WHERE in_force "
            "AND as_of = (SELECT max(as_of) FROM tags.tag_catalogue)"
        ).fetchall()
    )
    assert {"balance_level", "product_breadth", "tenure_stage", "generation"} <= held
    of_purchases = {
        code for code, needs in read.items() if needs and all("transactions" in n for n in needs)
    }
    assert {"lapse_risk", "value_tier", "purchase_probability_30d"} <= of_purchases
    assert not held & of_purchases
    assert not held & {"save_first", "next_action", "digital_migration", "contact_pressure"}

    report = con.sql(
        "SELECT subject, value, verdict, advice_en FROM validation.validation_report "
        "WHERE as_of = (SELECT max(as_of) FROM portrait) AND area = 'source'"
    ).fetchall()
    assert report[0][0] == "transactions"
    assert "lapse_risk" in report[0][3]
    assert {verdict for _, _, verdict, _ in report} == {"not judged"}
    warned = con.sql(
        "SELECT subject FROM validation.validation_report WHERE verdict IN ('warn', 'fail') "
        "AND area IN ('tags', 'features') AND as_of = (SELECT max(as_of) FROM portrait)"
    ).fetchall()
    assert not {subject for (subject,) in warned} - held

    page = tmp_path / "index.html"
    write_report(settings.warehouse_dir / "portrait.duckdb", Title(en="x", zh="x"), page)
    lead = re.search(r'<section id="overview">.*?</p>', page.read_text(), re.S)
    assert lead is not None
    assert re.search(r"\d+ of \d+ tags are not known of anybody", lead[0])
    assert "because the source gives no transactions" in lead[0]
