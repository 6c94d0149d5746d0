"""A source that gives less than a portrait asks for gets one that says what it does not know."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

from portrait_assets.core.settings import Settings
from portrait_assets.stages.mart.report import write_report
from portrait_assets.stages.raw.definition import Title
from portrait_assets.testing.worlds.shop import run

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


def history(folder: Path) -> Settings:
    """Forty customers of a shop, of whom days and amounts are known and nothing else."""
    sales = [
        f"C{n:02},{month}-{1 + (7 * n + 3 * visit) % 28:02},{5 + n % 11}.00"
        for month in MONTHS
        for n in range(40)
        for visit in range(1 + n % 3)
        if (n + int(month[-2:])) % 4
    ]
    columns = "customer_id, occurred_at, amount"
    return source(folder, "history", {"transactions": (columns, sales)})


def newest(settings: Settings) -> pl.DataFrame:
    """The portrait of the newest month."""
    with published(settings) as con:
        rows: pl.DataFrame = con.sql("SELECT * EXCLUDE (as_of, customer_id) FROM portrait").pl()
    return rows


def known_tags(rows: pl.DataFrame) -> set[str]:
    """The tags that anybody has a value of."""
    return {name for name in rows.columns if rows[name].null_count() < rows.height}


def published(settings: Settings) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(settings.warehouse_dir / "portrait.duckdb"), read_only=True)


@pytest.mark.slow
def test_a_bank_without_transactions(tmp_path: Path):
    settings = bank(tmp_path)
    assert run(settings, MONTHS).success
    con, known = published(settings), known_tags(newest(settings))
    read = dict(
        con.sql(
            "SELECT tag_code, needs FROM tags.tag_catalogue WHERE in_force "
            "AND as_of = (SELECT max(as_of) FROM tags.tag_catalogue)"
        ).fetchall()
    )
    assert {"balance_level", "product_breadth", "tenure_stage", "generation"} <= known
    of_purchases = {
        code for code, needs in read.items() if any(n.startswith("transactions") for n in needs)
    }
    assert {"lapse_risk", "value_tier", "purchase_probability_30d"} <= of_purchases
    assert not known & of_purchases
    assert not known & {"save_first", "next_action", "digital_migration", "contact_pressure"}

    rows = con.sql(
        "SELECT area, metric, subject, verdict, advice_en FROM validation.validation_report "
        "WHERE as_of = (SELECT max(as_of) FROM portrait)"
    ).fetchall()
    causes = {row[2]: row[3:] for row in rows if row[1] == "tags without data"}
    assert {"transactions", "contacts", "balances.credit_limit"} <= causes.keys()
    assert "lapse_risk" in causes["transactions"][1]
    assert {verdict for verdict, _ in causes.values()} == {"not judged"}
    warned = {row[2] for row in rows if row[3] in ("warn", "fail")}
    assert not warned & of_purchases
    assert not {"spend_12m", "contacts_12m", "discount_depth_12m"} & warned

    con.close()
    page = tmp_path / "index.html"
    write_report(settings.warehouse_dir / "portrait.duckdb", Title(en="x", zh="x"), page)
    lead = re.search(r'<section id="overview">.*?</p>', page.read_text(), re.S)
    assert lead is not None
    assert re.search(r"\d+ of \d+ tags are not known of anybody", lead[0])
    assert "because the source gives no transactions" in lead[0]


@pytest.mark.slow
def test_a_history_of_days_and_amounts(tmp_path: Path):
    settings = history(tmp_path)
    assert run(settings, MONTHS).success
    rows = newest(settings)
    known = known_tags(rows)
    assert {"value_tier", "recency_band", "purchase_probability_30d", "next_action"} <= known
    assert not known & {
        *("price_sensitivity", "full_price_buyer", "discount_spared", "returns_level"),
        *("campaign_response", "complaint", "balance_level", "profile_known"),
        *("tenure_stage", "anniversary_near", "spend_trend", "visit_trend"),
    }
    times = {time for each in rows["purchase_times"].drop_nulls() for time in each}
    assert times <= {"weekend", "weekday"}
    stages = set(rows["lifecycle_stage"].drop_nulls())
    assert stages <= {"growth", "maturity", "dormancy", "churn"}, "nobody is known to be new"
    with published(settings) as con:
        compared = con.sql("SELECT DISTINCT reference_as_of FROM validation.drift").fetchall()
    assert compared == [(date(2024, 2, 29),)], "all of the first month bought in it"
