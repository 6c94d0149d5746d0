"""A file that cannot be read stops its own tables and no others, and what they had stands."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pytest

from portrait_assets.core.errors import SourceError
from portrait_assets.core.settings import Settings
from portrait_assets.stages.cleaned.checks import unread
from portrait_assets.stages.raw.placing.months import placings
from portrait_assets.stages.raw.placing.receipts import Unread, receipts
from portrait_assets.stages.raw.reading.files import SourceReader
from portrait_assets.stages.raw.source import load_source
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.testing.worlds.shop import sales_file, short_shop
from portrait_assets_tests.faults.command import portrait

PEOPLE = "card,town\nK001,west\n"
CUSTOMERS_SQL = "SELECT card AS customer_id, town AS region, source_file, source_row FROM {}\n"


def with_people(folder: Path, people: str = PEOPLE, view: str | None = None) -> Settings:
    """The shop of two months, its customers in a file of their own."""
    settings = short_shop(folder)
    source_yaml = settings.source_dir / "source.yaml"
    text = source_yaml.read_text().replace(
        "sales: sales.csv", "sales: sales.csv\n  people: people.csv"
    )
    source_yaml.write_text(
        text.replace("customers: {derived: true}", "customers: {rows_of: people}")
    )
    (settings.source_dir / "people.csv").write_text(people)
    if view is not None:
        (settings.source_dir / "views").mkdir()
        (settings.source_dir / "views" / "westerner.sql").write_text(view)
    read_from = "people" if view is None else "westerner"
    (settings.source_dir / "customers.sql").write_text(CUSTOMERS_SQL.format(read_from))
    return settings


@pytest.mark.parametrize("people", ["", "card,card\nK001,west\n"])
def test_only_the_tables_of_the_file_are_not_read(tmp_path: Path, people: str):
    source = load_source(with_people(tmp_path, people).source_dir)
    with scratch_database() as con, SourceReader(con, source) as reader:
        assert set(placings(reader)) == {"transactions"}
        assert reader.problem("transactions") is None
        assert "'people.csv'" in str(reader.problem("customers"))
        assert len(reader.problems()) == 1


def test_what_views_need_their_tables_need(tmp_path: Path):
    view = "SELECT * FROM people WHERE town = 'west'"
    source = load_source(with_people(tmp_path, "", view).source_dir)
    with scratch_database() as con, SourceReader(con, source) as reader:
        assert "'people.csv'" in str(reader.problem("customers"))


SOLD_TO_PEOPLE = """WITH known AS (
    SELECT card FROM sales SEMI JOIN people USING (card)
)
SELECT DISTINCT card AS customer_id, 'people.csv' AS source_file, 1 AS source_row FROM known
"""


@pytest.mark.parametrize(("people", "is_read"), [(PEOPLE, True), ("", False)])
def test_a_file_is_found_within_a_query_that_joins_it_by_its_columns(
    tmp_path: Path, people: str, is_read: bool
):
    settings = with_people(tmp_path, people)
    (settings.source_dir / "customers.sql").write_text(SOLD_TO_PEOPLE)
    with scratch_database() as con, SourceReader(con, load_source(settings.source_dir)) as reader:
        assert ("customers" in placings(reader)) == is_read
        assert not is_read or not placings(reader)["customers"].is_read_fast
        assert is_read or "'people.csv'" in str(reader.problem("customers"))


def test_tables_are_read_from_views(tmp_path: Path):
    view = "SELECT * FROM people WHERE town = 'west'"
    people = PEOPLE + "K002,east\n"
    source = load_source(with_people(tmp_path, people, view).source_dir)
    with scratch_database() as con, SourceReader(con, source) as reader:
        assert placings(reader)["customers"].counts() == {"2024-01": 1}


def test_of_several_files_of_one_name_the_first_is_named_and_the_others_are_counted(tmp_path: Path):
    settings = with_people(tmp_path)
    source_yaml = settings.source_dir / "source.yaml"
    source_yaml.write_text(source_yaml.read_text().replace("people.csv", "people-*.csv"))
    for number, text in enumerate((PEOPLE, "", "card,card\n", ""), 1):
        (settings.source_dir / f"people-{number}.csv").write_text(text)
    with scratch_database() as con, SourceReader(con, load_source(settings.source_dir)) as reader:
        assert reader.problem("customers") == (
            "The file 'people-2.csv' is empty; its line 1 must hold the names of the columns; "
            "2 more of people-*.csv cannot be read either."
        )


def test_a_table_that_cannot_be_read_is_provided_with_the_rows_of_an_earlier_reading():
    problem = "The file 'people.csv' is empty; fill it."
    unread_tables = {"customers": Unread(problem, {"2024-01": 3})}
    found = receipts({}, ["customers", "products"], ["2024-01", "2024-02"], unread_tables)
    columns = ("table_name", "month", "is_provided", "rows_received", "rows_in_file", "problem")
    assert found.select(columns).rows() == [
        ("customers", "2024-01", True, 3, 0, problem),
        ("customers", "2024-02", True, 0, 0, problem),
        ("products", "2024-01", False, 0, 0, None),
        ("products", "2024-02", False, 0, 0, None),
    ]


@pytest.mark.parametrize("content", [b"", b"PAR1 and no more"])
def test_of_many_parquet_files_the_one_that_cannot_be_read_is_named(tmp_path: Path, content: bytes):
    settings = with_people(tmp_path)
    source_yaml = settings.source_dir / "source.yaml"
    source_yaml.write_text(source_yaml.read_text().replace("people.csv", "day-*.parquet"))
    for day in (1, 2, 3):
        people = pl.DataFrame({"card": ["K001"], "town": ["west"]}).head(day % 2)
        people.write_parquet(settings.source_dir / f"day-{day}.parquet")
    source = load_source(settings.source_dir)
    with scratch_database() as con, SourceReader(con, source) as reader:
        assert placings(reader)["customers"].counts() == {"2024-01": 2}
    (settings.source_dir / "day-2.parquet").write_bytes(content)
    with scratch_database() as con, SourceReader(con, source) as reader:
        problem = str(reader.problem("customers"))
    assert problem.startswith("corner_shop: the file 'day-2.parquet' cannot be read: ")
    assert problem.endswith(
        "; put a whole file in its place, or take it away where it is to hold no rows."
    )


def receipts_with(**problems: str | None) -> pl.DataFrame:
    """Receipts of a month in which these tables had these problems, in this order."""
    rows = [{"table_name": name, "problem": problem} for name, problem in problems.items()]
    return pl.DataFrame(rows, schema_overrides={"problem": pl.String})


def test_of_several_tables_the_first_is_named_and_the_others_are_counted():
    empty = "The file 'people.csv' is empty; fill it."
    assert unread(receipts_with(customers=None, transactions=None)) is None
    assert unread(receipts_with(transactions=None, customers=empty)) == empty
    assert unread(receipts_with(prospects=empty, customers=empty)) == empty
    assert unread(receipts_with(transactions="Another.", customers=empty, balances=None)) == (
        "The file 'people.csv' is empty; fill it; the files of 1 more table cannot be read either "
        "(transactions)."
    )
    three = receipts_with(transactions="Another.", customers=empty, products="One more.")
    assert str(unread(three)).endswith(
        "the files of 2 more tables cannot be read either (products, transactions)."
    )


def test_a_view_that_does_not_run_is_named(tmp_path: Path):
    source = load_source(with_people(tmp_path, view="SELECT nothing FROM people").source_dir)
    with (
        scratch_database() as con,
        pytest.raises(SourceError, match=r"corner_shop/views/westerner\.sql does not run"),
        SourceReader(con, source),
    ):
        pass


def test_a_view_with_a_mistake_in_its_sql_has_the_place(tmp_path: Path):
    view = "SELECT card,\n  town AS\nFROM people"
    with (
        scratch_database() as con,
        pytest.raises(
            SourceError,
            match=r"views/westerner\.sql, which gives the view westerner, .* line 3, `FROM people`",
        ),
        SourceReader(con, load_source(with_people(tmp_path, view=view).source_dir)),
    ):
        pass


@pytest.mark.slow
@pytest.mark.long
def test_the_other_tables_are_materialized_and_nothing_is_published(tmp_path: Path):
    settings = with_people(tmp_path)
    assert portrait("run", data=tmp_path).returncode == 0
    published = settings.portrait_file.read_bytes()

    (settings.source_dir / "people.csv").write_text("")
    with sales_file(settings).open("a") as file:
        file.write("2024-02-20 09:00,K001,B9,tea,77,0,west\n")
    ran = portrait("run", data=tmp_path)
    assert ran.returncode == 1
    assert "Traceback" not in ran.stdout + ran.stderr
    reported = [line for line in ran.stdout.splitlines() if "people.csv" in line]
    assert len(reported) == 1, ran.stdout
    assert reported[0].startswith("2024-01 to 2024-02: ")
    assert "'people.csv' is empty; its line 1 must hold the names" in reported[0]

    assert settings.portrait_file.read_bytes() == published
    with duckdb.connect(str(settings.warehouse_file), read_only=True) as con:
        new = "WHERE amount = 77"
        assert con.execute(f"SELECT count(*) FROM cleaned.transactions {new}").fetchone() == (1,)
        assert con.execute("SELECT count(*) FROM cleaned.customers").fetchone() == (1,)
        spent = "SELECT max(largest_ticket) = 77 FROM features.customer_month "
        spent += "WHERE customer_id = 'K001' AND month = '2024-02'"
        assert con.execute(spent).fetchone() == (False,), (
            "nothing is materialized from half the tables"
        )

    (settings.source_dir / "people.csv").write_text(PEOPLE)
    mended = portrait("run", data=tmp_path)
    assert mended.returncode == 0, mended.stdout + mended.stderr
    with duckdb.connect(str(settings.warehouse_file), read_only=True) as con:
        assert con.execute(spent).fetchone() == (True,)


@pytest.mark.slow
def test_a_table_that_was_never_read_has_no_rows_until_it_is(tmp_path: Path):
    settings = with_people(tmp_path, "card,card\nK001,west\n")
    ran = portrait("run", data=tmp_path)
    assert ran.returncode == 1
    assert "'people.csv' names the column 'card' twice in line 1" in ran.stdout
    assert not settings.portrait_file.exists()
    with duckdb.connect(str(settings.warehouse_file), read_only=True) as con:
        assert con.execute("SELECT count(*) > 100 FROM cleaned.transactions").fetchone() == (True,)
        assert con.execute("SELECT count(*) FROM raw.customers").fetchone() == (0,)
