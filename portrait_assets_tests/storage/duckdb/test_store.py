"""What the warehouse promises: whole months, by name, from the contract, or nothing at all."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from portrait_assets.core.errors import WarehouseError
from portrait_assets.schema.table import (
    POLARS_TYPES,
    Column,
    PartitionBy,
    Table,
    Type,
)
from portrait_assets.storage.duckdb.rows import Query
from portrait_assets.storage.duckdb.store import Warehouse

SALES = Table(
    "cleaned",
    "sales",
    "Sales",
    "销售",
    (
        Column("customer_id", Type.TEXT, "Customer", "客户", nullable=False),
        Column("amount", Type.MONEY, "Amount", "金额", unit="CNY"),
    ),
    key=("customer_id",),
)
JANUARY = pl.DataFrame({"month": ["2024-01"] * 2, "customer_id": ["a", "b"], "amount": [1.1, 2.0]})


@pytest.fixture
def warehouse(tmp_path: Path):
    opened = Warehouse(tmp_path / "w" / "warehouse.duckdb", "shop", "run-1")
    yield opened
    opened.close()


def test_what_is_written_is_read_back_with_exact_money(warehouse: Warehouse):
    assert warehouse.write(SALES, ["2024-01"], JANUARY) == {"2024-01": 2}
    read = warehouse.read(SALES, ["2024-01"])
    assert read["amount"].to_list() == [Decimal("1.10"), Decimal("2.00")]
    assert read.schema["amount"] == POLARS_TYPES[Type.MONEY]


def test_writing_a_month_again_replaces_it_and_no_other(warehouse: Warehouse):
    warehouse.write(SALES, ["2024-01"], JANUARY)
    warehouse.write(SALES, ["2024-02"], JANUARY.with_columns(month=pl.lit("2024-02")))
    warehouse.write(SALES, ["2024-01"], JANUARY.head(1))
    assert warehouse.materialized(SALES) == {"2024-01": 1, "2024-02": 2}


@pytest.mark.parametrize(
    "rows",
    [
        JANUARY,
        JANUARY.lazy(),
        [JANUARY.head(1), JANUARY.tail(1)],
        iter([JANUARY]),
        JANUARY.select("amount", "month", "customer_id"),
        Query(
            "SELECT '2024-01' AS month, 'a' AS customer_id, 1.1 AS amount UNION ALL "
            "SELECT '2024-01', 'b', 2"
        ),
    ],
    ids=["frame", "lazy", "frames", "generator", "reordered", "query"],
)
def test_rows_are_taken_in_any_form_and_by_name(warehouse: Warehouse, rows: Any):
    warehouse.write(SALES, ["2024-01"], rows)
    assert sorted(warehouse.read(SALES, ["2024-01"])["customer_id"]) == ["a", "b"]
    assert sum(warehouse.read(SALES, ["2024-01"])["amount"]) == Decimal("3.10")


def test_what_is_carried_forward_is_of_the_months_before_and_the_newest_of_them(
    warehouse: Warehouse,
):
    assert warehouse.last_before(SALES, "2024-03") is None
    assert warehouse.history(SALES, "2024-03").is_empty()
    for month in ("2024-01", "2024-02", "2024-03", "2024-04"):
        warehouse.write(SALES, [month], JANUARY.with_columns(month=pl.lit(month)))
    newest = warehouse.last_before(SALES, "2024-03")
    assert newest is not None
    assert set(newest["month"]) == {"2024-02"}
    assert set(warehouse.history(SALES, "2024-03")["month"]) == {"2024-01", "2024-02"}
    assert warehouse.last_before(SALES, "2024-01") is None


def test_an_empty_month_is_a_real_month(warehouse: Warehouse):
    warehouse.write(SALES, ["2024-01"], SALES.empty())
    assert warehouse.materialized(SALES) == {"2024-01": 0}
    assert warehouse.read(SALES, ["2024-01"]).schema == SALES.polars_schema


def test_a_month_never_materialized_is_not_taken_for_an_empty_one(warehouse: Warehouse):
    warehouse.write(SALES, ["2024-01"], JANUARY)
    with pytest.raises(
        WarehouseError, match=r"has not been materialized for 2024-02.*portrait run"
    ):
        warehouse.read(SALES, ["2024-01", "2024-02"])


def test_a_row_of_another_month_is_refused_and_nothing_changes(warehouse: Warehouse):
    warehouse.write(SALES, ["2024-01"], JANUARY)
    with pytest.raises(WarehouseError, match=r"2 rows of months that are not being written"):
        warehouse.write(SALES, ["2024-02"], JANUARY)
    assert warehouse.materialized(SALES) == {"2024-01": 2}


def test_a_failure_in_the_middle_leaves_the_table_as_it_was(warehouse: Warehouse):
    warehouse.write(SALES, ["2024-01"], JANUARY)

    def breaks_down() -> Iterator[pl.DataFrame]:
        yield JANUARY.head(1)
        raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        warehouse.write(SALES, ["2024-01"], breaks_down())
    assert warehouse.read(SALES, ["2024-01"]).height == 2
    assert warehouse.write(SALES, ["2024-01"], JANUARY.head(1)) == {"2024-01": 1}, "it goes on"


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (JANUARY.drop("amount"), "no column amount"),
        (JANUARY.with_columns(extra=1), "unknown column extra"),
        (JANUARY.with_columns(amount=pl.lit("much")), "does not fit its type"),
        (JANUARY.with_columns(customer_id=pl.lit(None, pl.String)), "NOT NULL"),
    ],
)
def test_a_frame_that_breaks_its_contract_is_refused(
    warehouse: Warehouse, frame: pl.DataFrame, says: str
):
    with pytest.raises(WarehouseError, match=says):
        warehouse.write(SALES, ["2024-01"], frame)


def test_an_as_of_table_is_partitioned_by_the_last_day_of_the_month(warehouse: Warehouse):
    tiers = Table("tags", "tiers", "T", "层级", SALES.columns, partition_by=PartitionBy.AS_OF)
    rows = JANUARY.drop("month").with_columns(as_of=date(2024, 2, 29))
    assert warehouse.write(tiers, ["2024-02"], rows) == {"2024-02": 2}
    last = warehouse.last_before(tiers, "2024-03")
    assert last is not None
    assert last.height == 2
    assert warehouse.last_before(tiers, "2024-02") is None


def test_writing_within_a_value_leaves_other_values_alone(warehouse: Warehouse):
    warehouse.write(SALES, ["2024-01"], JANUARY)
    again = JANUARY.filter(pl.col("customer_id") == "b").with_columns(amount=9.0)
    warehouse.write(SALES, ["2024-01"], again, within=[("b",)])
    assert warehouse.read(SALES, ["2024-01"])["amount"].to_list() == [Decimal("1.1"), Decimal(9)]


KEYED = Table(
    "cleaned",
    "keyed",
    "Keyed",
    "键",
    (
        Column("store", Type.TEXT, "Store", "店", nullable=False),
        Column("shelf", Type.TEXT, "Shelf", "架", nullable=False),
        Column("amount", Type.INTEGER, "Amount", "数"),
    ),
    key=("month", "store", "shelf"),
)
PLACES = [(store, shelf) for store in "ab" for shelf in "xyz"]


@pytest.mark.parametrize("within", [[("a",)], [("a", "x"), ("b", "y")], [("b", "x")], PLACES])
def test_within_some_values_those_rows_are_replaced_and_the_whole_month_is_counted(
    warehouse: Warehouse, within: list[tuple[str, ...]]
):
    months = ["2024-01", "2024-02", "2024-03"]
    before = [(month, *place, 1) for month in months for place in PLACES]
    schema = list(KEYED.column_names)
    warehouse.write(KEYED, months, pl.DataFrame(before, schema=schema, orient="row"))
    rewritten = [place for place in PLACES if place[: len(within[0])] in within][:-1]
    after = [("2024-01", *place, 2) for place in rewritten]
    given = pl.DataFrame(after, schema=KEYED.polars_schema, orient="row")
    counts = warehouse.write(KEYED, months[:2], given, within)
    kept = [
        row for row in before if row[0] == "2024-03" or row[1 : 1 + len(within[0])] not in within
    ]
    assert sorted(warehouse.read(KEYED, months).rows()) == sorted([*kept, *after])
    counted = {month: sum(row[0] == month for row in [*kept, *after]) for month in months}
    assert counts == {month: counted[month] for month in months[:2]}
    assert warehouse.materialized(KEYED) == counted
    noted = warehouse.con.execute("SELECT month, row_count FROM meta.partitions").fetchall()
    assert dict(noted) == counted
    with pytest.raises(WarehouseError, match="not being written"):
        warehouse.write(
            KEYED,
            months[:1],
            pl.DataFrame([("2024-01", "c", "x", 3)], schema=schema, orient="row"),
            within,
        )


def test_what_is_written_later_bears_a_later_time_whatever_the_clock_shows(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
):
    """The clock is put back by a year and then by another, also while the file is closed."""
    year = 365 * 86_400 * 1_000_000_000
    now = time.time_ns()
    shown = iter([now, now - year, now - year + 1, now - 2 * year])
    monkeypatch.setattr("time.time_ns", lambda: next(shown))
    made_at = []
    for month in ("2024-03", "2024-02", "2024-01"):
        warehouse.write(SALES, [month], JANUARY.with_columns(month=pl.lit(month)))
        made_at.append(times(warehouse)[month])
    warehouse.con.execute(
        "CREATE TEMP TABLE noted AS FROM meta.partitions; DELETE FROM meta.partitions; "
        "INSERT INTO meta.partitions FROM noted ORDER BY made_at DESC"
    )
    warehouse.close()
    again = Warehouse(warehouse.path, "shop", "run-2")
    again.write(SALES, ["2024-01"], JANUARY.head(1))
    made_at.append(times(again)["2024-01"])
    again.close()
    assert made_at[0] == (now // 1000, now // 1000)
    assert sorted(set(made_at)) == made_at, "each later than the one before it"
    assert all(written == changed for written, changed in made_at)


def test_a_warehouse_refuses_another_source(warehouse: Warehouse):
    warehouse.close()
    with pytest.raises(WarehouseError, match=r"belongs to the source 'shop'.*'bank'"):
        Warehouse(warehouse.path, "bank", "run-2")


def test_the_error_of_another_format_names_the_remedy(warehouse: Warehouse):
    warehouse.con.execute("UPDATE meta.source SET format = 0")
    warehouse.close()
    with pytest.raises(WarehouseError, match=r"format 0.*portrait run --fresh"):
        Warehouse(warehouse.path, "shop", "run-2")


def test_many_rows_after_none_in_one_transaction_are_all_found(warehouse: Warehouse):
    warehouse.write(SALES, ["2024-01"], JANUARY)
    some = "SELECT '{}' AS month, i::VARCHAR AS customer_id, 1 AS amount FROM range({}) AS r(i)"
    nothing = "SELECT '2024-02' AS month, 'a' AS customer_id, 1 AS amount LIMIT 0"
    months = iter([Query(nothing), Query(some.format("2024-03", 200_000))])

    written = warehouse.write(SALES, ["2024-02", "2024-03"], months)

    assert written == {"2024-02": 0, "2024-03": 200_000}
    assert warehouse.read(SALES, ["2024-03"]).height == 200_000


@pytest.mark.parametrize(("given", "meanwhile"), [(1.5, "512.0 MiB"), (0.25, "256.0 MiB")])
def test_memory_is_left_to_others_for_as_long_as_they_work(
    tmp_path: Path, given: float, meanwhile: str
):
    warehouse = Warehouse(tmp_path / "w.duckdb", "shop", "run", memory_limit_gib=given)

    def limit() -> str:
        found = warehouse.con.sql("SELECT current_setting('memory_limit')").fetchall()
        return str(found[0][0])

    before = limit()
    with suppress(ZeroDivisionError), warehouse.sparing_memory():
        assert limit() == meanwhile
        _ = 1 / 0
    assert limit() == before
    warehouse.close()


def times(warehouse: Warehouse) -> dict[str, tuple[int, int]]:
    """By month when it was written, and when it last changed."""
    rows = warehouse.con.execute(
        "SELECT month, epoch_us(made_at), epoch_us(changed_at) FROM meta.partitions"
    ).fetchall()
    return {month: (made_at, changed_at) for month, made_at, changed_at in rows}


FEBRUARY = JANUARY.with_columns(month=pl.lit("2024-02"))
BOTH = pl.concat([JANUARY, FEBRUARY])


@pytest.mark.parametrize(
    ("again", "changed"),
    [
        (BOTH, set()),
        (BOTH.reverse(), set()),
        (BOTH.with_columns(amount=pl.col("amount") + 1), {"2024-01", "2024-02"}),
        (pl.concat([JANUARY, FEBRUARY.head(1)]), {"2024-02"}),
        (pl.concat([JANUARY, FEBRUARY, FEBRUARY.head(1)]), {"2024-02"}),
        (JANUARY, {"2024-02"}),
        (JANUARY.clear(), {"2024-01", "2024-02"}),
    ],
)
def test_a_month_written_again_has_changed_only_where_its_rows_differ(
    warehouse: Warehouse, again: pl.DataFrame, changed: set[str]
):
    months = ["2024-01", "2024-02"]
    warehouse.write(SALES, months, BOTH)
    first = times(warehouse)
    warehouse.write(SALES, months, again)
    second = times(warehouse)
    for month in months:
        assert second[month][0] > first[month][0]
        assert (second[month][1] > first[month][1]) == (month in changed)


def test_a_change_of_any_single_row_is_a_change(warehouse: Warehouse):
    rows = pl.DataFrame({"month": "2024-01", "customer_id": [*"abcdefgh"], "amount": 1.0})
    for changed in range(rows.height):
        warehouse.write(SALES, ["2024-01"], rows)
        warehouse.write(SALES, ["2024-01"], rows)
        assert warehouse.unchanged(SALES, ["2024-01", "2024-02"]) == ["2024-01"]
        other = pl.when(pl.int_range(pl.len()) == changed).then(2.0).otherwise("amount")
        warehouse.write(SALES, ["2024-01"], rows.with_columns(amount=other))
        assert warehouse.unchanged(SALES, ["2024-01"]) == []


def test_a_change_that_is_taken_back_has_changed_nothing(warehouse: Warehouse):
    warehouse.write(SALES, ["2024-01"], JANUARY)
    before = warehouse.con.execute("FROM meta.partitions").fetchall()
    with pytest.raises(WarehouseError, match="not being written"):
        warehouse.write(SALES, ["2024-01"], FEBRUARY)
    assert warehouse.con.execute("FROM meta.partitions").fetchall() == before


NARROW = Table(
    "tags",
    "narrow",
    "Stored",
    "存储",
    (Column("no", Type.COUNTER, "No", "号", nullable=False, minimum=1),),
    key=("as_of", "no"),
    partition_by=PartitionBy.AS_OF,
)
SHOWN = Table(
    "tags",
    "shown",
    "Shown",
    "展示",
    (Column("name", Type.TEXT, "Name", "名", nullable=False),),
    key=("as_of", "name"),
    partition_by=PartitionBy.AS_OF,
    stored_as=NARROW,
    view_sql="SELECT as_of, 'name ' || no AS name FROM tags.narrow",
)


def test_the_parts_of_a_table_that_is_a_view_are_its_stored_rows(warehouse: Warehouse):
    rows = pl.DataFrame({"as_of": date(2024, 1, 31), "no": range(1, 8)})
    warehouse.write(SHOWN, ["2024-01"], rows)
    parts = [warehouse.read_part(SHOWN, "2024-01", part, 3) for part in range(3)]
    assert sorted(pl.concat(parts)["no"]) == list(range(1, 8))
    assert warehouse.read_stored(SHOWN, ["2024-01"])["no"].to_list() == list(range(1, 8))
    assert set(warehouse.read(SHOWN, ["2024-01"])["name"]) == {f"name {no}" for no in range(1, 8)}
