"""Who is to be erased: ids of a file, or those who asked for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from portrait_assets.app.cli.root import app
from portrait_assets.app.erasure.people.persons import Asked, read_asked
from portrait_assets.app.erasure.preview import preview
from portrait_assets.app.subject.account import account_of
from portrait_assets.app.subject.person import UnknownPersonError
from portrait_assets.core.errors import PortraitError
from portrait_assets.core.settings import Settings
from portrait_assets.privacy.erasure import ErasureError, plan_file
from portrait_assets.privacy.keys import KeyName, key_file
from portrait_assets_tests.erasure.world import PERSON, UNDATED

pytestmark = pytest.mark.slow  # Whole shops, materialized.


def test_ids_of_nobody_are_counted_by_line_and_nothing_is_erased(
    named_shop: Settings, tmp_path: Path
) -> None:
    (tmp_path / "people.csv").write_text("customer_id\nK035\nNOBODY\n\nNEITHER\n")
    asked = read_asked(tmp_path / "people.csv")
    with pytest.raises(ErasureError) as refused:
        preview(named_shop, asked)
    assert "2 of 3 ids in people.csv are nobody's (line 3, 5)" in str(refused.value)
    assert "NOBODY" not in str(refused.value)
    assert preview(named_shop, asked, ignore_unknown=True).persons.customers == (PERSON,)
    assert not plan_file(named_shop).exists()


def test_who_stands_only_in_a_line_of_no_month_is_somebody(named_shop: Settings) -> None:
    """The warehouse holds the line's place, and its source may get a date right one day."""
    what = preview(named_shop, Asked("people.csv", {UNDATED: 2, "K0990": 3}), ignore_unknown=True)
    assert (what.persons.customers, what.persons.count) == ((UNDATED,), 1)
    assert what.persons.unknown == (3,)
    assert not key_file(named_shop, KeyName.TOMBSTONES).exists()


def test_those_who_asked_for_it(named_shop: Settings) -> None:
    what = preview(named_shop, None)
    assert what.persons.customers == (PERSON,)
    assert what.rows["raw.customers"] == 1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("id\nK035\n", "has no column customer_id"),
        (b"customer_id\n\xff\xfe\n", "cannot be read"),
        ("customer_id\n\n", "names nobody"),
        ("", "has no column customer_id"),
    ],
)
def test_a_file_that_names_no_ids(content: str | bytes, sentence: str, tmp_path: Path) -> None:
    data = content if isinstance(content, bytes) else content.encode()
    (tmp_path / "people.csv").write_bytes(data)
    with pytest.raises(PortraitError, match=sentence):
        read_asked(tmp_path / "people.csv")
    with pytest.raises(PortraitError, match="There is no file"):
        read_asked(tmp_path / "nowhere.csv")


def test_without_yes_it_asks_and_no_erases_nothing(named_shop: Settings, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("customer_id\nK035\n")
    arguments = ["erase", str(tmp_path / "people.csv"), "--source", named_shop.source]
    arguments += ["--data-dir", str(named_shop.data_dir)]
    result = CliRunner().invoke(app, arguments, input="n\n")
    assert "1 people with 2 ids and" in result.output
    assert "cannot be undone" in result.output
    assert str(result.exception) == "Nothing was erased."
    assert not plan_file(named_shop).exists()


def test_who_stands_only_in_a_line_of_no_month_is_given_an_account_of_it(
    named_shop: Settings,
) -> None:
    account = account_of(named_shop, UNDATED, "C3")
    assert (account.person.ids, account.person.is_prospect) == ((UNDATED,), False)
    entries = {each["table"]: each["rows"] for each in account.parts["records"]}
    assert entries.keys() == {"cleaned.rejects", "raw.unplaced"}
    (line,) = entries["raw.unplaced"]
    place = ("interactions.csv", 6, "no readable date", "no day")
    assert tuple(line[name] for name in ("source_file", "source_row", "reason", "dated")) == place
    with pytest.raises(UnknownPersonError):
        account_of(named_shop, "K0990", "C3")


def test_an_account_has_the_lines_in_no_month_of_the_person_and_of_nobody_else(
    named_shop: Settings,
) -> None:
    entries = {
        each["table"]: each["rows"]
        for each in account_of(named_shop, PERSON, "C3").parts["records"]
    }
    assert [line["source_row"] for line in entries["raw.unplaced"]] == [2]
    assert len(entries["raw.interactions"]) == 1
