"""A shared file: nobody is found in it, and it lists what was taken off for that."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

from portrait_assets.core.errors import SourceError
from portrait_assets.stages.mart.shared.file import SharedFile, write_shared
from portrait_assets.stages.tags import shared_rows as module
from portrait_assets.stages.tags.catalogue.classes.quasi_identifiers import (
    QuasiIdentifiers,
    quasi_identifiers,
)
from portrait_assets.stages.tags.catalogue.tag import Catalogue
from portrait_assets.stages.tags.shared_rows import SharingError, order_of, value_order
from portrait_assets_tests.mart.shared.world import (
    CUSTOMERS,
    QUASI,
    REQUEST,
    definition,
    matrix_of,
    people,
    write_published,
)
from portrait_assets_tests.methods.anonymity.linkage import attack

OTHERS = ("segment_id", "segment_name_en", "segment_name_zh", "favourite", "spent", "group_name")


def test_every_combination_of_quasi_identifiers_is_of_ten_customers_or_more(
    con: duckdb.DuckDBPyConnection, shared: SharedFile
):
    assert sorted(shared.rows.quasi_identifiers) == sorted(QUASI)
    sizes = [
        n
        for (n,) in con.execute(
            f"SELECT count(*) FROM portrait GROUP BY {', '.join(QUASI)}"
        ).fetchall()
    ]
    assert min(sizes) >= 10
    assert sum(sizes) == CUSTOMERS
    assert con.execute(
        "SELECT source, purpose, k, customers, classes, smallest_class, average_class "
        "FROM mart.shared_publication"
    ).fetchall() == [
        ("shop", "sharing", 10, CUSTOMERS, len(sizes), min(sizes), round(CUSTOMERS / len(sizes), 3))
    ]


def test_it_has_a_row_per_customer_of_the_newest_month_with_what_is_no_quasi_identifier(
    con: duckdb.DuckDBPyConnection,
):
    rows = con.sql("FROM portrait").pl()
    was = people(CUSTOMERS)
    assert rows.height == CUSTOMERS
    assert rows["as_of"].unique().to_list() == [date(2024, 4, 30)]
    for name in ("spent", "group_name", "segment_id"):
        assert Counter(rows[name]) == Counter(was[name])
    assert "customer_no" not in rows.columns


def test_an_attacker_who_knows_everybody_finds_one_in_ten_at_most_and_most_in_the_raw_file(
    folder: Path,
    published: Path,
    catalogue: Catalogue,
    quasi: QuasiIdentifiers,
    monkeypatch: pytest.MonkeyPatch,
):
    # Nobody has the key of a file's pseudonyms; without them it is known here who is who.
    monkeypatch.setattr(module, "new_pseudonyms", lambda ids: ids.to_list())
    write_shared(published, folder / "named.duckdb", catalogue, quasi, REQUEST)
    file = matrix_of(folder / "named.duckdb").sort("customer_id")
    known = people(CUSTOMERS)
    assert file["customer_id"].to_list() == known["customer_id"].to_list()
    orders = {"generation": ("senior", "middle", "young")}
    columns = list(QUASI)
    raw = attack(known.select(columns), known.select(columns), orders)
    assert raw.success > 0.6
    found = attack(known.select(columns), file.select(columns), orders)
    assert found.misses == 0
    assert found.highest <= 0.1
    assert found.success <= 0.1


def test_two_files_have_no_pseudonym_in_common_and_other_orders_of_rows(
    folder: Path, published: Path, catalogue: Catalogue, quasi: QuasiIdentifiers, shared: SharedFile
):
    write_shared(published, folder / "again.duckdb", catalogue, quasi, REQUEST)
    one, other = matrix_of(folder / "shared.duckdb"), matrix_of(folder / "again.duckdb")
    assert not set(one["customer_id"]) & set(other["customer_id"])
    assert not set(one["customer_id"]) & set(people(CUSTOMERS)["customer_id"])
    assert one["customer_id"].is_sorted()
    assert one["spent"].to_list() != other["spent"].to_list()
    without = [name for name in one.columns if name != "customer_id"]
    assert Counter(one.select(without).iter_rows()) == Counter(other.select(without).iter_rows())


def test_texts_of_few_customers_do_not_leave(con: duckdb.DuckDBPyConnection, folder: Path):
    favourites = dict(con.execute("SELECT favourite, count(*) FROM portrait GROUP BY 1").fetchall())
    assert favourites.keys() == {"tea", "rice", "oil", None}
    assert favourites[None] == 3
    content = (folder / "shared.duckdb").read_bytes()
    for text in ("Zhang Wei", "13912345678", "to my aunt", "C00000", "C00399"):
        assert text.encode() not in content


def test_the_loss_is_listed_by_column(con: duckdb.DuckDBPyConnection, shared: SharedFile):
    rows = con.sql("FROM mart.anonymity ORDER BY column_name").pl()
    assert rows.filter("is_quasi_identifier")["column_name"].to_list() == sorted(QUASI)
    by_name = {row["column_name"]: row for row in rows.iter_rows(named=True)}
    was = people(CUSTOMERS)
    for name in QUASI:
        row, nulls = by_name[name], was[name].null_count()
        shown = con.execute(f"SELECT count({name}) FROM portrait").fetchall()[0][0]
        assert row["unknown"] == nulls
        assert row["as_recorded"] + row["generalised"] == shown
        assert row["suppressed"] == CUSTOMERS - nulls - shown
        assert row["share_suppressed"] == round(row["suppressed"] / (CUSTOMERS - nulls), 6)
    assert by_name["years"]["generalised"] > 0
    assert by_name["favourite"]["suppressed"] == 3
    one_value = con.execute(
        "SELECT classes, classes_of_one_value FROM mart.diversity WHERE column_name = 'spent'"
    ).fetchall()
    assert one_value == [(shared.rows.anonymous.classes, 0)]  # type: ignore[union-attr]
    assert {
        name for (name,) in con.execute("SELECT column_name FROM mart.diversity").fetchall()
    } == {*OTHERS}


def test_classes_whose_customers_all_have_one_value_are_counted(
    con: duckdb.DuckDBPyConnection,
):
    counted = con.execute(
        "SELECT count(*), coalesce(sum(n), 0) FROM (SELECT count(*) AS n, count(DISTINCT "
        "favourite) AS values, count(favourite) AS known FROM portrait "
        f"GROUP BY {', '.join(QUASI)}) WHERE values = 1 AND known = n"
    ).fetchall()
    assert (
        counted
        == con.execute(
            "SELECT classes_of_one_value, customers FROM mart.diversity "
            "WHERE column_name = 'favourite'"
        ).fetchall()
    )


def test_aggregates_of_few_customers_and_what_people_wrote_stay_behind(
    con: duckdb.DuckDBPyConnection,
):
    assert con.execute("SELECT name_en FROM clusters.cluster_segment").fetchall() == [("Regulars",)]
    tables = {
        name
        for (name,) in con.execute(
            "SELECT schema_name || '.' || table_name FROM duckdb_tables()"
        ).fetchall()
    }
    assert tables == {
        *("tags.portrait_matrix", "tags.tag_catalogue", "clusters.cluster_segment"),
        *("mart.anonymity", "mart.diversity", "mart.shared_publication"),
    }
    columns = {
        name for (name,) in con.execute("SELECT column_name FROM duckdb_columns()").fetchall()
    }
    assert not columns & {"approved_by", "approval_reason", "class_no", "customer_no"}
    bare = con.execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE comment IS NULL "
        "AND schema_name <> 'main' AND NOT internal"
    ).fetchall()
    assert bare == []


def test_segments_decided_by_age_are_quasi_identifiers_and_so_is_what_reads_them(
    folder: Path, catalogue: Catalogue, quasi: QuasiIdentifiers
):
    path = folder / "by_age.duckdb"
    write_published(path, catalogue, 60, fitted=("age", "spend_12m"))
    found = write_shared(path, folder / "by_age_shared.duckdb", catalogue, quasi, REQUEST)
    assert {"segment_id", "segment_name_en", "segment_name_zh", "group_name"} < set(
        found.rows.quasi_identifiers
    )


def test_what_a_tag_reads_is_known_of_the_file_where_the_catalogue_no_longer_has_it(
    folder: Path, published: Path, catalogue: Catalogue, quasi: QuasiIdentifiers
):
    fewer = replace(catalogue, tags=tuple(tag for tag in catalogue.tags if tag.code != "life"))
    known = quasi_identifiers(definition(), fewer)
    found = write_shared(published, folder / "fewer.duckdb", fewer, known, REQUEST)
    assert "life" in found.rows.quasi_identifiers


def test_a_source_adds_quasi_identifiers_by_column_feature_or_tag(catalogue: Catalogue):
    assert "spent" not in quasi_identifiers(definition(), catalogue).of_matrix(())
    for name in ("transactions.amount", "spend_12m", "spent"):
        assert "spent" in quasi_identifiers(definition(name), catalogue).of_matrix(())
    with pytest.raises(SourceError, match=r"'joinedon' is neither .*did you mean"):
        quasi_identifiers(definition("joinedon"), catalogue)


def test_fewer_customers_than_k_show_nothing_of_themselves(
    folder: Path, catalogue: Catalogue, quasi: QuasiIdentifiers
):
    path = folder / "few.duckdb"
    write_published(path, catalogue, 9)
    write_shared(path, folder / "few_shared.duckdb", catalogue, quasi, REQUEST)
    rows = matrix_of(folder / "few_shared.duckdb")
    assert rows.height == 9
    assert all(rows[name].null_count() == 9 for name in (*QUASI, "favourite"))


def test_a_public_source_is_shared_as_it_is(
    folder: Path, published: Path, catalogue: Catalogue, quasi: QuasiIdentifiers
):
    target = folder / "public.duckdb"
    write_shared(published, target, catalogue, quasi, replace(REQUEST, is_public=True))
    rows, was = matrix_of(target).sort("customer_id"), people(CUSTOMERS)
    assert rows["customer_id"].to_list() == was["customer_id"].to_list()
    assert rows["years"].to_list() == was["years"].to_list()
    with duckdb.connect(str(target), read_only=True) as con:
        assert con.execute("SELECT k FROM mart.shared_publication").fetchall() == [(None,)]


def test_what_cannot_be_shared_is_a_sentence_and_leaves_the_file_as_it_was(
    folder: Path, published: Path, catalogue: Catalogue, quasi: QuasiIdentifiers
):
    target = folder / "kept.duckdb"
    write_shared(published, target, catalogue, quasi, REQUEST)
    before = target.read_bytes()
    with pytest.raises(SharingError, match="k is 1"):
        write_shared(published, target, catalogue, quasi, replace(REQUEST, k=1))
    long_ago = replace(REQUEST, as_of=date(2020, 1, 31))
    with pytest.raises(SharingError, match="No customer"):
        write_shared(published, target, catalogue, quasi, long_ago)
    assert target.read_bytes() == before
    assert not list(folder.glob(".kept*"))


def test_no_other_file_is_written_over(
    folder: Path, published: Path, catalogue: Catalogue, quasi: QuasiIdentifiers
):
    """The warehouse, say, which also ends in .duckdb."""
    text, other = folder / "text.duckdb", folder / "other.duckdb"
    text.write_text("before")
    shutil.copyfile(published, other)
    for target in (text, other):
        before = target.read_bytes()
        with pytest.raises(SharingError, match=rf"{target.name} is there already and is no sha"):
            write_shared(published, target, catalogue, quasi, REQUEST)
        assert target.read_bytes() == before


def test_a_door_that_refuses_rows_or_file_leaves_nothing_behind(
    folder: Path, published: Path, catalogue: Catalogue, quasi: QuasiIdentifiers
):
    def refuse(*what: object) -> None:
        raise SharingError("It may not leave.")

    for door in ({"opens": refuse}, {"records": refuse}):
        with pytest.raises(SharingError, match="may not leave"):
            write_shared(published, folder / "refused.duckdb", catalogue, quasi, REQUEST, **door)  # type: ignore[arg-type]
    assert not list(folder.glob("*refused*"))
    assert not list(folder.glob("*.spill"))


def test_values_are_in_order_where_rules_compare_or_texts_begin_with_numbers(catalogue: Catalogue):
    assert value_order("generation", catalogue) == ("senior", "middle", "young")
    assert value_order("life", catalogue) == ()
    assert order_of(pl.Series(["65+", "25-34", "5-9", None])) == ("5-9", "25-34", "65+")
    assert order_of(pl.Series(["low", "very_high"]))[0] == "very_low"
    assert order_of(pl.Series(["tea", "rice"])) == ()
    assert order_of(pl.Series(["R1", "R2"])) == ()
    assert order_of(pl.Series([1, 2])) == ()
