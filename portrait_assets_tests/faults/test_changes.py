"""What changes between months and versions: columns of a source's files, and the warehouse."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import polars as pl
import pytest

from portrait_assets.core.settings import Settings
from portrait_assets.stages.raw.placing.months import placings
from portrait_assets.stages.raw.reading.files import SourceReader
from portrait_assets.stages.raw.source import load_source
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.testing.published import contents
from portrait_assets.testing.worlds.shop import run, sales_file, shop, short_shop
from portrait_assets_tests.faults.command import fails_in_a_sentence, portrait

JANUARY, FEBRUARY = "2024-01", "2024-02"


def shop_of_monthly_files(folder: Path) -> Settings:
    """The shop with a file per month."""
    settings = short_shop(folder)
    header, *lines = sales_file(settings).read_text().splitlines(keepends=True)
    sales_file(settings).unlink()
    for month in (JANUARY, FEBRUARY):
        rows = [line for line in lines if line.startswith(month)]
        monthly_file(settings, month).write_text("".join([header, *rows]))
    source_yaml = settings.source_dir / "source.yaml"
    source_yaml.write_text(source_yaml.read_text().replace("sales.csv", "sales-*.csv"))
    return settings


def monthly_file(settings: Settings, month: str) -> Path:
    return settings.source_dir / f"sales-{month}.csv"


def change(path: Path, **columns: pl.Expr | None) -> None:
    """Add, replace or (None) drop columns of a file."""
    added = [value.alias(name) for name, value in columns.items() if value is not None]
    frame = pl.read_csv(path, infer_schema=False).with_columns(added)
    frame.drop(name for name, value in columns.items() if value is None).write_csv(path)


def rows_by_month(settings: Settings) -> dict[str | None, int]:
    source = load_source(settings.source_dir)
    with scratch_database() as con, SourceReader(con, source) as reader:
        return placings(reader)["transactions"].counts()


def test_a_month_that_gains_or_loses_a_column_keeps_its_rows(tmp_path: Path):
    settings = shop_of_monthly_files(tmp_path)
    before = rows_by_month(settings)
    change(monthly_file(settings, FEBRUARY), till=pl.lit("3"), town=None)
    assert rows_by_month(settings) == before


@pytest.mark.slow
def test_a_column_that_no_file_has_any_more_is_reported(tmp_path: Path):
    settings = shop_of_monthly_files(tmp_path)
    for month in (JANUARY, FEBRUARY):
        change(monthly_file(settings, month), amount=pl.col("paid"), paid=None)
    ran = portrait("run", data=tmp_path)
    fails_in_a_sentence(ran, r"corner_shop/transactions.sql does not run: .*paid")
    assert not settings.portrait_file.exists()


@pytest.mark.slow
def test_where_all_rows_are_set_aside_it_ends_at_typing_and_says_why(tmp_path: Path):
    settings = short_shop(tmp_path)
    change(sales_file(settings), paid=pl.lit("much"))
    ran = portrait("run", data=tmp_path)
    fails_in_a_sentence(
        ran,
        "^cleaned of 2024-01 to 2024-02: all rows of transactions were set aside, most often as "
        r"transactions\.amount breaks the rule 'unreadable' \(\d+ of them, such as sales\.csv row ",
    )
    assert " features:" not in ran.stdout
    assert not settings.portrait_file.exists()


@pytest.mark.slow
def test_a_column_renamed_or_retyped_in_one_month_is_rejected_in_that_month_only(tmp_path: Path):
    settings = shop_of_monthly_files(tmp_path)
    february = rows_by_month(settings)[FEBRUARY]
    words = pl.when(pl.int_range(pl.len()) < 7).then(pl.lit("much")).otherwise("paid")
    change(monthly_file(settings, FEBRUARY), paid=words, category=None, kind=pl.col("category"))
    assert run(settings, [JANUARY, FEBRUARY]).success
    with duckdb.connect(str(settings.portrait_file), read_only=True) as con:
        rejects = con.execute(
            "SELECT column_name, rule, month, count(*) FROM cleaned.rejects "
            "WHERE table_name = 'transactions' GROUP BY ALL"
        ).fetchall()
        row_counts = con.execute(
            "SELECT row_count FROM mart.table_rows "
            f"WHERE table_name = 'cleaned.transactions' AND month = '{FEBRUARY}'"
        ).fetchall()
    assert ("amount", "unreadable", FEBRUARY, 7) in rejects
    assert row_counts == [(february - 7,)]


@pytest.mark.slow
def test_a_warehouse_of_another_version_is_left_alone_and_the_remedy_works(materialized: Settings):
    before = contents(materialized.portrait_file)
    with duckdb.connect(str(materialized.warehouse_file)) as con:
        con.execute("UPDATE meta.source SET format = 1")
    for verb in ("run", "doctor"):
        ran = portrait(verb, data=materialized.data_dir)
        fails_in_a_sentence(ran, "has format 1 .*with `.*portrait_assets run --fresh --sou")
    assert contents(materialized.portrait_file) == before
    assert portrait("run", "--fresh", data=materialized.data_dir).returncode == 0
    assert contents(materialized.portrait_file) == before


@pytest.mark.slow
def test_a_column_that_a_new_version_adds_is_added_to_the_warehouse(materialized: Settings):
    before = contents(materialized.portrait_file)
    with duckdb.connect(str(materialized.warehouse_file)) as con:
        con.execute("ALTER TABLE cleaned.transactions DROP COLUMN channel")
    doctor = portrait("doctor", data=materialized.data_dir)
    assert re.search("run --months 2024-02 --source corner_shop.*`, which adds it", doctor.stdout)
    assert run(materialized, [JANUARY, FEBRUARY]).success
    assert contents(materialized.portrait_file) == before


@pytest.mark.slow
def test_a_month_that_ends_early_is_materialized_and_not_taken_for_the_newest(tmp_path: Path):
    settings = shop(tmp_path)
    lines = sales_file(settings).read_text().splitlines(keepends=True)
    kept = [line for line in lines if line[:10] < "2024-04-12" or not line[0].isdigit()]
    sales_file(settings).write_text("".join(kept))
    ran = portrait("run", data=tmp_path)
    assert ran.returncode == 0
    # Which of the two reasons comes first depends on how many rows are left.
    printed = " ".join(ran.stdout.split())
    assert "cleaned.completeness arrived" in printed
    assert "transactions has" in printed
    with duckdb.connect(str(settings.portrait_file), read_only=True) as con:
        assert con.sql("SELECT DISTINCT strftime(as_of, '%Y-%m') FROM portrait").fetchall() == [
            ("2024-03",)
        ]
        assert con.sql("SELECT max(as_of)::VARCHAR FROM tags.portrait_matrix").fetchall() == [
            ("2024-04-30",)
        ]

    definition = settings.source_dir / "source.yaml"
    definition.write_text(definition.read_text() + "complete_months: [2024-04]\n")
    assert portrait("run", data=tmp_path).returncode == 0
    with duckdb.connect(str(settings.portrait_file), read_only=True) as con:
        assert con.sql("SELECT DISTINCT as_of::VARCHAR FROM portrait").fetchall() == [
            ("2024-04-30",)
        ]
