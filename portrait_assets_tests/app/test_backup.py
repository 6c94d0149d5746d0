"""What people decided survives the loss of everything else."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import cast

import duckdb
import pytest
from typer.testing import CliRunner

from portrait_assets.app.backup import (
    IRREPLACEABLE,
    MANIFEST,
    BackedUp,
    BackupError,
    Manifest,
    Restored,
    back_up,
    irreplaceable_files,
    restore,
)
from portrait_assets.app.cli import app
from portrait_assets.core.errors import SourceError, WarehouseBusyError
from portrait_assets.core.settings import Settings
from portrait_assets.privacy.departures.register import Register
from portrait_assets.stages.raw.amendments import CORRECTIONS_FILE, Correction, add_correction
from portrait_assets.stages.raw.source import load_source
from portrait_assets.storage.duckdb.lock import warehouse_lock
from portrait_assets.testing.published import contents
from portrait_assets.testing.worlds.shop import sales_file, shop, short_shop
from portrait_assets_tests.faults.command import portrait

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SEGMENTS = "1: {en: Weekend families}\n"
DRAFT = """\
tags:
  - code: value_tier
    version: 2
    status: draft
    values:
      - {value: high, en: High, zh: 高, when: "rank_share(spend_12m) >= 0.5"}
      - {value: medium, en: Medium, zh: 中, when: "rank_share(spend_12m) >= 0.3"}
      - {value: low, en: Low, zh: 低, when: "rank_share(spend_12m) < 0.3"}
"""
REVIEW = "record_1,record_2,verdict,from_month\nK001,K002,same,2024-02\n"


def test_what_a_restore_did_with_each_file_is_printed(monkeypatch: pytest.MonkeyPatch):
    done = Restored(cast(Manifest, None), ("tags.yaml",), ("segments.yaml",), ("reviews.csv",))
    monkeypatch.setattr("portrait_assets.app.backup.restore", lambda *_: done)
    printed = CliRunner().invoke(app, ["restore", "kept.zip", "--source", "corner_shop"]).output
    assert printed.splitlines() == [
        "restored: tags.yaml",
        "the same already: segments.yaml",
        "not in the backup, left as they are: reviews.csv",
    ]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The shop with names for its segments."""
    settings = shop(tmp_path / "data")
    (settings.source_dir / "segments.yaml").write_text(SEGMENTS)
    return settings


@pytest.fixture
def backup(settings: Settings, tmp_path: Path) -> BackedUp:
    """A backup of the shop."""
    return back_up(settings, tmp_path / "shop.zip", NOON)


