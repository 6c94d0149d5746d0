"""Small cells, scans, tombstones and certificates at their limits and just beside them."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from portrait_assets.core.settings import Settings
from portrait_assets.privacy.cells import (
    EVERY_CELL,
    CellOfPublic,
    are_pooled,
    moves_are_pooled,
    pooled,
    pooled_counts,
)
from portrait_assets.privacy.certificate import Certificate, Searched, _page, write_certificate
from portrait_assets.privacy.departures.entries import (
    files_written,
    find_entries,
    folders_written,
    place_of,
)
from portrait_assets.privacy.departures.register import Entry, Register
from portrait_assets.privacy.egress import PLACE
from portrait_assets.privacy.erasure import (
    ErasureError,
    Phase,
    Plan,
    Rows,
    require_none_half_done,
    write_plan,
)
from portrait_assets.privacy.keys import Key, KeyName
from portrait_assets.privacy.scan import in_bytes, values
from portrait_assets.privacy.tombstones import (
    COLUMNS,
    MARK,
    append_tombstones,
    digest_of,
    merged_tombstones,
    tombstones_file,
    word_of,
)
from portrait_assets.storage.duckdb.connection import scratch_database
from portrait_assets.storage.duckdb.tables import existing_types

KEY = Key(KeyName.TOMBSTONES, b"k" * 32)
AT = datetime(2026, 11, 1, 8, 30, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    found = Settings(source="shop", data_dir=tmp_path)
    found.source_dir.mkdir(parents=True)
    return found


# -- cells -------------------------------------------------------------------------------------


def cells(*counts: int) -> pl.DataFrame:
    return pl.DataFrame({"value": [f"v{n}" for n in range(len(counts))], "n": counts})


@pytest.mark.parametrize(
    ("counts", "smallest", "hidden"),
    [
        ((10, 50, 60), 10, [False] * 3),
        ((9, 50, 60), 10, [True, True, False]),  # the next smallest goes with one alone
        ((9, 1, 60), 10, [True, True, False]),
        ((0, 50, 60), 10, [False] * 3),
        ((9, 50, 60), EVERY_CELL, [False] * 3),
        ((1, 50, 60), EVERY_CELL + 1, [True, True, False]),
    ],
)
def test_a_cell_of_fewer_is_pooled_and_not_alone(
    counts: tuple[int, ...], smallest: int, hidden: list[bool]
):
    assert are_pooled(cells(*counts), "n", smallest).to_list() == hidden


def test_pooled_cells_that_are_few_together_are_left_out():
    at, below = (
        pooled(cells(*counts, 90), ["value"], "n", 10, mask=pl.Series([True, True, False]))
        for counts in ((4, 6), (4, 5))
    )
    assert at["n"].to_list() == [90, 10]
    assert below["n"].to_list() == [90]
    counts = pooled_counts({"a": 30, "b": 4, "c": 40, "d": 6}, 10)
    assert [*counts.values()] == [30, 40, 10]
    assert [*counts][:2] == ["a", "c"]


def test_a_move_of_as_many_as_may_be_shown_stands_by_itself():
    rows = [("a", "a", 50), ("a", "b", 10), ("b", "a", 20), ("b", "b", 30)]
    frame = pl.DataFrame(rows, schema=["was", "now", "n"], orient="row")
    assert not moves_are_pooled(frame, ("was", "now"), "n", 10).any()
    small = frame.with_columns(pl.when(pl.col("n") == 10).then(9).otherwise("n").alias("n"))
    assert moves_are_pooled(small, ("was", "now"), "n", 10).all(), "each side would tell it"


def test_of_a_public_source_a_move_of_nobody_and_one_of_enough_stand():
    rows = [("a", "a", 50), ("a", "b", 10), ("b", "a", 9), ("b", "b", 0)]
    frame = pl.DataFrame(rows, schema=["was", "now", "n"], orient="row")
    found = moves_are_pooled(frame, ("was", "now"), "n", CellOfPublic(10))
    assert found.to_list() == [False, False, True, False]


def test_what_follows_from_totals_alone_hides_no_other_on_its_own_side():
    """Each total of one cell gives it, and with it the other of its row: only in the sum over all
    cells a second one, the smallest other, is left out beside the small one."""
    rows = [("a", "x", 3), ("a", "y", 40), ("b", "x", 50), ("b", "z", 60)]
    frame = pl.DataFrame(rows, schema=["was", "now", "n"], orient="row")
    found = moves_are_pooled(frame, ("was", "now"), "n", 10)
    assert found.to_list() == [True, True, False, False]


# -- scans -------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [28, 29, 31, 40, 1_000])
def test_places_are_counted_once_however_the_bytes_are_cut(
    monkeypatch: pytest.MonkeyPatch, size: int
):
    monkeypatch.setattr(in_bytes, "BLOCK_BYTES", size)
    content = {"one": b"..PM-00000017.." * 9 + b"PM-00000017", "other": b"PM-0000", "end": b"0017"}
    streams = [((name, "bytes"), io.BytesIO(each).read) for name, each in content.items()]
    found = in_bytes.places_in_bytes(streams, ["PM-00000017"])
    starts = [*range(2, 9 * 15, 15), 9 * 15]
    assert {place: [*spots] for place, spots in found.items()} == {
        ("one", "bytes"): [(start, start + 11) for start in starts]
    }
    assert not in_bytes.places_in_bytes(streams, [])


def test_values_of_every_type_that_holds_text_are_searched():
    with scratch_database() as con:
        con.execute(
            "CREATE TYPE tier AS ENUM ('PM-1', 'low'); CREATE TABLE things AS SELECT 'PM-1'::tier "
            "AS a, ['PM-1'] AS b, {'c': 'PM-1'}::JSON AS c, {'d': 'PM-1'} AS d, 1 AS e"
        )
        types = existing_types(con, "main.things")
        parts = values.text_values(con, "things", types)
        assert values.count_holding(parts, ["PM-1"]) == dict.fromkeys("abcd", 1)


@pytest.mark.parametrize("together", [1, 2, 3, 100])
def test_values_are_counted_by_column_however_many_are_looked_at_together(
    monkeypatch: pytest.MonkeyPatch, together: int
):
    monkeypatch.setattr(values, "TOGETHER", together)
    columns = [
        ("a", pl.Series(["his flat 12", None])),
        ("b", pl.Series(["nothing"])),
        ("a", pl.Series(["flat 12", "flat 13"])),
        ("c", pl.Series(["flat 12"])),
    ]
    assert values.count_holding(columns, ["flat 12"]) == {"a": 2, "c": 1}
    assert values.within((each for _, each in columns), ["flat 12", "flat 14"]) == {"flat 12"}


# -- tombstones --------------------------------------------------------------------------------


def test_tombstones_are_added_once_after_all_that_stand(settings: Settings):
    day = date(2026, 11, 1)
    one, two, three = (digest_of(KEY, name) for name in ("K1", "K2", "K3"))
    assert append_tombstones(settings, KEY, [two, one, two], "E1", day) == 2
    assert append_tombstones(settings, KEY, [two, three], "E2", day) == 1
    assert append_tombstones(settings, KEY, [three], "E3", day) == 0
    head, *lines = tombstones_file(settings).read_text().splitlines()
    assert head == ",".join(COLUMNS)
    assert [line.split(",")[0] for line in lines] == [*sorted([one, two]), three]
    assert lines[-1] == f"{three},2026-11-01,E2,{KEY.fingerprint}"


@pytest.mark.parametrize(
    ("one", "other", "merged"),
    [
        (b"h\na\nb\n", b"h\nb\nc\n", b"h\na\nb\nc\n"),
        (b"h\na", b"h\nc", b"h\na\nc\n"),
        (b"", b"h\na\n", b"h\na\n"),
    ],
)
def test_two_files_of_tombstones_are_one_with_each_line_once(
    one: bytes, other: bytes, merged: bytes
):
    assert merged_tombstones(one, other) == merged


def test_an_id_is_known_by_its_column_and_without_what_stands_around_it():
    assert digest_of(KEY, " K1 ") == digest_of(KEY, "K1") == KEY.digest("K1").hex()
    assert digest_of(KEY, "K1", "prospect_id") == KEY.digest("prospect_id K1").hex()
    assert word_of("0123456789abcdef" * 4) == f"{MARK}ghijklmnopabcdef", "no word is written anew"


# -- plans and certificates --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phase", "is_refused"), [(Phase.REMOVING, True), (Phase.PUBLISHING, False)]
)
def test_a_run_waits_for_an_erasure_while_it_removes_rows(
    settings: Settings, phase: Phase, is_refused: bool
):
    settings.warehouse_dir.mkdir(parents=True)
    require_none_half_done(settings)
    plan = Plan(
        **{"number": "E1", "began_at": AT, "asked_by": "a.csv", "persons": 1, "phase": phase},
        customers=("K1",),
        prospects=("P1",),
    )
    assert plan.ids == ("K1", "P1")
    write_plan(settings, plan)
    if is_refused:
        with pytest.raises(ErasureError, match="E1 was stopped before it had ended"):
            require_none_half_done(settings)
    else:
        require_none_half_done(settings)


def certificate(**differing: object) -> Certificate:
    given: dict[str, object] = {
        **{"number": "E1", "source": "shop", "asked_by": "a.csv", "persons": 1200, "ids": 1300},
        **{"began_at": AT, "ended_at": AT.replace(hour=9), "key_fingerprint": "f00"},
        **{"tombstones": ("t1",), "source_files": ("sales.csv",)},
        "rows": (
            Rows(name="raw.sales", before=3000, after=1000),
            Rows(name="raw.calls", before=5, after=5),
            Rows(name="a.csv", before=2, after=2, what="file removed"),
        ),
        "scan_before": Searched(files=9, size_bytes=1234, patterns=7, found={"b": 1000, "a": 2}),
        "scan_after": Searched(files=8, size_bytes=1000, patterns=7, found={}),
    }
    return Certificate.model_validate(given | differing)


def test_a_certificate_says_what_was_removed_and_found_before_and_after():
    page = _page(certificate())
    assert "<td>raw.sales</td><td>rows removed</td><td>3,000</td><td>1,000</td>" in page
    assert "raw.calls" not in page, "nothing was removed of it"
    assert "<td>a.csv</td><td>file removed</td><td>2</td><td>2</td>" in page
    assert "<td>1,200</td>" in page
    assert "<td>1,300</td>" in page
    began, ended = (page.index(f"2026-11-01 0{hour}:30:00 UTC") for hour in (8, 9))
    assert began < ended
    before = page.index("删除前: 7 texts and ids looked for in 9 files (1,234 bytes), decoded and")
    after = page.index("删除后: 7 texts and ids looked for in 8 files (1,000 bytes), decoded and")
    assert before < after
    assert "as bytes: 1,002 found." in page[before:after]
    assert page.index("<li>a: 2</li>") < page.index("<li>b: 1,000</li>") < after
    assert "as bytes: 0 found." in page[after:]
    for listed in ("<li>sales.csv</li>", "<li>t1</li>"):
        assert page.count(listed) == 1


def test_where_nothing_is_listed_a_dash_stands():
    page = _page(certificate(key_fingerprint="", scan_before=None, source_files=()))
    assert "<td>–</td>" in page
    assert "删除前: " not in page
    assert page.count("<p>–</p>") == 4, "files, found after, left, notes"


def test_a_certificate_is_two_files(settings: Settings):
    page = write_certificate(settings, certificate())
    assert page.name == "E1.html"
    assert Certificate.model_validate_json(page.with_suffix(".json").read_bytes()) == certificate()


# -- what left, and where files of it are ------------------------------------------------------


def test_the_days_that_entries_are_looked_for_between_are_included(settings: Settings):
    register = Register.of(settings)
    for day in (1, 2, 3, 4):
        register.append({"outlet": "card"}, AT.replace(day=day))
    found = find_entries(settings, since="2026-11-02", until="2026-11-03")
    assert [entry.number for entry in found] == [2, 3]


def test_files_that_left_are_found_once_and_where_they_still_are(settings: Settings):
    there, gone, folder = (settings.data_dir / name for name in ("a.csv", "b.csv", "accounts"))
    there.write_text("x")
    register = Register.of(settings)
    for outlet, place in (
        ("audience", there),
        ("audience", there),
        ("audience", gone),
        ("subject", folder),
        ("subject", folder),
        ("card", None),
    ):
        about = {} if place is None else {PLACE: str(place)}
        register.append({"who": "me", "outlet": outlet, "about": about})
    entries = register.entries_ever()
    assert isinstance(entries[0], Entry)
    assert [place_of(each) for each in entries[-2:]] == [folder, None]
    assert files_written(settings) == [there]
    assert folders_written(settings) == [folder]
