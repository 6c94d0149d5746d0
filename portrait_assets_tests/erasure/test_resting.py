"""Every stored table is per customer, counted again on an erasure, or of enough customers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import duckdb
import polars as pl
import pytest

from portrait_assets.app.erasure.rows.recounting import SIZES, few_sql, recounted_steps
from portrait_assets.core.cells import SMALLEST_CELL
from portrait_assets.core.settings import Settings
from portrait_assets.core.source_folder import PACKAGED_SOURCES
from portrait_assets.orchestration.definitions import context_of
from portrait_assets.schema.columns import count, text
from portrait_assets.schema.pandera_schema import contract_schema, violations
from portrait_assets.schema.resting import Resting, counts_of, resting_of
from portrait_assets.schema.sensitivity import SHARE
from portrait_assets.schema.table import PartitionBy, Table
from portrait_assets.stages.features.contract import FITTED
from portrait_assets.storage.check_results import CHECK_RESULTS

WITHOUT_COUNTS = {
    # What proves that there are enough customers where no column counts them.
    "clusters.cluster_model": "clusters/test_scoring.py, test_preparation.py; model_of_enough",
    "clusters.cluster_profile": "clusters/test_resting.py",
    "clusters.segment_name": "clusters/test_resting.py",
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


COUNTED = sorted(
    name
    for name, table in TABLES.items()
    if resting_of(table) is Resting.ENOUGH and counts_of(table)
)


@pytest.mark.parametrize("name", COUNTED)
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


def test_rows_of_few_of_a_table_that_keeps_records_are_all_counted_again():
    with duckdb.connect() as con:
        con.execute("CREATE SCHEMA consent; CREATE TEMP TABLE erased_months (as_of DATE)")
        con.execute("CREATE TABLE consent.consent_default (as_of DATE, purpose VARCHAR)")
        assert few_sql(con, "consent.consent_default") == "as_of IN (FROM temp.erased_months)"
