"""A shop with two systems, the till's (K) and the web shop's (W): one customer per person."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from portrait_assets.core.settings import Settings
from portrait_assets.testing.worlds.shop import sales_file, shop
from portrait_assets_tests.faults.command import portrait

MONTHS = ["2024-01", "2024-02", "2024-03"]
ID = "11010519491231002X"
PEOPLE = f"""\
customer_id,recorded_on,joined_on,full_name,national_id,region
K001,2024-01-02,2019-05-01,许雨涛,,west
W001,2024-02-05,2024-02-05,许雨滔,{ID},
K001,2024-03-03,2019-05-01,许雨涛,{ID},
W002,2024-01-09,2024-01-09,林小满,,south
"""
CUSTOMERS_SQL = """\
SELECT customer_id, recorded_on, joined_on, full_name, national_id, region, source_file, source_row
FROM people
"""
MERGED_IN = "2024-03"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def two_systems(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Its three months, materialized; in the third W001 turns out to be K001."""
    settings = shop(tmp_path_factory.mktemp("two"))
    source_yaml = settings.source_dir / "source.yaml"
    text = source_yaml.read_text().replace("last_month: 2024-04", f"last_month: {MERGED_IN}")
    text = text.replace("sales: sales.csv", "sales: sales.csv\n  people: people.csv")
    text = text.replace("customers: {derived: true}", "customers: {rows_of: people}")
    text += "country: CN\nidentity: {probabilistic: false, trust: [K, W]}\n"
    source_yaml.write_text(text)
    (settings.source_dir / "people.csv").write_text(PEOPLE)
    (settings.source_dir / "customers.sql").write_text(CUSTOMERS_SQL)
    header, *lines = sales_file(settings).read_text().splitlines(keepends=True)
    kept = [line for line in lines if line[:7] in MONTHS]
    # From February on the person of K001 buys on the web too.
    kept += ["2024-02-10 09:00,W001,W1,tea,100,0,\n", "2024-03-10 09:00,W001,W2,tea,10,0,\n"]
    sales_file(settings).write_text("".join([header, *kept]))
    ran = portrait("run", data=settings.data_dir)
    assert ran.returncode == 0, ran.stderr + ran.stdout
    return settings


def query(file: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(file), read_only=True) as con:
        return con.execute(sql).fetchall()


def spend(settings: Settings) -> dict[tuple[str, str], Decimal]:
    """What K001 and W001 have spent, by month and customer, as published."""
    rows = query(
        settings.portrait_file,
        "SELECT strftime(as_of, '%Y-%m'), customer_id, spend FROM tags.portrait_matrix AS p "
        "JOIN (SELECT as_of, customer_id, spend_12m AS spend FROM features.feature_matrix) "
        "USING (as_of, customer_id) WHERE customer_id IN ('K001', 'W001')",
    )
    return {(str(month), str(who)): Decimal(str(amount)) for month, who, amount in rows}


def failed_checks(settings: Settings) -> list[tuple[object, ...]]:
    return query(
        settings.portrait_file,
        "FROM validation.check_results WHERE NOT passed AND is_blocking",
    )


def test_two_customers_are_one_from_the_month_on_in_which_it_was_found(two_systems: Settings):
    by_month = spend(two_systems)
    assert sorted(by_month) == [
        ("2024-01", "K001"),
        ("2024-02", "K001"),
        ("2024-02", "W001"),
        ("2024-03", "K001"),
    ]
    of_march = query(
        two_systems.warehouse_file,
        "SELECT sum(amount) FROM cleaned.transactions "
        "WHERE month = '2024-03' AND customer_id = 'K001'",
    )[0][0]
    before = by_month["2024-02", "K001"] + by_month["2024-02", "W001"]
    assert by_month["2024-03", "K001"] == before + Decimal(str(of_march))
    assert failed_checks(two_systems) == []


def test_what_is_known_of_the_person_survives_from_both_systems(two_systems: Settings):
    found = query(
        two_systems.portrait_file,
        "SELECT region, list_filter(origins, lambda o: o LIKE 'region:%') "
        "FROM cleaned.golden_record WHERE customer_id = 'K001' AND month = '2024-03'",
    )
    assert found == [("west", ["region: people.csv 1"])]
    of_features = query(
        two_systems.portrait_file,
        "SELECT region, tenure_days > 1600 FROM features.feature_matrix "
        "WHERE customer_id = 'K001' AND as_of = '2024-03-31'",
    )
    assert of_features == [("west", True)]


def test_history_is_seen_under_the_customer_of_today(two_systems: Settings):
    rows = query(
        two_systems.portrait_file,
        "SELECT strftime(as_of, '%Y-%m'), customer_id, customer_id_then FROM portrait_history "
        "WHERE customer_id_then IN ('K001', 'W001') ORDER BY ALL",
    )
    assert ("2024-02", "K001", "W001") in rows
    assert {row[1] for row in rows} == {"K001"}


def test_rekey_rewrites_the_given_months_and_leaves_the_others(two_systems: Settings):
    before = spend(two_systems)
    first = "SELECT * FROM features.feature_matrix WHERE as_of = '2024-01-31' ORDER BY customer_id"
    january = query(two_systems.portrait_file, first)

    early = portrait("rekey", "--months", "2024-01..2024-02", data=two_systems.data_dir)
    assert early.returncode == 0, early.stderr
    assert "nothing to rewrite" in early.stdout, "the merge was found after these months"
    assert spend(two_systems) == before

    done = portrait("rekey", "--months", "2024-02..2024-03", data=two_systems.data_dir)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "W001 is K001, which was found in 2024-03" in done.stdout
    assert "1 merges hold from 2024-02 on" in done.stdout

    now = spend(two_systems)
    assert sorted(now) == [(month, "K001") for month in MONTHS]
    assert now["2024-02", "K001"] == before["2024-02", "K001"] + before["2024-02", "W001"]
    assert now["2024-03", "K001"] == before["2024-03", "K001"]
    assert query(two_systems.portrait_file, first) == january
    assert failed_checks(two_systems) == []
    kept = "SELECT count(*) FROM cleaned.transactions WHERE customer_id = 'W001'"
    assert query(two_systems.warehouse_file, kept) == [(0,)]
    assert query(two_systems.portrait_file, "FROM current_customer") == []

    again = portrait("rekey", "--months", "2024-02..2024-03", data=two_systems.data_dir)
    assert (again.returncode, "nothing to rewrite" in again.stdout) == (0, True)


def test_a_later_run_keeps_the_history_that_was_rewritten(two_systems: Settings):
    before = spend(two_systems)
    ran = portrait("run", "--months", "2024-02..2024-03", data=two_systems.data_dir)
    assert ran.returncode == 0, ran.stderr
    assert spend(two_systems) == before
