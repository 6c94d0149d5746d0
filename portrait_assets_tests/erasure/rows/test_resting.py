"""Every stored table is per customer, counted again on an erasure, or of enough customers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from itertools import product

import duckdb
import polars as pl
import pytest

from portrait_assets.app.erasure.rows.few import few_sql
from portrait_assets.app.erasure.rows.recounting import SIZES, recounted_steps
from portrait_assets.app.erasure.rows.removed_rows import name_rows
from portrait_assets.core.cells import SMALLEST_CELL
from portrait_assets.core.settings import Settings
from portrait_assets.core.source_folder import PACKAGED_SOURCES
from portrait_assets.orchestration.definitions import context_of
from portrait_assets.schema.columns import count, text
from portrait_assets.schema.pandera_schema import contract_schema, violations
from portrait_assets.schema.resting import Resting, counts_of, resting_of
from portrait_assets.schema.sensitivity import SHARE
from portrait_assets.schema.table import PartitionBy, Table
from portrait_assets.stages.features.contract import CUSTOMER_CATEGORY_MONTH, FITTED
from portrait_assets.storage.check_results import CHECK_RESULTS
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.storage.duckdb.tables import column_types, create_table_sql

WITHOUT_COUNTS = {
    # What proves that there are enough customers where no column counts them.
    "clusters.cluster_model": "clusters/test_model.py, test_scoring.py, test_preparation.py",
    "clusters.cluster_profile": "clusters/champions/test_on_a_line.py",
    "clusters.segment_name": "clusters/champions/test_on_a_line.py",
    "clusters.wealth_holding": "clusters/test_resting.py",
    "clusters.wealth_model": "clusters/test_resting.py",
    "clusters.micro_model": "micro.finding.FEWEST",
    "market.season": "history of items with enough buyers",
    "market.trend": "history of items with enough buyers",
    "predictions.contract_hazard": "categories of `contract_model`, whose contracts are counted",
}


def tables() -> Mapping[str, Table]:
    """All tables of all packaged sources, by name."""
    found = {CHECK_RESULTS.full_name: CHECK_RESULTS}
    for folder in sorted(PACKAGED_SOURCES.iterdir()):
        if (folder / "source.yaml").is_file():
            context = context_of(Settings(data_dir=PACKAGED_SOURCES.parent, source=folder.name))
            found |= {table.full_name: table for table in context.tables}
    return found


TABLES = tables()


def untold(of: Mapping[str, Table]) -> list[str]:
    """The tables of which nobody knows what becomes of their rows on an erasure."""
    again = {step.writes.full_name for step in recounted_steps(SMALLEST_CELL, {}) if step.writes}
    again |= {table.full_name for table in (*SIZES, FITTED)}
    known = {Resting.NAMED, Resting.NOBODY, Resting.EVERYBODY}
    return sorted(
        name
        for name, table in of.items()
        if (resting := resting_of(table)) not in known
        and not (resting is Resting.COUNTED and name in again)
        and not (resting is Resting.ENOUGH and (counts_of(table) or name in WITHOUT_COUNTS))
    )


def test_of_every_table_it_is_known_what_becomes_of_its_rows():
    assert untold(TABLES) == []
    unproved = {n for n, t in TABLES.items() if resting_of(t) is Resting.ENOUGH}
    assert set(WITHOUT_COUNTS) <= unproved, "named here, and it is no longer so"


BARE = Table(
    "market", "bare", "Bare", "空", (text("item", "Item", "项"),), partition_by=PartitionBy.AS_OF
)


@pytest.mark.parametrize(
    "table",
    [
        BARE,
        replace(BARE, operation=SHARE),
        replace(BARE, columns=(*BARE.columns, count("customers", "Customers", "客户数"))),
        replace(BARE, resting=Resting.ENOUGH),
        replace(BARE, resting=Resting.COUNTED),
    ],
)
def test_a_table_that_is_neither_counted_again_nor_proved_is_found(table: Table):
    assert untold({"market.bare": table}) == ["market.bare"]


ENOUGH = sorted(
    name
    for name, table in TABLES.items()
    if resting_of(table) is Resting.ENOUGH and counts_of(table)
)


@pytest.mark.parametrize("name", ENOUGH)
def test_the_contract_refuses_a_row_of_few(name: str):
    table = TABLES[name]
    for column in counts_of(table):
        kind = table.column(column).polars_type
        for value, is_wrong in ((0, False), (1, True), (9, True), (10, False), (None, False)):
            row = pl.DataFrame({column: [value]}, schema={column: kind})
            alone = contract_schema(
                replace(
                    table,
                    columns=(replace(table.column(column), nullable=True),),
                    key=(),
                    partition_by=None,
                    stored_as=None,
                    resting=Resting.ENOUGH,
                    counts=(column,),
                )
            )
            _, sentence = violations(alone, row)
            found = f"{column} fails none or at least {SMALLEST_CELL} customers" in sentence
            assert found == is_wrong, (name, value, sentence)


@pytest.mark.parametrize(
    ("table", "few"),
    [
        ("market.bare", [1, 9]),
        ("features.product_month", [0, 1, 9, None]),
        ("clusters.cluster_profile", [0, 1, 9]),
    ],
)
def test_rows_of_fewer_than_ten_in_their_months_are_counted_again(
    table: str, few: list[int | None]
):
    """A month of theirs and one before it have a row of each number; of segments, a profile."""
    with duckdb.connect() as con:
        con.execute(
            "CREATE SCHEMA market; CREATE SCHEMA features; CREATE SCHEMA clusters; "
            "CREATE TEMP TABLE erased_months AS SELECT DATE '2024-02-29' AS as_of; "
            "CREATE TABLE clusters.cluster_segment AS SELECT as_of, segment_id, customers FROM "
            "(VALUES (1, 0), (2, 1), (3, 9), (4, 10), (5, NULL)) AS t (segment_id, customers), "
            "(VALUES (DATE '2024-01-31'), (DATE '2024-02-29')) AS m (as_of)"
        )
        if table == "clusters.cluster_profile":
            con.execute(f"CREATE TABLE {table} AS SELECT * RENAME customers AS n FROM "
                        "clusters.cluster_segment")  # fmt: skip
        else:
            con.execute(f"CREATE TABLE {table} AS SELECT *, customers AS n FROM "
                        "clusters.cluster_segment")  # fmt: skip
        found = con.execute(
            f"SELECT as_of, n FROM {table} WHERE {few_sql(con, table)} ORDER BY n"
        ).fetchall()
    assert found == [(date(2024, 2, 29), count) for count in few]


def test_a_choice_of_theirs_is_one_that_only_they_made_within_twelve_months():
    rows = [
        *(("2023-12", "K2", "c1"), ("2024-01", "K1", "c1")),  # K2's is a month too old.
        *(("2024-05", "K1", "c2"), ("2024-06", "K2", "c2"), ("2024-12", "K1", "c3")),
        *(("2025-01", "K1", "c4"), ("2024-12", "K2", "c5")),
    ]
    with duckdb.connect() as con:
        con.execute(
            "CREATE SCHEMA features; CREATE TEMP TABLE erased_customer_id AS SELECT 'K1' AS id; "
            "CREATE TABLE features.feature_matrix AS FROM (VALUES (DATE '2024-12-31', 'K1'), "
            "(DATE '2024-11-30', 'K2')) AS t (as_of, customer_id); "
            f"CREATE TABLE {CUSTOMER_CATEGORY_MONTH.full_name} "
            "(month TEXT, customer_id TEXT, choice_id TEXT)"
        )
        con.executemany(f"INSERT INTO {CUSTOMER_CATEGORY_MONTH.full_name} VALUES (?, ?, ?)", rows)
        name_rows(con)
        assert con.execute("FROM temp.erased_months").fetchall() == [(date(2024, 12, 31),)]
        chosen = con.execute("FROM temp.erased_choices ORDER BY ALL").fetchall()
    assert chosen == [(date(2024, 12, 31), "c1"), (date(2024, 12, 31), "c3")]


COUNTED = sorted(n for n, table in TABLES.items() if resting_of(table) is Resting.COUNTED)
KEYS = {"as_of": "DATE '2024-03-31'", "month": "'2024-03'", "segment_id": "1"} | {
    "measure": "'purchases'",
    "item_kind": "'category'",
    "item": "'tea'",
}


@pytest.mark.parametrize("name", COUNTED)
def test_of_a_table_that_counts_customers_each_count_of_few_is_found(name: str):
    """A row of nine by any of its counts is, and one of ten by all of them is not."""
    table = TABLES[name].stored
    counts = counts_of(TABLES[name])
    some = replace(table, columns=tuple(replace(c, nullable=True) for c in table.columns))
    with scratch_database() as con:
        con.execute(
            "CREATE TEMP TABLE erased_months AS SELECT DATE '2024-03-31' AS as_of; "
            "CREATE TEMP TABLE erased_choices (as_of DATE, choice_id VARCHAR); "
            f"CREATE SCHEMA {table.schema}"
        )
        con.execute(create_table_sql(some, column_types(some)))
        few = few_sql(con, name, TABLES[name])
        assert few
        for column, value in product(counts, (9, 10)):
            row = KEYS | dict.fromkeys(counts, "10") | {column: str(value)}
            sql = ", ".join(f"{row[each]} AS {each}" for each in row if each in table.column_names)
            con.execute(f"DELETE FROM {name}; INSERT INTO {name} BY NAME SELECT {sql}")
            found = con.execute(f"SELECT count(*) FROM {name} WHERE {few}").fetchall()
            assert found == [(value < SMALLEST_CELL,)], (column, value)


def test_a_count_that_the_contract_does_not_name_is_not_looked_for():
    with scratch_database() as con:
        con.execute("CREATE SCHEMA market; CREATE TABLE market.bare (as_of DATE, buyers BIGINT)")
        assert few_sql(con, "market.bare", BARE) == ""
        named = replace(BARE, resting=Resting.COUNTED, counts=("buyers",))
        assert "buyers" in few_sql(con, "market.bare", named)
