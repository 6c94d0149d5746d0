"""A source without a row by which anybody is a customer is refused before anything is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from portrait_assets.core.errors import SourceError
from portrait_assets.core.settings import Settings
from portrait_assets.stages.raw.placing.founding import require_rows
from portrait_assets.stages.raw.placing.months import placings
from portrait_assets.stages.raw.reading.files import SourceReader
from portrait_assets.stages.raw.source import load_source
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.testing.worlds.shop import sales_file, shop

HEADER = "sold_at,card,basket,category,paid,saved,town\n"


def check(settings: Settings) -> None:
    """Check what the source has as it is read."""
    source = load_source(settings.source_dir)
    with scratch_database() as con, SourceReader(con, source) as reader:
        require_rows(placings(reader), source.provided)


def require(folder: Path, *days: str) -> None:
    """Check the shop with a sale on each of these days."""
    settings = shop(folder)
    lines = "".join(f"{day} 09:00,K1,B1,tea,1.50,0,east\n" for day in days)
    sales_file(settings).write_text(HEADER + lines)
    check(settings)


def test_a_file_of_its_header_alone_is_named(tmp_path: Path):
    says = r"^corner_shop: transactions has no rows, for sales\.csv holds none; put the file with"
    with pytest.raises(SourceError, match=says):
        require(tmp_path)


def test_rows_that_all_come_after_the_last_month_are_counted(tmp_path: Path):
    with pytest.raises(SourceError) as error:
        require(tmp_path, "2024-05-02", "2024-05-01")
    assert str(error.value) == (
        "corner_shop: none of the 2 rows of transactions lies in a month from 2024-01 to 2024-04, "
        "most often by the reason 'after the last month' (2 of them), such as sales.csv row 1; "
        "correct first_month and last_month in source.yaml, or the file."
    )


def test_the_commoner_reason_is_named_and_a_reason_that_is_as_common_by_its_name(tmp_path: Path):
    with pytest.raises(SourceError, match=r"of the 3 rows .*'no readable date' \(2 of them\)"):
        require(tmp_path / "a", "never", "2024-05-01", "soon")
    with pytest.raises(SourceError, match=r"of the 2 rows .*'no readable date' \(1 of them\)"):
        require(tmp_path / "b", "2024-05-01", "soon")


@pytest.mark.parametrize("day", ["2024-04-30", "2023-01-01"])
def test_one_row_up_to_the_last_month_is_enough(tmp_path: Path, day: str):
    require(tmp_path, day, "2024-05-01")


def test_who_joined_is_a_customer_without_a_purchase(tmp_path: Path):
    customers = shop(tmp_path / "a").source_dir / "customers.sql"
    joined = customers.read_text().replace("SELECT\n", "SELECT DATE '2024-01-05' AS joined_on,\n")
    settings = shop(tmp_path / "b")
    (settings.source_dir / "customers.sql").write_text(joined)
    sales_file(settings).write_text(HEADER)
    check(settings)


BALANCES = (
    "SELECT card AS customer_id, card AS account_id, day AS balance_on, held AS balance, "
    "source_file, source_row FROM more"
)
CUSTOMERS = "SELECT card AS customer_id, day AS joined_on, source_file, source_row FROM more"


def with_more(folder: Path, table: str, sql: str, text: str) -> Settings:
    """The shop without a sale, and a table by this SQL from a file `more` of this text."""
    settings = shop(folder)
    source_yaml = settings.source_dir / "source.yaml"
    source_yaml.write_text(
        source_yaml.read_text()
        .replace("sales: sales.csv", "sales: sales.csv\n  more: more.csv")
        .replace("customers: {derived: true}", f"{table}: {{rows_of: more}}")
    )
    (settings.source_dir / "customers.sql").unlink()
    (settings.source_dir / f"{table}.sql").write_text(sql)
    (settings.source_dir / "more.csv").write_text(text)
    sales_file(settings).write_text(HEADER)
    return settings


def test_where_one_of_two_tables_cannot_be_read_the_other_is_not_taken_for_all(tmp_path: Path):
    settings = with_more(tmp_path, "balances", BALANCES, "card,day,held\n")
    with pytest.raises(SourceError, match=r"^corner_shop: transactions has no rows"):
        check(settings)
    sales_file(settings).write_text("")
    check(settings)


def test_where_customers_cannot_be_read_they_may_have_joined(tmp_path: Path):
    settings = with_more(
        tmp_path, "customers", CUSTOMERS.replace("joined", "recorded"), "card,day\n"
    )
    with pytest.raises(SourceError, match=r"^corner_shop: transactions has no rows"):
        check(settings)
    (settings.source_dir / "more.csv").write_text("")
    check(settings)
