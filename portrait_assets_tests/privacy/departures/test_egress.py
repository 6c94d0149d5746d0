"""What the door refuses, each in one sentence, and what it enters in the register."""

from __future__ import annotations

import getpass
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from portrait_assets.core.settings import Settings
from portrait_assets.privacy.departures.entries import find_entries
from portrait_assets.privacy.departures.register import RegisterError
from portrait_assets.privacy.egress import (
    Departure,
    Door,
    EgressError,
    Shown,
    digest_of,
    digest_of_file,
)
from portrait_assets.schema.table import CUSTOMER_ID, Column, Sensitivity, Type

PUBLIC_TAG = Column("tier", Type.TEXT, "Tier", "等级")
INCOME = Column("income", Type.MONEY, "Income", "收入", sensitivity=Sensitivity.C2)
NAME = Column("full_name", Type.TEXT, "Name", "姓名", sensitivity=Sensitivity.C3)
CARD = Departure("card", "analysis", (CUSTOMER_ID, PUBLIC_TAG), subject_named=True)


def settings_in(folder: Path, **more: object) -> Settings:
    return Settings(data_dir=folder, source="shop", **more)  # type: ignore[arg-type]


def door_in(folder: Path, **more: object) -> Door:
    return Door(settings_in(folder, **more))


def refused(door: Door, departure: Departure) -> str:
    with pytest.raises(EgressError) as caught:
        door.open(departure)
    assert door.register.entries() == []
    return str(caught.value)


def test_what_left_is_in_the_register(tmp_path: Path):
    door = door_in(tmp_path)
    departure = replace(CARD, about={"month": "2024-04"})
    door.open(departure)
    door.record(departure, 1, digest_of("what was shown"))

    (entry,) = door.register.entries()
    assert entry.values == {
        "who": getpass.getuser(),
        "outlet": "card",
        "purpose": "profiling",
        "profile": "internal",
        "subject_named": True,
        "aggregated": False,
        "columns": ["customer_id", "tier"],
        "column_count": 2,
        "classes": {"C1": 2},
        "columns_digest": sha256(b"customer_id\ntier").hexdigest(),
        "about": {"month": "2024-04"},
        "rows": 1,
        "digest": sha256(b"what was shown").hexdigest(),
    }
    assert door.settings.register_file == tmp_path / "sources" / "shop" / "egress_register.jsonl"


def test_many_columns_are_entered_by_their_number_classes_and_digest(tmp_path: Path):
    columns = tuple(Shown(f"c{n}", "C1" if n % 2 else "C2") for n in range(100))
    door = door_in(tmp_path)
    entry = door.record(Departure("publication", "analysis", columns), 7, digest_of(""))
    assert (entry["columns"], entry["column_count"]) == ([], 100)
    assert entry["classes"] == {"C1": 50, "C2": 50}
    fewer = door.record(Departure("publication", "analysis", columns[1:]), 7, digest_of(""))
    assert fewer["columns_digest"] != entry["columns_digest"]


def test_who_asked_is_named_by_the_departure_the_settings_or_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PORTRAIT_WHO", "Wang Fang")
    door = door_in(tmp_path)
    assert door.record(CARD, 1, "")["who"] == "Wang Fang"
    assert door.record(replace(CARD, who="Li Na"), 1, "")["who"] == "Li Na"


# -- clearance ----------------------------------------------------------------------------------


def test_a_card_shows_the_lowest_class_where_no_clearance_is_declared(tmp_path: Path):
    door = door_in(tmp_path)
    door.open(CARD)
    sentence = refused(door, replace(CARD, columns=(PUBLIC_TAG, INCOME)))
    assert sentence == (
        "A card does not leave: it holds income of class C2, and may hold up to C1; leave it out, "
        "or set PORTRAIT_CLEARANCE__CARD=C2."
    )


def test_a_clearance_is_of_its_outlet_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PORTRAIT_CLEARANCE__CARD", "C2")
    door = door_in(tmp_path)
    door.open(replace(CARD, columns=(PUBLIC_TAG, INCOME)))
    assert "full_name of class C3" in refused(door, replace(CARD, columns=(INCOME, NAME)))
    assert "income of class C2" in refused(door, replace(CARD, outlet="subject", columns=(INCOME,)))


def test_what_is_held_back_is_counted_with_the_setting_that_shows_it(tmp_path: Path):
    shown, note = door_in(tmp_path).cleared("card", [PUBLIC_TAG, INCOME, NAME])
    assert shown == (PUBLIC_TAG,)
    assert note == (
        "2 columns are held back, of a class above C1; PORTRAIT_CLEARANCE__CARD=C2 shows those of "
        "C2."
    )
    assert door_in(tmp_path).cleared("card", [PUBLIC_TAG]) == ((PUBLIC_TAG,), None)


@pytest.mark.parametrize(
    ("clearance", "sentence"),
    [
        ({"crad": "C2"}, r"PORTRAIT_CLEARANCE__CRAD names no outlet \(did you mean card\?\)"),
        ({"card": "C4"}, r"PORTRAIT_CLEARANCE__CARD is 'C4', which is no class; give it one of C1"),
    ],
)
def test_a_clearance_that_is_none_is_refused(
    tmp_path: Path, clearance: dict[str, str], sentence: str
):
    with pytest.raises(EgressError, match=sentence):
        door_in(tmp_path, clearance=clearance).open(CARD)


