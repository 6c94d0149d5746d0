"""Numbers of few customers are counted again without the erased; those of many stay."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest

from portrait_assets.app.erasure.people.persons import name_ids
from portrait_assets.app.erasure.rows.few import few_sql
from portrait_assets.app.erasure.rows.recounting import Recounting
from portrait_assets.app.erasure.rows.removal import copy_without
from portrait_assets.app.erasure.rows.removed_rows import LINE_SCHEMA, Removed, name_rows
from portrait_assets.privacy.erasure import Rows
from portrait_assets.privacy.keys import Key, KeyName
from portrait_assets.schema.columns import count, required, text
from portrait_assets.schema.table import Table
from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.clusters.contract import CLUSTER_ASSIGNMENT, CLUSTER_SEGMENT
from portrait_assets.stages.consent.contract import CONSENT_DEFAULT
from portrait_assets.stages.features.contract import FITTED, PRODUCT_MONTH
from portrait_assets.stages.features.monthly.steps import PRODUCT_MONTH as SOLD
from portrait_assets.stages.market.changes.contract import TAKINGS_CHANGE
from portrait_assets.stages.market.demand.contract import DEMAND, ITEM_MONTH
from portrait_assets.storage.duckdb.tables import column_types, create_table_sql
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


JANUARY = "2024-01-31"


def with_tables(con: duckdb.DuckDBPyConnection, *tables: Table) -> None:
    """The tables with all that they may lack null."""
    for table in tables:
        some = replace(table, columns=tuple(replace(c, nullable=True) for c in table.columns))
        con.execute(f"CREATE SCHEMA IF NOT EXISTS {table.schema}")
        con.execute(create_table_sql(some, column_types(some)))


def test_segments_of_few_have_the_customers_who_are_left(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
):
    """Of twelve, of four with K1, and of K1's alone; what else is said of few is not said again."""
    with_tables(con, CLUSTER_ASSIGNMENT, CLUSTER_SEGMENT)
    con.execute(
        "INSERT INTO clusters.cluster_assignment (as_of, customer_id, segment_id, model_version) "
        f"SELECT DATE '{JANUARY}', 'K' || n, CASE WHEN n > 4 THEN 1 ELSE 2 END, 'v' "
        "FROM range(1, 17) AS r(n)"
    )
    con.execute(
        "INSERT INTO clusters.cluster_segment BY NAME SELECT as_of, segment_id, 'a' AS name_en, "
        "'b' AS name_zh, false AS name_is_given, count(*) AS customers, count(*) / 16 AS share, "
        "0.5 AS value_share, 'kept' AS status, 0.9 AS stability, 0.3 AS silhouette, "
        "0.8 AS rule_recall, 'spend > 5' AS rule, 'v' AS model_version "
        "FROM clusters.cluster_assignment GROUP BY ALL"
    )
    copied(con, tmp_path / "new.duckdb", Recounting(()))
    with duckdb.connect(str(tmp_path / "new.duckdb"), read_only=True) as new:
        found = new.execute(
            "SELECT segment_id, customers, share, value_share, stability, silhouette, "
            "rule_recall, rule FROM clusters.cluster_segment ORDER BY 1"
        ).fetchall()
    assert found == [
        (1, 12, 0.75, 0.5, 0.9, 0.3, 0.8, "spend > 5"),
        (2, 3, 0.2, *[None] * 5),
    ]


def test_sales_of_few_buyers_are_counted_again(con: duckdb.DuckDBPyConnection, tmp_path: Path):
    """K1 bought a kettle with eight others, a lamp with nine; who bought rice was not counted."""
    con.execute("DROP TABLE cleaned.transactions")
    with_tables(con, CLEANED["transactions"], CLEANED["products"], PRODUCT_MONTH)
    for product, buyers in (("kettle", 9), ("lamp", 10), ("rice", 12)):
        con.execute(
            "INSERT INTO cleaned.transactions BY NAME SELECT '2024-01' AS month, "
            "'K' || n AS customer_id, TIMESTAMP '2024-01-05' AS occurred_at, ? AS product_id, "
            "1 AS quantity, 10 + n AS amount, 'f' AS source_file, n AS source_row "
            "FROM range(1, ? + 1) AS r(n)",
            [product, buyers],
        )
    con.execute(
        "INSERT INTO features.product_month BY NAME SELECT month, product_id, count(*) AS lines, "
        "sum(quantity) AS quantity, sum(amount) AS amount, "
        "CASE WHEN product_id <> 'rice' THEN count(*) END AS customers "
        "FROM cleaned.transactions GROUP BY month, product_id"
    )
    copied(con, tmp_path / "new.duckdb", Recounting((SOLD,)))
    with duckdb.connect(str(tmp_path / "new.duckdb"), read_only=True) as new:
        found = new.execute(
            "SELECT product_id, customers, lines, amount FROM features.product_month ORDER BY 1"
        ).fetchall()
    assert found == [
        ("kettle", 8, 8, Decimal(sum(range(12, 20)))),
        ("lamp", 10, 10, Decimal(sum(range(11, 21)))),
        ("rice", 11, 11, Decimal(sum(range(12, 23)))),
    ]