def files_of(settings: Settings) -> dict[str, bytes]:
    folder = settings.source_dir
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def rewritten(backup: BackedUp, change: Callable[[dict[str, bytes]], object]) -> Path:
    """A copy of the backup whose entries were changed."""
    with zipfile.ZipFile(backup.path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    path = backup.path.with_name("changed.zip")
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def with_manifest(**values: object) -> Callable[[dict[str, bytes]], object]:
    def change(entries: dict[str, bytes]) -> None:
        entries[MANIFEST] = json.dumps(json.loads(entries[MANIFEST]) | values).encode()

    return change


def renamed(name: str) -> Callable[[dict[str, bytes]], object]:
    """The file of segments goes by this name in the manifest and the archive."""

    def change(entries: dict[str, bytes]) -> None:
        manifest = json.loads(entries[MANIFEST])
        manifest["files"][name] = manifest["files"].pop("segments.yaml")
        entries[f"files/{name}"] = entries.pop("files/segments.yaml")
        entries[MANIFEST] = json.dumps(manifest).encode()

    return change


def test_a_backup_holds_what_people_wrote_and_not_the_data(backup: BackedUp):
    assert list(backup.manifest.files) == [
        "customers.sql",
        "segments.yaml",
        "source.yaml",
        "transactions.sql",
    ]
    with zipfile.ZipFile(backup.path) as archive:
        assert archive.read("files/segments.yaml").decode() == SEGMENTS
        manifest = json.loads(archive.read(MANIFEST))
    assert (manifest["source"], manifest["created_at"]) == ("corner_shop", "2026-03-01T12:00:00Z")


def test_every_kind_of_irreplaceable_file_is_found(tmp_path: Path):
    names = [kept.pattern.replace("*", "a") for kept in IRREPLACEABLE]
    for name in [*names, "sales.csv", "views/notes.txt", ".tags.yaml.new"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert list(irreplaceable_files(tmp_path)) == sorted(names)


def test_a_backup_in_a_folder_is_named_after_source_and_time(settings: Settings, tmp_path: Path):
    backup = back_up(settings, tmp_path / "backups", NOON)
    assert backup.path == tmp_path / "backups" / "corner_shop-20260301T120000Z.zip"


def test_a_backup_never_replaces_another(settings: Settings, backup: BackedUp):
    before = backup.path.read_bytes()
    with pytest.raises(BackupError, match="is there already; name another file"):
        back_up(settings, backup.path)
    assert backup.path.read_bytes() == before


def test_a_source_that_is_not_there_is_not_backed_up(tmp_path: Path):
    with pytest.raises(SourceError, match="There is no source 'other_shop'"):
        back_up(Settings(data_dir=tmp_path, source="other_shop"), tmp_path / "shop.zip")


def test_what_was_lost_is_put_back_and_the_rest_left_alone(settings: Settings, backup: BackedUp):
    before = files_of(settings)
    (settings.source_dir / "segments.yaml").unlink()
    (settings.source_dir / "audiences.yaml").write_text("audiences: []\n")

    done = restore(settings, backup.path)

    assert done.written == ("segments.yaml",)
    assert done.left == ("audiences.yaml",)
    assert files_of(settings) == before | {"audiences.yaml": b"audiences: []\n"}


def test_a_backup_creates_a_new_folder_without_the_data(backup: BackedUp, tmp_path: Path):
    new = Settings(data_dir=tmp_path / "new", source="corner_shop")
    done = restore(new, backup.path)
    assert sorted(files_of(new)) == sorted(done.written) == sorted(backup.manifest.files)
    assert done.written[-1] == "source.yaml"  # A folder is a source from then on.


def test_what_customers_had_corrected_is_put_back_for_its_owner_alone(
    settings: Settings, tmp_path: Path
):
    source = load_source(settings.source_dir)
    moved = Correction(date(2024, 3, 5), "K001", "region", "west", "a clerk", "a letter")
    add_correction(source.own_folder, moved, source.conventions)
    backup = back_up(settings, tmp_path / "corrected.zip")
    file = settings.source_dir / CORRECTIONS_FILE
    content = file.read_bytes()
    file.unlink()
    restore(settings, backup.path)
    assert file.read_bytes() == content
    assert {stat.S_IMODE(path.stat().st_mode) for path in (file, backup.path)} == {0o600}


def test_what_differs_is_replaced_only_by_choice(settings: Settings, backup: BackedUp):
    newer = settings.source_dir / "segments.yaml"
    newer.write_text("1: {en: Newer}\n")
    (settings.source_dir / "customers.sql").unlink()
    before = files_of(settings)
    with pytest.raises(BackupError, match=r"segments\.yaml in corner_shop differ .*--replace"):
        restore(settings, backup.path)
    assert files_of(settings) == before
    assert restore(settings, backup.path, replace=True).written == (
        "customers.sql",
        "segments.yaml",
    )
    assert newer.read_text() == SEGMENTS


def test_a_register_that_has_grown_since_is_left_as_it_is(settings: Settings, tmp_path: Path):
    register = Register.of(settings)
    register.append({"who": "me", "outlet": "card"})
    older = back_up(settings, tmp_path / "older.zip", NOON)
    register.append({"who": "you", "outlet": "card"})
    grown = settings.register_file.read_bytes()

    done = restore(settings, older.path, replace=True)
    assert "egress_register.jsonl" in done.same
    assert settings.register_file.read_bytes() == grown
    assert register.verify() == 2


def test_a_register_that_was_lost_or_cut_is_put_back(settings: Settings, tmp_path: Path):
    register = Register.of(settings)
    for who in ("me", "you"):
        register.append({"who": who, "outlet": "card"})
    newest = back_up(settings, tmp_path / "newest.zip", NOON)
    first, _ = settings.register_file.read_text().splitlines(keepends=True)
    settings.register_file.write_text(first)
    with pytest.raises(BackupError, match=r"egress_register\.jsonl in corner_shop differ"):
        restore(settings, newest.path)
    for lost in (False, True):
        if lost:
            settings.register_file.unlink()
        restore(settings, newest.path, replace=True)
        assert register.verify() == 2


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda e: e.update({"files/segments.yaml": b"1: {}"}), "segments.yaml .* is not what was"),
        (lambda e: e.update({"files/sales.csv": b""}), "other files than its manifest says"),
        (lambda e: e.pop("files/segments.yaml"), "other files than its manifest says"),
        (lambda e: e.pop(MANIFEST), "damaged or no backup .*manifest.json"),
        (with_manifest(format=2), "no manifest that version .* can read"),
        (with_manifest(source="bank"), "of the source 'bank'.*--source bank"),
        (renamed("../segments.yaml"), "'../segments.yaml', which is no file that a backup"),
        (renamed("/etc/segments.yaml"), "no file that a backup"),
        (renamed("views/../tags.yaml"), "no file that a backup"),
        (renamed("views/../../a.sql"), "no file that a backup"),
        (renamed("./tags.yaml"), "no file that a backup"),
        (renamed("a\0.sql"), "no file that a backup"),
        (renamed("sales.csv"), "no file that a backup"),
    ],
)
def test_what_is_no_whole_backup_of_the_source_changes_nothing(
    settings: Settings, backup: BackedUp, change: Callable[[dict[str, bytes]], object], says: str
):
    shutil.rmtree(settings.source_dir)
    with pytest.raises(BackupError, match=says):
        restore(settings, rewritten(backup, change))
    assert not settings.source_dir.exists()


