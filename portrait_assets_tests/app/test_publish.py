"""`portrait publish`: the internal file without a run, and a shared one."""

from __future__ import annotations

import fcntl
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from portrait_assets.app.cli import app
from portrait_assets.app.publish import Wish, publish_internal, publish_shared
from portrait_assets.core.errors import PortraitError, WarehouseBusyError, WarehouseError
from portrait_assets.core.settings import Settings
from portrait_assets.privacy.departures.register import Entry, Register
from portrait_assets.privacy.egress import (
    Departure,
    Door,
    EgressError,
    Outlet,
    Profile,
    Purpose,
    digest_of_file,
)
from portrait_assets.privacy.erasure import ErasureError, Phase, Plan, write_plan
from portrait_assets.stages.tags.audiences.answers import MONTH, QUESTION
from portrait_assets.stages.tags.shared_rows import SharingError
from portrait_assets.storage.duckdb.lock import warehouse_lock
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets_tests.mart.shared.world import catalogue_of, write_published
from portrait_assets_tests.privacy.consent_world import Answer, write_consents


def test_a_shared_file_is_written_and_its_loss_printed(tmp_path: Path):
    settings = Settings(data_dir=tmp_path, source="synthetic_bank")
    settings.warehouse_dir.mkdir(parents=True)
    write_published(settings.portrait_file, catalogue_of(tmp_path), 120)
    target = tmp_path / "partner.duckdb"
    options = ["--source", "synthetic_bank", "--data-dir", str(tmp_path)]
    words = ["publish", "--profile", "shared", "--out", str(target), "--purpose", "sharing"]
    done = CliRunner().invoke(app, [*words, "--k", "5", "--month", "2024-03", *options])
    assert done.exit_code == 0, done.output
    assert "120 customers of 2024-03" in done.output
    assert "each of 5 customers or more" in done.output
    assert "favourite" in done.output
    with duckdb.connect(str(target), read_only=True) as con:
        stated = con.execute("SELECT source, purpose, k, customers FROM mart.shared_publication")
        assert stated.fetchone() == ("synthetic_bank", "sharing", 5, 120)
        sizes = con.execute(
            "SELECT min(n) FROM (SELECT count(*) AS n FROM portrait "
            "GROUP BY sex, years, generation, home, life)"
        ).fetchall()
    assert sizes[0][0] >= 5
    (entry,) = Register.of(settings).entries()
    assert (entry["outlet"], entry["profile"], entry["purpose"]) == ("shared", "shared", "sharing")
    assert (entry["rows"], entry["about"]["k"], entry["about"]["month"]) == (120, "5", "2024-03")
    assert entry["digest"] == digest_of_file(target)


@pytest.mark.parametrize(("text", "is_refused"), [("C00009", True), ("C00010", False)])
def test_a_shared_file_beside_one_of_an_audience_has_ten_more_or_is_refused(
    tmp_path: Path, text: str, is_refused: bool
):
    settings = Settings(data_dir=tmp_path, source="synthetic_bank")
    settings.warehouse_dir.mkdir(parents=True)
    write_published(settings.portrait_file, catalogue_of(tmp_path), 60)
    about = {MONTH: "2024-04", QUESTION: f"customer_id >= '{text}'"}
    departure = Departure(
        Outlet.SHARED, Purpose.SHARING, (), profile=Profile.SHARED, about=about | {"k": "10"}
    )
    Door(settings).record(departure, 51, "0")
    target = tmp_path / "partner.duckdb"
    if is_refused:
        with pytest.raises(SharingError, match="differ by fewer than 10 customers from the one"):
            publish_shared(settings, Wish("shared", target))
        assert not target.exists()
        publish_shared(settings, Wish("shared", target, month="2024-03"))
    else:
        publish_shared(settings, Wish("shared", target))
    assert target.exists()


@pytest.mark.parametrize(("refusing", "is_refused"), [(0, False), (3, True), (10, False)])
def test_files_of_all_customers_for_two_purposes_differ_by_who_refused_one(
    tmp_path: Path, refusing: int, is_refused: bool
):
    settings = Settings(data_dir=tmp_path, source="synthetic_bank")
    settings.warehouse_dir.mkdir(parents=True)
    write_published(settings.portrait_file, catalogue_of(tmp_path), 60)
    ids = [f"C{number:05d}" for number in range(refusing)]
    answers: list[Answer] = [(who, "credit", None, False, "objection") for who in ids]
    with duckdb.connect(str(settings.portrait_file)) as con:
        write_consents(con, answers)
    publish_shared(settings, Wish("shared", tmp_path / "partner.duckdb"))
    publish_shared(settings, Wish("shared", tmp_path / "again.duckdb"))
    target = tmp_path / "lender.duckdb"
    if is_refused:
        with pytest.raises(SharingError, match="differ by fewer than 10 customers from the one"):
            publish_shared(settings, Wish("shared", target, purpose="credit"))
    else:
        publish_shared(settings, Wish("shared", target, purpose="credit"))
    assert target.exists() is not is_refused


