"""Every row of the files is in a month of the source's time zone, or reported as unplaced."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from portrait_assets.stages.raw.placing.months import Placing, placings
from portrait_assets.stages.raw.placing.receipts import receipts
from portrait_assets.stages.raw.reading.files import SourceReader
from portrait_assets.stages.raw.source import load_source
from portrait_assets.stages.raw.tables.trade import TRANSACTIONS
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.synthetic.bank import generate_bank
from portrait_assets.testing.worlds.shop import sales_file, shop

MONTHS = ["2024-01", "2024-02", "2024-03", "2024-04"]
HEADER = "sold_at,card,basket,category,paid,saved,town\n"
SALE = ",K001,B1,tea,1.50,0,east\n"


@pytest.fixture
def place(tmp_path: Path):
    """Gives the placing of the shop's transactions when its file has these dates."""
    settings = shop(tmp_path)
    con = scratch_database()
    readers = []

    def placed(*dates: str, sold_at: str = "sold_at", encoding: str = "utf-8") -> Placing:
        sales_file(settings).write_text(
            HEADER + "".join(date + SALE for date in dates), encoding=encoding
        )
        sql = settings.source_dir / "transactions.sql"
        sql.write_text(sql.read_text().replace("sold_at AS", f"{sold_at} AS"))
        reader = SourceReader(con, load_source(settings.source_dir)).__enter__()
        readers.append(reader)
        return placings(reader)["transactions"]

    yield placed
    for reader in readers:
        reader.__exit__()
    con.close()


def test_parquet_is_placed_the_same_without_keeping_all_its_rows(tmp_path: Path):
    generate_bank(tmp_path / "bank", customers=60, months=3, seed=1)
    source = load_source(tmp_path / "bank" / "sources" / "synthetic_bank")
    with scratch_database() as con, SourceReader(con, source) as reader:
        for name, placing in placings(reader).items():
            kept = placing.kept()
            assert placing.is_read_fast, name
            assert placing.counts() == kept.counts(), name
            assert placing.unplaced().equals(kept.unplaced()), name
            for months in (source.months(), source.months()[1:2]):
                one, other = (con.sql(p.rows(months).sql).pl() for p in (placing, kept))
                assert one.sort(one.columns).equals(other.sort(one.columns)), name


def test_rows_of_parquet_that_the_sql_drops_are_missed(tmp_path: Path):
    generate_bank(tmp_path / "bank", customers=60, months=3, seed=1)
    source = load_source(tmp_path / "bank" / "sources" / "synthetic_bank")
    sql = source.folder / "balances.sql"
    sql.write_text(f"{sql.read_text()} WHERE source_row > 1")
    with scratch_database() as con, SourceReader(con, source) as reader:
        balances = placings(reader)["balances"]
        files = len(source.files("balances"))
        assert balances.rows_in_file() == sum(balances.counts().values()) + files


def test_text_is_read_once(place):
    assert not place("2024-01-01").is_read_fast


def test_history_belongs_to_the_first_month(place):
    assert place("2019-05-01", "2024-01-31 23:59", "2024-02-01").counts() == {
        "2024-01": 2,
        "2024-02": 1,
    }


def test_what_has_no_date_or_comes_too_late_is_kept_apart_with_its_place(place):
    unplaced = place("2024-01-01", "soon", "", "2024-05-01").unplaced()
    assert unplaced.select("month", "source_row", "reason", "dated").rows() == [
        ("2024-01", 2, "no readable date", "soon"),
        ("2024-01", 3, "no readable date", None),
        ("2024-04", 4, "after the last month", "2024-05-01"),
    ]


def test_months_are_those_of_the_source_s_time_zone(place):
    placing = place(
        "2024-01-31 15:59", "2024-01-31 16:00", sold_at="sold_at::TIMESTAMP AT TIME ZONE 'UTC'"
    )
    assert placing.counts() == {"2024-01": 1, "2024-02": 1}


@pytest.mark.parametrize("date", ["2024/3/5", "20240305", "2024-03-05T10:00:00", " 2024-03-05 "])
def test_dates_are_read_in_the_forms_of_the_field(place, date: str):
    assert place(date).counts() == {"2024-03": 1}