def test_a_damaged_file_is_reported_in_a_sentence(settings: Settings, backup: BackedUp):
    whole = backup.path.read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], b"\0" * len(whole)):
        backup.path.write_bytes(damaged)
        with pytest.raises(BackupError, match="is damaged or no backup"):
            restore(settings, backup.path)
    backup.path.unlink()
    with pytest.raises(BackupError, match=r"There is no backup .*shop\.zip"):
        restore(settings, backup.path)


def test_a_file_that_cannot_be_written_leaves_all_as_they_were(
    settings: Settings, backup: BackedUp
):
    for name in ("segments.yaml", "customers.sql"):
        (settings.source_dir / name).unlink()
    (settings.source_dir / ".segments.yaml.new").mkdir()  # Where it would be written beside.
    before = files_of(settings)
    with pytest.raises(OSError, match="segments"):
        restore(settings, backup.path)
    assert files_of(settings) == before


def test_a_restore_that_is_killed_leaves_whole_files_and_is_finished_by_the_next(
    settings: Settings, backup: BackedUp
):
    whole = files_of(settings)
    for name in backup.manifest.files:
        (settings.source_dir / name).unlink()
    code = (
        "import os, sys; from pathlib import Path\n"
        "from portrait_assets.app.backup import Settings, restore\n"
        "put, count = os.replace, iter(range(9))\n"
        "os.replace = lambda *a: put(*a) if next(count) < 2 else os.kill(os.getpid(), 9)\n"
        "restore(Settings(data_dir=Path(sys.argv[1]), source='corner_shop'), Path(sys.argv[2]))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(settings.data_dir), str(backup.path)], check=False
    )
    assert ran.returncode == -9
    found = {name: b for name, b in files_of(settings).items() if not name.endswith(".new")}
    assert found == {name: whole[name] for name in ("sales.csv", "customers.sql", "segments.yaml")}
    assert restore(settings, backup.path).same == ("customers.sql", "segments.yaml")
    assert files_of(settings) == whole


def test_a_restore_waits_for_the_run_that_may_be_reading(settings: Settings, backup: BackedUp):
    lock = settings.warehouse_dir / "warehouse.lock"
    with (
        warehouse_lock(lock, "run-7", 0),
        pytest.raises(WarehouseBusyError, match="held by run run-7"),
    ):
        restore(settings, backup.path)


@pytest.mark.slow
def test_a_lost_warehouse_and_lost_decisions_cost_time_only(tmp_path: Path):
    settings = short_shop(tmp_path / "data")
    data, folder = settings.data_dir, settings.source_dir
    source_yaml = folder / "source.yaml"
    source_yaml.write_text(source_yaml.read_text() + "identity: {keys: [], probabilistic: false}\n")
    (folder / "tags.yaml").write_text(DRAFT)
    approved = portrait(
        *("tags", "approve", "value_tier", "--by", "Ann"),
        *("--reason", "half of the shop", "--from", "2024-02"),
        data=data,
    )
    assert approved.returncode == 0, approved.stderr
    (folder / "identity_review.csv").write_text(REVIEW)
    assert portrait("run", data=data).returncode == 0
    before = contents(settings.portrait_file)
    backup = tmp_path / "shop.zip"
    assert portrait("backup", "--out", str(backup), data=data).returncode == 0
    # All that people and commands have written is in it.
    assert files_of(settings).keys() - irreplaceable_files(folder).keys() == {"sales.csv"}

    shutil.rmtree(settings.warehouse_dir)
    shutil.rmtree(settings.dagster_home)
    sales = sales_file(settings).read_bytes()
    shutil.rmtree(folder)
    put_back = portrait("restore", str(backup), data=data)
    assert "tag_approvals.yaml" in put_back.stdout
    sales_file(settings).write_bytes(sales)

    assert portrait("run", data=data).returncode == 0
    after = contents(settings.portrait_file)
    assert {name for name in before if after[name] != before[name]} == set()
    with duckdb.connect(str(settings.portrait_file), read_only=True) as con:
        decided = con.execute(
            "SELECT strftime(as_of, '%Y-%m'), tag_version, approved_by FROM tags.tag_catalogue "
            "WHERE tag_code = 'value_tier' AND in_force ORDER BY 1"
        ).fetchall()
        merged = con.execute("SELECT alias_id, customer_id FROM current_customer").fetchall()
    assert decided == [("2024-01", 1, None), ("2024-02", 2, "Ann")]
    assert merged == [("K002", "K001")]
