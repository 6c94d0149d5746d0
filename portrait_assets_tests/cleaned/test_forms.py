"""Personal data has one written form and valid check digits, as the libraries define them."""

from __future__ import annotations

import phonenumbers
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import luhn
from stdnum.cn import ric
from stdnum.exceptions import ValidationError

from portrait_assets.methods.personal_data import forms
from portrait_assets.methods.personal_data.forms import forms_of
from portrait_assets.methods.typing.text import Form

CHINA = forms_of("CN")


def written(form: Form, *texts: str) -> list[str]:
    return pl.DataFrame({"text": texts}).select(form.write(pl.col("text"))).to_series().to_list()


def valid(form: Form, *texts: str) -> list[bool]:
    frame = pl.DataFrame({"text": texts}, schema={"text": pl.String})
    assert form.valid is not None
    return frame.select(form.valid(form.write(pl.col("text")))).to_series().to_list()


@pytest.mark.parametrize(
    ("column", "received", "expected"),
    [
        ("full_name", "许　雨涛", "许雨涛"),
        ("full_name", " 阿依古丽·买买提 ", "阿依古丽·买买提"),
        ("full_name", "Ｊohn   Smith", "John Smith"),
        ("phone", "１３９１２３４５６７８", "13912345678"),
        ("phone", "+86 139-1234-5678", "13912345678"),
        ("phone", "(010) 6552 9988", "01065529988"),
        ("bank_card", "6222 0000 1111-2222", "6222000011112222"),
        ("email", "Li@Example.COM", "li@example.com"),
        ("national_id", "11010519491231002x", "11010519491231002X"),
        ("national_id", "110105491231002", "11010519491231002X"),
        ("postcode", " １０００８４", "100084"),
    ],
)
def test_each_form_has_one_way_of_writing(column: str, received: str, expected: str):
    assert written(CHINA[column], received) == [expected]


@pytest.mark.parametrize(
    ("column", "good", "bad"),
    [
        ("national_id", "11010519491231002X", "110105194912310021"),
        ("national_id", "110105491231002", "110105491331002"),
        ("national_id", "980000199310260034", "980000199302300034"),
        ("phone", "13912345678", "12912345678"),
        ("phone", "021-63215678", "021-632"),
        ("phone", "400-820-8820", "139123456789"),
        ("bank_card", "6222 0212 3456 7890 128", "6222 0212 3456 7890 123"),
        ("email", "li@example.com", "li@example"),
        ("postcode", "100084", "10008"),
    ],
)
def test_what_is_right_and_what_is_wrong(column: str, good: str, bad: str):
    assert valid(CHINA[column], good, bad) == [True, False]


def test_elsewhere_an_identity_number_is_not_judged_and_a_postcode_by_its_length():
    assert forms_of("PT")["national_id"].valid is None
    anywhere = forms_of(None)["postcode"]
    for good in ("100084", "1000", "SW1A 1AA", "4050-313", "90210-1234"):
        assert valid(anywhere, good) == [True]
    for bad in ("1", "1000 PM-00000012", "near the church", "1000, Lisboa"):
        assert valid(anywhere, bad) == [False]


_ids = st.from_regex(r"[1-9][0-9]{5}(19|20)[0-9]{2}[01][0-9][0-3][0-9]{4}[0-9X]", fullmatch=True)


@pytest.mark.slow
@settings(max_examples=20)  # python-stdnum takes most of half a second for each.
@given(st.lists(_ids, min_size=1, max_size=20))
def test_identity_numbers_are_judged_as_python_stdnum_does(numbers: list[str]):
    """But for the region: codes that stdnum does not list are not judged."""

    def is_right(number: str) -> bool:
        try:
            ric.get_birth_date(number)
        except ValidationError:
            return False
        return number[-1] == ric.calc_check_digit(number)

    right = [number[:17] + ric.calc_check_digit(number) for number in numbers]
    for some in (numbers, right):
        assert valid(CHINA["national_id"], *some) == [is_right(number) for number in some]


@given(st.lists(st.from_regex(r"[0-9]{12,19}", fullmatch=True), min_size=1, max_size=20))
def test_card_numbers_are_judged_by_luhn_as_python_stdnum_does(numbers: list[str]):
    assert valid(CHINA["bank_card"], *numbers) == [luhn.is_valid(number) for number in numbers]


@pytest.mark.parametrize("number", ["13912345678", "+8613912345678", "010-65529988", "02163215678"])
def test_numbers_that_phonenumbers_takes_for_possible_are_taken(number: str):
    assert phonenumbers.is_possible_number(phonenumbers.parse(number, "CN"))
    assert valid(CHINA["phone"], number) == [True]


def test_what_an_identity_number_says_of_its_holder():
    frame = pl.DataFrame({"text": ["11010519491231002X"]})
    born, male = frame.select(
        forms.chinese_id_birth_date(pl.col("text")).alias("born"),
        forms.chinese_id_is_male(pl.col("text")).alias("male"),
    ).row(0)
    assert (born.isoformat(), male) == ("1949-12-31", False)
