"""The market of the corner shop, materialized with all that is left of it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import duckdb
import pytest

from portrait_assets.core.settings import Settings
from portrait_assets.stages.market.assets import TABLES

pytestmark = pytest.mark.slow


@pytest.fixture
def warehouse(all_months: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(all_months.warehouse_file), read_only=True) as con:
        yield con


def test_demand_of_all_is_what_was_taken(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute(
        "SELECT strftime(as_of, '%Y-%m'), amount FROM market.demand "
        "WHERE segment_id = 0 AND item_kind = 'all' ORDER BY 1"
    ).fetchall()
    taken = warehouse.execute(
        "SELECT t.month, sum(amount) FROM cleaned.transactions AS t "
        "JOIN clusters.cluster_assignment AS a ON a.customer_id = t.customer_id "
        "AND strftime(a.as_of, '%Y-%m') = t.month GROUP BY 1 ORDER BY 1"
    ).fetchall()
    assert found == taken
    assert len(found) == 4


def test_a_change_of_takings_is_that_of_two_months(warehouse: duckdb.DuckDBPyConnection) -> None:
    amounts = dict(
        warehouse.execute(
            "SELECT as_of, amount FROM market.demand WHERE segment_id = 0 AND item_kind = 'all'"
        ).fetchall()
    )
    rows = warehouse.execute(
        "SELECT as_of, amount, amount_before, volume + price + mix, range_change "
        "FROM market.takings_change WHERE segment_id = 0 AND item = 'all' "
        "AND comparison = 'month before' ORDER BY as_of"
    ).fetchall()
    assert len(rows) == 3
    for (as_of, amount, before, parts, _), earlier in zip(rows, sorted(amounts), strict=False):
        assert (amount, before) == (amounts[as_of], amounts[earlier])
        assert parts == amount - before
        assert parts != Decimal(0)


def test_all_tables_but_the_one_with_small_cells_are_published(all_months: Settings) -> None:
    with duckdb.connect(str(all_months.portrait_file), read_only=True) as con:
        published = {
            name
            for (name,) in con.execute(
                "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'market'"
            ).fetchall()
        }
    assert {table.name for table in TABLES} - published == {"item_month"}