def test_a_date_that_does_not_exist_is_not_guessed(place):
    assert place("2024-02-30").counts() == {None: 1}


def test_what_is_unplaced_counts_in_the_month_that_it_stands_in(place):
    placing = place("2024-01-01", "2024-02-01", "never", "2025-01-01", "2025-01-02")
    table = receipts({"transactions": placing}, ["transactions"], MONTHS).sort("month")
    assert table["rows_received"].to_list() == [2, 1, 0, 2]
    assert table["rows_in_file"].unique().to_list() == [5]
    assert placing.unplaced()["month"].to_list() == ["2024-01", "2024-04", "2024-04"]


def test_receipts_balance_rows_in_the_file_with_placed_and_unplaced(place):
    placing = place("2024-01-01", "2024-02-01", "2024-02-02", "never", "2025-01-01")
    table = receipts({"transactions": placing}, ["transactions", "market"], MONTHS)
    february = table.filter(month="2024-02", table_name="transactions").row(0, named=True)
    assert february == {
        "month": "2024-02",
        "table_name": "transactions",
        "is_provided": True,
        "rows_received": 2,
        "rows_in_file": 5,
        "rows_placed": 3,
        "rows_unplaced": 2,
        "rows_erased": 0,
        "problem": None,
    }
    assert not table.filter(table_name="market")["is_provided"].any()


AT_BOUNDARIES = (
    *("2019-05-01", "2023-12-31 23:59:59", "2024-01-01", "2024-01-31 23:59:59", "2024-02-01"),
    *("2024-02-29 23:59:59", "2024-03-01", "2024-03-31 23:59", "2024-04-01", "2024-04-02"),
    *("2024-05-01", "2030-01-01", "never", ""),
)


@pytest.mark.parametrize("is_kept", [False, True])
@pytest.mark.parametrize(
    ("first", "last"), [("2024-01", "2024-03"), ("2024-02", "2024-03"), ("2024-03", "2024-03")]
)
def test_every_line_is_in_the_month_or_unplaced_as_by_its_date(
    place, tmp_path: Path, first: str, last: str, is_kept: bool
):
    """By hand: history is in the first month, what is later than the last one in none."""
    definition = tmp_path / "sources" / "corner_shop" / "source.yaml"
    text = definition.read_text().replace("first_month: 2024-01", f"first_month: {first}")
    definition.write_text(text.replace("last_month: 2024-04", f"last_month: {last}"))
    placing = place(*AT_BOUNDARIES, "2024-03-05,a field too many")
    placing = placing.kept() if is_kept else placing
    dated = {n: day for n, day in enumerate(AT_BOUNDARIES, 1) if day.startswith("20")}
    month_of = {n: max(day[:7], first) for n, day in dated.items()}
    months = [month for month in MONTHS if first <= month <= last]
    for asked in (months, months[:1], months[-1:], months[1:2], months[::2]):
        if asked:
            rows = placing.reader.con.sql(placing.rows(asked).sql).pl()
            by_row = sorted(rows.select("source_row", "month").iter_rows())
            assert by_row == [(n, month) for n, month in month_of.items() if month in asked]

    late = [n for n, month in month_of.items() if month > last]
    undated = [n for n in range(1, len(AT_BOUNDARIES) + 1) if n not in dated]
    expected = [(first, n) for n in undated] + [(last, n) for n in late]
    unplaced = placing.unplaced()
    stray = unplaced.filter(~pl.col("reason").str.starts_with("unreadable line"))
    assert sorted(stray.select("month", "source_row").iter_rows()) == sorted(expected)
    assert unplaced.height == len(expected) + 1
    assert unplaced.filter(source_row=len(AT_BOUNDARIES) + 1)["month"].to_list() == [first]

    found = receipts({"transactions": placing}, ["transactions"], months)
    in_month = {
        month: sum(each == month for each in month_of.values())
        + sum(each == month for each, _ in expected)
        + (month == first)
        for month in months
    }
    assert dict(found.select("month", "rows_received").iter_rows()) == in_month
    totals = ("rows_in_file", "rows_placed", "rows_unplaced")
    placed = sum(month in months for month in month_of.values())
    lines = len(AT_BOUNDARIES) + 1
    assert found.select(totals).unique().rows() == [(lines, placed, lines - placed)]


