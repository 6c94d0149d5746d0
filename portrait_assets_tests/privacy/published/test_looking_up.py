"""Cards and pseudonyms of a shop whose customers are a secret, looked up both ways."""

from __future__ import annotations

import pytest

from portrait_assets.core.settings import Settings
from portrait_assets.privacy.egress import Door, Outlet
from portrait_assets.privacy.keys import KeyName, find_key
from portrait_assets.privacy.pseudonyms import pseudonym
from portrait_assets.storage.duckdb.lock import warehouse_lock
from portrait_assets_tests.faults.command import fails_in_a_sentence, portrait_here

pytestmark = pytest.mark.slow  # Whole shops, materialized.


def test_a_card_is_asked_for_by_identifier_or_pseudonym(shop: Settings):
    key = find_key(shop, KeyName.PSEUDONYMS)
    assert key is not None
    who = pseudonym(key, "13800000001")
    cards = {
        name: portrait_here("show", name, data=shop.data_dir).stdout
        for name in ("13800000001", who)
    }
    assert [card.split()[0] for card in cards.values()] == list(cards)
    by_identifier, by_pseudonym = (card.split("\n", 1)[1] for card in cards.values())
    assert by_identifier == by_pseudonym
    assert "segment" in cards[who]
    entered = [entry["digest"] for entry in Door(shop).earlier(Outlet.CARD)[-2:]]
    assert entered[0] == entered[1], "neither is of the identifier, which could be tried"
    unknown = portrait_here("show", "13800009999", data=shop.data_dir)
    fails_in_a_sentence(unknown, "There is no customer '13800009999'")


def test_pseudonyms_are_looked_up_both_ways(shop: Settings):
    key = find_key(shop, KeyName.PSEUDONYMS)
    assert key is not None
    ids = ("13800000002", "13800000001")
    of = portrait_here("pseudonyms", "of", f" {ids[0]} ", ids[1], data=shop.data_dir)
    assert of.stdout.splitlines() == [f"{each}  {pseudonym(key, each)}" for each in ids]
    nobody = "p" + "0" * 32
    who = portrait_here("pseudonyms", "who", pseudonym(key, ids[0]), nobody, data=shop.data_dir)
    assert who.returncode == 1
    assert who.stdout.splitlines() == [
        f"{pseudonym(key, ids[0])}  {ids[0]}",
        f"{nobody}  nobody in the warehouse",
    ]
    unknown = portrait_here("pseudonyms", "of", "13800009999", data=shop.data_dir)
    fails_in_a_sentence(unknown, "Nobody in the warehouse has the identifier '13800009999'")
    looked_up = Door(shop).earlier(Outlet.IDENTITY)
    assert [entry["rows"] for entry in looked_up[-2:]] == [2, 1]
    owners = {pseudonym(key, ids[0]): ids[0], nobody: None}
    assert looked_up[-1]["digest"] == key.digest(repr(owners)).hex(), "to be tried by nobody else"
    no_pseudonym = portrait_here("pseudonyms", "who", ids[0], data=shop.data_dir)
    fails_in_a_sentence(no_pseudonym, "is no pseudonym")


def test_a_run_that_holds_the_warehouse_is_not_waited_for(shop: Settings):
    with warehouse_lock(shop.warehouse_dir / "warehouse.lock", "run-3", 0):
        ran = portrait_here("pseudonyms", "of", "13800000001", data=shop.data_dir)
    fails_in_a_sentence(ran, "is held by run run-3")
