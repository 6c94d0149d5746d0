"""Whom thirty products suit of a million customers, and what to offer each of them next.

`python -m benchmarks.suitability --customers 1000000 --products 30` makes records, balances and ten
affinities a customer in a file, then counts the refusals by rule and chooses the next products.
Asked of 1,000,000 x 30: 240 s and 4 GiB.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import duckdb

from portrait_assets.schema.table import Table
from portrait_assets.stages.cleaned.contract import CLEANED, GOLDEN_RECORD
from portrait_assets.stages.consent.contract import CONSENT_DEFAULT, CUSTOMER_CONSENT
from portrait_assets.stages.features.contract import (
    CUSTOMER_BALANCE_MONTH,
    CUSTOMER_MONTH,
    FEATURE_MATRIX,
    UNPROFILED,
)
from portrait_assets.stages.identity.contract import CUSTOMER_ALIAS, IDENTITY_MAP
from portrait_assets.stages.offers.next_product.choosing import next_product
from portrait_assets.stages.offers.suitability.counting import product_rule
from portrait_assets.storage.duckdb.connection import open_database
from portrait_assets.storage.duckdb.rows import Query
from portrait_assets.storage.duckdb.tables import column_types, create_table_sql
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Grain, Scope, Step
from portrait_assets.testing.measured import keep

MONTH = "2024-06"
AFFINITY = Step("product_affinity", (), grain=Grain.ALL)
TABLES = (
    *(GOLDEN_RECORD, FEATURE_MATRIX, UNPROFILED, CUSTOMER_BALANCE_MONTH, CUSTOMER_MONTH),
    *(IDENTITY_MAP, CUSTOMER_ALIAS, CONSENT_DEFAULT, CUSTOMER_CONSENT),
    *(CLEANED[name] for name in ("products", "balances", "transactions")),
)
ID = "'C' || lpad(c::VARCHAR, 8, '0')"


def draw(number: int, of: str = "c") -> str:
    """A number from 0 to 999 that looks random."""
    return f"(md5_number_lower(({of})::VARCHAR || '/{number}') % 1000)::INTEGER"


def rows(customers: int, products: int) -> dict[Table, str]:
    """The SELECT of the rows of each table that has some."""
    everyone = f"range({customers}) AS t(c)"
    month = f"'{MONTH}' AS month"
    record = (
        f"SELECT {month}, {ID} AS customer_id, "
        f"CASE WHEN {draw(1)} < 700 THEN 'C' || (1 + {draw(2)} % 5) END AS risk_tolerance, "
        f"DATE '2024-06-30' - {draw(3)} AS risk_assessed_on, "
        f"risk_assessed_on + 365 AS risk_tolerance_expires_on, "
        f"DATE '2005-01-01' - 25 * {draw(4)} AS birth_date, {draw(5)} < 20 "
        f"AS is_professional_investor, "
        f"CASE WHEN {draw(6)} < 50 THEN DATE '2023-01-01' END AS extra_care_recorded_on, "
        f"CASE WHEN {draw(7)} < 300 THEN DATE '2024-01-01' END AS insurance_need_assessed_on, "
        f"[]::VARCHAR[] AS origins FROM {everyone}"
    )
    product = (
        f"SELECT '2024-01' AS month, 'P' || lpad(c::VARCHAR, 3, '0') AS product_id, "
        "CASE WHEN c % 6 < 5 THEN 'R' || (1 + c % 5) END AS risk_grade, "
        "CASE WHEN c % 6 = 5 THEN 'insurance' ELSE 'fund' END AS category, "
        "true AS needs_assessment, 100 * (c % 4) AS minimum_amount, 0.01 AS margin_rate, "
        f"'f' AS source_file, c AS source_row FROM range({products}) AS t(c)"
    )
    account_of = f"'P' || lpad(({draw(8)} % {products})::VARCHAR, 3, '0')"
    return {
        GOLDEN_RECORD: record,
        FEATURE_MATRIX: f"SELECT DATE '2024-06-30' AS as_of, {ID} AS customer_id "
        f"FROM {everyone} WHERE c % 50 > 0",
        UNPROFILED: f"SELECT DATE '2024-06-30' AS as_of, {ID} AS customer_id, "
        f"'withdrawn' AS because, true AS keeps_row FROM {everyone} WHERE c % 50 = 0",
        CUSTOMER_BALANCE_MONTH: f"SELECT {month}, {ID} AS customer_id, {draw(9)} AS balance "
        f"FROM {everyone} WHERE c % 10 > 0",
        CUSTOMER_CONSENT: f"SELECT DATE '2024-06-30' AS as_of, {ID} AS customer_id, "
        "'profiling' AS purpose, false AS allowed, 'withdrawn' AS because "
        f"FROM {everyone} WHERE c % 50 = 0",
        CLEANED["products"]: product,
        CLEANED["balances"]: f"SELECT {month}, {ID} AS customer_id, 'a' || c AS account_id, "
        f"{account_of} AS product_id, DATE '2024-06-30' AS balance_on, {draw(9)} AS balance, "
        f"'f' AS source_file, c AS source_row FROM {everyone} WHERE c % 10 > 0",
    }


def make(con: duckdb.DuckDBPyConnection, customers: int, products: int) -> None:
    """Fill the tables, and `affinity` with ten products a customer."""
    given = rows(customers, products)
    for table in TABLES:
        nullable = [c for c in table.all_columns if not c.nullable]
        con.execute(f"CREATE SCHEMA IF NOT EXISTS {table.schema}")
        con.execute(create_table_sql(table, column_types(table)))
        for column in nullable:
            con.execute(f"ALTER TABLE {table.full_name} ALTER {column.name} DROP NOT NULL")
        if table in given:
            con.execute(f"INSERT INTO {table.full_name} BY NAME {given[table]}")
    # Each lists ten of the products, from one on and round.
    item = f"({draw(10)} + n) % {products}"
    con.execute(
        f"CREATE TABLE affinity AS SELECT {ID} AS customer_id, 'product' AS item_kind, "
        f"'P' || lpad(({item})::VARCHAR, 3, '0') AS item, {draw(11, 'c * 100 + n')} / 4000.0 "
        f"AS probability FROM range({customers}) AS t(c), range({min(10, products)}) AS u(n) "
        "WHERE c % 50 > 0"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--products", type=int, default=30)
    parser.add_argument("--quick", action="store_true", help="20,000 customers")
    given = parser.parse_args()
    customers = 20_000 if given.quick else given.customers
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        con = open_database(Path(folder) / "offers.duckdb")
        con.execute("SET enable_progress_bar = false")
        make(con, customers, given.products)
        engine = Engine(con, given={AFFINITY: "affinity"})
        steps: dict[str, Step] = {
            "product_rule": product_rule(10),
            "next_product": next_product(AFFINITY, 10),
        }
        for name, step in steps.items():
            began, busy = time.perf_counter(), time.process_time()
            with engine.rows(step, Scope(MONTH)) as found:
                source = found.sql if isinstance(found, Query) else "FROM found"
                con.execute(f"CREATE TABLE {name} AS {source}")
            took, cpu = time.perf_counter() - began, time.process_time() - busy
            (count,) = con.sql(f"SELECT count(*) FROM {name}").fetchall()[0]
            what = f"{name} of {customers:,} customers x {given.products} products"
            print(f"{what}: {count:,} rows, {took:.1f} s ({cpu:.1f} s of CPU)")
            figures |= {f"{name}_s": took, f"{name}_cpu_s": cpu}
        con.close()
    figures["peak_gib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"peak {figures['peak_gib']:.2f} GiB (asked 4), together "
        f"{figures['product_rule_s'] + figures['next_product_s']:.0f} s (asked 240)"
    )
    if not given.quick:
        keep("suitability", figures)


if __name__ == "__main__":
    main()
