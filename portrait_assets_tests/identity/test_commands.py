"""`portrait link` on a file of any table: which records it pairs, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from portrait_assets.core.errors import PortraitError
from portrait_assets.methods.linkage.model import LinkageSettings
from portrait_assets.stages.identity import commands
from portrait_assets.stages.identity.commands import link_file

PEOPLE = pl.DataFrame({"id": ["C", "A", "=B"], "given_name": ["Ann", "Bob", "Ann"]})
SETTINGS = LinkageSettings(threshold=0.7)


@pytest.fixture(autouse=True)
def _linking(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the place of the model whoever has the same given name is one."""

    def link(records: pl.DataFrame, id_column: str, settings: LinkageSettings) -> pl.DataFrame:
        assert settings == SETTINGS
        same = records.select(pl.col(id_column).cast(pl.String).alias("record"), "given_name")
        pairs = same.join(same, on="given_name", suffix="_2").filter(
            pl.col("record") < pl.col("record_2")
        )
        return pairs.select(pl.col("record").alias("record_1"), "record_2")

    monkeypatch.setattr(commands, "link", link)


def linked(file: Path, id_column: str | None, ending: str = ".csv") -> list[tuple[object, ...]]:
    """The pairs that are written of the file."""
    to = file.with_name(f"pairs{ending}")
    count = link_file(file, to, id_column, SETTINGS)
    pairs = pl.read_parquet(to) if ending == ".parquet" else pl.read_csv(to, infer_schema=False)
    assert pairs.height == count
    return pairs.rows()


def test_records_are_named_by_a_column_or_by_their_row(tmp_path: Path):
    PEOPLE.write_csv(tmp_path / "people.csv")
    assert linked(tmp_path / "people.csv", "id") == [("'=B", "C")], "no spreadsheet's formula"
    assert linked(tmp_path / "people.csv", None) == [("1", "3")]


def test_a_table_may_be_parquet_and_so_may_the_pairs(tmp_path: Path):
    PEOPLE.write_parquet(tmp_path / "people.parquet")
    assert linked(tmp_path / "people.parquet", "id", ".parquet") == [("=B", "C")]


def test_blanks_about_the_names_of_a_header_are_no_part_of_them(tmp_path: Path):
    file = tmp_path / "people.csv"
    PEOPLE.rename({name: f" {name} " for name in PEOPLE.columns}).write_csv(file)
    assert linked(file, "id") == [("'=B", "C")]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "There is no file '.*people.csv'; name a CSV or Parquet table."),
        (b"", "'people.csv' is empty; "),
        (b"name,age\nAnn,40\n", "'people.csv' has no column id; it has name, age."),
    ],
)
def test_a_file_that_is_no_such_table_ends_in_a_sentence(
    tmp_path: Path, content: bytes | None, sentence: str
):
    file = tmp_path / "people.csv"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(PortraitError, match=sentence):
        link_file(file, tmp_path / "pairs.csv", "id", SETTINGS)
    assert not (tmp_path / "pairs.csv").exists()
