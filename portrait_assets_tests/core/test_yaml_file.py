"""A YAML file that people write becomes its model, or one message with line, key and remedy."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ConfigDict, Field, RootModel

from portrait_assets.core.errors import PortraitError, SourceError
from portrait_assets.core.yaml.file import (
    AsWritten,
    Code,
    Entry,
    Formula,
    Line,
    Month,
    Text,
    Words,
    check_unique,
    read_yaml,
)


class Dish(Entry):
    model_config = ConfigDict(title="dish")
    code: Code
    name: Words
    kind: Literal["soup", "salad"] = "soup"
    portions: int = Field(default=1, ge=1)
    price: float | None = Field(default=None, gt=0)
    is_hot: bool = True
    since: Month | None = None
    tasted: date | None = None
    when: Formula | None = None
    barcodes: tuple[AsWritten, ...] = ()
    cook: Line | None = None


class Table(Words):
    model_config = ConfigDict(title="table")


class Menu(Entry):
    title: Text
    dishes: tuple[Dish, ...] = Field(default=(), min_length=1)
    tables: dict[str, Table] = Field(default_factory=dict)


class Visits(RootModel[tuple[date, ...]]):
    pass


MENU = """\
title: Today
dishes:
  - code: borscht
    name: {en: Borscht, zh: 罗宋汤}
    portions: 4
  - code: greek
    name:
      en: Greek salad
      zh: 希腊沙拉
    kind: salad
    is_hot: no
    since: 2024-05
    tasted: 2024-05-31
    when: true
    barcodes: [007, 1.10, 1900-01-01]
tables:
  window: {en: Window, zh: 窗边}
