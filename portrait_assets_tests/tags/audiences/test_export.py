"""The file of an audience: what stands in it, and who may be in it for which purpose."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pytest

from portrait_assets.privacy.consent import ConsentError, Use
from portrait_assets.stages.tags.audiences.audience import select_audience
from portrait_assets.stages.tags.audiences.export import export_audience, reasons
from portrait_assets.stages.tags.catalogue.tag import TagError
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.testing.worlds.tags import HOME, JUNE, catalogue_of, features, tagged
from portrait_assets_tests.privacy.consent_world import write_consents


@pytest.mark.parametrize("name", ["people.csv", "people.parquet"])
def test_an_audience_can_be_exported(con: duckdb.DuckDBPyConnection, tmp_path: Path, name: str):
    audience = select_audience(con, "tier = 'high'")
    assert export_audience(con, audience, tmp_path / name).customers == 2

    read = pl.read_csv if name.endswith("csv") else pl.read_parquet
    assert read(tmp_path / name)["customer_id"].to_list() == ["a", "b"]
    assert [path.name for path in tmp_path.iterdir()] == [name]


SPENT = "  - {code: amount, expression: spend, type: money}\n"
FORMULAS = ["=HYPERLINK(0)", "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "＝1"]


def test_no_text_of_an_exported_audience_is_a_formula(tmp_path: Path):
    regions = [*FORMULAS, "north - south", "'quoted'", None]
    spend = [-5.0] * len(regions)
    with scratch_database() as con:
        tagged(
            con, catalogue_of(tmp_path, HOME, SPENT), {JUNE: features(region=regions, spend=spend)}
        )
        for name in ("people.csv", "people.parquet"):
            export_audience(con, select_audience(con, "customer_id IS NOT NULL"), tmp_path / name)
    written = pl.read_csv(tmp_path / "people.csv")
    assert written["home"].to_list() == [*(f"'{text}" for text in FORMULAS), *regions[-3:]]
    assert written["amount"].to_list() == spend, "numbers stay numbers"
    assert pl.read_parquet(tmp_path / "people.parquet")["home"].to_list() == regions


def test_an_audience_is_written_as_csv_or_parquet_only(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
):
    with pytest.raises(TagError, match=r"neither \.csv nor \.parquet"):
        export_audience(con, select_audience(con, "save"), tmp_path / "people.xlsx")


EVERYBODY = "customer_id IS NOT NULL"


def written(con: duckdb.DuckDBPyConnection, path: Path, columns: str) -> list[tuple[object, ...]]:
    return con.execute(f"SELECT {columns} FROM '{path}' ORDER BY customer_id").fetchall()


def test_into_an_export_go_those_who_allow_its_purpose(
    asked: duckdb.DuckDBPyConnection, tmp_path: Path
):
    audience, path = select_audience(asked, EVERYBODY), tmp_path / "people.csv"
    exported = export_audience(asked, audience, path, use=Use("marketing"))
    assert exported.customers == 4
    assert exported.left_out == {("marketing", "withdrawn"): 1}
    assert reasons(exported.left_out) == "marketing: consent withdrawn 1"
    found = written(asked, path, "customer_id, allowed_channels")
    assert found == [("a", "any"), ("c", "sms"), ("d", "any"), ("e", "any")]
    by_mail = export_audience(asked, audience, path, use=Use("marketing", "email"))
    assert (by_mail.customers, sum(by_mail.left_out.values())) == (3, 2)
    assert written(asked, path, "customer_id") == [("a",), ("d",), ("e",)]
    for_analysis = export_audience(asked, audience, path)
    assert (for_analysis.customers, for_analysis.left_out) == (5, {})


def test_who_refuses_profiling_and_may_be_contacted_is_added_without_tags(
    asked: duckdb.DuckDBPyConnection, tmp_path: Path
):
    """f objected to profiling, and marketing is allowed unless refused."""
    audience, path = select_audience(asked, "customer_id <= 'c'"), tmp_path / "people.parquet"
    written_rows = []
    exported = export_audience(
        asked,
        audience,
        path,
        use=Use("marketing"),
        with_generic=True,
        before=lambda whole, rows: written_rows.append(rows),
    )
    assert (exported.customers, exported.generic, written_rows) == (2, 1, [3])
    assert exported.left_out == {("marketing", "withdrawn"): 1}
    found = written(asked, path, "as_of, customer_id, is_generic, allowed_channels")
    assert found == [
        (JUNE, "a", False, "any"),
        (JUNE, "c", False, "sms"),
        (JUNE, "f", True, "any"),
    ]
    tags = pl.read_parquet(path).filter("is_generic").drop("as_of", "customer_id", "is_generic")
    assert tags.drop("allowed_channels").null_count().row(0) == (1,) * (tags.width - 1)
    export_audience(asked, audience, path, use=Use("marketing"))
    assert "is_generic" not in pl.read_parquet(path).columns


def test_the_channel_holds_for_who_refuses_profiling_too_and_so_does_an_objection_since(
    asked: duckdb.DuckDBPyConnection, tmp_path: Path
):
    """c, who was profiled in the month, has objected since, and may be contacted by sms alone."""
    write_consents(
        asked,
        [
            *((who, "profiling", None, False, "objection") for who in "cf"),
            ("c", "marketing", None, False, "objection"),
            ("c", "marketing", "sms", True, "consent"),
            ("f", "marketing", "sms", False, "unsubscribed"),
        ],
        {"marketing": True},
        as_of="2017-07-31",
    )
    audience, path = select_audience(asked, "customer_id <= 'c'"), tmp_path / "people.parquet"
    for channel, generic, left_out in (
        ("sms", ["c"], {}),
        ("email", ["f"], {("marketing", "objection"): 1}),
    ):
        exported = export_audience(
            asked, audience, path, use=Use("marketing", channel), with_generic=True
        )
        assert exported.left_out == left_out
        rows = pl.read_parquet(path)
        assert rows.filter("is_generic")["customer_id"].to_list() == generic
        assert rows.filter(~pl.col("is_generic"))["customer_id"].to_list() == ["a", "b"]
        assert "allowed_channels" not in rows.columns


def test_an_export_of_an_earlier_month_leaves_out_who_objected_to_profiling_since(
    asked: duckdb.DuckDBPyConnection, tmp_path: Path
):
    """In the month of the audience e was profiled; by the newest consents they may not be."""
    write_consents(
        asked,
        [("e", "profiling", None, False, "objection")],
        {"marketing": True},
        as_of="2017-07-31",
    )
    audience, path = select_audience(asked, "customer_id IN ('a', 'e')"), tmp_path / "people.csv"
    for use in (Use("marketing"), Use("profiling")):
        exported = export_audience(asked, audience, path, use=use)
        assert (exported.customers, exported.left_out) == (1, {("profiling", "objection"): 1})
        assert written(asked, path, "customer_id") == [("a",)]


def test_a_tag_of_another_purpose_is_asked_for_by_itself(
    asked: duckdb.DuckDBPyConnection, tmp_path: Path
):
    """Of credit only a has a contract: others' tags are null, and by them nobody is selected."""
    path = tmp_path / "people.parquet"
    export_audience(asked, select_audience(asked, EVERYBODY), path, use=Use("marketing"))
    found = written(asked, path, "customer_id, risky")
    assert found == [("a", True), ("c", None), ("d", None), ("e", None)]
    exported = export_audience(asked, select_audience(asked, "risky OR NOT risky"), path)
    assert exported.left_out == {("credit", "default"): 4}
    assert written(asked, path, "customer_id, risky") == [("a", True)]


def test_an_export_that_nobody_may_be_in_is_refused_and_nothing_is_written(
    asked: duckdb.DuckDBPyConnection, tmp_path: Path
):
    path = tmp_path / "people.csv"
    with pytest.raises(TagError, match=r"^None of the 1 .* for marketing \(marketing: consent "):
        export_audience(
            asked, select_audience(asked, "customer_id = 'b'"), path, use=Use("marketing")
        )
    asked.execute("UPDATE consent.consent_default SET is_declared = false, consents = 0")
    asked.execute("UPDATE consent.consent_default SET allowed = purpose = 'profiling'")
    with pytest.raises(ConsentError, match="consent_default"):
        export_audience(asked, select_audience(asked, EVERYBODY), path, use=Use("marketing"))
    assert list(tmp_path.glob("people*")) == []
