"""What is removed from files outside of the warehouse, which stay as private as they were."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from portrait_assets.app.erasure import proof
from portrait_assets.app.erasure.traces import (
    clean_decisions,
    clean_file,
    files_of,
    remove_accounts,
    remove_unfinished,
)
from portrait_assets.app.erasure.warehouse import require_ready
from portrait_assets.app.subject.page import accounts_folder
from portrait_assets.core.settings import Settings
from portrait_assets.privacy.departures.register import Register
from portrait_assets.privacy.egress import PLACE, Departure, Door, Outlet
from portrait_assets.privacy.erasure import ErasureError, Rows
from portrait_assets.privacy.tombstones import TOMBSTONES_FILE
from portrait_assets.stages.raw.amendments import CORRECTIONS_FILE, added_lines
from portrait_assets.stages.raw.source import load_source
from portrait_assets_tests.erasure.world import WANTED, audience_file, registered_export, world

CORRECTIONS = """\
recorded_on,customer_id,column,value,by,reason
2024-01-02,K2,region,west,a clerk,a letter
2024-01-03,K1,full_name,Zhao Longzhi,a clerk,their passport
2024-01-04,K2,region,east,a clerk,another
"""


def settings_of(folder: Path) -> Settings:
    """The settings of a source without definition."""
    settings = Settings(data_dir=folder, source="shop")
    settings.source_dir.mkdir(parents=True)
    return settings


@pytest.mark.parametrize("mode", [0o600, 0o640])
@pytest.mark.parametrize("kind", ["csv", "parquet", "txt"])
def test_who_may_not_read_a_file_may_not_read_it_after(
    kind: str, mode: int, tmp_path: Path
) -> None:
    path = audience_file(tmp_path, kind)
    path.chmod(mode)
    clean_file(path, WANTED, path.name, lambda _: None)
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert b"Zhao" not in path.read_bytes()


def test_corrections_of_others_keep_the_numbers_of_their_lines(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    file = settings.source_dir / CORRECTIONS_FILE
    file.write_text(CORRECTIONS)
    file.chmod(0o600)
    (settings.source_dir / TOMBSTONES_FILE).write_text("digest,erased_on,certificate,key\n")
    noted: list[Rows] = []
    clean_decisions(settings, WANTED, noted.append)
    (cleaned,) = noted
    assert (cleaned.name, cleaned.before, cleaned.after) == (CORRECTIONS_FILE, 3, 2)
    lines = CORRECTIONS.splitlines()
    assert file.read_text().splitlines() == [*lines[:2], ",,,,,", lines[3]]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    left = added_lines(settings.source_dir, "customers")
    assert left is not None
    assert left["value"].to_list() == ["west", "east"]


@pytest.mark.parametrize(("ending", "separator"), [("csv", ","), ("TSV", "\t")])
def test_of_a_table_whole_rows_go(ending: str, separator: str, tmp_path: Path) -> None:
    path = tmp_path / f"audience.{ending}"
    rows = pl.DataFrame({"customer_id": ["K1", "K2", "K3"], "note": ["", "Zhao Longzhi", "x"]})
    rows.write_csv(path, separator=separator)
    noted: list[Rows] = []
    clean_file(path, WANTED, path.name, noted.append)
    (cleaned,) = noted
    assert (cleaned.before, cleaned.after, cleaned.what) == (3, 1, "rows removed")
    assert path.read_text() == f"customer_id{separator}note\nK3{separator}x\n"


def test_a_row_names_somebody_with_blanks_around_the_id_too(tmp_path: Path) -> None:
    path = tmp_path / "review.csv"
    path.write_text("customer_id,note\n K1 ,a\nK11,b\n,c\nK2, of Zhao Longzhi\n")
    noted: list[Rows] = []
    clean_file(path, WANTED, path.name, noted.append)
    (cleaned,) = noted
    assert (cleaned.before, cleaned.after) == (4, 2)
    assert path.read_text().splitlines() == ["customer_id,note", "K11,b", ",c"]


def test_accounts_that_were_written_for_the_erased_are_removed(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    folder = accounts_folder(settings)
    folder.mkdir(parents=True)
    for name, ids in (("subject_1", ["K1", "K7"]), ("subject_2", ["K2"])):
        (folder / f"{name}.json").write_text(json.dumps({"identifiers": ids}))
        (folder / f"{name}.html").write_text("a page")
    (folder / "other.json").write_text("[]")
    noted: list[Rows] = []
    remove_accounts(settings, ("K7",), noted.append)
    (removed,) = noted
    assert (removed.name, removed.before, removed.after) == ("subjects/shop", 2, 1)
    names = {path.name for path in folder.iterdir()}
    assert names == {"subject_2.json", "subject_2.html", "other.json"}
    remove_accounts(settings, ("K7",), noted.append)
    assert noted == [removed]


def test_an_account_in_a_folder_of_its_own_is_removed_there(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "data")
    folder = tmp_path / "for the customer"
    folder.mkdir()
    (folder / "subject_1.json").write_text(json.dumps({"identifiers": ["K1"]}))
    (folder / "others.json").write_text(json.dumps({"identifiers": ["K1"]}))
    about = {PLACE: str(folder)}
    Door(settings).record(Departure(Outlet.SUBJECT, None, (), about=about), 1, "0")
    noted: list[Rows] = []
    remove_accounts(settings, ("K1",), noted.append)
    (removed,) = noted
    assert (removed.name, removed.before, removed.after) == (str(folder), 1, 0)
    assert [path.name for path in folder.iterdir()] == ["others.json"]


def test_what_a_killed_process_left_beside_a_file_is_removed(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "data")
    place = registered_export(settings, tmp_path / "call.csv")
    (tmp_path / ".call.csv.new").write_text("customer_id\nK1\n")
    (tmp_path / ".other.csv.new").write_text("customer_id\nK1\n")
    noted: list[Rows] = []
    remove_unfinished(settings, noted.append)
    (removed,) = noted
    assert (removed.name, removed.before, removed.after) == (f"{tmp_path}/.call.csv.new", 1, 0)
    assert place.exists()
    assert {path.name for path in tmp_path.glob(".*")} == {".other.csv.new"}


def test_files_that_left_are_searched_where_they_are_but_not_the_source_s_own(
    tmp_path: Path,
) -> None:
    """Also those that a register names which was renewed; what was moved away nobody finds."""
    settings = world(tmp_path / "data")
    source = load_source(settings.source_dir)
    (own,) = source.files("sales")
    first = registered_export(settings, tmp_path / "first.csv")
    settings.register_file.write_bytes(settings.register_file.read_bytes() + b"{}\n")
    Register.of(settings).renew("a clerk", "a line was added")
    second = registered_export(settings, tmp_path / "second.csv")
    registered_export(settings, tmp_path / "moved.csv").rename(tmp_path / "elsewhere.csv")
    about = {PLACE: str(own)}
    Door(settings).record(Departure(Outlet.AUDIENCE, "marketing", (), about=about), 1, "0")
    outside = {path for path in files_of(settings, source) if path.parent == tmp_path}
    assert outside == {first, second}
    assert own not in files_of(settings, source)


def test_a_warehouse_is_written_anew_where_just_as_much_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data_dir=tmp_path, source="town")
    settings.warehouse_file.parent.mkdir(parents=True)
    settings.warehouse_file.write_bytes(bytes(2_000_000))
    for free, says in ((2_000_000, None), (1_999_999, "takes 2 MB, and 2 MB are free")):
        monkeypatch.setattr("shutil.disk_usage", lambda _, left=free: SimpleNamespace(free=left))
        if says is None:
            require_ready(settings)
            continue
        with pytest.raises(ErasureError, match=says):
            require_ready(settings)


def test_a_file_that_left_is_named_with_its_place_and_whether_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, file = Settings(data_dir=tmp_path, source="town"), tmp_path / "out.csv"
    monkeypatch.setattr(proof, "place_of", lambda entry: entry["at"])

    def where(at: Path | None) -> str:
        entry: Any = {"at": at}
        return proof._where(entry, settings)

    assert where(None) == ""
    assert where(file).endswith("out.csv, no longer there")
    file.touch()
    assert where(file).endswith("out.csv, searched there")
