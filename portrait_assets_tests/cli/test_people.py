"""What commands on people and on the warehouse ask of the services, and what they print."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import polars as pl
import pytest

from portrait_assets.app.cli.rooms.identity import SHOWN, _print_merges
from portrait_assets.app.erasure.persons import Asked, Persons
from portrait_assets.app.erasure.preview import Preview
from portrait_assets.app.erasure.retain import Past
from portrait_assets.app.pseudonyms import Named
from portrait_assets.app.run import Result
from portrait_assets.core.errors import PortraitError
from portrait_assets.core.settings import Settings
from portrait_assets.privacy.certificate import Certificate, Searched
from portrait_assets.privacy.egress import user_name
from portrait_assets.privacy.erasure import ErasureError, Rows
from portrait_assets.stages.raw.amendments import Correction, Objection
from portrait_assets.synthetic.settings import Kinds
from portrait_assets.synthetic.settings import Settings as BankSettings
from portrait_assets_tests.cli.conftest import Command, StandIn

AT = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def of(tmp_path: Path) -> tuple[object, ...]:
    """The options of the source that a command works on."""
    return ("--source", "corner_shop", "--data-dir", tmp_path)


def erased(after: Searched | None) -> SimpleNamespace:
    certificate = Certificate(
        **{"number": "E1", "source": "corner_shop", "asked_by": "a.csv", "persons": 1200},
        **{"began_at": AT, "ended_at": AT, "ids": 2, "tombstones": (), "key_fingerprint": "f"},
        rows=(
            Rows(name="raw.sales", what="removed", before=3000, after=1000),
            Rows(name="raw.calls", what="removed", before=7, after=5),
        ),
        source_files=("a.csv", "b.csv"),
        notes=("a note",),
        scan_after=after,
    )
    return SimpleNamespace(certificate=certificate, page=Path("E1.html"), seconds={"scan": 1.26})


def found(count: int) -> Preview:
    persons = Persons(count, ("K1", "K2"), ("P1",), erased_before=1)
    return Preview(Asked("a.csv"), persons, {"raw.sales": 1200, "raw.calls": 3})


@pytest.mark.parametrize("given", [(), ("--requests", "--resume"), ("a.csv", "--requests")])
def test_an_erasure_names_one_of_three_things(
    command: Command, of: tuple[object, ...], given: tuple[str, ...]
):
    with pytest.raises(ErasureError, match="Name one of a CSV file of ids"):
        command("erase", *given, *of)


@pytest.mark.parametrize(
    ("after", "left"),
    [
        (None, "nothing"),
        (Searched(files=1, size_bytes=1, patterns=1, found={}), "nothing"),
        (
            Searched(files=1, size_bytes=1, patterns=1, found={"a": 1200, "b": 2}),
            "1,202 values",
        ),
    ],
)
def test_what_was_erased_is_printed(
    command: Command, stand_in: StandIn, of: tuple[object, ...], after: Searched | None, left: str
):
    asked = stand_in("app.erasure.persons:read_asked", Asked("a.csv"))
    shown = stand_in("app.erasure.preview:preview", found(2))
    service = stand_in("app.erasure.erase:erase", erased(after))
    lines = command("erase", "a.csv", "--yes", *of).stdout.splitlines()
    assert asked.mock_calls[0].args == (Path("a.csv"),)
    assert shown.mock_calls[0].args[1:] == (Asked("a.csv"), False)
    assert service.mock_calls[0].args[1] == found(2)
    assert lines == [
        "2 people with 3 ids and 1,203 rows in 2 tables would be erased, and what is published made"
        " again; 1 of the ids were erased before.",
        "  raw.sales: 1,200 rows",
        "  raw.calls: 3 rows",
        f"1,200 people erased: 2,002 rows removed; the scan after found {left}.",
        "scan 1.3 s.",
        "  a note",
        "The source's own files were not touched: a.csv, b.csv.",
        "Certificate: E1.html",
    ]


def test_nobody_is_erased_who_is_nobody_or_without_a_yes(
    command: Command, stand_in: StandIn, of: tuple[object, ...]
):
    shown = stand_in("app.erasure.preview:preview", found(0))
    service = stand_in("app.erasure.erase:erase", erased(None))
    assert command("erase", "--requests", "--ignore-unknown", *of).exit_code == 0
    assert shown.mock_calls[0].args[1:] == (None, True)
    shown.return_value = found(1)
    with pytest.raises(ErasureError, match=r"^Nothing was erased\.$"):
        command("erase", "--requests", *of, answer="\n")
    assert not service.mock_calls
    assert "1,200 people erased" in command("erase", "--requests", *of, answer="y\n").stdout


def test_an_erasure_is_resumed(command: Command, stand_in: StandIn, of: tuple[object, ...]):
    service = stand_in("app.erasure.erase:resume", erased(None))
    assert "1,200 people erased" in command("erase", "--resume", *of).stdout
    assert service.mock_calls[0].args[0].source == "corner_shop"


def test_what_is_too_old_is_removed_after_a_yes(
    command: Command, stand_in: StandIn, of: tuple[object, ...]
):
    past = stand_in("app.erasure.retain:to_retain", [])
    service = stand_in("app.erasure.retain:retain", Path("R1.html"))
    stand_in("app.erasure.ended:ended_customers", SimpleNamespace(customers=()))
    assert command("retain", *of).stdout == "Nothing is older than it is kept.\n"
    past.return_value = [Past("contacts", "2024-03", 1200)]
    with pytest.raises(ErasureError, match=r"^Nothing was removed\.$"):
        command("retain", *of, answer="n\n")
    assert not service.mock_calls
    line = "  contacts: 1,200 rows before 2024-03\n"
    assert command("retain", "--yes", *of).stdout == f"{line}Certificate: R1.html\n"
    assert command("retain", *of, answer="y\n").stdout.startswith(line)


@pytest.mark.parametrize(
    ("given", "folder", "only_provided"),
    [
        ((), "subjects/corner_shop", False),
        (("--out", "there"), "there", False),
        (("--purpose", "portability"), "subjects/corner_shop", True),
        (("--json", "--out", "there"), None, False),
    ],
)
def test_an_account_is_given_as_asked_for(
    command: Command,
    stand_in: StandIn,
    of: tuple[object, ...],
    given: tuple[str, ...],
    folder: str | None,
    only_provided: bool,
):
    account = SimpleNamespace(text="{}\n", paths=(Path("s.json"), Path("s.html")), note="held back")
    service = stand_in("app.subject.leaving:give_account", account)
    ran = command("subject", "K1", *given, *of)
    settings, customer, place, provided = service.mock_calls[0].args
    assert (settings.source, customer, provided) == ("corner_shop", "K1", only_provided)
    wanted = {"there": Path("there")}.get(folder or "", settings.data_dir / (folder or ""))
    assert place == (None if folder is None else wanted)
    assert ran.stdout == ("{}\n" if folder is None else "") + "s.json\ns.html\n"
    assert ran.stderr == "held back\n"


@pytest.fixture
def amending(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """A customer whom there is, a channel known by another name, and a fixed day and user."""
    stand_in("stages.raw.source:load_source", SimpleNamespace(conventions="as usual"))
    stand_in("app.subject.account:require_customer")
    stand_in("app.door:known_channel", "SMS")


@pytest.mark.usefixtures("amending")
def test_a_correction_is_noted(command: Command, stand_in: StandIn, of: tuple[object, ...]):
    service = stand_in("stages.raw.amendments:add_correction")
    reason = ("--reason", "moved")
    ran = command("correct", " K1 ", "region", "west", *reason, *of, "--from", "2024-03-05")
    command("correct", "K1", "phone", "-", *reason, *of, "--by", "Li Na", answer=" 123 \n456\n")
    first, second = (call.args for call in service.mock_calls)
    since = date(2024, 3, 5)
    assert first[1:] == (
        Correction(since, "K1", "region", "west", user_name(), "moved"),
        "as usual",
    )
    assert second[1] == Correction(date.today(), "K1", "phone", "123", "Li Na", "moved")
    assert ran.stdout.splitlines()[0] == (
        "region is corrected from 2024-03-05 on; written to corrections.csv."
    )
    assert "brings the portrait up to it." in ran.stdout


@pytest.mark.usefixtures("amending")
@pytest.mark.parametrize(
    ("given", "noted", "sentence"),
    [
        ((), (None, None), "all purposes"),
        (("--purpose", "marketing"), ("marketing", None), "marketing"),
        (("--channel", "sms"), (None, "SMS"), "all purposes by SMS"),
        (
            ("--purpose", "marketing", "--channel", "sms"),
            ("marketing", "SMS"),
            "marketing by SMS",
        ),
    ],
)
def test_an_objection_is_noted(
    command: Command,
    stand_in: StandIn,
    of: tuple[object, ...],
    given: tuple[str, ...],
    noted: tuple[str | None, str | None],
    sentence: str,
):
    service = stand_in("stages.raw.amendments:add_objection")
    ran = command(
        *("object", "K1", "--reason", "letter", "--from", "2024-03-05", "--by", "Li Na"),
        *(*given, *of),
    )
    since = date(2024, 3, 5)
    assert service.mock_calls[0].args[1] == Objection(since, "K1", *noted, "Li Na", "letter")
    assert f"The objection to {sentence} holds from 2024-03-05 on; written to" in ran.stdout


def test_what_is_no_day_is_one_sentence(
    command: Command, stand_in: StandIn, of: tuple[object, ...]
):
    stand_in("stages.raw.source:load_source", SimpleNamespace(conventions=None))
    with pytest.raises(PortraitError, match=r"'5.3.2024' is not a day; write it as YYYY-MM-DD"):
        command("correct", "K1", "a", "b", "--reason", "r", "--from", "5.3.2024", *of)


def test_pseudonyms_are_looked_up_both_ways(
    command: Command, stand_in: StandIn, of: tuple[object, ...]
):
    stand_in("app.door:door_of", "the door")
    named = [Named("K1", "p1"), Named("K2", "p2", ("K1", "p1"))]
    asked = stand_in("app.pseudonyms:pseudonyms_of", named)
    ran = command("pseudonyms", "of", "K1", "K2", *of)
    assert asked.mock_calls[0].args == ("the door", ["K1", "K2"])
    assert ran.stdout == "K1  p1\nK2  p2  today K1  p1\n"
    owners = stand_in("app.pseudonyms:owners_of", {"p1": "K1"})
    ran = command("pseudonyms", "who", "p1", *of)
    assert (ran.exit_code, ran.stdout) == (0, "p1  K1\n")
    owners.return_value = {"p1": "K1", "p9": None}
    ran = command("pseudonyms", "who", "p1", "p9", *of)
    assert (ran.exit_code, ran.stdout) == (1, "p1  K1\np9  nobody in the warehouse\n")


@pytest.mark.parametrize(
    ("given", "forget", "kept", "asks"),
    [
        ((), False, True, "is kept"),
        (("--forget",), True, False, "is removed, so that nobody in older files can be looked up"),
        (("--yes",), False, True, ""),
    ],
)
def test_a_key_is_rotated_after_a_yes(
    command: Command,
    stand_in: StandIn,
    of: tuple[object, ...],
    given: tuple[str, ...],
    forget: bool,
    kept: bool,
    asks: str,
):
    done = SimpleNamespace(place="keys/pseudonyms.key", kept=kept)
    service = stand_in("app.pseudonyms:rotate_pseudonyms", done)
    refused = command("pseudonyms", "rotate", *given, *of, answer="n\n") if asks else None
    assert refused is None or (refused.exit_code == 1 and not service.mock_calls)
    text = command("pseudonyms", "rotate", *given, *of, answer="y\n").stdout
    assert service.mock_calls[0].args[1] is forget
    assert (f"the old key {asks}. Rotate?" in text) is bool(asks)
    also = "; the old key is kept beside it" if kept else ""
    assert f"The key of pseudonyms is now in keys/pseudonyms.key{also}. " in text


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

    stand_in("app.run:run_portrait", Result(has_failed, is_published))
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
