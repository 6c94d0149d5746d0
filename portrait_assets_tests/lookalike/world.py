"""A warehouse of two months, some hundred customers and some prospects, written down row by row.

Who spends much in March is over 50 or a manager. Prospects are numbered as persons are: `Q3` is
the person `C3`.
"""

from __future__ import annotations

import shutil
from copy import copy
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl

from portrait_assets.core.settings import Settings
from portrait_assets.schema.table import Table
from portrait_assets.stages.cleaned.contract import CLEANED, GOLDEN_RECORD
from portrait_assets.stages.identity.contract import IDENTITY_MAP, LINKAGE_MODEL
from portrait_assets.storage.duckdb.tables import column_types, create_table_sql
from portrait_assets_tests.privacy.consent_world import write_consents

MARCH, JUNE = date(2024, 3, 31), date(2024, 6, 30)
JOBS = ("clerk", "manager", "retired")
SOURCE = """\
name: town
title: {en: A town bank, zh: 小城银行}
licence: CC0; all persons are invented
first_month: 2024-01
last_month: 2024-06
time_zone: UTC
files_in: .
files: {people: people.csv}
identity: {keys: [[phone, birth_date]], probabilistic: false}
"""
AUDIENCES = """\
audiences:
  - code: wealthy
    name: {en: Wealthy, zh: 高价值}
    owner: marketing
    where: tier = 'high'
  - code: few
    name: {en: Few, zh: 少数}
    owner: marketing
    where: customer_id IN ('C1', 'C2')
"""
Row = dict[str, Any]


def persons(numbers: range) -> pl.DataFrame:
    """Persons by number: what is known of each, wherever they are listed."""
    rng = np.random.default_rng(0)
    born = rng.integers(-14_000, 12_000, 3_000)
    jobs = rng.choice(JOBS, 3_000)
    return pl.DataFrame(
        {
            "number": list(numbers),
            "full_name": [f"Person {number}" for number in numbers],
            "phone": [f"1380000{number:04}" for number in numbers],
            "birth_date": pl.Series([int(born[n]) for n in numbers], dtype=pl.Int32).cast(pl.Date),
            "occupation": [str(jobs[n]) for n in numbers],
        }
    )


def is_wealthy(people: pl.DataFrame) -> pl.Series:
    """Who is over 50 in March, or a manager."""
    over = people["birth_date"] < date(1974, 3, 31)
    return over | (people["occupation"] == "manager")


class Town:
    """The warehouse, and what is published of it."""

    def __init__(self, folder: Path, customers: int = 400) -> None:
        self.settings = Settings(data_dir=folder, source="town", smallest_group=10)
        source = self.settings.source_dir
        source.mkdir(parents=True)
        (source / "source.yaml").write_text(SOURCE, encoding="utf-8")
        (source / "audiences.yaml").write_text(AUDIENCES, encoding="utf-8")
        for name in ("customers", "prospects"):
            (source / f"{name}.sql").write_text("SELECT * FROM people", encoding="utf-8")
        self.settings.warehouse_dir.mkdir(parents=True, exist_ok=True)
        with self.warehouse() as con:
            for table in (
                *(CLEANED["customers"], CLEANED["prospects"], GOLDEN_RECORD),
                *(IDENTITY_MAP, LINKAGE_MODEL),
            ):
                con.execute(f"CREATE SCHEMA IF NOT EXISTS {table.schema}")
                con.execute(create_table_sql(table, column_types(table)))
            con.execute("CREATE SCHEMA tags")
            con.execute(
                "CREATE TABLE tags.portrait_matrix (as_of DATE, customer_id VARCHAR, tier VARCHAR)"
            )
            con.execute(
                "CREATE TABLE tags.tag_catalogue AS SELECT 'tier' AS tag_code, "
                "['high', 'low'] AS tag_values, 'C1' AS sensitivity"
            )
        self.add_customers(persons(range(1, customers + 1)), "2024-01", date(2020, 1, 1))
        self.consents()

    def copied_to(self, folder: Path) -> Town:
        """The same town in a folder that does not exist yet, which takes less than to write it."""
        shutil.copytree(self.settings.data_dir, folder)
        town = copy(self)
        town.settings = self.settings.model_copy(update={"data_dir": folder})
        return town

    def warehouse(self) -> duckdb.DuckDBPyConnection:
        return duckdb.connect(str(self.settings.warehouse_file))

    def consents(self, *answers: tuple[str, str, str | None, bool, str]) -> None:
        """Write what is allowed into both files, in the place of what was there."""
        for file in (self.settings.warehouse_file, self.settings.portrait_file):
            file.parent.mkdir(parents=True, exist_ok=True)
            with duckdb.connect(str(file)) as con:
                con.execute("DROP SCHEMA IF EXISTS consent CASCADE")
                write_consents(con, answers)

    def add_customers(self, people: pl.DataFrame, month: str, joined_on: date) -> None:
        """Customers with a record of the month, in the matrix of every month that ends later."""
        records = people.with_columns(
            month=pl.lit(month),
            customer_id=pl.format("C{}", "number"),
            source_customer_id=pl.format("C{}", "number"),
            joined_on=pl.lit(joined_on),
            recorded_on=pl.lit(joined_on),
            source_file=pl.lit("people.csv"),
            source_row=pl.col("number"),
            origins=pl.lit([], pl.List(pl.String)),
            valid_from=pl.lit(joined_on),
            match_probability=pl.lit(1.0),
            evidence=pl.lit("same identifier in the source"),
        )
        with self.warehouse() as con:
            for table in (CLEANED["customers"], GOLDEN_RECORD, IDENTITY_MAP):
                insert(con, table, records)
            tier = pl.when(is_wealthy(people)).then(pl.lit("high")).otherwise(pl.lit("low"))
            for as_of in (MARCH, JUNE):
                if f"{as_of:%Y-%m}" >= month:
                    rows = records.select(pl.lit(as_of).alias("as_of"), "customer_id", tier=tier)
                    con.register("rows", rows.to_arrow())
                    con.execute("INSERT INTO tags.portrait_matrix BY NAME FROM rows")

    def add_prospects(
        self,
        people: pl.DataFrame,
        listed_on: date = date(2024, 2, 1),
        agreed: bool = True,
        **changed: pl.Expr,
    ) -> None:
        """Prospects listed on a day; what differs from the person is given by column."""
        rows = people.with_columns(
            month=pl.lit(f"{listed_on:%Y-%m}"),
            prospect_id=pl.format("Q{}", "number"),
            recorded_on=pl.lit(listed_on),
            marketing_agreed_on=pl.lit(listed_on if agreed else None, pl.Date),
            source_file=pl.lit("prospects.csv"),
            source_row=pl.col("number"),
        ).with_columns(**changed)
        with self.warehouse() as con:
            insert(con, CLEANED["prospects"], rows)


def insert(con: duckdb.DuckDBPyConnection, table: Table, rows: pl.DataFrame) -> None:
    """Insert the columns that the table has; others of it are null."""
    names = [column.name for column in table.all_columns if column.name in rows.columns]
    con.register("rows", rows.select(names).to_arrow())
    con.execute(f"INSERT INTO {table.full_name} BY NAME FROM rows")