def test_an_undated_table_belongs_to_the_first_month(place, tmp_path: Path):
    placing = place("2024-03-01")
    assert placings(placing.reader)["customers"].counts() == {"2024-01": 1}


def test_text_of_a_file_stays_text(place):
    placing = place("2024-01-01")
    rows = placing.reader.con.sql(placing.rows(MONTHS).sql).pl()
    assert rows.schema["amount"] == pl.String
    assert rows["amount"].to_list() == ["1.50"]


def test_a_gbk_file_is_read_when_the_source_says_so(place, tmp_path: Path):
    settings_file = tmp_path / "sources" / "corner_shop" / "source.yaml"
    settings_file.write_text(
        settings_file.read_text().replace(
            "sales: sales.csv", "sales: {path: sales.csv, encoding: gbk}"
        )
    )
    placing = place("2024-01-01", encoding="gbk")
    assert placing.counts() == {"2024-01": 1}


@pytest.mark.parametrize("is_kept", [False, True])
def test_columns_are_renamed_by_case_alone(tmp_path: Path, is_kept: bool):
    """DuckDB keeps the spelling of the file for SOLD_AT AS sold_at."""
    settings = shop(tmp_path)
    sales_file(settings).write_text("OCCURRED_AT,Amount,Customer_Id\n2024-02-05,1.50,K1\n")
    (settings.source_dir / "transactions.sql").write_text(
        "SELECT OCCURRED_AT AS occurred_at, Amount AS amount, Customer_Id AS customer_id, "
        "source_file, source_row FROM sales"
    )
    (settings.source_dir / "customers.sql").unlink()
    table = TRANSACTIONS.raw_table()
    warehouse = Warehouse(tmp_path / "warehouse.duckdb", "shop", "run")
    with SourceReader(warehouse.con, load_source(settings.source_dir)) as reader:
        placing = placings(reader)["transactions"]
        placing = placing.kept() if is_kept else placing
        assert placing.counts() == {"2024-02": 1}
        assert warehouse.write(table, MONTHS, placing.rows(MONTHS))["2024-02"] == 1
    stored = warehouse.read(table, ["2024-02"])
    warehouse.close()
    assert tuple(stored.columns) == table.column_names
    assert stored.select("occurred_at", "amount", "customer_id").rows() == [
        ("2024-02-05", "1.50", "K1")
    ]


CONSENTS = {
    "of records": ("recorded, granted", {"2024-01": 1, "2024-03": 1, "2024-02": 1}),
    "of spans": ("granted", {"2024-01": 2, "2024-02": 1}),
}


@pytest.mark.parametrize("dates", CONSENTS)
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_withdrawal_is_of_its_own_month_and_a_span_of_its_consent_s(
    tmp_path: Path, dates: str, kind: str
) -> None:
    """Consents of January and February; the first is withdrawn in March, by a record of its own."""
    settings = shop(tmp_path)
    names, expected = CONSENTS[dates]
    rows = pl.DataFrame(
        {
            "recorded": ["2024-01-10", "2024-03-05", None],
            "granted": ["2024-01-10", "2024-01-10", "2024-02-02"],
        }
    ).select(pl.all().str.to_date())
    file = settings.source_dir / f"consents.{kind}"
    (rows.write_csv if kind == "csv" else rows.write_parquet)(file)
    columns = ", ".join(f"{name} AS {name}_on" for name in names.split(", "))
    (settings.source_dir / "consents.sql").write_text(
        f"SELECT 'K001' AS customer_id, 'marketing' AS purpose, {columns}, source_file, source_row "
        "FROM consents"
    )
    definition = settings.source_dir / "source.yaml"
    text = definition.read_text().replace("files:\n", f"files:\n  consents: {file.name}\n")
    definition.write_text(text)
    with scratch_database() as con, SourceReader(con, load_source(settings.source_dir)) as reader:
        placing = placings(reader)["consents"]
        assert placing.counts() == expected
        march = con.sql(placing.rows(["2024-03"]).sql).pl()
    assert len(march) == expected.get("2024-03", 0)