"""


def menu(folder: Path, text: str | bytes) -> Menu:
    path = folder / "menu.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_yaml(path, Menu, SourceError)


def mistake(folder: Path, text: str | bytes) -> str:
    with pytest.raises(SourceError) as caught:
        menu(folder, text)
    return str(caught.value)


def test_a_file_becomes_its_model_and_each_key_keeps_its_line(tmp_path: Path):
    read = menu(tmp_path, MENU)
    greek = read.dishes[1]

    assert [dish.portions for dish in read.dishes] == [4, 1]
    assert (greek.kind, greek.is_hot, greek.tasted) == ("salad", False, date(2024, 5, 31))
    assert str(greek.place) == "menu.yaml, line 6"
    assert greek.place_of("name", "zh").line == 9
    assert read.place_of("tables", "window").line == 17
    # What does not stand in the file is found where it would stand.
    assert greek.place_of("price").line == 6


def test_codes_stay_as_they_are_written(tmp_path: Path):
    greek = menu(tmp_path, MENU).dishes[1]

    assert greek.barcodes == ("007", "1.10", "1900-01-01")
    assert (greek.since, greek.when) == ("2024-05", "true")


def test_an_empty_file_is_an_empty_mapping_or_list(tmp_path: Path):
    path = tmp_path / "visits.yaml"
    path.write_text("# none yet\n")

    assert read_yaml(path, Visits).root == ()
    assert mistake(tmp_path, "# none yet\n") == "menu.yaml, line 1: the file has no title; add it."


def test_a_key_without_a_value_counts_as_not_given(tmp_path: Path):
    assert menu(tmp_path, "title: Today\ndishes:\n").dishes == ()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "portions: 4",
            "potions: 4",
            "line 5: dish borscht has no key 'potions' (did you mean portions?).",
        ),
        (
            "en: Window, zh",
            "en: Window, fr",
            "line 17: table window has no key 'fr'; it takes en, zh. "
            "Also line 17: table window has no zh; add it.",
        ),
        ("code: greek", "cook: greek", "line 6: dish number 2 has no code; add it."),
        (
            "portions: 4",
            "portions: 0",
            "line 5: portions of dish borscht must be a whole number of 1 or more, not '0'.",
        ),
        (
            "portions: 4",
            "price: -2",
            "line 5: price of dish borscht must be a number above 0, not '-2'.",
        ),
        (
            "kind: salad",
            "kind: salat",
            "line 10: kind of dish greek must be one of soup, salad, not 'salat' "
            "(did you mean salad?).",
        ),
        (
            "is_hot: no",
            "is_hot: 7",
            "line 11: is_hot of dish greek must be true or false, not '7'.",
        ),
        (
            "2024-05-31",
            "May",
            "line 13: tasted of dish greek must be a date such as 2024-01-31, not 'May'.",
        ),
        (
            "since: 2024-05",
            "since: 2024",
            "line 12: since of dish greek: '2024' is not a month; "
            "write it as YYYY-MM, such as 2017-03.",
        ),
        (
            "code: greek",
            "code: Greek",
            "line 6: code of dish Greek: 'Greek' is no code; use small letters, digits and _.",
        ),
        (
            "zh: 希腊沙拉",
            "zh: no",
            'line 9: zh of name of dish greek: unquoted no is a boolean in YAML; write it as "no".',
        ),
        (
            "title: Today",
            "title: 2024-05-31",
            'line 1: title: unquoted 2024-05-31 is a date in YAML; write it as "2024-05-31".',
        ),
        (
            "title: Today",
            "title: 1_0",
            'line 1: title: unquoted 1_0 is a number in YAML; write it as "1_0".',
        ),
        (
            "[007",
            "[off",
            "line 15: barcodes of dish greek: unquoted off is a boolean in YAML; "
            'write it as "off".',
        ),
        (
            "[007",
            "[~",
            "line 15: barcodes of dish greek must be text, not null; "
            "put it in quotes if it is meant as text.",
        ),
        (
            "zh: 希腊沙拉",
            "zh: ' '",
            "line 9: zh of name of dish greek: it is blank; write a text.",
        ),
        ("title: Today", "title: [a]", "line 1: title must be text, not a list of 1."),
        (
            "{en: Window, zh: 窗边}",
            "Window",
            "line 17: table window must be a mapping with the keys en, zh, not 'Window'.",
        ),
    ],
)
def test_a_mistake_is_named_with_its_line_and_remedy(
    tmp_path: Path, old: str, new: str, message: str
):
    assert old in MENU
    assert mistake(tmp_path, MENU.replace(old, new)) == f"menu.yaml, {message}"


def test_a_few_mistakes_are_named_in_the_order_of_their_lines(tmp_path: Path):
    text = "dishes:\n  - {code: a}\n  - {code: b}\n  - 7\n  - {code: d1, name: x}\ntitel: T\n"

    assert mistake(tmp_path, text) == (
        "menu.yaml, line 2: code of dish a: 'a' is no code; use small letters, digits and _. "
        "Also line 2: dish a has no name; add it. "
        "Also line 3: code of dish b: 'b' is no code; use small letters, digits and _. "
        "Mistakes not shown: 4."
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title: a\ntitle: b\n", "line 2: title stands twice, first on line 1; keep one of them."),
        ("title: [a\n", "line 2: this is not valid YAML (did not find expected ',' or ']' while "),
        ("title: a\n\ttables: b\n", "line 2: this is not valid YAML (found a tab character that"),
        ("title: a\n\x01\n", "line 2: this is not valid YAML (control characters are not allowed)"),
        ("title: a\n---\ntitle: b\n", "line 2: this is not valid YAML (but found another document"),
        (b"title: a\ndishes: \xff\n", "line 2: this is not UTF-8; save the file as that."),
        ("title: *a\n", "line 1: this is not valid YAML (found undefined alias)"),
        ("title: !secret a\n", "line 1: '!secret' has no meaning here; remove it."),
        ("title: a\ntables: {<<: 1}\n", "line 2: '<<' is not supported; write out the keys"),
        ("title: a\n? [b]\n: c\n", "line 2: a key must be a word"),
        ("title: &a [*a]\n", "line 1: this is nested in more than 40 levels; flatten it."),
        ("[" * 100_000, "line 1: this is nested in more than 40 levels; flatten it."),
        ("title: a\ndishes: []\n", "line 2: dishes must be a list of one or more, not an empty"),
        ("- a\n", "line 1: the file must be a mapping with the keys title, dishes, tables, not a"),
        ("menu", "line 1: the file must be a mapping with the keys title, dishes, tables, not 'm"),
    ],
)
def test_what_is_not_a_mapping_in_yaml_is_named_with_its_line(
    tmp_path: Path, text: str | bytes, message: str
):
    assert mistake(tmp_path, text).startswith(f"menu.yaml, {message}")


def test_aliases_that_multiply_are_stopped(tmp_path: Path):
    levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9))

    message = mistake(tmp_path, f"a0: &a0 [x]\n{levels}")
    assert "the file holds over 100,000 values; shorten it" in message


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path):
    with pytest.raises(PortraitError, match=r"menu\.yaml cannot be read .* make it readable"):
        read_yaml(tmp_path / "menu.yaml", Menu)


def test_a_name_that_stands_twice_is_named_with_both_lines(tmp_path: Path):
    dishes = menu(tmp_path, MENU.replace("greek", "borscht")).dishes

    with pytest.raises(SourceError, match="line 6: borscht stands twice, first on line 3; rename"):
        check_unique(((dish.code, dish.place) for dish in dishes), SourceError)


PIECES = (
    *("", " ", "\n", "\n  ", "\t", ":", ": ", "- ", "[", "]", "{", "}", ",", "#", "|", ">", "&a"),
    *("*a", "<<: *a", "!!int", "!!binary", "!x", "'", '"', "?", "%", "---", "...", "~", "null"),
    *("yes", "no", "0", "-1", "1e400", ".nan", "012", "12:30:45", "2024-01-31", "9" * 5000),
    *("\x00", "\ufeff", "\u2028", "客", "\ud800", "title", "dishes:", "code: x", "name: {en: A}"),
)


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    text = MENU
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        piece = draw(st.one_of(st.sampled_from(PIECES), st.text(max_size=6)))
        text = text[:start] + piece + text[start + draw(st.integers(0, 12)) :]
    return text.encode("utf-8", "surrogatepass")


@settings(deadline=None)
@given(content=st.one_of(mangled(), st.binary(max_size=60)))
@example(content=MENU.encode("utf-16"))
@example(content=b"title: a\ndishes: &a\n  - *a\n")
@example(content=b"? ? ?\n")
@example(content=b"title: a\ndishes: {0: {code: x}}\n")
def test_any_mangling_ends_in_a_menu_or_in_one_message_with_a_line(content: bytes):
    read, message = None, "menu.yaml, line 1: no error"
    with tempfile.TemporaryDirectory() as folder:
        try:
            read = menu(Path(folder), content)
        except SourceError as error:
            message = str(error)
    assert message.startswith("menu.yaml, line ")
    assert "\n" not in message
    for dish in read.dishes if read is not None else ():
        assert all(type(text) is str for text in (dish.code, *dish.barcodes))