@pytest.mark.parametrize("clearance", [{}, {"publication": "C3"}])
def test_the_published_file_holds_no_c3_whatever_is_declared(
    tmp_path: Path, clearance: dict[str, str]
):
    door = door_in(tmp_path, clearance=clearance)
    door.open(Departure("publication", "analysis", (PUBLIC_TAG, INCOME)))
    sentence = refused(door, Departure("publication", "analysis", (PUBLIC_TAG, NAME)))
    assert "holds full_name of class C3, and may hold up to C2; leave it out." in sentence


def test_counts_and_shares_may_be_computed_from_any_class(tmp_path: Path):
    door = door_in(tmp_path)
    door.open(Departure("report", "analysis", (INCOME, NAME)))
    door.open(Departure("audience", "analysis", (INCOME,), aggregated=True))
    assert "income of class C2" in refused(door, Departure("audience", "analysis", (INCOME,)))


# -- purpose and consent ------------------------------------------------------------------------


@pytest.mark.parametrize("purpose", ["marketing", "credit", "sharing"])
def test_where_nothing_is_declared_only_analysis_is_allowed(tmp_path: Path, purpose: str):
    door = door_in(tmp_path)
    for allowed in ("analysis", "profiling", None):
        door.open(Departure("audience", allowed, (PUBLIC_TAG,)))
    sentence = refused(door, Departure("audience", purpose, (PUBLIC_TAG,)))
    assert sentence.startswith(f"An audience does not leave: nothing leaves for {purpose} before")
    assert "provide consents.sql" in sentence


def test_a_file_without_single_customers_in_it_may_be_shared(tmp_path: Path):
    door_in(tmp_path).open(Departure("shared", "sharing", (PUBLIC_TAG,), profile="shared"))


def test_the_consent_of_the_source_decides_where_it_has_one(tmp_path: Path):
    def only_marketing(departure: Departure) -> str | None:
        return None if departure.purpose == "marketing" else "they agreed to marketing only"

    door = Door(settings_in(tmp_path), only_marketing)
    door.open(replace(CARD, purpose="marketing"))
    assert refused(door, CARD) == "A card does not leave: they agreed to marketing only."


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"purpose": "marketin"}, r"'marketin' is no purpose \(did you mean marketing\?\)"),
        ({"outlet": "cards"}, r"'cards' is no outlet \(did you mean card\?\)"),
        ({"profile": "public"}, "'public' is no profile"),
    ],
)
def test_what_is_misspelt_is_refused(tmp_path: Path, change: dict[str, str], sentence: str):
    with pytest.raises(EgressError, match=sentence):
        door_in(tmp_path).open(replace(CARD, **change))  # type: ignore[arg-type]


# -- the register -------------------------------------------------------------------------------


def test_nothing_leaves_where_the_register_is_broken(tmp_path: Path):
    door = door_in(tmp_path)
    door.record(CARD, 1, digest_of(""))
    file = door.settings.register_file
    file.write_text(file.read_text().replace('"rows":1', '"rows":2'))
    for leave in (
        lambda: door.open(CARD),
        lambda: door.record(CARD, 1, ""),
        lambda: door.earlier("card"),
        lambda: door.left_before(CARD),
    ):
        with pytest.raises(RegisterError, match="line 1 was changed; nothing leaves before"):
            leave()


def test_what_left_before_is_known_by_all_that_it_states(tmp_path: Path):
    door = door_in(tmp_path)
    assert not door.left_before(CARD)
    door.record(CARD, 1, "")
    assert door.left_before(CARD)
    assert not door.left_before(replace(CARD, columns=(CUSTOMER_ID,)))
    assert not door.left_before(replace(CARD, about={"month": "2024-04"}))
    door.record(replace(CARD, purpose="marketing"), 1, "")
    assert not door.left_before(CARD), "something else left since"


def test_entries_are_found_by_outlet_and_day(tmp_path: Path):
    door = door_in(tmp_path)
    for departure in (CARD, replace(CARD, outlet="subject")):
        door.record(departure, 1, "")
    settings = door.settings
    today = door.register.entries()[0].at.date().isoformat()
    assert [e["outlet"] for e in find_entries(settings)] == ["card", "subject"]
    assert [e["outlet"] for e in find_entries(settings, "subject", today, today)] == ["subject"]
    assert find_entries(settings, until="2026-01-01") == []
    assert find_entries(settings, since="9999-01-01") == []
    with pytest.raises(EgressError, match="'today' is no day; write one such as"):
        find_entries(settings, since="today")
    with pytest.raises(EgressError, match=r"'subjct' is no outlet \(did you mean subject\?\)"):
        find_entries(settings, "subjct")


def test_digests_are_those_of_sha256sum(tmp_path: Path):
    file = tmp_path / "left.csv"
    file.write_bytes(b"abc")
    assert digest_of_file(file) == digest_of("abc") == sha256(b"abc").hexdigest()
