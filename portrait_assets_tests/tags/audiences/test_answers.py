"""Answers about audiences tell of no single customer, and files hold what their readers may see."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import duckdb
import polars as pl
import pytest

from portrait_assets.core.settings import Settings
from portrait_assets.privacy.departures.register import RegisterError
from portrait_assets.privacy.egress import Door, EgressError
from portrait_assets.stages.tags.audiences.finding import FoundAudience, find_audience
from portrait_assets.stages.tags.catalogue.tag import TagError
from portrait_assets.stages.tags.shared_rows import SharingError

CUSTOMERS = """
SELECT
    as_of, 'c' || n AS customer_id, n::UINTEGER AS customer_no,
    CASE WHEN n < 100 THEN 'high' ELSE 'low' END AS tier,
    n >= 88 AND n < 100 AS late,
    CASE WHEN n < 57 OR n BETWEEN 88 AND 90 OR n >= 180 THEN 'north' ELSE 'south' END AS region,
    n < 45 OR n BETWEEN 85 AND 99 OR n >= 190 AS new,
    n AS visits,
    n % 2 = 0 AS married
FROM range(200) AS customers(n), (VALUES (DATE '2024-05-31'), (DATE '2024-06-30')) AS months(as_of)
"""
CATALOGUE = """
FROM (VALUES ('tier', ['high', 'low'], 'C1'), ('late', ['true', 'false'], 'C1'),
    ('region', ['north', 'south'], 'C1'), ('new', [], 'C1'), ('visits', [], 'C1'),
    ('married', [], 'C2'))
AS tags(tag_code, tag_values, sensitivity)
"""
SAVED = """\
audiences:
  - {code: northern, name: {en: N, zh: 北}, owner: tests, where: "region = 'north'"}
  - {code: low_north, name: {en: L, zh: 低}, owner: tests, where: "tier = 'low' AND visits < 103"}
  - {code: nearly_all, name: {en: A, zh: 全}, owner: tests, where: "visits >= 5"}
"""
Find = Callable[..., FoundAudience]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published file: 200 customers numbered by their visits, alike in two months."""
    path = tmp_path_factory.mktemp("published") / "portrait.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE SCHEMA tags")
        con.execute(f"CREATE TABLE tags.portrait_matrix AS {CUSTOMERS}")
        con.execute(f"CREATE TABLE tags.tag_catalogue AS {CATALOGUE}")
    return path


@pytest.fixture
def database(published: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(published, tmp_path))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", source="shop")


@pytest.fixture
def find(database: Path, settings: Settings) -> Find:
    def found(text: str, **more: object) -> FoundAudience:
        return find_audience(database, text, Door(settings), **more)  # type: ignore[arg-type]

    return found


def written(find: Find, text: str, out: Path) -> FoundAudience:
    """A file for analysis."""
    return find(text, out=out, purpose="analysis")


def refused(find: Find, text: str, **more: object) -> str:
    with pytest.raises(EgressError) as caught:
        find(text, **more)
    return str(caught.value)


# -- sizes --------------------------------------------------------------------------------------


def test_an_answer_is_given_and_entered(find: Find, settings: Settings):
    assert find("tier = 'high'").audience.size == 100
    (entry,) = Door(settings).earlier("audience")
    assert (entry["rows"], entry["columns"], entry["aggregated"]) == (100, ["tier"], True)
    assert entry["about"] == {"month": "2024-06", "question": "tier = 'high'"}


def test_the_same_question_is_answered_again(find: Find):
    first = find("tier = 'high'").audience
    again = find("tier   =  'high'").audience
    assert again.size == first.size
    assert again.profile.equals(first.profile)


@pytest.mark.parametrize("text", ["visits < 0", "visits < 3", "visits < 9"])
def test_nobody_and_few_customers_read_alike(find: Find, settings: Settings, text: str):
    """Whoever knows a customer's other tags would learn one from a difference between the two."""
    with pytest.raises(TagError, match=r"selects fewer than 10 customers in 2024-06: loosen it"):
        find(text)
    assert Door(settings).earlier("audience") == []


def test_the_parts_of_a_refused_audience_are_not_counted(find: Find):
    with pytest.raises(TagError) as caught:
        find("tier = 'high' AND visits < 3")
    assert "tier = 'high' alone selects 10 or more; visits < 3 alone selects fewer than 10" in str(
        caught.value
    )


@pytest.mark.parametrize("text", ["visits >= 0", "visits >= 5"])
def test_few_customers_are_not_counted_by_those_who_are_left(find: Find, text: str):
    sentence = refused(find, text)
    assert sentence.startswith("The audience leaves out fewer than 10 of the 200 customers")


