"""Merges that are to hold from an earlier month on: which they are, and what the file keeps."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl

from portrait_assets.core.settings import Settings
from portrait_assets.stages.identity.commands import backdate, merges_to_backdate
from portrait_assets.stages.identity.contract import CUSTOMER_ALIAS
from portrait_assets.stages.identity.resolving.review import (
    COLUMNS,
    REVIEW_FILE,
    active_decisions,
    append_same,
    read_review,
)
from portrait_assets.storage.duckdb.tables import ensure_table

REVIEWED = "record_1,record_2,verdict,from_month,reviewer\nA,B,different,,Lee\nC,D,same,2024-01,\n"


def merges(*pairs: tuple[str, str]) -> pl.DataFrame:
    return pl.DataFrame(pairs, schema=["alias_id", "customer_id"], orient="row")


def test_merges_stand_after_the_decisions_that_people_made_once_each(tmp_path: Path):
    (tmp_path / REVIEW_FILE).write_text(REVIEWED)
    for _ in range(2):
        append_same(tmp_path, merges(("Y", "X"), ("D", "C")), "2024-01")
    lines = (tmp_path / REVIEW_FILE).read_text().splitlines()
    assert lines == [*REVIEWED.splitlines(), "X,Y,same,2024-01,"]
    assert read_review(tmp_path).select("record_1", "record_2").rows() == [
        *(("A", "B"), ("C", "D"), ("X", "Y"))
    ]


def test_a_merge_from_an_earlier_month_on_is_active_from_then(tmp_path: Path):
    append_same(tmp_path, merges(("Y", "X")), "2024-03")
    append_same(tmp_path, merges(("Y", "X")), "2024-02")
    review = read_review(tmp_path)
    active = [active_decisions(review, f"2024-0{month}").height for month in (1, 2, 3)]
    assert active == [0, 1, 1]


def test_merges_found_after_the_first_month_and_up_to_the_last_are_taken_back(tmp_path: Path):
    settings = Settings(data_dir=tmp_path, source="shop")
    settings.warehouse_dir.mkdir(parents=True)
    settings.source_dir.mkdir(parents=True)
    months = [f"2024-0{month}" for month in range(1, 6)]
    with duckdb.connect(str(settings.warehouse_file)) as con:
        ensure_table(con, CUSTOMER_ALIAS)
        for month in months:
            con.execute(
                f"INSERT INTO {CUSTOMER_ALIAS.full_name} VALUES (?, ?, 'K', ?, 'same phone')",
                [month, f"of {month}", f"{month}-01"],
            )
    expected = [("2024-03", "of 2024-03", "K"), ("2024-04", "of 2024-04", "K")]
    assert merges_to_backdate(settings, months[1:4]).rows() == expected
    assert backdate(settings, months[1:4]).rows() == expected
    written = pl.read_csv(settings.source_dir / REVIEW_FILE)
    assert written.columns == list(COLUMNS)
    assert written.rows() == [("K", f"of {m}", "same", "2024-02") for m, *_ in expected]
    assert merges_to_backdate(settings, months[:1]).is_empty()
