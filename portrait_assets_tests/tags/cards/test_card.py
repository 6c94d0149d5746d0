"""The card of a customer: tags with their evidence, what changed, and what the customer allows."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from portrait_assets.app.cli.rooms.card import print_card
from portrait_assets.core.errors import PortraitError
from portrait_assets.stages.tags.cards.card import _text, customer_card, read_card
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.testing.worlds.tags import JUNE, MAY, TIER, catalogue_of, features, tagged
from portrait_assets_tests.privacy.consent_world import write_consents
from portrait_assets_tests.tags.six_customers import IN_TIER, RISKY, door_of


def test_the_evidence_is_what_decided(con: duckdb.DuckDBPyConnection):
    rows = con.execute(
        "SELECT tag_code, rule, evidence FROM tags.tag_evidence WHERE customer_id = 'a' "
        "AND as_of = '2017-06-30' AND tag_code IN ('tier', 'home', 'save') ORDER BY tag_code"
    ).fetchall()

    assert rows == [
        # The region was last known in May, and May's features are the evidence.
        ("home", "region", {"region": "north"}),
        (
            "save",
            "tier = 'high' AND visits < 3\nconfidence: share",
            {"share": "0.5", "tier": "high", "visits": "1"},
        ),
        ("tier", "spend >= 100", {"spend": IN_TIER}),
    ]


def test_a_card_shows_tags_with_evidence_and_what_changed(database: Path, tmp_path: Path):
    card = read_card(database, "b", door_of(tmp_path, {"card": "C3"}))

    tier = next(tag for tag in card.tags if tag.code == "tier")
    assert (tier.value_en, tier.value_zh, tier.rule) == ("High", "高", "spend >= 100")
    assert tier.evidence == (("spend", IN_TIER),)
    home = next(tag for tag in card.tags if tag.code == "home")
    assert (home.decided_as_of, home.evidence) == (MAY, (("region", "north"),))
    assert [(c.code, c.before, c.after) for c in card.changes if c.code == "tier"] == [
        ("tier", "low", "high")
    ]

    for chinese in (False, True):
        console = Console(width=120, file=io.StringIO())
        with console.capture() as shown:
            print_card(card, console, chinese)
        assert ("高" if chinese else "High") in shown.get()


@pytest.mark.parametrize(
    ("chinese", "text"),
    [(False, "by rank: a fixed share of customers"), (True, "按排名，各取值占比固定")],
)
def test_a_card_says_that_shares_are_set_by_rank(tmp_path: Path, chinese: bool, text: str):
    ranked = TIER.replace("spend >= 100", "rank_share(spend) >= 0.5")
    ranked = ranked.replace("spend < 100", "rank_share(spend) < 0.5")
    printed = {}
    for name, tier in (("ranked", ranked), ("by amount", TIER)):
        console = Console(width=160, file=io.StringIO())
        with scratch_database() as con, console.capture() as shown:
            tagged(con, catalogue_of(tmp_path, tier), {JUNE: features(spend=[500, 5])})
            print_card(customer_card(con, "a"), console, chinese)
        printed[name] = shown.get()
    assert text in printed["ranked"]
    assert text not in printed["by amount"]


def test_a_card_of_a_past_month_shows_nothing_later(con: duckdb.DuckDBPyConnection):
    card = customer_card(con, "b", MAY)

    assert next(tag.value for tag in card.tags if tag.code == "tier") == "low"
    assert card.changes == ()


def test_an_unknown_customer_is_an_error(
    database: Path, con: duckdb.DuckDBPyConnection, tmp_path: Path
):
    with pytest.raises(PortraitError, match="no customer 'zz'"):
        read_card(database, "zz", door_of(tmp_path))
    with pytest.raises(PortraitError, match="from 2017-05 to 2017-06 and not in 2016-01"):
        customer_card(con, "b", date(2016, 1, 31))
    with pytest.raises(PortraitError, match="does not exist yet"):
        read_card(database.with_name("other.duckdb"), "b", door_of(tmp_path))


@pytest.mark.parametrize(
    ("chinese", "says"),
    [
        (False, "marketing by sms: allowed since 2024-03-05 (the customer agreed)"),
        (True, "营销（sms）：允许，自2024-03-05起（本人同意）"),
    ],
)
def test_the_card_says_what_the_customer_allows(
    asked: duckdb.DuckDBPyConnection, chinese: bool, says: str
):
    console = Console(file=io.StringIO(), width=120)
    print_card(customer_card(asked, "c"), console, chinese)
    print_card(customer_card(asked, "f"), console, chinese)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert says in text
    refused = "画像：拒绝" if chinese else "profiling: refused since 2024-03-05 (objected)"
    assert refused in text


def test_the_card_of_who_objected_to_profiling_has_no_profile_of_any_month(tmp_path: Path):
    """Nor has that of a minor whose guardian withdrew, who has a row of earlier months only."""
    path = tmp_path / "portrait.duckdb"
    with duckdb.connect(str(path)) as con:
        catalogue = catalogue_of(tmp_path, TIER)
        tagged(con, catalogue, {month: features(month, spend=[500, 5]) for month in (MAY, JUNE)})
        con.execute(
            f"DELETE FROM tags.portrait_matrix WHERE customer_id = 'b' AND as_of = '{JUNE}'"
        )
        answers = [("b", "profiling", None, False, "minor_without_guardian")]
        write_consents(con, answers, as_of=f"{JUNE}")
    door = door_of(tmp_path, {"card": "C3"})
    assert read_card(path, "a", door, MAY).tags
    for month in (MAY, None):
        card = read_card(path, "b", door, month)
        assert (card.tags, card.changes, card.columns, card.segment_en) == ((), (), (), None)
        assert [p.because for p in card.permissions if not p.allowed][:1] == [
            "minor_without_guardian"
        ]


def test_the_card_has_no_tags_for_a_purpose_that_the_customer_refuses(tmp_path: Path):
    """Where nobody was asked for it, the tags are analysis, and are shown."""
    path = tmp_path / "portrait.duckdb"
    careful = '  - {code: careful, expression: "NOT risky", type: boolean}\n'
    catalogue = catalogue_of(tmp_path, TIER, RISKY, careful)
    with duckdb.connect(str(path)) as con:
        tagged(con, catalogue, {JUNE: features(spend=[500, 5], visits=[1, 9])})
        write_consents(con, [("a", "credit", None, True, "contract")], as_of=f"{JUNE}")
    door = door_of(tmp_path, {"card": "C3"})
    a, b = (read_card(path, who, door) for who in "ab")
    assert {tag.code for tag in a.tags} - {tag.code for tag in b.tags} == {"risky"}
    of_b = next(tag for tag in b.tags if tag.code == "careful")
    assert (of_b.value, of_b.inputs, of_b.evidence) == ("true", (), ())
    assert "risky" not in {column.name for column in b.columns}
    with duckdb.connect(str(path)) as con:
        con.execute("UPDATE consent.consent_default SET consents = 0")
        con.execute("DELETE FROM consent.customer_consent")
    assert "risky" in {tag.code for tag in read_card(path, "b", door).tags}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.123456789, "0.123457"),
        (1234.5, "1234.5"),
        (True, "true"),
        (["a", "b"], "a, b"),
        ([], "none"),
        ("text", "text"),
    ],
)
def test_values_are_shown_as_people_read_them(value: object, shown: str):
    assert _text(value) == shown
