"""Numbers of few customers are counted again without the erased; those of many stay."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pytest

from portrait_assets.app.erasure.people.persons import name_ids
from portrait_assets.app.erasure.rows.recounting import Recounting
from portrait_assets.app.erasure.rows.removal import copy_without
from portrait_assets.app.erasure.rows.removed_rows import LINE_SCHEMA, Removed
from portrait_assets.privacy.erasure import Rows
from portrait_assets.privacy.keys import Key, KeyName
from portrait_assets.schema.columns import count, required, text
from portrait_assets.schema.table import Table
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.storage.steps import THE_MONTH, Grain, Step, read
from portrait_assets_tests.erasure.conftest import Done
from portrait_assets_tests.erasure.world import rows

KEY = Key(KeyName.TOMBSTONES, b"k" * 32)
BOUGHT = Table(
    schema="market",
    name="bought",
    en="Customers by category",
    zh="分类客户数",
    columns=(
        required(text)("category", "Category", "类别"),
        count("customers", "Customers", "客户数"),
    ),
    key=("category",),
)
STEP = Step(
    "bought",
    (read(CLEANED["transactions"], THE_MONTH),),
    "SELECT month, category, count(DISTINCT customer_id) AS customers FROM transactions "
    "GROUP BY month, category",
    grain=Grain.ALL,
    writes=BOUGHT,
)
BUYERS = {"bread": 12, "tea": 9, "cheese": 1, "honey": 4}
"""K1 bought all of it in both months; of honey four others bought in March, when K1 was gone."""


@pytest.fixture
def con(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(str(tmp_path / "old.duckdb"))
    con.execute(
        "CREATE SCHEMA raw; CREATE SCHEMA cleaned; CREATE SCHEMA features; CREATE SCHEMA market; "
        "CREATE SCHEMA meta; "
        "CREATE TABLE meta.partitions (table_name VARCHAR, month VARCHAR, row_count BIGINT); "
        "CREATE TABLE cleaned.transactions (month VARCHAR, customer_id VARCHAR, category VARCHAR, "
        "source_file VARCHAR, source_row BIGINT)"
    )
    for month, first in (("2024-01", 1), ("2024-02", 1), ("2024-03", 2)):
        con.execute(
            "INSERT INTO cleaned.transactions SELECT ?, 'K' || n, c.category, 'f', n FROM "
            f"(VALUES {', '.join(map(str, BUYERS.items()))}) AS c(category, buyers), "
            f"range({first}, buyers + {first}) AS r(n)",
            [month],
        )
    con.execute(
        "CREATE TABLE features.feature_matrix AS SELECT DISTINCT "
        "last_day(CAST(month || '-01' AS DATE)) AS as_of, customer_id FROM cleaned.transactions; "
        "CREATE TABLE market.bought AS SELECT month, category, count(DISTINCT customer_id) AS "
        "customers FROM cleaned.transactions GROUP BY 1, 2"
    )
    return con


def copied(con: duckdb.DuckDBPyConnection, new: Path, recounting: Recounting | None) -> list[Rows]:
    name_ids(con, ["K1"], [])
    lines = pl.DataFrame(schema=LINE_SCHEMA)
    ids = frozenset({"customer_id"})
    removed = Removed(con, (BOUGHT,), ids, KEY, (), lines, ((), ()), recounting=recounting)
    return copy_without(removed, new)


def counts(new: Path, month: str) -> dict[str, int]:
    with duckdb.connect(str(new), read_only=True) as con:
        found = con.execute(
            "SELECT category, customers FROM market.bought WHERE month = ?", [month]
        ).fetchall()
    return dict(found)


def test_few_are_counted_again_and_many_stay(con: duckdb.DuckDBPyConnection, tmp_path: Path):
    done = copied(con, tmp_path / "new.duckdb", Recounting((STEP,)))
    for month in ("2024-01", "2024-02"):
        assert counts(tmp_path / "new.duckdb", month) == {"bread": 12, "tea": 8, "honey": 3}
    assert counts(tmp_path / "new.duckdb", "2024-03") == BUYERS, "nobody was there to be erased"
    noted = [(each.what, each.before, each.after) for each in done if each.name == "market.bought"]
    assert noted == [("rows removed", 12, 10), ("rows of few customers counted again", 0, 4)]


def test_of_months_whose_rows_are_gone_few_only_go(con: duckdb.DuckDBPyConnection, tmp_path: Path):
    copied(con, tmp_path / "new.duckdb", Recounting((STEP,), frozenset({"2024-01"})))
    assert counts(tmp_path / "new.duckdb", "2024-01") == {"bread": 12}
    assert counts(tmp_path / "new.duckdb", "2024-02") == {"bread": 12, "tea": 8, "honey": 3}


ITEMS = """
    SELECT t.month, a.segment_id, t.category, count(DISTINCT t.customer_id) AS customers
    FROM cleaned.transactions AS t JOIN clusters.cluster_assignment AS a
        ON a.customer_id = t.customer_id AND strftime(a.as_of, '%Y-%m') = t.month
    WHERE t.category IS NOT NULL AND NOT coalesce(t.kind IN ('return', 'refund'), false)
        AND t.amount > 0 AND t.cancels IS NULL
    GROUP BY ALL ORDER BY ALL
"""
STORED = """
    SELECT month, segment_id, item, customers FROM market.item_month
    WHERE measure = 'purchases' AND item_kind = 'category' AND segment_id > 0 AND {} ORDER BY ALL
"""
FEW = "customers BETWEEN 1 AND 9"


@pytest.mark.slow
def test_the_shop_counts_few_without_the_erased_and_many_with_them(done: Done):
    few = STORED.format(FEW)
    assert rows(done.settings, few) == rows(done.settings, f"FROM ({ITEMS}) WHERE {FEW}")
    assert rows(done.before, few) == rows(done.before, f"FROM ({ITEMS}) WHERE {FEW}")
    many = STORED.format("customers >= 10")
    assert rows(done.settings, many) == rows(done.before, many)


@pytest.mark.slow
def test_fits_of_few_are_fitted_again_under_their_numbers(done: Done):
    sql = """
        PIVOT (SELECT as_of, row_no, column_name, value FROM features.fitted
            WHERE step = 'base_category') ON column_name IN ('buyers', 'category_no', 'line_share')
        USING any_value(value) ORDER BY ALL
    """
    before = {row[:2]: row[2:] for row in rows(done.before, sql)}
    after = {row[:2]: row[2:] for row in rows(done.settings, sql)}
    for place, (buyers, number, share) in before.items():
        if int(buyers) >= 10:
            assert after[place] == (buyers, number, share)
        elif place in after:
            assert after[place][1] == number
            assert int(after[place][0]) <= int(buyers)
    assert after != before
