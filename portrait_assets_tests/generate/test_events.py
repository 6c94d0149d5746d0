"""What happens in the market, what customers do about it, and what they take by themselves."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.synthetic.bank import generate_bank
from portrait_assets.synthetic.common.columns import fixed_text, prefixed
from portrait_assets.synthetic.common.seasons import Calendar
from portrait_assets.synthetic.economy.events import COMPETITORS, make_happenings
from portrait_assets.synthetic.holdings.affinities import affinities_table
from portrait_assets.synthetic.holdings.balances import make_holdings
from portrait_assets.synthetic.holdings.opened import Openings
from portrait_assets.synthetic.persons.lifecycle import make_lifecycle
from portrait_assets.synthetic.persons.people import REGION_WEIGHTS, make_people
from portrait_assets.synthetic.settings import Events, Life, Settings
from portrait_assets_tests.generate.conftest import Query

PLANTED = Events()
NOTHING = Events(launch=0, rate_rise=0, outflow=0, mix_shift=0, season=0, taking=0)
CALENDAR = Calendar("2023-01", 24)


def queries(folder: Path, events: Events) -> Query:
    generate_bank(folder, 5_000, 12, seed=4, settings=Settings(events=events))
    con = scratch_database()
    for name in ("market", "truth/events", "truth/segments"):
        con.execute(f"CREATE VIEW {Path(name).name} AS FROM '{folder}/{name}.parquet'")
    for name in ("transactions", "balances"):
        con.execute(
            f"CREATE VIEW {name} AS SELECT *, parse_filename(filename, true) AS month "
            f"FROM read_parquet('{folder}/{name}/*.parquet', filename = true)"
        )
    return lambda sql: con.sql(sql).pl()


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Query:
    return queries(tmp_path_factory.mktemp("events") / "planted", PLANTED)


@pytest.fixture(scope="module")
def unplanted(tmp_path_factory: pytest.TempPathFactory) -> Query:
    return queries(tmp_path_factory.mktemp("events") / "unplanted", NOTHING)


def event(query: Query, kind: str, name: str = "%") -> dict[str, Any]:
    return query(f"FROM events WHERE kind = '{kind}' AND event LIKE '{name}'").row(0, named=True)


def test_events_are_listed_and_those_without_a_size_are_not(
    planted: Query, unplanted: Query
) -> None:
    kinds = set(planted("FROM events")["kind"])
    assert kinds == {"launch", "withdrawal", "rate_rise", "mix_shift", "season"}
    assert set(planted("FROM events WHERE kind = 'season'")["event"]) == {
        "school",
        "year_end",
        "spring_festival",
    }
    left = unplanted("FROM events WHERE effect_of NOT LIKE 'change of%'")
    assert set(left["kind"]) == {"launch", "withdrawal"}
    assert left.filter(kind="launch")["effect"].to_list() == [0.0, 0.0]


def test_every_competitor_has_a_rate_for_every_class_in_every_month(planted: Query) -> None:
    rates = planted(
        "SELECT competitor, product_class, count(*) AS n, min(value) AS low FROM market "
        "WHERE indicator = 'offered_rate' GROUP BY ALL"
    )
    assert set(rates["competitor"]) == {None, *COMPETITORS}
    assert set(rates["product_class"]) == {"term_deposit", "fund", "consumer_loan", "mortgage"}
    assert len(rates) == 16
    assert set(rates["n"]) == {12}
    assert rates["low"].min() > 0  # type: ignore[operator]
    others = planted(
        "SELECT count(*) FROM market WHERE indicator <> 'offered_rate' "
        "AND coalesce(competitor, product_class) IS NOT NULL"
    )
    assert others.item() == 0


def gap(query: Query, of: dict[str, Any]) -> float:
    """Mean distance of the competitor's rate from the bank's in the span, against other months."""
    inside, outside = query(
        "SELECT avg(theirs.value - own.value) FILTER (span), "
        "avg(theirs.value - own.value) FILTER (NOT span) FROM (SELECT *, strftime(observed_on, "
        f"'%Y-%m') BETWEEN '{of['first_month']}' AND '{of['last_month']}' AS span FROM market "
        f"WHERE competitor = '{of['competitor']}') AS theirs "
        "JOIN market AS own USING (observed_on, product_class) "
        "WHERE own.competitor IS NULL AND product_class = 'term_deposit'"
    ).row(0)
    return float(inside - outside)


def left_with_the_bank(query: Query, of: dict[str, Any], who: str) -> float:
    """Median term deposit of these customers in the span, as a share of that in other months."""
    return float(
        query(
            "WITH each AS (SELECT customer_id, "
            f"median(balance::DOUBLE) FILTER (month BETWEEN '{of['first_month']}' AND "
            f"'{of['last_month']}') AS inside, median(balance::DOUBLE) FILTER "
            f"(month < '{of['first_month']}' OR month > '{of['last_month']}') AS outside "
            "FROM balances JOIN segments USING (customer_id) "
            f"WHERE product_id IN ('P102', 'P103', 'P104') AND {who} GROUP BY 1) "
            "SELECT median(inside / outside) FROM each WHERE outside > 10000"
        ).item()
    )


def test_deposits_go_to_the_competitor_that_raises_its_rate(
    planted: Query, unplanted: Query
) -> None:
    rise = event(planted, "rate_rise")
    assert abs(rise["size"] / PLANTED.rate_rise - 1) <= 0.15
    assert abs(gap(planted, rise) - rise["size"]) < 0.08
    assert abs(gap(unplanted, rise)) < 0.08
    sensitive, others = "is_rate_sensitive", "NOT is_rate_sensitive"
    assert abs(left_with_the_bank(planted, rise, sensitive) - (1 - PLANTED.outflow)) < 0.03
    assert abs(left_with_the_bank(planted, rise, others) - 1) < 0.03
    assert abs(left_with_the_bank(unplanted, rise, sensitive) - 1) < 0.03


def share_of_the_new(query: Query) -> tuple[float, int]:
    """Share of the launched fund among holders of it and of the old one, two months later."""
    row = query(
        "SELECT avg((product_id = 'P407')::INT), count(*) FROM balances "
        "WHERE product_id IN ('P402', 'P407') AND account_id LIKE '%2' AND month = '2023-07'"
    ).row(0)
    return float(row[0]), int(row[1])


def test_holders_change_to_the_fund_that_is_launched(planted: Query, unplanted: Query) -> None:
    launch = event(planted, "launch", "%P407")
    assert launch["first_month"] == "2023-05"
    found, count = share_of_the_new(planted)
    assert abs(found - PLANTED.launch) < 3.5 * math.sqrt(0.21 / count)
    assert share_of_the_new(unplanted)[0] == 0


def moved(query: Query, of: dict[str, Any]) -> float:
    """Share of what the segment bought in from_category in other months that the span lacks."""
    inside, outside = query(
        f"SELECT avg(bought) FILTER (span), avg(bought) FILTER (NOT span) FROM ("
        f"SELECT (category = '{of['from_category']}')::INT AS bought, "
        f"month BETWEEN '{of['first_month']}' AND '{of['last_month']}' AS span "
        f"FROM transactions JOIN segments USING (customer_id) WHERE segment = '{of['segment']}')"
    ).row(0)
    return 1 - float(inside) / float(outside)


def gained(query: Query, of: dict[str, Any]) -> float:
    """How much more of to_category the segment buys in the span, in points of its purchases."""
    inside, outside = query(
        f"SELECT avg(bought) FILTER (span), avg(bought) FILTER (NOT span) FROM ("
        f"SELECT (category = '{of['to_category']}')::INT AS bought, "
        f"month BETWEEN '{of['first_month']}' AND '{of['last_month']}' AS span "
        f"FROM transactions JOIN segments USING (customer_id) WHERE segment = '{of['segment']}')"
    ).row(0)
    return float(inside) - float(outside)


@pytest.mark.parametrize("kind", ["mix_shift", "season"])
def test_purchases_move_to_another_category(planted: Query, unplanted: Query, kind: str) -> None:
    of = event(planted, kind)
    share = PLANTED.mix_shift if kind == "mix_shift" else PLANTED.season
    assert of["effect"] == share
    assert abs(moved(planted, of) - share) < 0.05
    assert gained(planted, of) > 0.02
    assert abs(moved(unplanted, of)) < 0.05
    assert abs(gained(unplanted, of)) < 0.01


def test_seasons_come_in_their_months(planted: Query) -> None:
    school = event(planted, "season", "school")
    assert (school["first_month"], school["last_month"]) == ("2023-08", "2023-09")
    short = make_happenings(PLANTED, Calendar("2023-02", 3), seed=1)
    assert [shift.name for shift in short.shifts] == ["mix"]


def affinities(rates: Events) -> pl.DataFrame:
    """Affinities of 30,000 customers who do not leave within the window."""
    number = np.arange(1, 30_001)
    people = make_people(2, number, Life(), REGION_WEIGHTS)
    lives = make_lifecycle(people, CALENDAR, Life())
    holdings = make_holdings(people, lives, CALENDAR, make_happenings(rates, CALENDAR, 2))
    ids = fixed_text(prefixed("C", number, 7))
    table = affinities_table(people, lives, holdings, Openings.together([]), CALENDAR, ids)
    stay = pl.DataFrame({"customer_id": ids, "stays": lives.leave_month > CALENDAR.count})
    found = pl.DataFrame(pl.from_arrow(table)).with_columns(pl.col("customer_id").cast(pl.String))
    return found.join(stay, on="customer_id").filter("stays")


def test_customers_take_products_with_their_true_probability() -> None:
    found = affinities(PLANTED)
    assert set(found["months"]) == {6}
    for products in (["P102", "P103", "P104"], ["P401", "P402", "P404", "P406"]):
        of = found.filter(pl.col("product_id").is_in(products))
        tenths = of.group_by(pl.col("probability").rank("ordinal") * 4 // (len(of) + 1)).agg(
            pl.col("probability").sum().alias("expected"),
            (pl.col("probability") * (1 - pl.col("probability"))).sum().sqrt().alias("error"),
            pl.col("is_taken").sum().alias("taken"),
        )
        assert ((tenths["taken"] - tenths["expected"]).abs() < 3.5 * tenths["error"]).all()
        assert roc_auc_score(of["is_taken"], of["probability"]) > 0.75


def test_without_planting_only_what_was_to_be_held_is_taken() -> None:
    found, planted = affinities(NOTHING), affinities(PLANTED)
    deposits = pl.col("product_id").is_in(["P102", "P103", "P104"])
    expected, taken = found.filter(deposits).select("probability", "is_taken").sum().row(0)
    assert abs(taken - expected) < 3.5 * math.sqrt(expected)
    assert taken < 0.7 * len(planted.filter(deposits & pl.col("is_taken")))


def test_an_affinity_is_of_who_holds_no_such_product_at_the_time(tmp_path: Path) -> None:
    generate_bank(tmp_path / "bank", 2_000, 7, seed=6)
    con = scratch_database()
    term, own = "product_id IN ('P102', 'P103', 'P104')", "account_id LIKE '%1'"
    already, taken, seen = con.sql(
        f"WITH a AS (FROM '{tmp_path}/bank/truth/affinities.parquet' WHERE {term}), "
        f"b AS (FROM '{tmp_path}/bank/balances/*.parquet' WHERE {term}) SELECT "
        "(SELECT count(*) FROM a JOIN b ON a.customer_id = b.customer_id "
        "AND b.balance_on = a.as_of), (SELECT count(*) FROM a WHERE is_taken), "
        "(SELECT count(DISTINCT a.customer_id) FROM a JOIN b USING (customer_id, product_id) "
        f"WHERE b.balance_on > a.as_of AND {own})"
    ).fetchall()[0]
    assert already == 0
    assert taken == seen > 5


@pytest.mark.parametrize(("months", "rows"), [(1, 0), (2, 1), (3, 1)])
def test_short_banks_have_no_or_a_short_window(tmp_path: Path, months: int, rows: int) -> None:
    bank = generate_bank(tmp_path / "bank", 40, months, seed=1)
    assert min(bank.truth["affinities"], 1) == rows
