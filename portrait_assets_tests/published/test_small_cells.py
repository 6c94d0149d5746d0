"""What is published of a source that is not public lists no value of few customers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from portrait_assets.core.cells import SMALLEST_CELL
from portrait_assets.core.settings import Settings
from portrait_assets.testing.worlds.shop import run, sales_file, shop

COUNTED = {
    # Segments are rows of the matrix, which the file holds too; the report lists no small one.
    "clusters.cluster_segment",
    # Rows of whole tables and months.
    "cleaned.quality",
}
MARKED = ("转账给张三", "Transfer to J. Smith", "13812345678")


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The shop as if its customers were a secret, some of whom write to whom they transfer."""
    settings = shop(tmp_path_factory.mktemp("private"))
    definition = settings.source_dir / "source.yaml"
    definition.write_text(definition.read_text().replace("public: true\n", ""))
    header, *lines = sales_file(settings).read_text().splitlines()
    for number in range(0, len(lines), 40):
        fields = lines[number].split(",")
        fields[3] = MARKED[number // 40 % len(MARKED)]
        lines[number] = ",".join(fields)
    sales_file(settings).write_text("\n".join([header, *lines]) + "\n")
    assert run(settings).success
    return settings


@pytest.fixture
def published(private: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(private.portrait_file), read_only=True) as con:
        yield con


def tables_with_counts(con: duckdb.DuckDBPyConnection) -> list[str]:
    """The tables with customers by something in words, and no row per customer."""
    return [
        name
        for (name,) in con.execute(
            "SELECT schema_name || '.' || table_name FROM duckdb_columns() WHERE NOT internal "
            "GROUP BY ALL HAVING bool_or(column_name = 'customers') "
            "AND NOT bool_or(column_name = 'customer_id') ORDER BY ALL"
        ).fetchall()
    ]


@pytest.mark.slow
def test_no_table_lists_a_value_of_few_customers(published: duckdb.DuckDBPyConnection):
    tables = tables_with_counts(published)
    assert {"validation.backtest_bucket", "validation.migration"} <= set(tables)
    for table in set(tables) - COUNTED:
        (small,) = published.execute(
            f"SELECT count(*) FROM {table} WHERE customers BETWEEN 1 AND {SMALLEST_CELL - 1}"
        ).fetchone() or (None,)
        assert small == 0, table


@pytest.mark.slow
def test_what_is_pooled_says_how_many_values_it_pools(published: duckdb.DuckDBPyConnection):
    buckets = published.execute(
        "SELECT DISTINCT bucket FROM validation.backtest_bucket WHERE bucket LIKE 'other%'"
    ).fetchall()
    assert ("other (2 values)",) in buckets
    shares = published.execute(
        "SELECT distribution FROM tags.tag_quality WHERE tag_code = 'activity_level' "
        "AND as_of = '2024-04-30'"
    ).fetchall()
    assert re.search(r"other \(\d values\) \d", shares[0][0])
    unpooled = published.execute(
        "SELECT dimension, sum(customers) FROM validation.migration WHERE as_of = '2024-04-30' "
        "AND dimension = 'segment' GROUP BY ALL"
    ).fetchall()
    assert unpooled == [("segment", 60)], "all customers are counted, those who are pooled too"


@pytest.mark.slow
def test_what_customers_write_is_in_nothing_that_is_published(
    private: Settings, published: duckdb.DuckDBPyConnection
):
    for schema, table in published.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal"
    ).fetchall():
        for mark in MARKED:
            found = published.execute(
                f"SELECT count(*) FROM {schema}.{table} AS t WHERE contains(t::VARCHAR, ?)", [mark]
            ).fetchone()
            assert found == (0,), f"{schema}.{table}"
    files = [path for path in Path(private.warehouse_dir).rglob("*.html") if path.is_file()]
    assert files
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert not any(mark in text for mark in MARKED), path.name
    rejected = published.execute(
        "SELECT count(*) FROM cleaned.rejects WHERE rule = 'looks like personal data'"
    ).fetchone()
    assert rejected == (32,)
