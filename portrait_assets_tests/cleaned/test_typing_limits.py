"""What a value is read as, and which rule it breaks, at each limit and just beside it."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl
import pytest

from portrait_assets.methods.personal_data.forms import is_chinese_phone, is_phone
from portrait_assets.methods.personal_data.free_text import is_personal, names_a_person
from portrait_assets.methods.typing.rows import TypedRows, type_rows
from portrait_assets.methods.typing.rules import MAX_CHARACTERS, ColumnRules, Conventions
from portrait_assets.methods.typing.values import _FALSE, _TRUE, recovered
from portrait_assets.schema.table import Column, Type

SHARE = Column("share", Type.INTEGER, "Share", "份额", minimum=0, maximum=100, sentinels=("n/a",))


@dataclass(frozen=True)
class Declared:
    columns: tuple[Column, ...]
    name: str = "shares"
    required: tuple[str, ...] = ()
    unique: tuple[str, ...] = field(default=())


def rows_of(column: Column, *values: str | None, own: ColumnRules | None = None) -> TypedRows:
    received = pl.DataFrame(
        {
            column.name: pl.Series(values, dtype=pl.String),
            "source_file": "a.csv",
            "source_row": range(len(values)),
        }
    )
    rules = {} if own is None else {f"shares.{column.name}": own}
    return type_rows(received, Declared((column,)), Conventions(own=rules), {})


def kept(*values: str | None, own: ColumnRules | None = None) -> list[object]:
    return rows_of(SHARE, *values, own=own).kept["share"].to_list()


def test_a_value_at_either_end_of_its_domain_is_within():
    assert kept("-1", "0", "100", "101") == [None, 0, 100, None]


def test_a_source_states_the_ends_before_the_contract_does():
    own = ColumnRules(minimum=10, maximum=120)
    assert kept("9", "10", "120", "121", own=own) == [None, 10, 120, None]
    assert kept("9", "10", "100", "101", own=ColumnRules(minimum=10)) == [None, 10, 100, None]


def test_a_code_for_not_known_is_not_unreadable_as_other_words_are():
    found = rows_of(SHARE, " N/A ", "many", "3.5", "7").findings
    assert found.select("received", "rule").rows() == [
        (" N/A ", "code for not known"),
        ("many", "unreadable"),
        ("3.5", "unreadable"),
    ]


def test_a_text_is_as_long_as_a_value_can_be():
    text = Column("place", Type.TEXT, "Place", "地点")
    found = rows_of(text, "x" * MAX_CHARACTERS, "x" * (MAX_CHARACTERS + 1))
    assert [value is None for value in found.kept["place"]] == [False, True]
    assert found.findings["rule"].to_list() == ["longer than a value can be"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1.5千", 1_500),
        ("3万", 30_000),
        ("-2亿元", -200_000_000),
        ("¥1,234.50", 1_234.5),
        ("12,34", None),
        ("１２", 12),
        ("USD 7", 7),
        ("7百", None),
    ],
)
def test_a_number_is_read_with_what_people_write_beside_it(text: str, number: float | None):
    column = Column("amount", Type.NUMBER, "Amount", "金额")
    assert recovered(column, pl.Series("amount", [text])).to_list() == [number]


def test_yes_and_no_are_read_in_the_usual_words():
    assert (len(_TRUE), len(_FALSE)) == (6, 6)
    flag = Column("flag", Type.BOOLEAN, "Flag", "标志")
    found = rows_of(flag, *_TRUE, *_FALSE, "TRUE", "No", "maybe").kept["flag"].to_list()
    assert found == [True] * 6 + [False] * 6 + [True, False, None]
    assert rows_of(flag, "1", "0", "是", "否").kept["flag"].to_list() == [True, False] * 2


@pytest.mark.parametrize(
    ("number", "anywhere", "in_china"),
    [
        ("1234", False, False),
        ("12345", True, False),
        ("123456789012345", True, False),
        ("1234567890123456", False, False),
        ("03711234567", True, True),
        ("037112345678", True, True),
        ("0371123456", True, False),
        ("0101234567", True, True),
        ("4001234567", True, True),
    ],
)
def test_telephone_numbers_have_so_many_digits(number: str, anywhere: bool, in_china: bool):
    given = pl.DataFrame({"n": [number]})
    found = given.select(a=is_phone(pl.col("n")), b=is_chinese_phone(pl.col("n"))).row(0)
    assert found == (anywhere, in_china)


@pytest.mark.parametrize(
    ("text", "is_named"),
    [("paid to Li", True), ("paid to X", False), ("transfer to Anna Silva", True), ("rent", False)],
)
def test_a_payee_of_two_letters_is_named(text: str, is_named: bool):
    given = pl.DataFrame({"text": [text]})
    found = given.select(
        names_a_person(pl.col("text")).alias("named"),
        is_personal(pl.col("text"), of_customers=True).alias("of customers"),
        is_personal(pl.col("text"), of_customers=False).alias("of brands"),
    ).row(0)
    assert found == (is_named, is_named, False)
