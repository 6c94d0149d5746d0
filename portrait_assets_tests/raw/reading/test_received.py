"""A number is one identifier, however a file came to hold it with a fraction."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pytest

from portrait_assets.stages.raw.placing.months import placings
from portrait_assets.stages.raw.reading.files import SourceReader
from portrait_assets.stages.raw.source import load_source
from portrait_assets.stages.raw.tables.canonical import Canonical
from portrait_assets.stages.raw.tables.persons import CUSTOMERS
from portrait_assets.stages.raw.tables.trade import TRANSACTIONS
from portrait_assets.storage.duckdb.connection import scratch_database

SOURCE = """
name: till
title: {{en: A till, zh: 收银}}
licence: ours
first_month: 2024-01
last_month: 2024-01
time_zone: UTC
currency: EUR
files_in: .
files: {{tills: "{path}"}}
tables: {{transactions: {{rows_of: tills}}, customers: {{derived: true}}}}
rules: {{transactions.customer_id: {{sentinels: [nobody]}}}}
"""
SALES = """SELECT {client} AS customer_id, '2024-01-05' AS occurred_at, paid AS amount,
    article AS product_id, source_file, source_row FROM tills
"""
CLIENTS = """SELECT DISTINCT client AS customer_id, postcode, source_file, 1 AS source_row
FROM tills
"""
COLUMNS = ("client", "paid", "article", "postcode")


@pytest.fixture
def ids(tmp_path: Path):
    """Gives a column of a table, in the order of rows, when the source has these files."""

    def read(
        files: Mapping[str, pl.DataFrame | str],
        column: str = "customer_id",
        table: Canonical = TRANSACTIONS,
        client: str = "client",
    ) -> list[object]:
        folder = tmp_path / "till"
        folder.mkdir(exist_ok=True)
        for name, content in files.items():
            if isinstance(content, str):
                (folder / name).write_text(content)
            else:
                content.write_parquet(folder / name)
        suffix = next(iter(files)).partition(".")[2]
        (folder / "source.yaml").write_text(SOURCE.format(path=f"*.{suffix}"))
        (folder / "transactions.sql").write_text(SALES.format(client=client))
        (folder / "customers.sql").write_text(CLIENTS)
        with scratch_database() as con, SourceReader(con, load_source(folder)) as reader:
            query = placings(reader)[table.name].rows(["2024-01"])
            rows = con.sql(f"{query.sql} ORDER BY source_file, source_row, customer_id").pl()
        assert (rows.schema[column] == pl.String) == (query.types[column] == "VARCHAR")
        # CLIENTS numbers its rows in a smaller type than a file's rows have.
        assert (rows.schema["source_row"], query.types["source_row"]) == (pl.Int64, "BIGINT")
        found: list[object] = rows[column].to_list()
        return found

    return read


def rows(*clients: object, article: object = "A1", postcode: object = "1010") -> pl.DataFrame:
    return pl.DataFrame(
        {
            "client": clients,
            "paid": [1.5] * len(clients),
            "article": [article] * len(clients),
            "postcode": [postcode] * len(clients),
        },
        strict=False,
    )


def text(*clients: str, article: str = "A1", postcode: str = "1010") -> str:
    lines = [f"{client},1.5,{article},{postcode}" for client in clients]
    return "\n".join([",".join(COLUMNS), *lines]) + "\n"


@pytest.mark.parametrize(
    ("received", "identifiers"),
    [
        ([17850.0, None, 13047.0], ["17850", None, "13047"]),
        ([17850, 13047], ["17850", "13047"]),
        ([2**62, None, -1], [str(2**62), None, "-1"]),
        ([float("nan"), 7.0, -0.0], [None, "7", "0"]),
        ([1e15 + 1, 1e17, 2.0**53], ["1000000000000001", "100000000000000000", f"{2**53}"]),
        ([1.5, 2.0], ["1.5", "2"]),
    ],
)
def test_a_number_is_written_as_a_whole_one(ids, received, identifiers):
    assert ids({"a.parquet": rows(*received)}) == identifiers


def test_files_may_hold_the_same_identifiers_in_different_types(ids):
    files = {"a.parquet": rows(17850, 13047), "b.parquet": rows(17850.0, None)}
    assert ids(files) == ["17850", "13047", "17850", None]


def test_numbers_of_json_are_read_alike(ids):
    lines = '{"client": 17850.0, "paid": 1, "article": "x", "postcode": "1"}\n'
    assert ids({"a.json": lines + lines.replace("17850.0", "null")}) == ["17850", None]


def test_every_text_that_came_as_a_number_is_meant(ids):
    files = {"a.parquet": rows("K", article=7.0, postcode=1010.0)}
    assert ids(files, "product_id") == ["7"]
    assert ids(files, "postcode", CUSTOMERS) == ["1010"]


@pytest.mark.parametrize(
    ("received", "identifiers"),
    [
        (["17850.0", "", "13047.0"], ["17850", None, "13047"]),
        ([" 17850.0", "0.0", "-3.0"], ["17850", "0", "-3"]),
        (["17850.0", "1.2345678901234567e+16"], ["17850", "12345678901234568"]),
        (["17850.0", "Nobody"], ["17850", "Nobody"]),
        (["17850.0", "13047"], ["17850.0", "13047"]),
        (["A1.0", "B2.0"], ["A1.0", "B2.0"]),
        (["007", "12"], ["007", "12"]),
        (["007.0"], ["007.0"]),
        (["1.10"], ["1.10"]),
        (["1e5", "2e7"], ["1e5", "2e7"]),
    ],
    ids=[
        *("missing", "spaces", "scientific", "code for not known"),
        *("mixed", "letters", "zeros", "zeros and a fraction", "version", "hexadecimal"),
    ],
)
def test_text_is_a_number_where_every_identifier_of_the_file_ends_in_a_fraction(
    ids, received: list[str], identifiers: list[str | None]
):
    assert ids({"a.csv": text(*received)}) == identifiers


def test_each_file_is_looked_at_by_itself(ids):
    files = {"a.csv": text("17850.0"), "b.csv": text("17850"), "c.csv": text("A", "1.0")}
    assert ids(files) == ["17850", "17850", "A", "1.0"]


def test_tables_of_one_file_have_the_same_identifiers(ids):
    files = {"a.csv": text("17850.0", "13047.0", postcode="1010.0")}
    assert ids(files, table=CUSTOMERS) == ["13047", "17850"]
    assert ids(files, "postcode", CUSTOMERS) == ["1010", "1010"]


def test_a_number_that_the_sql_made_text_is_a_number(ids):
    files = {"a.parquet": rows(17850.0, None)}
    assert ids(files, client="CAST(client AS VARCHAR)") == ["17850", None]


def test_amounts_stay_as_they_are(ids):
    assert ids({"a.csv": text("1").replace("1.5", "2.0")}, "amount") == ["2.0"]
    assert ids({"b.parquet": rows("1").with_columns(paid=2.0)}, "amount") == [2.0]
