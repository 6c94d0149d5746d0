"""What commands on people ask of the services, and what they print."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from portrait_assets.app.erasure.people.persons import Asked, Persons
from portrait_assets.app.erasure.preview import Preview
from portrait_assets.app.erasure.rows.too_old import Past
from portrait_assets.app.pseudonyms import Named
from portrait_assets.core.errors import PortraitError
from portrait_assets.privacy.certificate import Certificate, Searched
from portrait_assets.privacy.egress import user_name
from portrait_assets.privacy.erasure import ErasureError, Rows
from portrait_assets.stages.raw.amendments import Correction, Objection
from portrait_assets_tests.cli.conftest import Command, StandIn

AT = datetime(2026, 11, 1, tzinfo=UTC)


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


def removed() -> SimpleNamespace:
    """What goes for its age."""
    of = erased(None)
    rows = (Rows(name="raw.contacts", before=1200, after=0),)
    facts = {"kind": "retention", "number": "R1", "rows": rows}
    of.certificate = of.certificate.model_copy(update=facts)
    of.page = Path("R1.html")
    return of


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
    asked = stand_in("app.erasure.people.persons:read_asked", Asked("a.csv"))
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
    service = stand_in("app.erasure.retain:retain", removed())
    stand_in("app.erasure.people.ended:ended_customers", SimpleNamespace(customers=()))
    assert command("retain", *of).stdout == "Nothing is older than it is kept.\n"
    past.return_value = [Past("contacts", "2024-03", 1200)]
    with pytest.raises(ErasureError, match=r"^Nothing was removed\.$"):
        command("retain", *of, answer="n\n")
    assert not service.mock_calls
    line = "  contacts: 1,200 rows before 2024-03\n"
    assert command("retain", "--yes", *of).stdout == (
        f"{line}1,200 rows removed that were too old.\nCertificate: R1.html\n"
    )
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