@pytest.mark.parametrize(
    "text",
    [
        "tier = 'high' AND visits <> 50",  # one customer fewer
        "tier = 'high' OR visits = 150",  # one more
        "visits >= 3 AND visits < 103",  # as many, and three of them others
        "tier = 'high' AND NOT (visits = 50 AND region = 'south' AND late)",  # none fewer
    ],
)
def test_an_answer_that_differs_by_few_customers_from_an_earlier_one_is_refused(
    find: Find, settings: Settings, text: str
):
    find("tier = 'high'")
    day = Door(settings).register.entries()[0].at
    assert refused(find, text) == (
        "The audience differs by fewer than 10 customers from the one of "
        f"{day:%Y-%m-%d} (entry 1 of the register), which has 100, and the two counts together "
        "tell of them; use that one, or change the condition by more."
    )
    assert len(Door(settings).earlier("audience")) == 1


def test_the_general_tracker_finds_nobody(find: Find):
    """With T the tier, C OR T and C OR NOT T differ widely, and their sum less 200 counts C."""
    find("visits = 50 OR tier = 'high'")
    assert "from all who are not in the one of" in refused(find, "visits = 50 OR tier = 'low'")


def test_answers_that_differ_by_enough_customers_are_given(find: Find):
    for text in ("tier = 'high'", "tier <> 'high'", "visits < 90", "region = 'north'", "late"):
        find(text)


def test_another_month_is_another_answer(find: Find):
    find("tier = 'high'", month="2024-05")
    assert find("visits < 99", month="2024-06").audience.size == 99


def test_a_month_that_was_materialized_again_is_not_counted_to_a_customer(
    find: Find, database: Path
):
    find("tier = 'high'")
    with duckdb.connect(str(database)) as con:
        con.execute("DELETE FROM tags.portrait_matrix WHERE visits = 7")
    assert "when it had 100, for the month was materialized again since" in refused(
        find, "tier = 'high'"
    )
    with duckdb.connect(str(database)) as con:
        con.execute("DELETE FROM tags.portrait_matrix WHERE visits < 20")
    assert find("tier = 'high'").audience.size == 80


@pytest.mark.parametrize("text", ["customer_id = 'c7' OR tier = 'low'", "customer_no < 50"])
def test_customers_are_not_named_in_a_question(find: Find, text: str):
    assert "a count of customers may not name them" in refused(find, text)


def test_the_smallest_group_is_a_setting(find: Find, database: Path, settings: Settings):
    bold = Door(settings.model_copy(update={"smallest_group": 3}))
    assert find_audience(database, "visits < 3", bold).audience.size == 3
    with pytest.raises(TagError, match="fewer than 3 customers"):
        find_audience(database, "visits < 2", bold)


def test_a_public_source_shows_groups_of_any_size(database: Path, settings: Settings):
    public = Door(settings, public=True)
    found = find_audience(database, "tier = 'high'", public)
    assert found.notes == ()
    assert (
        found.audience.profile.filter(tag_code="late", tag_value="false")["audience"].item() == 88
    )
    assert find_audience(database, "tier = 'high' AND visits <> 50", public).audience.size == 99


def test_two_who_ask_at_once_do_not_get_both_answers(find: Find, settings: Settings):
    def ask(text: str) -> bool:
        try:
            find(text)
        except EgressError:
            return False
        return True

    with ThreadPoolExecutor() as pool:
        answered = list(pool.map(ask, ["tier = 'high'", "visits < 99"]))
    assert sorted(answered) == [False, True]
    assert len(Door(settings).earlier("audience")) == 1


# -- profiles and overlaps ----------------------------------------------------------------------


def line(found: FoundAudience, tag: str, value: str) -> tuple[int, int] | None:
    rows = found.audience.profile.filter(tag_code=tag, tag_value=value)
    return None if rows.is_empty() else rows.select("audience", "base").row(0)


def test_lines_of_a_profile_that_tell_of_few_customers_are_left_out(find: Find):
    """Of 60 customers 57 live in the north: the line of the 3 others goes, and so does theirs."""
    found = find("visits < 60")
    assert line(found, "region", "south") is None
    assert line(found, "region", "north") is None
    assert line(found, "new", "true") == (45, 70)
    assert found.notes == (
        "6 telling lines are left out of the profile, for alone or beside others they tell of "
        "fewer than 10 customers.",
    )


def test_a_line_that_differs_by_few_customers_from_an_earlier_one_is_left_out(find: Find):
    """Thirty customers fewer may be counted; that three of these live in the north may not."""
    high = find("tier = 'high'")
    assert (line(high, "region", "north"), line(high, "new", "true")) == ((60, 80), (60, 70))
    fewer = find("visits < 70")
    assert fewer.audience.size == 70
    assert line(fewer, "region", "north") is None
    assert line(fewer, "new", "true") == (45, 70), "fifteen of the thirty"


def test_saved_audiences_are_compared_where_no_part_of_them_is_small(
    find: Find, database: Path, tmp_path: Path
):
    saved = tmp_path / "audiences.yaml"
    saved.write_text(SAVED, encoding="utf-8")
    found = find("tier = 'high'", saved=saved)
    assert found.audience.overlaps["audience_code"].to_list() == ["northern"]
    assert found.audience.overlaps["both"].to_list() == [60]
    later = find("tier = 'high' AND NOT late", saved=saved)
    assert later.audience.overlaps.is_empty(), "57 beside 60 would count three"


