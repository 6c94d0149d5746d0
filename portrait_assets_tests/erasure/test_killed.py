"""An erasure whose process was killed: nothing it had removed is missing in the certificate."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from typer.testing import CliRunner

from portrait_assets.app.cli.root import app
from portrait_assets.app.erasure import erase as erasing
from portrait_assets.app.erasure.traces import clean_decisions, clean_file, remove_accounts
from portrait_assets.app.runs.progress import Progress
from portrait_assets.app.subject.page import accounts_folder
from portrait_assets.core.errors import WarehouseBusyError
from portrait_assets.core.settings import Settings
from portrait_assets.privacy.certificate import Certificate
from portrait_assets.privacy.erasure import (
    ErasureError,
    Phase,
    Plan,
    Rows,
    note_rows,
    one_erasure,
    plan_file,
    read_unfinished,
    remove_plan,
    write_plan,
)
from portrait_assets.stages.raw.amendments import CORRECTIONS_FILE
from portrait_assets_tests.erasure.world import WANTED, audience_file

PLAN = Plan(
    number="E1",
    began_at=datetime(2026, 11, 26, tzinfo=UTC),
    asked_by="people.csv",
    persons=1,
    customers=("K1",),
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    found = Settings(data_dir=tmp_path, source="shop")
    found.source_dir.mkdir(parents=True)
    found.warehouse_dir.mkdir(parents=True)
    write_plan(found, PLAN)
    return found


def killed(_: Rows) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("ending", ["csv", "parquet", "txt"])
def test_a_file_is_as_it_was_until_its_rows_are_noted(settings: Settings, ending: str) -> None:
    path = audience_file(settings.warehouse_dir, ending)
    was = path.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        clean_file(path, WANTED, path.name, killed)
    assert path.read_bytes() == was


def test_so_are_decisions_and_accounts(settings: Settings) -> None:
    corrections = settings.source_dir / CORRECTIONS_FILE
    corrections.write_text(
        "recorded_on,customer_id,column,value,by,reason\n2024-01-02,K1,a,b,c,d\n"
    )
    account = accounts_folder(settings) / "subject_1.json"
    account.parent.mkdir(parents=True)
    account.write_text(json.dumps({"identifiers": ["K1"]}))
    was = corrections.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        clean_decisions(settings, WANTED, killed)
    with pytest.raises(KeyboardInterrupt):
        remove_accounts(settings, ("K1",), killed)
    assert corrections.read_bytes() == was
    assert account.exists()


@pytest.mark.parametrize("left", [5, 3, 2])
def test_rows_that_were_removed_before_the_kill_are_counted_once(
    settings: Settings, left: int
) -> None:
    """Of five rows three go, and the process ends before any, or after some of them has gone."""
    note_rows(
        settings, Rows(name="a.csv", before=5, after=2), Rows(name="b.csv", before=1, after=1)
    )
    note_rows(settings, Rows(name="a.csv", before=left, after=2))
    note_rows(settings, Rows(name="a.csv", before=4, after=0, what="texts replaced"))
    plan = read_unfinished(settings)
    assert plan is not None
    assert [(each.name, each.before, each.after, each.what) for each in plan.rows] == [
        ("a.csv", 5, 2, "rows removed"),
        ("b.csv", 1, 1, "rows removed"),
        ("a.csv", 4, 0, "texts replaced"),
    ]


def test_nothing_is_removed_without_a_plan(settings: Settings) -> None:
    plan_file(settings).unlink()
    with pytest.raises(ErasureError, match=r"erasure\.json is gone while people are erased"):
        note_rows(settings, Rows(name="a.csv", before=1, after=0))


@pytest.mark.parametrize(
    ("phase", "code", "goes_on"),
    [
        (Phase.REMOVING, 0, True),
        (Phase.REMOVING, 1, False),
        # The rows are gone, and a run may be: a text in a file may wait for somebody to remove it.
        (Phase.PUBLISHING, 1, True),
    ],
)
def test_a_run_finishes_the_erasure_first_in_a_process_of_its_own(
    settings: Settings, phase: Phase, code: int, goes_on: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_plan(settings, PLAN.model_copy(update={"phase": phase}))
    lines: list[list[str]] = []

    def finishes(line: list[str], check: bool) -> SimpleNamespace:
        lines.append(line)
        if code == 0:
            plan_file(settings).unlink()
        return SimpleNamespace(returncode=code)

    monkeypatch.setattr(subprocess, "run", finishes)
    ran = CliRunner().invoke(app, ["run", *of(settings)])
    assert "The erasure E1 was stopped, and goes on first." in ran.output
    assert [line[1:5] for line in lines] == [["-m", "portrait_assets", "erase", "--resume"]]
    assert lines[0][5:] == of(settings)
    # There is no such source, which only what comes next finds out.
    assert isinstance(ran.exception, SystemExit) is not goes_on


def test_a_run_says_that_a_removal_goes_on(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    removal = {"number": "R1", "customers": (), "kept_from": {"contacts": "2024-02"}}
    write_plan(settings, PLAN.model_copy(update=removal))
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=1))
    ran = CliRunner().invoke(app, ["run", *of(settings)])
    assert ran.output.startswith("The removal R1 of rows that are too old was stopped, and goes on")
    assert isinstance(ran.exception, SystemExit)


def test_two_processes_do_not_carry_out_one_plan(settings: Settings) -> None:
    """A run that starts while people are erased sees their plan, and waits for its end."""
    impatient = settings.model_copy(update={"lock_wait_seconds": 0})
    is_refused = pytest.raises(WarehouseBusyError, match=r"held by run portrait erase \(process")
    with one_erasure(settings, print), is_refused:
        erasing.resume(impatient, cast(Progress, SimpleNamespace(say=print)))
    assert read_unfinished(settings) == PLAN


def test_what_another_process_finishes_is_said_to_be_finished(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def waits(*_: object) -> Iterator[None]:
        plan_file(settings).unlink()
        yield

    monkeypatch.setattr(erasing, "one_erasure", waits)
    with pytest.raises(ErasureError, match=r"^The erasure E1 was finished by another process"):
        erasing.resume(settings, cast(Progress, SimpleNamespace(say=print)))


def test_with_the_plan_goes_what_a_kill_left_of_it(settings: Settings) -> None:
    """It names the people, and a scan finds no identifier in it that is short."""
    half = settings.warehouse_dir / ".erasure.json.new"
    half.write_text(PLAN.model_dump_json()[:-9])
    remove_plan(settings)
    assert not half.exists()
    assert not plan_file(settings).exists()
    remove_plan(settings)


def test_a_plan_of_somebody_else_is_a_sentence(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refused)
    with pytest.raises(ErasureError, match=r"cannot be read \(Permission denied\); go on as its"):
        read_unfinished(settings)


def test_a_plan_is_not_written_over_that_another_process_has_made_since(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasing, "require_ready", lambda _: None)
    nothing = cast(Progress, SimpleNamespace(say=print))
    with pytest.raises(ErasureError, match="The erasure E1 was stopped"):
        erasing.begin(settings, nothing, lambda: PLAN.model_copy(update={"number": "E2"}))
    assert read_unfinished(settings) == PLAN


def test_another_erasure_finishes_it_first(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resumed(*_: object) -> erasing.Erased:
        plan_file(settings).unlink()
        facts = PLAN.model_dump(include={"number", "began_at", "asked_by", "persons"})
        certificate = Certificate(
            **facts,
            **{"source": "shop", "ended_at": PLAN.began_at, "ids": 1, "tombstones": ()},
            **{"key_fingerprint": "", "rows": (), "source_files": ()},
        )
        return erasing.Erased(certificate, tmp_path / "E1.html", {})

    monkeypatch.setattr(erasing, "resume", resumed)
    people = tmp_path / "people.csv"
    people.write_text("customer_id\nK2\n")
    ran = CliRunner().invoke(app, ["erase", str(people), "--yes", *of(settings)])
    first, _, then = ran.output.partition("1 people erased")
    assert "The erasure E1 was stopped, and goes on first." in first
    assert "E1.html" in then
    assert "was stopped" not in str(ran.exception), "the next one is looked at"


def of(settings: Settings) -> list[str]:
    """The options that name the source and the data folder."""
    return ["--source", settings.source, "--data-dir", str(settings.data_dir)]
