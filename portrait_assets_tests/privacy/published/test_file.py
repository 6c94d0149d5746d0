"""A published file of a shop whose customers are a secret: nobody is named in it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from portrait_assets.core.settings import Settings
from portrait_assets.orchestration.definitions import context_of
from portrait_assets.privacy.keys import KeyName, find_key, key_file
from portrait_assets.privacy.pseudonyms import is_pseudonym, pseudonym
from portrait_assets.stages.mart.pseudonyms import pseudonyms_of
from portrait_assets.stages.raw.source import load_source
from portrait_assets.storage.publishing.file import published_key
from portrait_assets.testing.published import contents
from portrait_assets_tests.privacy.published.world import (
    PHONES,
    copy_of,
    naming,
    opened,
    published,
    query,
)

pytestmark = pytest.mark.slow  # Whole shops, materialized.


def test_no_identifier_is_in_the_published_file(shop: Settings):
    assert len(naming(shop.warehouse_file)) > 10, "the scan sees them where they are"
    assert naming(shop.portrait_file) == set()
    assert PHONES.search(shop.portrait_file.read_bytes()) is None
    pseudonyms = [who for (who,) in query(shop.portrait_file, "SELECT customer_id FROM portrait")]
    assert len(pseudonyms) > 50
    assert all(is_pseudonym(str(who)) for who in pseudonyms)


def test_a_pseudonym_is_that_of_the_customer_with_the_same_values(shop: Settings):
    """Found by its whole row of features, which no two customers share."""
    key = find_key(shop, KeyName.PSEUDONYMS)
    assert key is not None
    described = query(shop.portrait_file, "DESCRIBE features.feature_matrix")
    names = [str(row[0]) for row in described if row[0] != "customer_id"]
    sql = f"SELECT customer_id, hash({', '.join(names)}) FROM features.feature_matrix"
    there = {row[1]: str(row[0]) for row in query(shop.warehouse_file, sql)}
    here = {row[1]: str(row[0]) for row in query(shop.portrait_file, sql)}
    assert len(here) > 80
    assert here == {row: pseudonym(key, who) for row, who in there.items()}


def test_nothing_stands_in_the_order_of_identifiers(shop: Settings):
    """Neither rows nor numbers: both follow the pseudonyms."""
    months = "SELECT DISTINCT as_of FROM tags.portrait_matrix ORDER BY as_of"
    for (month,) in query(shop.portrait_file, months):
        rows = query(
            shop.portrait_file,
            "SELECT customer_id, customer_no FROM tags.portrait_matrix "
            f"WHERE as_of = DATE '{month}' ORDER BY rowid",
        )
        who = [row[0] for row in rows]
        assert who == sorted(map(str, who))
        assert [row[1] for row in rows] == list(range(1, len(rows) + 1))
    traced = query(
        shop.portrait_file,
        "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal "
        "AND column_name IN ('source_row', 'origins')",
    )
    assert traced == []


def test_tags_and_their_details_are_of_the_same_customer_as_before(shop: Settings):
    """The tag table, a view over customers' numbers, says of each pseudonym what it did."""
    key = find_key(shop, KeyName.PSEUDONYMS)
    assert key is not None
    sql = "SELECT * EXCLUDE customer_id, customer_id FROM tags.tag_table"
    expected = [
        (*row[:-1], pseudonym(key, str(row[-1]))) for row in query(shop.warehouse_file, sql)
    ]
    assert len(expected) > 1000
    assert sorted(query(shop.portrait_file, sql), key=str) == sorted(expected, key=str)


def test_identities_stay_in_the_warehouse(shop: Settings):
    names = [
        name for (name,) in query(shop.portrait_file, "SELECT table_name FROM duckdb_tables()")
    ]
    assert "current_customer" in names
    assert not {"identity_map", "customer_alias"} & set(names)


def test_another_run_gives_the_same_contents_and_the_same_key_the_same_names(own_shop: Settings):
    before = contents(own_shop.portrait_file)
    published(own_shop)
    assert contents(own_shop.portrait_file) == before
    own_shop.portrait_file.unlink()
    published(own_shop)
    assert contents(own_shop.portrait_file) == before


def test_a_public_source_keeps_its_identifiers(first_months: Settings):
    assert published_key(first_months.portrait_file) is None
    found = query(first_months.portrait_file, "SELECT min(customer_id) FROM portrait")
    assert found == [("K001",)]
    assert not first_months.key_dir.exists()


def test_a_public_source_whose_identifiers_are_phones_does_not(
    shop: Settings, first_months: Settings, tmp_path: Path
):
    settings = copy_of(first_months, tmp_path, is_public=True)
    shutil.copy(shop.warehouse_file, settings.warehouse_file)
    logged: list[str] = []
    context = context_of(settings)
    with opened(settings) as warehouse:
        source = load_source(settings.source_dir)
        assert source.definition.public
        under = pseudonyms_of(settings, source, warehouse, context.tables, logged.append)
    assert under is not None
    assert "declares itself public, and 54 of its customers' identifiers" in logged[0]
    assert str(key_file(settings, KeyName.PSEUDONYMS)) in logged[1]
