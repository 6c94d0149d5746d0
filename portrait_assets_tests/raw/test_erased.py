"""Rows of people who were erased, and of months that are not kept, are read and not stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest

from portrait_assets.core.errors import SourceError
from portrait_assets.privacy.keys import Key, KeyName
from portrait_assets.privacy.tombstones import MARK, Tombstones, digest_of, word_of
from portrait_assets.stages.features.parts.reactions import COMPARED_MONTHS
from portrait_assets.stages.features.window import WINDOW_MONTHS
from portrait_assets.stages.raw.contract import CANONICAL
from portrait_assets.stages.raw.placing.months import Placing, placings
from portrait_assets.stages.raw.placing.receipts import receipts
from portrait_assets.stages.raw.reading.files import SourceReader
from portrait_assets.stages.raw.source import load_source
from portrait_assets.stages.targets.adding import HELD_MONTHS
from portrait_assets.stages.targets.declared.outcome import LONGEST_HORIZON
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.testing.worlds.shop import sales_file, shop

KEY = Key(KeyName.TOMBSTONES, b"k" * 32)
ERASED = Tombstones(frozenset({digest_of(KEY, "K1")}), KEY)
SALES = """\
sold_at,card,basket,category,paid,saved,town
2024-01-01,K1,B1,tea,1.50,0,east
2024-01-02,K2,B2,tea,1.50,0,east
2024-02-01, K1 ,B3,tea,1.50,0,east
2024-02-02,,B4,tea,1.50,0,east
never,K1,B5,tea,1.50,0,east
never,K2,B6,tea,1.50,0,east
2025-01-01,K1,B7,tea,1.50,0,east
never,K1,B8,tea,1.50,0,east
"""
ASSIGNMENTS = (
    "customer_id,campaign_id,arm,assigned_on\nK1,C1,mail,2024-01-02\nK2,C1,control,2024-01-02\n"
)
Read = Callable[..., dict[str, Placing]]


@pytest.fixture
def read(tmp_path: Path) -> Iterator[Read]:
    """Gives the placings of a shop with assignments."""
    settings = shop(tmp_path)
    sales_file(settings).write_text(SALES)
    (settings.source_dir / "assignments.csv").write_text(ASSIGNMENTS)
    (settings.source_dir / "assignments.sql").write_text("SELECT * FROM assignments")
    definition = settings.source_dir / "source.yaml"
    files = "files:\n  assignments: assignments.csv\n"
    definition.write_text(definition.read_text().replace("files:\n", files))
    with (
        scratch_database() as con,
        SourceReader(con, load_source(settings.source_dir)) as reader,
    ):
        yield lambda *arguments: placings(reader, *arguments)


def rows(placing: Placing, *months: str) -> pl.DataFrame:
    """What would be stored."""
    frame: pl.DataFrame = placing.reader.con.sql(placing.rows(months).sql).pl()
    return frame


@pytest.mark.parametrize("is_kept", [False, True])
def test_rows_of_the_erased_are_dropped_and_counted(is_kept: bool, read: Read) -> None:
    placing = read(ERASED)["transactions"]
    placing = placing.kept() if is_kept else placing
    stored = rows(placing, "2024-01", "2024-02")
    assert stored["basket_id"].sort().to_list() == ["B2", "B4"]
    assert placing.unplaced()["source_row"].to_list() == [6]
    assert placing.erased_unplaced()["source_row"].to_list() == [5, 8, 7]
    found = receipts({"transactions": placing}, ["transactions"], ["2024-01", "2024-02", "2024-04"])
    numbers = ("month", "rows_received", "rows_erased", "rows_in_file", "rows_placed")
    assert found.select(numbers).rows() == [
        ("2024-01", 5, 3, 8, 4),
        ("2024-02", 2, 1, 8, 4),
        ("2024-04", 1, 1, 8, 4),
    ]


def test_nobody_erased_drops_nothing(read: Read) -> None:
    placing = read(Tombstones(frozenset({digest_of(KEY, "K9")}), KEY))["transactions"]
    assert rows(placing, "2024-01", "2024-02").height == 4
    assert placing.unplaced().height == 4
    assert placing.found().erased == {}


def test_assignments_keep_their_rows_under_a_tombstone(read: Read) -> None:
    placing = read(ERASED)["assignments"]
    stored = rows(placing, "2024-01").sort("arm")
    assert stored["customer_id"].to_list() == ["K2", MARK + digest_of(KEY, "K1")]
    assert stored["arm"].to_list() == ["control", "mail"]
    assert placing.found().erased == {}


def test_a_text_of_theirs_in_rows_that_are_kept_stays_away_too(read: Read) -> None:
    """Only as an arm has the campaign a tombstone; of the other customer nothing is replaced."""
    arms = {digest_of(KEY, text, "arm") for text in ("mail", "control", "C1")}
    placing = read(Tombstones(ERASED.digests | arms, KEY))["assignments"]
    stored = rows(placing, "2024-01").sort("source_row")
    assert stored["arm"].to_list() == [word_of(digest_of(KEY, "mail", "arm")), "control"]
    assert stored["campaign_id"].to_list() == ["C1", "C1"]


def test_months_that_are_not_kept_are_counted_as_erased(read: Read) -> None:
    placing = read(Tombstones(), {"transactions": "2024-02"})["transactions"]
    assert rows(placing, "2024-01").is_empty()
    assert rows(placing, "2024-01").columns == rows(placing, "2024-02").columns
    assert rows(placing, "2024-01", "2024-02").height == 2
    assert placing.found().erased == {"2024-01": 2}


def test_how_long_rows_are_kept_is_declared_of_tables_and_purposes(tmp_path: Path) -> None:
    settings = shop(tmp_path)
    definition = settings.source_dir / "source.yaml"
    plain = definition.read_text()

    def kept_from(text: str) -> dict[str, str]:
        definition.write_text(f"{plain}keep_months: {text}\n")
        return load_source(settings.source_dir).kept_from

    assert kept_from("{interactions: 2}") == {"interactions": "2024-03"}
    assert kept_from("{marketing: 5, responses: 1}") == {
        "contacts": "2023-12",
        "assignments": "2023-12",
        "responses": "2024-04",
        "prospects": "2023-12",
    }
    assert kept_from("{profiling: 24, transactions: 16}") == {
        "transactions": "2023-01",
        **dict.fromkeys(("balances", "interactions", "outcomes"), "2022-05"),
    }
    # Of fewer months features and targets would be computed from half of the rows.
    with pytest.raises(SourceError, match=r"transactions would be kept for 12 months.* 16 or more"):
        kept_from("{transactions: 12}")
    with pytest.raises(SourceError, match="would be kept for 9 months"):
        kept_from("{profiling: 9}")
    for name in ("consents", "requests"):
        with pytest.raises(SourceError, match=f"rows of '{name}' hold whatever their age"):
            kept_from(f"{{{name}: 12}}")
    with pytest.raises(SourceError, match="rows of 'products' say what is on offer"):
        kept_from("{products: 12}")
    assert kept_from("{customers: 24}") == {}, "rows of customers go with their customer"
    with pytest.raises(SourceError, match="did you mean responses"):
        kept_from("{response: 12}")
    with pytest.raises(SourceError, match="keep_months"):
        kept_from("{responses: 0}")


def test_to_look_what_a_query_reads_leaves_the_connection_free(tmp_path: Path) -> None:
    """Lines in no month are read right after a single table has been placed."""
    source = load_source(shop(tmp_path).source_dir)
    with scratch_database() as con, SourceReader(con, source) as reader:
        assert reader.reads_only("sales", "SELECT * FROM Sales")
        assert not reader.reads_only("sales", "SELECT * FROM sales JOIN other USING (card)")
        assert not reader.reads_only("sales", "no query")
        assert con.sql("SELECT 1 AS n").pl()["n"].to_list() == [1]


def test_later_months_read_no_rows_that_are_older_than_may_be_kept() -> None:
    """`least_months` are declared where the tables are; who reads them comes later."""
    least = {each.name: each.least_months for each in CANONICAL if each.ages}
    withdrawn_and_before = WINDOW_MONTHS + COMPARED_MONTHS + 1
    assert least["transactions"] >= max(LONGEST_HORIZON + 1, withdrawn_and_before)
    assert least["balances"] >= max(LONGEST_HORIZON + HELD_MONTHS, withdrawn_and_before)
    assert least["outcomes"] >= LONGEST_HORIZON + 1


CONTACTS = """\
customer_id,campaign_id,contacted_on,delivery_status
K001,C1,2024-01-05,delivered
K001,C1,2024-01-06, Unsubscribed
K002,C1,2024-01-07,
K003,C1,2024-01-08,sent
K003,C1,2024-01-09,weggezogen
K002,C2,2024-02-07,opened
"""


def test_contacts_that_withdrew_a_channel_are_read_whatever_their_age(tmp_path: Path) -> None:
    """A word that is not known may have: the stricter holds. What a source spells so does not."""
    settings = shop(tmp_path)
    definition = settings.source_dir / "source.yaml"
    text = definition.read_text().replace("files:\n", "files:\n  contacts: contacts.csv\n")
    definition.write_text(
        text + "rules: {contacts.delivery_status: {values: {delivered: [sent]}}}\n"
    )
    (settings.source_dir / "contacts.csv").write_text(CONTACTS)
    (settings.source_dir / "contacts.sql").write_text("SELECT * FROM contacts")
    source = load_source(settings.source_dir)
    with scratch_database() as con, SourceReader(con, source, tmp_path) as reader:
        placing = placings(reader, kept_from={"contacts": "2024-02"})["contacts"]
        found = placing.found()
        read = rows(placing, "2024-01", "2024-02")
    assert sorted(each.strip() for each in read["delivery_status"]) == [
        *("Unsubscribed", "opened", "weggezogen")
    ]
    assert (found.placed, found.erased) == ({"2024-01": 5, "2024-02": 1}, {"2024-01": 3})
