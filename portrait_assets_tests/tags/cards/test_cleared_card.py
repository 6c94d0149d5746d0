"""A card shows tags, inputs and changes up to the class that its readers are cleared for."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from portrait_assets.core.settings import Settings
from portrait_assets.privacy.departures.register import RegisterError
from portrait_assets.privacy.egress import Door, Outlet
from portrait_assets.stages.tags.cards.card import Card, read_card
from portrait_assets.testing.worlds.tags import (
    HOME,
    INTERESTS,
    JUNE,
    MAY,
    TIER,
    catalogue_of,
    features,
    tagged,
    without_segments,
)

CLASSES = "(VALUES ('spend', 'C1'), ('visits', 'C2'), ('member', 'C1')) AS classes(feature, class)"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two months of a customer whose home is of class C2, as are the visits of interests."""
    folder = tmp_path_factory.mktemp("published")
    catalogue = catalogue_of(folder, TIER, f"{HOME}    sensitivity: C2\n", INTERESTS)
    path = folder / "portrait.duckdb"
    with duckdb.connect(str(path)) as con:
        without_segments(con)
        worlds = {
            month: features(month, spend=[150], visits=[12], member=[True], region=[region])
            for month, region in ((MAY, "north"), (JUNE, "south"))
        }
        tagged(con, catalogue, worlds)
        con.execute(
            "CREATE TABLE features.feature_catalogue AS SELECT as_of, feature, "
            f"feature AS name_en, feature AS name_zh, class AS sensitivity FROM {CLASSES}, "
            f"(VALUES (DATE '{MAY}'), (DATE '{JUNE}')) AS months(as_of)"
        )
    return path


def door(folder: Path, **clearance: str) -> Door:
    return Door(Settings(data_dir=folder, source="shop", clearance=clearance))


def shown(card: Card) -> dict[str, tuple[str, ...]]:
    """The inputs shown of each tag."""
    return {tag.code: tuple(name for name, _ in tag.evidence) for tag in card.tags}


def test_tags_inputs_and_changes_of_a_higher_class_are_held_back(database: Path, tmp_path: Path):
    at_the_counter = door(tmp_path)
    card = read_card(database, "a", at_the_counter)
    assert shown(card) == {"tier": ("spend",), "interests": ("member",)}
    assert card.changes == ()
    assert card.held_back == 3  # home, the region that it reads, and the visits
    assert at_the_counter.held_back(Outlet.CARD, card.held_back) == (
        "3 columns are held back, of a class above C1; PORTRAIT_CLEARANCE__CARD=C2 shows those of "
        "C2."
    )


def test_who_is_cleared_sees_them(database: Path, tmp_path: Path):
    card = read_card(database, "a", door(tmp_path, card="C2"))
    assert shown(card) == {"home": (), "interests": ("member", "visits"), "tier": ("spend",)}
    assert [change.code for change in card.changes] == ["home"]
    assert card.held_back == 1, "the class of the region is not in the file, so it counts as C3"
    assert read_card(database, "a", door(tmp_path, card="C3")).held_back == 0


def test_a_card_is_entered_without_the_customer(database: Path, tmp_path: Path):
    at_the_counter = door(tmp_path)
    read_card(database, "a", at_the_counter)
    (entry,) = at_the_counter.earlier("card")
    assert entry["columns"] == ["interests", "member", "spend", "tier"]
    assert (entry["rows"], entry["subject_named"]) == (1, True)
    assert entry["about"] == {"month": "2017-06"}


def test_no_card_is_shown_where_the_register_is_broken(database: Path, tmp_path: Path):
    at_the_counter = door(tmp_path)
    read_card(database, "a", at_the_counter)
    at_the_counter.settings.register_file.write_bytes(b"")
    with pytest.raises(RegisterError, match="line 1 is missing"):
        read_card(database, "a", at_the_counter)
