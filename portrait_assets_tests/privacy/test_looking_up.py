"""Pseudonyms looked up both ways, also of a customer who became another and of an older key."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import cast

import polars as pl
import pytest

from portrait_assets.app import pseudonyms as service
from portrait_assets.app.pseudonyms import Named, owners_of, pseudonyms_of
from portrait_assets.core.settings import Settings
from portrait_assets.privacy.egress import Departure, Door
from portrait_assets.privacy.keys import Key, KeyName
from portrait_assets.privacy.pseudonyms import PseudonymError, pseudonym

NEW, OLD = (Key(KeyName.PSEUDONYMS, each * 32) for each in (b"n", b"o"))
NOBODY = "p" + "0" * 32


class Passed:
    """A door that opens, and what passed it: about what, how many rows, and their digest."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(data_dir=folder, source="bank")
        self.left: list[tuple[str, int, str]] = []

    def open(self, departure: Departure) -> None:
        assert departure.subject_named

    def record(self, departure: Departure, rows: int, digest: str) -> None:
        self.left.append((json.dumps(departure.about), rows, digest))


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Passed:
    """Of a warehouse in which K2 became K1, whose file was published under the newer key."""
    known = {"source_customer_id": ["K1", "K2", "K3"], "customer_id": ["K1", "K1", "K3"]}
    given: dict[str, Callable[..., object]] = {
        "require_file": lambda *_: None,
        "known_identities": lambda *_: pl.DataFrame(known),
        "published_key": lambda *_: NEW.fingerprint,
        "key_of": lambda settings, fingerprint: {NEW.fingerprint: NEW}[fingerprint],
        "keys": lambda *_: [NEW, OLD],
    }
    for name, function in given.items():
        monkeypatch.setattr(service, name, function, raising=False)
    return Passed(tmp_path)


def test_identifiers_have_their_pseudonym_and_that_of_today(door: Passed):
    found = pseudonyms_of(cast(Door, door), [" K3", "K2"])
    assert found == [
        Named("K3", pseudonym(NEW, "K3")),
        Named("K2", pseudonym(NEW, "K2"), ("K1", pseudonym(NEW, "K1"))),
    ]
    assert door.left == [('{"what": "pseudonyms"}', 2, NEW.digest(repr(found)).hex())]


def test_an_identifier_of_nobody_is_named_and_nothing_leaves(door: Passed):
    with pytest.raises(PseudonymError, match="Nobody in the warehouse has the identifier 'K9'"):
        pseudonyms_of(cast(Door, door), ["K1", "K9"])
    assert door.left == []


def test_owners_are_looked_for_under_each_key_in_the_order_asked(door: Passed):
    asked = [pseudonym(OLD, "K2"), NOBODY, pseudonym(NEW, "K1"), pseudonym(OLD, "K3")]
    owners = owners_of(cast(Door, door), asked)
    assert list(owners.items()) == list(zip(asked, ["K2", None, "K1", "K3"], strict=True))
    assert door.left == [('{"what": "pseudonyms"}', 3, NEW.digest(repr(owners)).hex())]


def test_what_is_no_pseudonym_is_a_sentence(door: Passed):
    with pytest.raises(PseudonymError, match="'K1' is no pseudonym: those are p and 32 hexa"):
        owners_of(cast(Door, door), [NOBODY, "K1"])


def test_without_a_key_none_can_be_looked_up(door: Passed, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(service, "keys", lambda *_: [])
    with pytest.raises(PseudonymError, match="There is no key of pseudonyms here"):
        owners_of(cast(Door, door), [NOBODY])


def test_a_file_with_identifiers_as_they_are_is_to_be_read_there(
    door: Passed, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(service, "published_key", lambda *_: None)
    with pytest.raises(PseudonymError, match="has the identifiers of the source bank as they are"):
        pseudonyms_of(cast(Door, door), ["K1"])
