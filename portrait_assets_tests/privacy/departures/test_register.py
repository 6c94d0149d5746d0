"""The register of what left: whatever is changed in it is found, and nothing leaves then."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portrait_assets.privacy.departures.register import (
    NO_HASH,
    BrokenRegisterError,
    Register,
    RegisterError,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def register_in(folder: Path) -> Register:
    return Register(folder / "egress_register.jsonl", folder / "warehouse" / "register_head.json")


@pytest.fixture
def register(tmp_path: Path) -> Register:
    """Four entries."""
    register = register_in(tmp_path)
    for number in range(4):
        register.append({"who": f"用户{number}", "outlet": "card", "rows": number}, NOON)
    return register


def lines(register: Register) -> list[bytes]:
    return register.file.read_bytes().splitlines(keepends=True)


def test_entries_are_read_as_they_were_written(register: Register):
    entries = register.entries()
    assert [(e.number, e.at, e["who"], e["rows"]) for e in entries] == [
        (number + 1, NOON, f"用户{number}", number) for number in range(4)
    ]
    assert register.verify() == 4


def test_each_line_is_chained_to_the_one_before_by_sha_256(register: Register):
    previous = NO_HASH
    for line in lines(register):
        body, own = re.fullmatch(rb'(.+),"hash":"([0-9a-f]{64})"\}\n', line).groups()  # type: ignore[union-attr]
        assert sha256(body).hexdigest() == own.decode()
        assert json.loads(line)["previous"] == previous
        previous = own.decode()
    assert json.loads(register.head.read_text()) == {"number": 4, "hash": previous}


@pytest.mark.parametrize("number", [0, -1])
def test_a_noted_number_of_no_line_is_no_proof(register: Register, number: int):
    noted = json.loads(register.head.read_text())["hash"]
    register.head.write_text(json.dumps({"number": number, "hash": noted}))
    with pytest.raises(BrokenRegisterError, match="is not the one that was noted"):
        register.verify()


def test_there_is_none_before_something_left(tmp_path: Path):
    register = register_in(tmp_path)
    assert (register.verify(), register.entries()) == (0, [])
    assert list(tmp_path.iterdir()) == []


def removed(number: int) -> Callable[[list[bytes]], list[bytes]]:
    return lambda found: found[: number - 1] + found[number:]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda found: [found[0].replace(b'"rows":0', b'"rows":9'), *found[1:]], "line 1 was ch"),
        (removed(1), "line 1 does not follow the line before it"),
        (removed(3), "line 3 does not follow the line before it"),
        (removed(4), "line 4 is missing"),
        (lambda found: found[:1], "lines 2 to 4 are missing"),
        (lambda found: [], "lines 1 to 4 are missing"),
        (lambda found: [found[0], found[2], found[1], found[3]], "line 2 does not follow"),
        (lambda found: [*found[:2], found[1], *found[2:]], "line 3 does not follow"),
        (lambda found: [*found[:3], found[3][:-1]], "line 4 is missing"),
        (lambda found: [*found, b"something\n"], "line 5 was changed"),
        (lambda found: [*found, b"something"], "line 5 was changed"),
        (lambda found: [b"\n", *found], "line 1 was changed"),
    ],
)
def test_what_was_done_to_it_is_stated_with_the_line(
    register: Register, change: Callable[[list[bytes]], list[bytes]], what: str
):
    register.file.write_bytes(b"".join(change(lines(register))))
    before = register.file.read_bytes()
    for read in (register.verify, register.entries, lambda: register.append({"who": "me"})):
        with pytest.raises(BrokenRegisterError) as caught:
            read()
        assert what in str(caught.value)
        assert "register renew --by NAME --reason WHY" in str(caught.value)
    assert register.file.read_bytes() == before, "nothing is added to a broken one"


def test_a_register_that_is_gone_is_missed(register: Register):
    register.file.unlink()
    with pytest.raises(BrokenRegisterError, match="lines 1 to 4 are missing"):
        register.verify()


def test_a_chain_that_was_computed_anew_is_not_the_one_that_was_noted(
    register: Register, tmp_path: Path
):
    forged = register_in(tmp_path / "forged")
    for number in range(4):
        forged.append({"who": "nobody", "outlet": "card", "rows": number}, NOON)
    shutil.copyfile(forged.file, register.file)
    with pytest.raises(BrokenRegisterError, match="line 4 is not the one that was noted"):
        register.verify()


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"number": "x", "hash": 1}', '{"number": 0}'])
def test_a_changed_note_of_the_last_line_is_found(register: Register, text: str):
    register.head.write_text(text)
    with pytest.raises(BrokenRegisterError, match=r"register_head\.json was changed"):
        register.verify()


@given(place=st.integers(0), byte=st.integers(0, 255), kind=st.sampled_from("rdi"))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_byte_that_is_replaced_removed_or_added_is_found(
    register: Register, place: int, byte: int, kind: str
):
    content = b"".join(lines(register))
    at = place % len(content)
    changed = {
        "r": content[:at] + bytes([byte]) + content[at + 1 :],
        "d": content[:at] + content[at + 1 :],
        "i": content[:at] + bytes([byte]) + content[at:],
    }[kind]
    if changed == content:
        return
    try:
        register.file.write_bytes(changed)
        with pytest.raises(BrokenRegisterError):
            register.verify()
    finally:
        register.file.write_bytes(content)


def test_a_line_that_was_not_finished_is_no_entry(register: Register):
    """The machine stopped while the fifth was written: it is written again."""
    whole = register.file.read_bytes()
    register.append({"who": "me", "outlet": "card"}, NOON)
    torn = register.file.read_bytes()[:-30]
    register.file.write_bytes(torn)
    noted = json.loads(lines(register)[3])["hash"]
    register.head.write_text(json.dumps({"number": 4, "hash": noted}))

    assert register.verify() == 4
    register.append({"who": "you", "outlet": "card"}, NOON)
    assert [entry["who"] for entry in register.entries()][3:] == ["用户3", "you"]
    assert register.file.read_bytes().startswith(whole)


def test_a_line_that_was_written_and_not_noted_is_an_entry(register: Register):
    before = register.head.read_text()
    register.append({"who": "me", "outlet": "card"}, NOON)
    register.head.write_text(before)
    assert register.verify() == 5


def test_a_register_that_was_put_back_without_its_note_is_gone_on_with(
    register: Register, tmp_path: Path
):
    other = register_in(tmp_path / "new")
    other.file.parent.mkdir()
    shutil.copyfile(register.file, other.file)
    assert other.append({"who": "me", "outlet": "card"}).number == 5


def append_some(folder: Path, who: str) -> None:
    for number in range(10):
        register_in(folder).append({"who": who, "outlet": "card", "rows": number})


def test_those_who_write_at_once_lose_no_entry(tmp_path: Path):
    """The lock is the operating system's, of an open file, so that threads stand for processes."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(append_some, [tmp_path] * 2, ["one", "other"]))
    entries = register_in(tmp_path).entries()
    for who in ("one", "other"):
        assert [e["rows"] for e in entries if e["who"] == who] == list(range(10))


