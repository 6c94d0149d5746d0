"""Who an id is of, which of their texts are theirs alone, and which rows go with them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import duckdb
import polars as pl
import pytest

from portrait_assets.app.erasure.people import own_texts as finding
from portrait_assets.app.erasure.people.own_texts import own_texts
from portrait_assets.app.erasure.people.persons import (
    Asked,
    Persons,
    find_persons,
    is_erased,
    name_ids,
    read_asked,
    requested,
    sentence_of_unknown,
)
from portrait_assets.app.erasure.rows.removed_rows import (
    LINE_SCHEMA,
    Removed,
    any_of,
    counted,
    gone_sql,
    name_places,
    name_rows,
)
from portrait_assets.core.cells import SMALLEST_CELL
from portrait_assets.privacy.erasure import ErasureError
from portrait_assets.privacy.keys import Key, KeyName
from portrait_assets.privacy.tombstones import Tombstones

KEY = Key(KeyName.TOMBSTONES, b"k" * 32)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        for schema in ("raw", "cleaned", "identity", "features", "tags", "clusters", "validation"):
            opened.execute(f"CREATE SCHEMA {schema}")
        yield opened


class Nobody:
    """Tombstones of no one."""

    def among(self, ids: pl.Series, kind: str = "") -> pl.DataFrame:
        return pl.DataFrame({"value": ids.clear()})


NOBODY = cast(Tombstones, Nobody())


def test_ids_of_a_file_stand_in_the_lines_below_the_heads(tmp_path: Path):
    file = tmp_path / "ids.csv"
    file.write_text("customer_id,prospect_id\nK1,\n K2 ,P1\n,P2\n")
    assert read_asked(file) == Asked("ids.csv", {"K1": 2, "K2": 3}, {"P1": 3, "P2": 4})
    file.write_text("prospect_id\nP1\n")
    assert read_asked(file) == Asked("ids.csv", {}, {"P1": 2})


def test_who_asked_for_erasure_is_asked_for_once(con: duckdb.DuckDBPyConnection):
    assert requested(con) == Asked("cleaned.requests", {})
    con.execute(
        "CREATE TABLE cleaned.requests AS FROM (VALUES ('K2', 'erasure'), ('K1', 'erasure'), "
        "('K2', 'erasure'), ('K3', 'access')) AS t(customer_id, kind)"
    )
    assert requested(con) == Asked("cleaned.requests", {"K1": 1, "K2": 2})


@pytest.mark.parametrize(
    ("unknown", "lines"),
    [((3,), "3"), ((3, 4, 5, 6, 9), "3, 4, 5, 6, 9"), ((3, 4, 5, 6, 9, 12), "3, 4, 5, 6, 9, ...")],
)
def test_lines_of_ids_of_nobody_are_named_up_to_five(unknown: tuple[int, ...], lines: str):
    asked = Asked("a.csv", dict.fromkeys(map(str, range(1200)), 1), {"P1": 2})
    found = Persons(0, (), (), unknown)
    assert sentence_of_unknown(asked, found) == (
        f"{len(unknown)} of 1,201 ids in a.csv are nobody's (line {lines})"
    )


def people(con: duckdb.DuckDBPyConnection) -> None:
    """K2 is a record of K1; P1 has K1's telephone, P2 one that K3 has too, P3 K3's email."""
    con.execute(
        "CREATE TABLE identity.identity_map AS FROM (VALUES ('2024-01', 'K1', 'K1'), "
        "('2024-02', 'K2', 'K1'), ('2024-01', 'K3', 'K3')) "
        "AS t(month, source_customer_id, customer_id); "
        "CREATE TABLE cleaned.customers AS FROM (VALUES ('K1', '13800000001', ''), "
        "('K2', '13800000002', 'k@a.cn'), ('K3', '13800000002', 'm@a.cn')) "
        "AS t(source_customer_id, phone, email); "
        "CREATE TABLE cleaned.prospects AS FROM (VALUES ('P1', '138 0000 0001', NULL), "
        "('P2', '13800000002', NULL), ('P3', NULL, 'm@a.cn')) AS t(prospect_id, phone, email); "
        "CREATE TABLE raw.prospects AS SELECT ' P4' AS prospect_id UNION SELECT 'P1'"
    )


def test_all_records_of_a_person_go_and_the_prospects_whom_they_alone_are_reached_by(
    con: duckdb.DuckDBPyConnection,
):
    people(con)
    found = find_persons(con, Asked("a", {"K2": 2}, {"P4": 3}), NOBODY)
    assert (found.count, found.customers, found.prospects) == (2, ("K1", "K2"), ("P1", "P4"))
    assert (found.unknown, found.erased_before) == ((), 0)
    assert find_persons(con, Asked("a", {"K3": 2}), NOBODY).prospects == ("P3",)


def test_who_stands_in_no_month_is_asked_for_last(con: duckdb.DuckDBPyConnection):
    people(con)
    asked = Asked("a", {"K1": 2, "K8": 3, "K9": 5}, {"P9": 4})
    found = find_persons(
        con, asked, NOBODY, lambda ids: {"customer_id": {"K8"} & {*ids["customer_id"]}}
    )
    assert (found.count, found.customers, found.unknown) == (2, ("K1", "K2", "K8"), (4, 5))


def test_who_was_one_with_somebody_who_stays_is_refused(con: duckdb.DuckDBPyConnection):
    con.execute(
        "CREATE TABLE identity.identity_map AS FROM (VALUES ('2024-01', 'K1', 'K1'), "
        "('2024-01', 'K2', 'K1'), ('2024-02', 'K1', 'K1'), ('2024-02', 'K2', 'K2')) "
        "AS t(month, source_customer_id, customer_id)"
    )
    with pytest.raises(
        ErasureError, match=r"^1 records of these people are, or were, one customer"
    ):
        find_persons(con, Asked("a", {"K2": 2}), NOBODY)


@pytest.mark.parametrize(
    ("others", "shared"),
    [
        ([], 0),
        (["he said: flat 12 by the river"], 1),
        (["flat 12 by the river 7 bank"], 2),  # one within the other's end
    ],
)
def test_a_text_that_stands_within_another_persons_is_not_theirs_alone(
    con: duckdb.DuckDBPyConnection, others: list[str], shared: int
):
    con.execute(
        "CREATE TABLE raw.contacts (month VARCHAR, customer_id VARCHAR, campaign_id VARCHAR)"
    )
    texts = ["flat 12 by the river", "the river 7 bank"]
    for who, text in [("K1", texts[0]), ("K1", texts[1]), *(("K2", each) for each in others)]:
        con.execute("INSERT INTO raw.contacts VALUES ('2024-01', ?, ?)", [who, text])
    name_ids(con, ["K1"], [])
    found, in_others = finding._of_others(con, sorted(texts)), shared
    assert len(found) == in_others


def test_a_text_that_ten_of_the_erased_share_says_nothing_of_one(con: duckdb.DuckDBPyConnection):
    con.execute(
        "CREATE TABLE raw.transactions (month VARCHAR, customer_id VARCHAR, category VARCHAR)"
    )
    many = [f"K{n}" for n in range(SMALLEST_CELL)]
    for number, who in enumerate(many):
        con.execute("INSERT INTO raw.transactions VALUES ('2024-01', ?, 'cheese no. 12')", [who])
        if number:
            con.execute(
                "INSERT INTO raw.transactions VALUES ('2024-01', ?, 'butter no. 12')", [who]
            )
    name_ids(con, many, [])
    assert own_texts(con, many)[0] == ["butter no. 12"]


def test_a_name_is_theirs_whatever_it_looks_like_and_a_word_of_a_category_is_nobodys(
    con: duckdb.DuckDBPyConnection,
):
    con.execute(
        "CREATE TABLE raw.customers AS SELECT '2024-01' AS month, 'K1' AS customer_id, "
        "'Annasilva' AS full_name, 'greengrocer' AS occupation, 'flat no. 12' AS region"
    )
    name_ids(con, ["K1"], [])
    assert own_texts(con, ["K1"])[0] == ["Annasilva", "flat no. 12"]


def test_ids_are_found_however_raw_tables_write_them(con: duckdb.DuckDBPyConnection):
    con.execute("CREATE TABLE raw.transactions AS SELECT ' 17 ' AS customer_id UNION SELECT '18'")
    con.execute("CREATE TABLE raw.calls AS SELECT 17 AS customer_id")
    name_ids(con, ["17"], ["P1"])
    assert con.execute("FROM temp.erased_customer_id ORDER BY 1").fetchall() == [(" 17 ",), ("17",)]
    assert con.execute("FROM temp.erased_prospect_id").fetchall() == [("P1",)]
    assert is_erased("x") == is_erased("x", "customer_id")
    assert "erased_prospect_id" in is_erased("x", "prospect_id")


# -- rows --------------------------------------------------------------------------------------


def test_rows_are_counted_where_there_are_any(con: duckdb.DuckDBPyConnection):
    con.execute(
        "CREATE TABLE raw.a AS FROM (VALUES ('K1', 'K2'), ('K2', 'K1'), ('K2', 'K3')) "
        "AS t(customer_id, matched); CREATE TABLE raw.b AS SELECT 'K2' AS customer_id; "
        "CREATE TABLE raw.c AS SELECT 'K1' AS other; CREATE TABLE raw.d AS SELECT 'K1' AS matched"
    )
    name_ids(con, ["K1"], [])
    columns = frozenset({"customer_id", "matched"})
    found = counted(con, ["raw.a", "raw.b", "raw.c", "raw.d"], columns)
    assert found == {"raw.a": 2, "raw.d": 1}


def test_a_condition_that_is_unknown_holds_not():
    assert any_of([]) == "(false)"
    assert any_of(["a", "b"]) == "(coalesce(a, false) OR coalesce(b, false))"


@pytest.mark.parametrize(
    ("table", "columns", "left"),
    [
        # Rows of K1's months whose counts are of fewer than ten; 0 says nothing of anyone.
        ("validation.few", "as_of, customers", [(1, 0), (1, 10), (2, 9), (2, 10)]),
        ("tags.by_number", "as_of, customer_no", [(1, 8), (1, 9), (1, 10), (2, 7), (2, 9)]),
        ("clusters.cluster_segment", "as_of, customers", [(1, 0), (1, 10), (2, 9), (2, 10)]),
        ("features.other", "as_of, amount", None),
    ],
)
def test_rows_without_an_id_go_by_number_or_by_small_counts(
    con: duckdb.DuckDBPyConnection, table: str, columns: str, left: list[tuple[int, int]] | None
):
    """K1 is number 7 of January, and K2 of February."""
    con.execute(
        "CREATE TABLE tags.portrait_matrix AS FROM (VALUES (DATE '2024-01-31', 7, 'K1'), "
        "(DATE '2024-02-29', 7, 'K2')) AS t(as_of, customer_no, customer_id); "
        "CREATE TABLE features.feature_matrix AS SELECT as_of, customer_id "
        "FROM tags.portrait_matrix"
    )
    second = columns.split(", ")[1]
    numbers = (0, 1, 9, 10) if second == "customers" else (7, 8, 9, 10)
    months = ("2024-01-31", numbers), ("2024-02-29", (9, 10) if second == "customers" else (7, 9))
    rows = ", ".join(f"(DATE '{day}', {n})" for day, each in months for n in each)
    con.execute(f"CREATE TABLE {table} AS FROM (VALUES {rows}) AS t({columns})")
    name_ids(con, ["K1"], [])
    name_rows(con)
    lines = pl.DataFrame(schema=LINE_SCHEMA)
    removed = Removed(con, (), frozenset({"customer_id"}), KEY, (), lines, ((), ()))
    sql = gone_sql(removed, table)
    if left is None:
        assert sql == ""
        return
    kept = con.execute(
        f"SELECT month(as_of), {second} FROM {table} WHERE NOT ({sql}) ORDER BY ALL"
    ).fetchall()
    assert kept == left


def test_the_profile_of_a_segment_of_fewer_than_ten_goes(con: duckdb.DuckDBPyConnection):
    con.execute(
        "CREATE TABLE features.feature_matrix AS SELECT DATE '2024-01-31' AS as_of, "
        "'K1' AS customer_id; "
        "CREATE TABLE clusters.cluster_segment AS FROM (VALUES (DATE '2024-01-31', 1, 9), "
        "(DATE '2024-01-31', 2, 10), (DATE '2024-02-29', 1, 9)) AS t(as_of, segment_id, customers);"
        "CREATE TABLE clusters.cluster_profile AS SELECT as_of, segment_id, 0.5 AS value "
        "FROM clusters.cluster_segment"
    )
    name_ids(con, ["K1"], [])
    name_rows(con)
    lines = pl.DataFrame(schema=LINE_SCHEMA)
    removed = Removed(con, (), frozenset({"customer_id"}), KEY, (), lines, ((), ()))
    sql = gone_sql(removed, "clusters.cluster_profile")
    assert con.execute(
        f"SELECT month(as_of), segment_id FROM clusters.cluster_profile WHERE {sql}"
    ).fetchall() == [(1, 1)]


def test_a_row_goes_with_the_line_that_it_came_from(con: duckdb.DuckDBPyConnection):
    con.execute(
        "CREATE TABLE raw.transactions AS FROM (VALUES ('2024-01', 'K1', 'f', 1), "
        "('2024-01', 'K2', 'f', 2), ('2024-01', NULL, 'f', 3)) "
        "AS t(month, customer_id, source_file, source_row); "
        "CREATE TABLE cleaned.rejects AS FROM (VALUES ('transactions', 'f', 1), "
        "('transactions', 'f', 2), ('transactions', 'f', 9), ('calls', 'f', 1)) "
        "AS t(table_name, source_file, source_row)"
    )
    name_ids(con, ["K1"], [])
    lines = pl.DataFrame([(None, "transactions", "f", 9)], schema=LINE_SCHEMA, orient="row")
    removed = Removed(con, (), frozenset({"customer_id"}), KEY, (), lines, ((), ()))
    name_places(removed)
    sql = gone_sql(removed, "cleaned.rejects")
    left = con.execute(
        f"SELECT table_name, source_row FROM cleaned.rejects WHERE NOT ({sql}) ORDER BY ALL"
    ).fetchall()
    assert left == [("calls", 1), ("transactions", 2)]
