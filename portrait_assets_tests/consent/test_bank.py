"""A whole small bank: objections leave rows of nulls, minors are absent, exports ask consents."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from portrait_assets.app.door import door_of
from portrait_assets.core.months import last_day
from portrait_assets.core.settings import Settings
from portrait_assets.privacy.keys import KeyName, find_key
from portrait_assets.privacy.pseudonyms import pseudonyms
from portrait_assets.stages.tags.audiences.finding import find_audience
from portrait_assets.testing.worlds.small_bank import BANK_MONTHS


@pytest.fixture
def con(bank_months: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(bank_months.portrait_file), read_only=True) as opened:
        yield opened


def published(bank_months: Settings, ids: pl.Series) -> pl.Series:
    """The pseudonyms that the published file bears for these identifiers."""
    key = find_key(bank_months, KeyName.PSEUDONYMS)
    assert key is not None
    return pseudonyms(key, ids)


def rows(con: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return con.execute(sql).fetchall()


def refusals(bank_months: Settings) -> pl.DataFrame:
    """Who refuses profiling at which month's end, from the files alone; of one record each."""
    folder = bank_months.data_dir
    consents = pl.read_parquet(folder / "consents.parquet").filter(purpose="profiling")
    requests = pl.read_parquet(folder / "requests.parquet").filter(
        (pl.col("kind") == "erasure")
        | (
            (pl.col("kind") == "objection")
            & (pl.col("purpose").fill_null("profiling") == "profiling")
            & pl.col("channel").is_null()
        )
    )
    erased = requests.filter(kind="erasure").with_columns(day=pl.lit(date(9999, 1, 1)))
    ends = pl.concat(
        [
            consents.select("customer_id", known="withdrawn_on", day="withdrawn_on"),
            requests.select("customer_id", known="requested_on", day="requested_on"),
            erased.select("customer_id", known="requested_on", day="day"),
        ]
    ).drop_nulls()
    found = []
    for month in BANK_MONTHS:
        as_of = last_day(month)
        granted = consents.filter(pl.col("granted_on") <= as_of)
        last = ends.filter(pl.col("known") <= as_of).group_by("customer_id").agg(pl.max("day"))
        agreed = granted.group_by("customer_id").agg(pl.max("granted_on"))
        both = last.join(agreed, on="customer_id", how="left")
        refused = both.filter((pl.col("granted_on") <= pl.col("day")).fill_null(True))
        found.append(refused.select("customer_id", as_of=pl.lit(as_of)))
    return pl.concat(found)


@pytest.mark.slow
def test_who_objects_keeps_a_row_of_nulls_from_that_month_on(
    bank_months: Settings, con: duckdb.DuckDBPyConnection
) -> None:
    truth = bank_months.data_dir / "truth"
    two = pl.read_parquet(truth / "duplicates.parquet")
    minors = pl.read_parquet(truth / "minors.parquet")
    several = pl.concat([two["customer_id"], two["duplicate_id"], minors["customer_id"]])
    others = published(bank_months, several)
    refused = refusals(bank_months)
    refused = refused.with_columns(published(bank_months, refused["customer_id"]))
    here = con.sql("SELECT as_of, customer_id, profiling_allowed FROM tags.portrait_matrix").pl()
    here = here.filter(~pl.col("customer_id").is_in(others.implode()))
    expected = here.join(refused, on=["customer_id", "as_of"], how="semi")
    empty = here.filter(~pl.col("profiling_allowed"))
    assert empty.height > 100
    assert expected.sort(pl.all()).equals(empty.sort(pl.all()))
    for matrix in ("tags.portrait_matrix", "features.feature_matrix"):
        nulls = con.sql(f"FROM {matrix} WHERE profiling_allowed IS FALSE").pl()
        values = nulls.drop("as_of", "customer_id", "profiling_allowed")
        assert values.null_count().row(0) == (nulls.height,) * values.width


@pytest.mark.slow
def test_nothing_else_that_is_published_is_of_them(
    bank_months: Settings, con: duckdb.DuckDBPyConnection
) -> None:
    refused = "(SELECT as_of, customer_id FROM tags.portrait_matrix WHERE NOT profiling_allowed)"
    tables = rows(
        con,
        "SELECT schema_name || '.' || table_name FROM duckdb_columns() WHERE NOT internal "
        "AND database_name = 'portrait' AND column_name IN ('as_of', 'customer_id') "
        "GROUP BY ALL HAVING count(*) = 2",
    )
    holding = {
        name
        for (name,) in tables
        if rows(con, f"FROM {name} SEMI JOIN {refused} USING (as_of, customer_id) LIMIT 1")
    }
    empty = {"tags.portrait_matrix", "features.feature_matrix", "consent.customer_consent"}
    assert empty <= holding
    # What is left is the loss of their tags, that they have left an audience, and what all are
    # offered alike.
    assert holding <= empty | {
        "offers.next_product",
        *("main.portrait", "main.portrait_history", "tags.tag_changes", "tags.audience_membership"),
    }