def test_names_of_what_only_the_erased_chose_go(con: duckdb.DuckDBPyConnection):
    """Choice 7 is K1's in January; K2 has it in March; of choice 8 K2 has some in January."""
    with_tables(con, FITTED)
    con.execute(
        "CREATE TABLE features.customer_category_month AS FROM (VALUES ('2024-01', 'K1', 7), "
        "('2024-01', 'K1', 8), ('2024-01', 'K2', 8), ('2024-03', 'K2', 7)) "
        "AS c(month, customer_id, choice_id)"
    )
    con.execute(
        "INSERT INTO features.fitted SELECT as_of, 'choice_name', choice - 6, 'choice_id', "
        "'BIGINT', choice FROM (VALUES (DATE '2024-01-31'), (DATE '2024-02-29')) AS m(as_of), "
        "(VALUES (7), (8)) AS c(choice)"
    )
    name_ids(con, ["K1"], [])
    name_rows(con)
    gone = con.execute(
        f"SELECT as_of, row_no FROM features.fitted WHERE {few_sql(con, 'features.fitted')} "
        "ORDER BY ALL"
    ).fetchall()
    assert gone == [(date(2024, 1, 31), 1), (date(2024, 2, 29), 1)]


MARCH = "CREATE TEMP TABLE erased_months AS SELECT DATE '2024-03-31' AS as_of; "


def few_of(con: duckdb.DuckDBPyConnection, table: Table, columns: str) -> list[tuple[object, ...]]:
    """These columns of the rows of the table that count few, in order."""
    few = few_sql(con, table.full_name, table)
    sql = f"SELECT {columns} FROM {table.full_name} WHERE {few} ORDER BY ALL"
    return con.execute(sql).fetchall()


def test_of_an_item_with_a_small_segment_all_segments_are_counted_again():
    """Tea has a segment of nine in March, of oil some was given back in one where nobody bought it,
    bread has none of few, jam one that has none of it, and nobody erased was there in April."""
    with duckdb.connect() as con:
        con.execute(
            f"CREATE SCHEMA market; {MARCH}"
            "CREATE TABLE market.item_month AS SELECT m AS month, s AS segment_id, "
            "'purchases' AS measure, 'category' AS item_kind, i AS item, n AS customers, "
            "l AS lines, 0 AS without_amount "
            "FROM (VALUES ('tea', 0, 39, 50), ('tea', 1, 30, 40), ('tea', 2, 9, 10), "
            "('bread', 0, 30, 40), ('bread', 1, 20, 20), ('bread', 2, 10, 20), ('oil', 0, 30, 39), "
            "('oil', 1, 30, 40), ('oil', 2, 0, -1), ('jam', 0, 30, 40), ('jam', 2, 0, 0)) "
            "AS r(i, s, n, l), (VALUES ('2024-03'), ('2024-04')) AS t(m)"
        )
        found = few_of(con, ITEM_MONTH, "month, item, segment_id")
    items = (("oil", 0), ("oil", 1), ("oil", 2), ("tea", 0), ("tea", 1), ("tea", 2))
    assert found == [("2024-03", *each) for each in items]


def test_a_change_is_of_few_where_few_bought_it_in_either_month():
    """Of ten in both, or of nobody at all, it is not; of what was only given back it is."""
    changes = [
        *(("tea", 3, 30, 5, 50), ("jam", 30, 9, 50, 5), ("ham", 10, 10, 9, 9)),
        *(("oil", 0, 30, 0, 50), ("rye", 30, 0, 50, -1), ("gin", 0, 30, -1, 50)),
    ]
    with duckdb.connect() as con:
        con.execute(MARCH)
        with_tables(con, TAKINGS_CHANGE)
        con.executemany(
            "INSERT INTO market.takings_change BY NAME SELECT DATE '2024-03-31' AS as_of, "
            "? AS item, ? AS customers_before, ? AS customers, ? AS amount_before, ? AS amount",
            changes,
        )
        found = few_of(con, TAKINGS_CHANGE, "item")
    assert found == [("gin",), ("jam",), ("rye",), ("tea",)]


def test_all_rows_that_count_records_are_counted_again():
    """Of twelve records one customer may have all; nobody erased was there in April."""
    with duckdb.connect() as con:
        con.execute(MARCH)
        with_tables(con, CONSENT_DEFAULT)
        con.executemany(
            "INSERT INTO consent.consent_default BY NAME SELECT ? AS as_of, ? AS purpose",
            [("2024-03-31", "credit"), ("2024-03-31", "sharing"), ("2024-04-30", "credit")],
        )
        assert few_of(con, CONSENT_DEFAULT, "purpose") == [("credit",), ("sharing",)]


def test_demand_is_of_few_where_some_only_gave_it_back():
    demand = [("tea", 9, 9, 0), ("jam", 10, 12, 0), ("oil", 0, -2, 0), ("rye", 0, 0, 1)]
    with duckdb.connect() as con:
        con.execute(MARCH)
        with_tables(con, DEMAND)
        con.executemany(
            "INSERT INTO market.demand BY NAME SELECT DATE '2024-03-31' AS as_of, "
            "? AS item, ? AS customers, ? AS lines, ? AS without_amount",
            [*demand, ("ham", 0, 0, 0)],
        )
        assert few_of(con, DEMAND, "item") == [("oil",), ("rye",), ("tea",)]


def test_a_base_rate_of_nine_contacted_is_counted_again_and_one_of_ten_stays():
    """Letters went to nine, calls to ten; of nobody is a kind that has not been used."""
    values = {"letter": 9, "call": 10, "fair": 0}
    with duckdb.connect() as con:
        con.execute(MARCH + "CREATE TEMP TABLE erased_choices (as_of DATE, choice_id VARCHAR)")
        with_tables(con, FITTED)
        con.executemany(
            "INSERT INTO features.fitted SELECT DATE '2024-03-31', 'base_campaign_type', ?, "
            "unnest(['campaign_type', 'customers']), 'VARCHAR', unnest([?, ?])",
            [(n, kind, str(count)) for n, (kind, count) in enumerate(values.items(), 1)],
        )
        found = few_of(con, FITTED, "row_no, column_name, value")
    assert found == [(1, "campaign_type", "letter"), (1, "customers", "9")]
