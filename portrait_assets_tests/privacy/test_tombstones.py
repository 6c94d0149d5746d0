"""Tombstones: who was erased, as hashes in a file that only grows; the plan and the certificate."""

from __future__ import annotations

import stat
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from portrait_assets.core.settings import Settings
from portrait_assets.privacy.certificate import Certificate, Searched, write_certificate
from portrait_assets.privacy.erasure import Plan, Rows, plan_file, write_plan
from portrait_assets.privacy.keys import KeyFileError, KeyName, key_file
from portrait_assets.privacy.tombstones import (
    TombstoneError,
    append_tombstones,
    digest_of,
    key_of_tombstones,
    merged_tombstones,
    read_tombstones,
    tombstones_file,
)

DAY = date(2026, 11, 26)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A source of which K1 and K2 were erased."""
    settings = Settings(data_dir=tmp_path, source="shop")
    key = key_of_tombstones(settings)
    digests = [digest_of(key, value) for value in ("K1", "K2")]
    assert append_tombstones(settings, key, digests, "E1", DAY) == 2
    return settings


def test_ids_are_recognized_whatever_stands_around_them(settings: Settings) -> None:
    ids = pl.Series(["K3", " K1\t", "K2", "k1", "K11"])
    assert read_tombstones(settings).among(ids)["value"].to_list() == [" K1\t", "K2"]


def test_a_prospect_of_the_same_id_is_somebody_else(settings: Settings) -> None:
    assert read_tombstones(settings).among(pl.Series(["K1"]), "prospect_id").is_empty()


def test_the_file_names_nobody_and_each_once(settings: Settings) -> None:
    key = key_of_tombstones(settings)
    new = [digest_of(key, value) for value in ("K2", "K3")]
    assert append_tombstones(settings, key, new, "E2", DAY) == 1
    header, *lines = tombstones_file(settings).read_text().splitlines()
    assert header == "digest,erased_on,certificate,key"
    assert [line.split(",")[1:] for line in lines] == [
        ["2026-11-26", number, key.fingerprint] for number in ("E1", "E1", "E2")
    ]
    assert "K1" not in tombstones_file(settings).read_text()


def test_nobody_is_erased_where_there_is_no_file_and_no_key_is_needed(tmp_path: Path) -> None:
    tombstones = read_tombstones(Settings(data_dir=tmp_path, source="shop"))
    assert not tombstones
    assert tombstones.among(pl.Series(["K1"])).is_empty()


def test_a_missing_key_and_another_one_are_refused(settings: Settings) -> None:
    place = key_file(settings, KeyName.TOMBSTONES)
    place.unlink()
    with pytest.raises(KeyFileError, match=r"lists 2 ids that were erased.*is missing"):
        read_tombstones(settings)
    with pytest.raises(KeyFileError, match="is missing"):
        key_of_tombstones(settings)
    place.write_text(f"{'0' * 64}\n")
    place.chmod(0o600)
    with pytest.raises(KeyFileError, match=r"was written with the key \w{16}, and"):
        read_tombstones(settings)


BROKEN = [
    f"{'z' * 64},2026-11-26,E1,k",
    f"{'0' * 63},2026-11-26,E1,k",
    f"{'0' * 64},2026-11-26",
]


@pytest.mark.parametrize("line", ["K9", *BROKEN])
def test_a_line_that_is_none_is_named(line: str, settings: Settings) -> None:
    path = tombstones_file(settings)
    path.write_text(f"{path.read_text()}{line}\n")
    with pytest.raises(TombstoneError, match=r"shop/tombstones.csv, line 4, is no tombstone"):
        read_tombstones(settings)


def test_a_backup_takes_nobodys_tombstone_away() -> None:
    assert merged_tombstones(b"h\na\nb", b"h\nb\nc\n") == b"h\na\nb\nc\n"


def test_names_of_files_are_text_on_the_page_of_a_certificate(tmp_path: Path) -> None:
    name = "<b>notes</b> & more.csv"
    now = datetime(2026, 11, 26, tzinfo=UTC)
    searched = Searched(files=1, size_bytes=2, patterns=3, found={name: 1})
    certificate = Certificate(
        number="E1",
        source="shop",
        asked_by=name,
        began_at=now,
        ended_at=now,
        persons=1,
        ids=1,
        tombstones=("t",),
        key_fingerprint="",
        rows=(Rows(name=name, before=2, after=1),),
        source_files=(name,),
        left=(name,),
        notes=(name,),
        scan_after=searched,
    )
    page = write_certificate(Settings(data_dir=tmp_path, source="shop"), certificate).read_text()
    assert "<b>" not in page
    assert page.count("&lt;b&gt;notes&lt;/b&gt; &amp; more.csv") == 6


def test_the_plan_names_people_and_is_its_owner_s_alone(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, source="shop")
    settings.warehouse_dir.mkdir(parents=True)
    now = datetime(2026, 11, 26, tzinfo=UTC)
    write_plan(
        settings, Plan(number="E1", began_at=now, asked_by="a", persons=1, customers=("K1",))
    )
    assert stat.S_IMODE(plan_file(settings).stat().st_mode) == 0o600
