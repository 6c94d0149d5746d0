"""What spreadsheets would run is harmless in every CSV, and is read back as it was."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from portrait_assets.methods.linkage.model import LinkageSettings
from portrait_assets.schema.csv_text import neutralized, neutralized_sql, restored
from portrait_assets.stages.identity.commands import link_file
from portrait_assets.stages.identity.resolving.review import REVIEW_FILE, append_same, read_review
from portrait_assets.storage.duckdb.connection import scratch_database

ROWS = pl.DataFrame(
    {"text": ["=1", "-1", "+1", "@x", "\ty", "\rz", "a=1", "", None], "n": range(-4, 5)}
)


def test_text_that_begins_as_a_formula_gets_a_quote_and_numbers_do_not():
    assert neutralized(ROWS)["text"].to_list() == [
        *("'=1", "'-1", "'+1", "'@x", "'\ty", "'\rz"),
        *("a=1", "", None),
    ]
    assert neutralized(ROWS)["n"].equals(ROWS["n"])
    assert restored(neutralized(ROWS)).equals(ROWS)


def test_sql_and_polars_put_a_quote_before_the_same_texts():
    starts = "=+-@\t\r\n＝＋－＠"
    harmless = ["a=1", "1-", " =", "'=", "", "a\n=1", "x＝"]
    texts = [*(f"{start}{rest}" for start in starts for rest in ("", "1", "=", "\n"))]
    rows = pl.DataFrame({"text": [*texts, *harmless]})
    quoted = [*(f"'{text}" for text in texts), *harmless]
    assert neutralized(rows)["text"].to_list() == quoted
    with scratch_database() as con:
        con.register("texts", rows)
        by_sql = con.execute(f"SELECT {neutralized_sql('text')} FROM texts").fetchall()
    assert [text for (text,) in by_sql] == quoted


def test_decisions_on_identifiers_like_formulas_are_read_back_and_stand_once(tmp_path: Path):
    merges = pl.DataFrame({"alias_id": ["=A1"], "customer_id": ["-7"]})
    for _ in range(2):
        append_same(tmp_path, merges, "2024-01")
    assert (tmp_path / REVIEW_FILE).read_text().splitlines()[1:] == ["'-7,'=A1,same,2024-01"]
    assert read_review(tmp_path).select("record_1", "record_2").rows() == [("-7", "=A1")]


def test_linked_pairs_are_written_without_formulas(tmp_path: Path):
    people = pl.DataFrame(
        {
            "id": ["=A", "+B", *(f"C{i}" for i in range(40))],
            "national_id": ["11010519491231002X"] * 2 + [None] * 40,
            "given_name": ["Ann", "Ann", *(f"N{i}" for i in range(40))],
            "family_name": ["Lee", "Lee", *(f"F{i}" for i in range(40))],
            "birth_date": ["1980-02-03"] * 2 + [f"19{i + 50}-01-01" for i in range(40)],
        }
    )
    people.write_csv(tmp_path / "people.csv")
    link_file(tmp_path / "people.csv", tmp_path / "pairs.csv", "id", LinkageSettings())
    written = pl.read_csv(tmp_path / "pairs.csv", infer_schema=False)
    assert written.select("record_1", "record_2").rows() == [("'+B", "'=A")]
