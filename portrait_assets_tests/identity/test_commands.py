"""`portrait link` on a file of any table: which records it pairs, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from portrait_assets.core.errors import PortraitError
from portrait_assets.methods.linkage.model import LinkageSettings
from portrait_assets.stages.identity.commands import link_file

ANN = {"given_name": "Ann", "family_name": "Lee", "birth_date": "1980-02-03"}
PEOPLE = pl.DataFrame(
    [
        *({"id": f"C{n}", "given_name": f"N{n}", "family_name": f"F{n}"} for n in range(40)),
        *({"id": id_, "national_id": "11010519491231002X"} | ANN for id_ in ("B", "A")),
    ],
    infer_schema_length=None,
)


def linked(file: Path, id_column: str | None, ending: str = ".csv") -> pl.DataFrame:
    """The pairs that are written of the file."""
    to = file.with_name(f"pairs{ending}")
    count = link_file(file, to, id_column, LinkageSettings())
    pairs = pl.read_parquet(to) if ending == ".parquet" else pl.read_csv(to, infer_schema=False)
    assert pairs.height == count
    return pairs.select("record_1", "record_2").cast(pl.String)


def test_records_are_named_by_a_column_or_by_their_row(tmp_path: Path):
    PEOPLE.write_csv(tmp_path / "people.csv")
    assert linked(tmp_path / "people.csv", "id").rows() == [("A", "B")]
    assert set(linked(tmp_path / "people.csv", None).row(0)) == {"41", "42"}, "from 1 on"


def test_a_table_may_be_parquet_and_so_may_the_pairs(tmp_path: Path):
    PEOPLE.write_parquet(tmp_path / "people.parquet")
    assert linked(tmp_path / "people.parquet", "id", ".parquet").rows() == [("A", "B")]


def test_blanks_about_the_names_of_a_header_are_no_part_of_them(tmp_path: Path):
    file = tmp_path / "people.csv"
    PEOPLE.rename({name: f" {name} " for name in PEOPLE.columns}).write_csv(file)
    assert linked(file, "id").rows() == [("A", "B")]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "There is no file '.*people.csv'; name a CSV or Parquet table."),
        (b"", "'people.csv' cannot be read: "),
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
        link_file(file, tmp_path / "pairs.csv", "id", LinkageSettings())
    assert not (tmp_path / "pairs.csv").exists()