@pytest.mark.slow
def test_minors_without_a_guardian_are_absent(
    bank_months: Settings, con: duckdb.DuckDBPyConnection
) -> None:
    minors = pl.read_parquet(bank_months.data_dir / "truth" / "minors.parquet")
    young = minors.filter(pl.col("born_on") > date(2009, 4, 30))
    here = {who for (who,) in rows(con, "SELECT customer_id FROM portrait")}
    # Of some the day of birth is not known, or badly written, and nothing makes them minors.
    known = {
        who
        for (who,) in rows(
            con,
            "SELECT customer_id FROM read_parquet("
            f"'{bank_months.data_dir}/customers.parquet') WHERE birth_date LIKE '____-__-__'",
        )
    }
    alone = set(young.filter(~pl.col("has_guardian_consent"))["customer_id"]) & known
    assert alone
    assert not set(published(bank_months, pl.Series(list(alone)))) & here
    agreed = young.filter("has_guardian_consent")["customer_id"]
    assert set(published(bank_months, agreed)) & here


@pytest.mark.slow
def test_an_export_leaves_out_who_has_not_agreed(bank_months: Settings, tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    found = find_audience(
        bank_months.portrait_file,
        "customer_id IS NOT NULL",
        door_of(bank_months),
        out=path,
        channel="app",
    )
    consents = pl.read_parquet(bank_months.data_dir / "consents.parquet").filter(
        purpose="marketing", channel="app"
    )
    agreed = set(consents["customer_id"])
    granted = consents.group_by("customer_id").agg(
        pl.col("granted_on").max(), pl.col("withdrawn_on").max()
    )
    withdrawn = set(granted.filter(pl.col("withdrawn_on") >= pl.col("granted_on"))["customer_id"])
    written = set(pl.read_parquet(path)["customer_id"])
    assert len(written) == found.written
    assert len(written) > 50
    assert sum(found.left_out.values()) == found.audience.size - len(written)
    assert not written & withdrawn
    duplicates = pl.read_parquet(bank_months.data_dir / "truth" / "duplicates.parquet")
    assert written - agreed <= set(duplicates["customer_id"]) | set(duplicates["duplicate_id"])


@pytest.mark.slow
def test_who_refuses_profiling_and_not_marketing_is_in_a_campaigns_file_without_tags(
    bank_months: Settings, con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = tmp_path / "people.parquet"
    found = find_audience(
        *(bank_months.portrait_file, "customer_id IS NOT NULL", door_of(bank_months)),
        out=path,
        with_generic=True,
    )
    written = pl.read_parquet(path)
    generic = written.filter("is_generic")
    assert generic.height == found.generic
    assert written.height == generic.height + (found.written or 0)
    # By the newest consents, whose rows are of one channel each or of any other.
    expected = rows(
        con,
        "SELECT DISTINCT m.customer_id FROM consent.customer_consent AS m "
        "JOIN newest_month USING (as_of) WHERE m.purpose = 'marketing' AND m.allowed "
        "AND m.customer_id IN (SELECT customer_id FROM tags.portrait_matrix "
        "JOIN newest_month USING (as_of) WHERE NOT profiling_allowed)",
    )
    assert expected
    identified = set(published(bank_months, generic["customer_id"]))
    assert identified == {who for (who,) in expected}
    tags = [
        name
        for name in written.columns
        if name not in ("as_of", "customer_id", "is_generic", "allowed_channels")
    ]
    assert generic.select(tags).null_count().row(0) == (generic.height,) * len(tags)
    assert generic["allowed_channels"].null_count() == 0


@pytest.mark.slow
def test_no_check_counts_them_as_missing(
    bank_months: Settings, con: duckdb.DuckDBPyConnection
) -> None:
    found = rows(
        con,
        "SELECT as_of, count(*) FILTER (profiling_allowed), max(base.customers) "
        "FROM tags.portrait_matrix JOIN (SELECT as_of, max(customers) AS customers "
        "FROM tags.tag_quality GROUP BY ALL) AS base USING (as_of) GROUP BY ALL",
    )
    assert len(found) == len(BANK_MONTHS)
    assert all(here == counted for _, here, counted in found)
