"""No identifier passes for a real person's, and all look right."""

from __future__ import annotations

import re

import numpy as np
import pytest

from portrait_assets.synthetic.persons.records.identifiers import (
    bank_cards,
    national_ids,
    phone_numbers,
)
from portrait_assets_tests.generate.conftest import Query

LUHN_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
ASSIGNED_REGIONS = {
    *range(11, 16),
    *range(21, 24),
    *range(31, 38),
    *range(41, 47),
    *range(50, 55),
    *range(61, 66),
    71,
    81,
    82,
    83,
    91,
}


def texts(characters: np.ndarray) -> list[str]:
    return [row.tobytes().decode() for row in characters]


def has_check_digit(number: str) -> bool:
    total = sum(int(digit) * weight for digit, weight in zip(number, WEIGHTS, strict=False))
    return number[17] == "10X98765432"[total % 11]


def has_luhn_digit(number: str) -> bool:
    reverse = [int(digit) for digit in reversed(number)]
    return (sum(reverse[::2]) + sum(LUHN_DOUBLED[digit] for digit in reverse[1::2])) % 10 == 0


def test_national_ids_have_a_region_that_is_nobodys(query: Query) -> None:
    rows = query(
        "SELECT national_id, birth_date, gender FROM customers WHERE national_id IS NOT NULL"
    ).rows()
    assert len(rows) > 3_000
    assert not {int(number[:2]) for number, _, _ in rows} & ASSIGNED_REGIONS


def test_national_ids_are_right_otherwise() -> None:
    number = np.arange(1, 3_001)
    female = number % 2 == 0
    ids = texts(national_ids(number, np.full(3_000, 19_800_229), female))
    assert all(re.fullmatch(r"9[89]\d{4}19800229\d{3}[\dX]", value) for value in ids)
    assert all(has_check_digit(value) for value in ids)
    assert [int(value[16]) % 2 == 0 for value in ids] == female.tolist()
    assert len({value[:17] for value in ids}) == 3_000


@pytest.mark.slow
def test_national_ids_stay_different_in_the_largest_bank() -> None:
    number = np.arange(1, 9_900_001, 23)
    female = np.zeros(len(number), dtype=np.bool_)
    ids = national_ids(number, np.full(len(number), 19_800_101), female)
    packed = np.ascontiguousarray(ids).view("S18").ravel()
    assert len(np.unique(packed)) == len(number)


def test_phone_numbers_have_a_prefix_that_no_carrier_has(query: Query) -> None:
    phones = query("SELECT phone FROM customers")["phone"].to_list()
    digits = [re.sub(r"\D", "", phone.translate(_HALF_WIDTH)) for phone in phones]
    assert all(re.fullmatch(r"154\d{8}", value) for value in digits)
    many = texts(phone_numbers(np.arange(200_000)))
    assert len(set(many)) == 200_000


def test_card_numbers_have_a_luhn_digit_and_an_issuer_that_is_nobodys() -> None:
    cards = texts(bank_cards(np.arange(1, 2_001)))
    assert all(re.fullmatch(r"999999\d{13}", value) for value in cards)
    assert all(has_luhn_digit(value) for value in cards)
    assert len(set(cards)) == 2_000


def test_mail_and_postcodes_lead_nowhere(query: Query) -> None:
    odd = query(
        "SELECT count(*) FROM customers WHERE email NOT LIKE '%@example.com' "
        "OR postcode NOT LIKE '99%' OR address NOT LIKE '%示例%' AND address NOT LIKE '%样本街%' "
        "AND address NOT LIKE '%演示大道%' AND address NOT LIKE '%虚构巷%' "
        "AND address NOT LIKE '%模拟路%' AND address NOT LIKE '%测试街%'"
    ).item()
    assert odd == 0


_HALF_WIDTH = str.maketrans("0123456789", "0123456789")