def test_an_entry_added_while_the_register_is_read_is_no_damage(
    register: Register, monkeypatch: pytest.MonkeyPatch
):
    """The reader has the lines; before it compares them with the note, both have grown."""
    content = Register._content

    def read_and_appended_to(self: Register) -> bytes:
        found = content(self)
        register_in(self.file.parent).append({"who": "other", "outlet": "card"}, NOON)
        return found

    monkeypatch.setattr(Register, "_content", read_and_appended_to)
    assert register.verify() == 4
    assert [entry.number for entry in register.entries()] == [1, 2, 3, 4, 5]


def test_a_new_register_keeps_the_broken_one_and_says_why(register: Register):
    broken = b"".join(removed(2)(lines(register)))
    register.file.write_bytes(broken)
    kept, first = register.renew("Li Na", "a disk failed", NOON)

    assert kept.name == "egress_register.20260301T120000000000Z.jsonl"
    assert kept.read_bytes() == broken
    assert (register.verify(), first["who"], first["outlet"]) == (1, "Li Na", "register")
    assert first["about"]["reason"] == "a disk failed"
    assert "line 2 does not follow" in first["about"]["broken"]
    assert first["about"]["sha256"] == sha256(broken).hexdigest()


def test_a_register_that_is_whole_is_not_renewed(register: Register):
    with pytest.raises(RegisterError, match="is whole; there is nothing to renew"):
        register.renew("Li Na", "why not")
    assert register.verify() == 4