def test_no_other_file_for_others_is_compared_before_one_is_in_the_register(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    settings = Settings(data_dir=tmp_path, source="synthetic_bank")
    settings.warehouse_dir.mkdir(parents=True)
    write_published(settings.portrait_file, catalogue_of(tmp_path), 30)
    record = Door.record

    def record_while_others_wait(door: Door, *entered: Any) -> Entry:
        lock_file = settings.warehouse_dir / "answers.lock"
        with open(lock_file, "a") as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return record(door, *entered)

    monkeypatch.setattr(Door, "record", record_while_others_wait)
    publish_shared(settings, Wish("shared", tmp_path / "partner.duckdb"))
    assert len(Register.of(settings).entries()) == 1


def test_a_file_that_the_door_refuses_is_not_written(tmp_path: Path):
    settings = Settings(data_dir=tmp_path, source="synthetic_bank", clearance={"shared": "C1"})
    settings.warehouse_dir.mkdir(parents=True)
    write_published(settings.portrait_file, catalogue_of(tmp_path), 30)
    with pytest.raises(EgressError, match="The shared file does not leave: it holds generation"):
        publish_shared(settings, Wish("shared", tmp_path / "partner.duckdb"))
    assert not list(tmp_path.glob("*partner*"))
    assert Register.of(settings).entries() == []


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        (Wish("shard"), "'shard' is no profile \\(did you mean shared\\?\\)"),
        (Wish("shared"), "A shared file needs a name"),
        (Wish("shared", Path("a.csv")), "a.csv does not end in .duckdb"),
        (Wish(month="2024-01"), "The internal file has all months .* leave out --month, or"),
        (Wish(k=10), "The internal file has all months and customers as they are.* leave out --k,"),
        (Wish(k=5, purpose="sharing"), "leave out --k and --purpose, or choose --profile shared"),
        (Wish(purpose="market"), "'market' is no purpose \\(did you mean marketing"),
    ],
)
def test_options_that_do_not_fit_are_a_sentence(wish: Wish, sentence: str):
    with pytest.raises(PortraitError, match=sentence):
        wish.check()


def test_nothing_is_published_before_the_first_run(tmp_path: Path):
    settings = Settings(data_dir=tmp_path, source="corner_shop")
    with pytest.raises(WarehouseError, match="does not exist yet"):
        publish_internal(settings)
    assert not settings.warehouse_dir.exists()


def test_nothing_is_published_while_rows_are_half_removed(tmp_path: Path):
    settings = Settings(data_dir=tmp_path, source="corner_shop")
    Warehouse(settings.warehouse_file, "corner_shop", "run-1").close()
    plan = Plan(
        number="E1", began_at=datetime.now(UTC), asked_by="a list", persons=1, customers=("K001",)
    )
    write_plan(settings, plan)
    with pytest.raises(ErasureError, match="E1 was stopped before it had ended"):
        publish_internal(settings)
    assert not settings.portrait_file.exists()


@pytest.mark.slow
def test_nothing_is_shared_or_exported_while_rows_are_half_removed(tmp_path: Path):
    """What is published still has the people."""
    settings = Settings(data_dir=tmp_path, source="corner_shop")
    settings.warehouse_dir.mkdir(parents=True)
    write_published(settings.portrait_file, catalogue_of(tmp_path), 30)
    plan = Plan(
        number="E1", began_at=datetime.now(UTC), asked_by="a list", persons=1, customers=("K001",)
    )
    write_plan(settings, plan)
    out = tmp_path / "out"
    words = ("--source", "corner_shop", "--data-dir", str(tmp_path))
    for command in (
        ("publish", "--profile", "shared", "--out", f"{out}.duckdb"),
        ("audience", "spent > 0"),
        ("audience", "spent > 0", "--out", f"{out}.csv", "--purpose", "analysis"),
        ("audience", "spent > 0", "--out", f"{out}.csv", "--purpose", "sharing"),
    ):
        failed = CliRunner().invoke(app, [*command, *words]).exception
        assert isinstance(failed, ErasureError), (command, failed)
        assert "The erasure E1 was stopped before it had ended; finish it with" in str(failed)
        assert "portrait erase --resume" in str(failed)
    assert not list(tmp_path.glob("out*"))
    assert Register.of(settings).entries() == []
    write_plan(settings, plan.model_copy(update={"phase": Phase.PUBLISHING}))
    done = CliRunner().invoke(
        app, ["publish", "--profile", "shared", "--out", f"{out}.duckdb", *words]
    )
    assert done.exit_code == 0, done.output


@pytest.mark.slow
def test_the_internal_file_and_the_report_are_published_without_a_run(
    all_months: Settings, tmp_path: Path
):
    settings = all_months.model_copy(update={"data_dir": tmp_path / "data"})
    shutil.copytree(all_months.data_dir, settings.data_dir)
    before = _rows(settings)
    report = settings.warehouse_dir / "report" / "index.html"
    settings.portrait_file.unlink()
    report.unlink()
    with (
        warehouse_lock(settings.warehouse_dir / "warehouse.lock", "a run", 0),
        pytest.raises(WarehouseBusyError, match="held by run a run"),
    ):
        publish_internal(settings)
    publish_internal(settings)
    assert _rows(settings) == before
    assert before["validation.uniqueness"] == 4
    assert report.is_file()


def _rows(settings: Settings) -> dict[str, int]:
    with duckdb.connect(str(settings.portrait_file), read_only=True) as con:
        counted = con.execute("SELECT table_name, sum(row_count) FROM mart.table_rows GROUP BY 1")
        return dict(counted.fetchall())
