"""What commands on runs, files and the machine ask of the services, and what they print."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import polars as pl
import pytest

from portrait_assets.app.cli.rooms.identity import SHOWN, _print_merges
from portrait_assets.app.runs.run import Result
from portrait_assets.core.errors import PortraitError
from portrait_assets.core.settings import Settings
from portrait_assets.synthetic.settings import Kinds
from portrait_assets.synthetic.settings import Settings as BankSettings
from portrait_assets_tests.cli.conftest import Command, StandIn


@pytest.fixture
def request_of(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> Mock:
    """What was asked to be run, of a source with two months."""
    asked = SimpleNamespace(available=["2024-03", "2024-04"], months=["2024-03"])
    monkeypatch.setattr("portrait_assets.orchestration.notifier.reported", lambda *_: nullcontext())
    return stand_in("orchestration.request:read_request", asked)


@pytest.mark.parametrize("exit_code", [0, 1])
def test_a_run_ends_with_the_code_of_what_it_made(
    command: Command,
    stand_in: StandIn,
    of: tuple[object, ...],
    request_of: Mock,
    exit_code: int,
):
    plan = stand_in("orchestration.planning:read_plan", SimpleNamespace(is_empty=False))
    service = stand_in("app.cli.run:run_and_show", exit_code)
    assert command("run", *of).exit_code == exit_code
    assert command("run", *of, "--months", "2024-03", "--fresh").exit_code == exit_code
    assert [call.args[1:] for call in request_of.mock_calls] == [(None, False), ("2024-03", True)]
    assert service.mock_calls[0].args[2] is plan.return_value


def test_where_nothing_changed_nothing_is_run(
    command: Command, stand_in: StandIn, of: tuple[object, ...], request_of: Mock
):
    plan = SimpleNamespace(is_empty=True, sentence="All is up to date.")
    stand_in("orchestration.planning:read_plan", plan)
    service = stand_in("app.cli.run:run_and_show")
    ran = command("run", *of)
    assert (ran.exit_code, service.mock_calls) == (0, [])
    assert ran.stdout.startswith("All is up to date. `")
    assert "--months 2024-04" in ran.stdout, "the newest"


@pytest.mark.parametrize(("has_failed", "is_published"), [(True, True), (False, False)])
def test_what_was_published_is_printed_also_where_a_month_failed(
    stand_in: StandIn, tmp_path: Path, has_failed: bool, is_published: bool
):
    from portrait_assets.app.cli.options import out
    from portrait_assets.app.cli.run import run_and_show

    stand_in("app.runs.run:run_portrait", Result(has_failed, is_published))
    stand_in("app.status:read_published", "what is there")
    printed = stand_in("app.cli.printing:print_published")
    settings = Settings(source="corner_shop", data_dir=tmp_path)
    request = SimpleNamespace(settings=settings)
    assert run_and_show(request, out) == int(has_failed)  # type: ignore[arg-type]
    assert len(printed.mock_calls) == int(is_published)


def merges(count: int) -> pl.DataFrame:
    rows = [("2024-04", f"K{number}", "K0") for number in range(1, count + 1)]
    return pl.DataFrame(rows, schema=["found_in", "alias", "customer"], orient="row")


@pytest.mark.parametrize(("count", "more"), [(SHOWN, 0), (SHOWN + 1, 1), (SHOWN + 5, 5)])
def test_some_merges_are_printed_one_by_one(
    capsys: pytest.CaptureFixture[str], count: int, more: int
):
    _print_merges(merges(count), ["2024-01", "2024-02"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "  K1 is K0, which was found in 2024-04"
    assert lines[SHOWN:-1] == ([f"  and {more} more"] if more else [])
    assert lines[-1].startswith(f"{count} merges hold from 2024-01 on now; they stand in ")
    assert " Rewriting 2024-01 to 2024-02; " in lines[-1]


def test_history_is_rewritten_only_where_customers_turned_out_to_be_one(
    command: Command, stand_in: StandIn, of: tuple[object, ...], request_of: Mock
):
    request_of.return_value.settings = "settings"
    stand_in("app.door:door_of", "the door")
    looked = stand_in("stages.identity.commands:merges_to_backdate", merges(0))
    passed = stand_in("stages.identity.commands:pass_merges")
    dated = stand_in("stages.identity.commands:backdate")
    run = stand_in("app.cli.run:run_and_show", 1)
    ran = command("rekey", "--months", "2024-03", *of)
    assert "No customers turned out to be one from 2024-03 to 2024-03; there is" in ran.stdout
    assert (ran.exit_code, passed.mock_calls, dated.mock_calls, run.mock_calls) == (0, [], [], [])
    looked.return_value = merges(1)
    assert command("rekey", "--months", "2024-03", *of).exit_code == 1
    assert dated.mock_calls[0].args == ("settings", ["2024-03"])
    assert passed.mock_calls[0].args[1] == "the door"


@pytest.mark.parametrize("issues", [0, 2])
def test_doctor_ends_with_1_where_something_is_to_put_right(
    command: Command, stand_in: StandIn, of: tuple[object, ...], issues: int
):
    stand_in("app.doctor:examine", [f"[{n}] do this" for n in range(issues)])
    ran = command("doctor", *of)
    assert ran.exit_code == (1 if issues else 0)
    if issues:
        assert ran.stdout == (
            "- [0] do this\n- [1] do this\ncorner_shop: 2 thing(s) to put right.\n"
        )
    else:
        assert ran.stdout.startswith("corner_shop: all is well. ")


def test_a_backup_names_its_files_and_keys(
    command: Command, stand_in: StandIn, of: tuple[object, ...]
):
    manifest = SimpleNamespace(files={"tags.yaml": "1", "source.yaml": "2"})
    service = stand_in("app.backup:back_up", SimpleNamespace(path="b.zip", manifest=manifest))
    stand_in("app.backup:keys_to_keep", ["Keep the key."])
    ran = command("backup", "--out", "folder", *of)
    assert service.mock_calls[0].args[1] == Path("folder")
    assert ran.stdout == "b.zip: 2 files (tags.yaml, source.yaml)\nKeep the key.\n"
    manifest.files = {}
    assert "0 files (nothing is decided yet)" in command("backup", "--out", "folder", *of).stdout


@pytest.mark.parametrize(("given", "replace"), [((), False), (("--replace",), True)])
def test_a_restore_replaces_only_when_asked_to(
    command: Command,
    stand_in: StandIn,
    of: tuple[object, ...],
    given: tuple[str, ...],
    replace: bool,
):
    done = SimpleNamespace(written=("a", "b"), same=(), left=("c",))
    service = stand_in("app.backup:restore", done)
    ran = command("restore", "b.zip", *given, *of)
    assert service.mock_calls[0].args[1:] == (Path("b.zip"), replace)
    assert ran.stdout == "restored: a, b\nnot in the backup, left as they are: c\n"


@pytest.mark.parametrize(
    ("given", "place"),
    [((), ("127.0.0.1", 3000)), (("--host", "::1", "--port", 3001), ("::1", 3001))],
)
def test_the_ui_listens_to_this_machine_alone_unless_asked_otherwise(
    command: Command,
    stand_in: StandIn,
    of: tuple[object, ...],
    given: tuple[object, ...],
    place: tuple[str, int],
):
    service = stand_in("orchestration.instance:serve_ui")
    command("ui", *given, *of)
    assert service.mock_calls[0].args[1:] == place


def test_a_bank_is_generated_as_asked_for(command: Command, stand_in: StandIn, tmp_path: Path):
    service = stand_in("synthetic.bank:generate_bank", SimpleNamespace(rows={"customers": 1200}))
    text = command("generate", "bank", "--out", tmp_path).stdout
    command(
        *("generate", "bank", "--out", tmp_path, "--customers", 300, "--months", 6, "--seed", 4),
        *("--first-month", "2022-05", "--campaigns", 2, "--kinds", 3, "--marks"),
    )
    plain, given = service.mock_calls
    assert text.startswith("  customers: 1,200 rows\nRun it with: ")
    assert plain.args == (tmp_path, 20_000, 24, 1, "2023-01")
    assert given.args == (tmp_path, 300, 6, 4, "2022-05")
    wanted = ("campaigns", "settings", "marks")
    assert [plain.kwargs[name] for name in wanted] == [None, BankSettings(kinds=Kinds(None)), False]
    assert [given.kwargs[name] for name in wanted] == [2, BankSettings(kinds=Kinds(3)), True]


def test_a_bank_is_continued_by_a_month_unless_asked_otherwise(
    command: Command, stand_in: StandIn, tmp_path: Path
):
    summary = SimpleNamespace(months=["2024-01", "2024-02", "2024-03"], rows={"calls": 5})
    done = SimpleNamespace(notes=["a note"], summary=summary)
    service = stand_in("synthetic.continuing:continue_bank", done)
    text = command("generate", "bank", "--continue", tmp_path).stdout
    command(
        *("generate", "bank", "--continue", tmp_path, "--months", 3, "--assignments", "a.csv"),
    )
    assert [call.args for call in service.mock_calls] == [
        *((tmp_path, None, 1), (tmp_path, Path("a.csv"), 3))
    ]
    assert text.startswith("a note\n  2024-01 to 2024-03:\n  calls: 5 rows\n")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (("--continue", "b", "--seed", 3), "--continue and --seed contradict each other"),
        (("--continue", "b", "--marks"), "--continue and --marks contradict each other"),
        (("--assignments", "a.csv"), "--assignments needs --continue"),
        ((), "Name the folder to write to with --out"),
    ],
)
def test_options_of_a_bank_that_contradict_each_other(
    command: Command, given: tuple[object, ...], sentence: str
):
    with pytest.raises(PortraitError, match=sentence):
        command("generate", "bank", *given)