# -- files --------------------------------------------------------------------------------------


def test_a_file_holds_the_columns_that_its_readers_may_see(
    find: Find, settings: Settings, tmp_path: Path
):
    out = tmp_path / "out" / "customers.csv"
    found = written(find, "tier = 'high'", out)
    rows = pl.read_csv(out)
    assert rows.columns == ["as_of", "customer_id", "tier", "late", "region", "new", "visits"]
    assert (rows.height, found.written) == (100, 100)
    assert found.notes[0] == (
        "1 column is held back, of a class above C1; PORTRAIT_CLEARANCE__AUDIENCE=C2 shows those "
        "of C2."
    )
    (entry,) = Door(settings).earlier("audience")
    assert (entry["rows"], entry["subject_named"], entry["purpose"]) == (100, True, "profiling")
    assert entry["digest"] == sha256(out.read_bytes()).hexdigest()


def test_a_file_holds_more_where_its_readers_are_cleared(
    database: Path, settings: Settings, tmp_path: Path
):
    door = Door(settings.model_copy(update={"clearance": {"audience": "C2"}}))
    out = tmp_path / "customers.parquet"
    find_audience(database, "married", door, out=out, purpose="analysis")
    assert pl.read_parquet(out)["married"].to_list() == [True] * 100


def test_a_file_is_not_selected_by_what_its_readers_may_not_see(find: Find, tmp_path: Path):
    out = tmp_path / "customers.csv"
    sentence = refused(find, "married AND tier = 'high'", out=out)
    assert "what the condition states of married, of class C2, and may hold up to C1" in sentence
    assert "PORTRAIT_CLEARANCE__AUDIENCE=C2" in sentence
    assert not out.exists()
    assert find("married AND tier = 'high'").audience.size == 50, "a count tells of none of them"


def test_a_file_may_hold_few_customers_and_the_register_does_not_name_them(
    find: Find, settings: Settings, tmp_path: Path
):
    out = tmp_path / "two.csv"
    assert written(find, "customer_id IN ('c7', 'c8')", out).written == 2
    (entry,) = Door(settings).earlier("audience")
    assert "'c7'" not in str(entry.values)
    assert entry["about"] == {"month": "2024-06", "written_to": str(out)}


@pytest.mark.parametrize("purpose", [None, "marketing"])
def test_nothing_is_written_for_a_purpose_that_nobody_agreed_to(
    find: Find, settings: Settings, tmp_path: Path, purpose: str | None
):
    """A file is for marketing unless it is stated what else it is for."""
    out = tmp_path / "out" / "customers.csv"
    sentence = refused(find, "tier = 'high'", out=out, purpose=purpose)
    assert (
        f"nothing leaves for {purpose or 'marketing'} before it is declared who agreed to that"
        in sentence
    )
    assert not out.parent.exists()
    assert not settings.register_file.exists()


@pytest.mark.parametrize("more", [{}, {"out": "a.csv"}, {"out": "a.csv", "purpose": "analysis"}])
def test_k_is_refused_where_nobody_is_hidden(find: Find, tmp_path: Path, more: dict[str, str]):
    if "out" in more:
        more = {**more, "out": tmp_path / more["out"]}  # type: ignore[dict-item]
    with pytest.raises(SharingError, match="--k is for files in which nobody is found"):
        find("tier = 'high'", k=20, **more)
    assert not (tmp_path / "a.csv").exists()


@pytest.mark.parametrize("more", [{}, {"out": "a.csv", "purpose": "analysis"}])
def test_who_refuses_profiling_is_added_to_files_for_marketing_only(
    find: Find, tmp_path: Path, more: dict[str, str]
):
    if "out" in more:
        more = {**more, "out": tmp_path / more["out"]}  # type: ignore[dict-item]
    sentence = refused(find, "tier = 'high'", with_generic=True, **more)
    assert sentence.startswith("--with-generic is for files by which customers are contacted")


def test_nothing_is_written_or_answered_where_the_register_is_broken(
    find: Find, settings: Settings, tmp_path: Path
):
    find("tier = 'high'")
    settings.register_file.write_text("{}\n")
    out = tmp_path / "customers.csv"
    for where in ({}, {"out": out, "purpose": "analysis"}):
        with pytest.raises(RegisterError, match="line 1 was changed"):
            find("tier = 'high'", **where)
    assert not out.exists()


def test_a_file_that_cannot_be_entered_does_not_appear(
    database: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    door = Door(settings)
    out = tmp_path / "out" / "customers.csv"

    def full_disk(*_given: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(door.register, "append", full_disk)
    with pytest.raises(OSError, match="No space left"):
        find_audience(database, "tier = 'high'", door, out=out, purpose="analysis")
    assert list(out.parent.iterdir()) == []
