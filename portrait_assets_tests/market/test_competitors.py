"""A planted rise of a rate and a planted launch are found, and none where none is planted."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest

from portrait_assets.core.months import month_range, next_month
from portrait_assets.stages.market.competitors.comparing import _amounts, competitor_rows
from portrait_assets.stages.market.competitors.launches import LAUNCHED, launch_rows, launch_step
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.storage.steps import Scope
from portrait_assets.synthetic.bank import generate_bank
from portrait_assets.synthetic.common.seasons import Calendar
from portrait_assets.synthetic.economy.competitors import make_offers, offers_table
from portrait_assets.synthetic.economy.events import COMPETITORS, make_happenings
from portrait_assets.synthetic.economy.market import make_market
from portrait_assets.synthetic.settings import Events, Settings
from portrait_assets_tests.market.world import HOLDING as HOLDING_SCHEMA
from portrait_assets_tests.market.world import accounts, lines, step_rows

NOTHING = Events(launch=0, rate_rise=0, outflow=0, mix_shift=0, season=0, taking=0)
CALENDAR = Calendar("2023-01", 24)
NO_DEMAND = pl.DataFrame(
    schema={
        "month": pl.String,
        "measure": pl.String,
        "item_kind": pl.String,
        "item": pl.String,
        "amount": pl.Decimal(18, 2),
    }
)


# -- competitors ------------------------------------------------------------------------------


def indicators(events: Events, seed: int) -> pl.DataFrame:
    """The rates of a generated bank and its competitors, as the step reads them."""
    market, happenings = make_market(seed, CALENDAR), make_happenings(events, CALENDAR, seed)
    rows = pl.DataFrame(pl.from_arrow(offers_table(make_offers(market, happenings, seed), market)))
    return rows.select(
        pl.col("observed_on").dt.strftime("%Y-%m").alias("month"),
        "indicator",
        "product_class",
        pl.lit("").alias("product_id"),
        "competitor",
        pl.col("value").cast(pl.Float64),
    )


def moves(events: Events, seed: int) -> set[tuple[str, str, str]]:
    """Month, competitor and class of what moved."""
    every, found = indicators(events, seed), set()
    for month in CALENDAR.names:
        known = every.filter(pl.col("month") <= month)
        rows = competitor_rows(Scope(month), known, NO_DEMAND).filter("is_move")
        found |= set(rows.select(pl.lit(month), "competitor", "product_class").iter_rows())
    return found


@pytest.mark.parametrize("seed", [1, 2, 3, 2608])
def test_a_planted_rise_is_found_in_its_months_and_no_other(seed: int) -> None:
    (rise,) = make_happenings(Events(), CALENDAR, seed).rises
    lasts = CALENDAR.names[rise.first : rise.last + 1]
    planted = {(month, COMPETITORS[rise.competitor], "term_deposit") for month in lasts}
    assert moves(Events(), seed) == planted


def test_of_banks_without_a_rise_none_is_found() -> None:
    assert [moves(NOTHING, seed) for seed in range(1, 9)] == [set()] * 8


def test_a_name_s_amounts_are_those_held_and_else_those_bought_of_categories_first() -> None:
    rows = [
        ("2024-01", "purchases", "category", "fund", 1),
        ("2024-01", "holdings", "category", "fund", 10),
        ("2024-02", "holdings", "category", "fund", 20),
        ("2024-02", "holdings", "product", "fund", 99),
        ("2024-02", "purchases", "product", "tea", 7),
        ("2024-01", "purchases", "category", "tea", None),
        ("2024-02", "purchases", "product", "card", 4),
    ]
    demand = pl.DataFrame(rows, schema=NO_DEMAND.schema, orient="row")
    found = _amounts(demand, ["2024-01", "2024-02"])
    np.testing.assert_array_equal(found["fund"], [10, 20])
    np.testing.assert_array_equal(found["card"], [np.nan, 4])
    assert "tea" not in found, "the category's amount is not known, and the product is another"


def gaps(own: list[float], theirs: list[float | None]) -> pl.DataFrame:
    months = [next_month("2024-12", 1 - len(own) + n) for n in range(len(own))]
    series: list[tuple[str | None, list[float | None]]] = [
        (None, [*own]),
        ("甲", theirs),
        ("乙", [value + 1 for value in own]),
    ]
    rows = [
        (month, "rate", "term_deposit", "", who, value)
        for who, values in series
        for month, value in zip(months, values, strict=True)
        if value is not None
    ]
    names = ["month", "indicator", "product_class", "product_id", "competitor", "value"]
    return pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)


def deposits(amounts: list[float]) -> pl.DataFrame:
    months = [next_month("2024-12", 1 - len(amounts) + n) for n in range(len(amounts))]
    return pl.DataFrame(
        [
            {"month": month, "measure": "holdings", "item_kind": "category"}
            | {"item": "term_deposit", "amount": Decimal(f"{amount:.2f}")}
            for month, amount in zip(months, amounts, strict=True)
        ],
        schema=NO_DEMAND.schema,
    )


def test_a_correlation_has_an_interval_and_its_months() -> None:
    rng = np.random.default_rng(2)
    theirs = 2 + np.cumsum(rng.normal(size=24))
    amounts = 1_000 - 50 * theirs + rng.normal(size=24)
    rows = competitor_rows(
        Scope("2024-12"), gaps([2.0] * 24, list(theirs)), deposits(list(amounts))
    )
    row = rows.row(by_predicate=pl.col("competitor") == "甲", named=True)
    assert row["correlation"] == pytest.approx(
        np.corrcoef(np.diff(theirs), np.diff(amounts.round(2)))[0, 1], abs=1e-6
    )
    assert row["correlation_low"] < row["correlation"] < row["correlation_high"] < 0
    assert row["correlation_months"] == 23
    other = rows.row(by_predicate=pl.col("competitor") == "乙", named=True)
    assert other["correlation"] is None, "a gap that never changes goes along with nothing"
    assert (row["competitors"], row["higher_than_own"]) == (2, 1 + (theirs[-1] > 2))


def test_what_is_not_known_of_the_own_or_the_month_is_not_judged() -> None:
    known = gaps([2.0] * 12, [2.5] * 11 + [None])
    rows = competitor_rows(Scope("2024-12"), known, NO_DEMAND)
    assert rows["competitor"].to_list() == ["乙"], "without a value of the month there is no row"
    alone = known.filter(pl.col("competitor").is_not_null())
    (row,) = competitor_rows(Scope("2024-12"), alone, NO_DEMAND).to_dicts()
    assert (row["gap"], row["is_move"], row["higher_than_own"]) == (None, None, None)
    assert competitor_rows(Scope("2024-12"), known.clear(), NO_DEMAND).is_empty()


# -- launches ---------------------------------------------------------------------------------


def bank(folder: Path, events: Events) -> duckdb.DuckDBPyConnection:
    generate_bank(folder, 2_500, 12, seed=4, settings=Settings(events=events))
    con = scratch_database()
    con.execute(
        f"CREATE TABLE product AS FROM '{folder}/products.parquet';"
        f"CREATE TABLE holding AS SELECT b.customer_id, account_id, product_id, p.category, "
        f"b.balance::DECIMAL(18, 2) AS amount, parse_filename(filename, true) AS month "
        f"FROM read_parquet('{folder}/balances/*.parquet', filename = true) AS b "
        "JOIN product AS p USING (product_id)"
    )
    return con


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    return bank(tmp_path_factory.mktemp("market") / "planted", Events())


@pytest.fixture(scope="module")
def unplanted(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    return bank(tmp_path_factory.mktemp("market") / "unplanted", NOTHING)


def held_in(con: duckdb.DuckDBPyConnection, month: str) -> pl.DataFrame:
    rows: pl.DataFrame = con.sql(
        f"SELECT * EXCLUDE (month) FROM holding WHERE month = '{month}'"
    ).pl()
    return rows.cast(HOLDING_SCHEMA)


def members_of(holding: pl.DataFrame) -> pl.DataFrame:
    return holding.select("customer_id", pl.lit(1).alias("segment_id")).unique()


def launches(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], dict[str, object]]:
    """The rows of products that are taken up, by month and product."""
    found: dict[tuple[str, str], dict[str, object]] = {}
    for month in month_range("2023-02", "2023-12"):
        now, before = (held_in(con, each) for each in (month, next_month(month, -1)))
        rows = step_rows(
            launch_step(10),
            Scope(month),
            product=con.sql("FROM product").pl(),
            bought=lines(),
            bought_1=lines(),
            holding=now,
            holding_1=before,
            member=members_of(now),
            member_1=members_of(before),
        )
        found |= {(month, str(r["product_id"])): r for r in rows.filter("is_taken_up").to_dicts()}
    return found


def test_launched_is_what_was_introduced_in_the_twelve_months_up_to_the_day() -> None:
    days = {
        "last_year": date(2023, 12, 31),
        "january": date(2024, 1, 1),
        "november": date(2024, 11, 30),
        "today": date(2024, 12, 31),
        "next_year": date(2025, 1, 1),
        "never": None,
    }
    products = pl.DataFrame(
        {"product_id": [*days], "category": "fund", "introduced_on": [*days.values()]},
        schema_overrides={"introduced_on": pl.Date},
    )
    found = step_rows(LAUNCHED, product=products).sort("introduced_on")
    assert found.select("product_id", "months").rows() == [
        *(("january", 11), ("november", 1), ("today", 0))
    ]


def test_a_launch_of_few_customers_is_not_published() -> None:
    holding = accounts(*((f"c{n}", "card 1", 5) for n in range(12)), ("c0", "card 2", 5))

    def of(smallest: int) -> list[str]:
        return step_rows(
            launch_step(smallest),
            product=pl.DataFrame(
                {
                    "product_id": ["card 1", "card 2"],
                    "category": ["card", "card"],
                    "introduced_on": [None, date(2024, 12, 1)],
                    "withdrawn_on": [None, None],
                    "is_merchandise": [True, True],
                },
                schema_overrides={"introduced_on": pl.Date, "withdrawn_on": pl.Date},
            ),
            bought=lines(),
            bought_1=lines(),
            holding=holding,
            holding_1=holding.clear(),
            member=members_of(holding),
            member_1=members_of(holding),
        )["product_id"].to_list()

    assert of(1) == ["card 2"]
    assert of(10) == []


def test_a_planted_launch_is_found_in_the_month_after_with_where_it_came_from(
    planted: duckdb.DuckDBPyConnection,
) -> None:
    found = launches(planted)
    assert set(found) == {("2023-06", "P407"), ("2023-09", "P408")}
    (first, second) = found["2023-06", "P407"], found["2023-09", "P408"]
    assert (first["from_product"], second["from_product"]) == ("P402", "P404")
    for row, then, now in ((first, "2023-05", "2023-06"), (second, "2023-08", "2023-09")):
        holders, changed = planted.sql(
            f"WITH old AS (SELECT DISTINCT customer_id FROM holding WHERE month = '{then}' "
            f"AND product_id = '{row['from_product']}' AND customer_id IN (SELECT customer_id "
            f"FROM holding WHERE month = '{now}')) "
            "SELECT (SELECT count(*) FROM old), count(DISTINCT customer_id) "
            f"FROM holding SEMI JOIN old USING (customer_id) WHERE month = '{now}' "
            f"AND product_id = '{row['product_id']}'"
        ).fetchall()[0]
        assert row["changed_share"] == pytest.approx(changed / holders, abs=1e-6)
        assert changed > 10


@pytest.mark.slow
def test_of_a_bank_without_takers_no_launch_is_found(
    unplanted: duckdb.DuckDBPyConnection,
) -> None:
    assert launches(unplanted) == {}


def counted(takers: int, customers: int, changed: int = 40) -> pl.DataFrame:
    return pl.DataFrame(
        [
            (
                "new",
                "fund",
                date(2024, 11, 1),
                1,
                customers,
                takers,
                900,
                9,
                4_000,
                "old",
                changed,
                80,
            )
        ],
        schema=[
            *("product_id", "category", "introduced_on", "months", "customers", "takers"),
            *("could", "other_takers", "other_could", "from_product", "changed", "from_before"),
        ],
        orient="row",
    )


def test_a_few_takers_are_left_out_and_so_is_where_a_few_came_from() -> None:
    assert launch_rows(Scope("2024-12"), counted(4, 60), 10).is_empty()
    (row,) = launch_rows(Scope("2024-12"), counted(60, 60, changed=5), 10).to_dicts()
    assert row["is_taken_up"]
    assert (row["from_product"], row["changed_share"], row["changed_share_low"]) == (None,) * 3


def test_a_product_that_is_taken_like_others_is_not_taken_up() -> None:
    (row,) = launch_rows(Scope("2024-12"), counted(4, 60), 1).to_dicts()
    assert row["take_rate"] == pytest.approx(4 / 900, abs=1e-6)
    assert not row["is_taken_up"]
