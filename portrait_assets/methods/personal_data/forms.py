"""The forms that personal data have: how each is written in one way, and what makes it valid.

Both are polars expressions, so that they work at table scale; tests hold them to python-stdnum
and phonenumbers. Which region codes, number ranges and issuers are in use is not asked: those
lists change faster than a data set does.
"""

from __future__ import annotations

import polars as pl

from portrait_assets.methods.typing.text import Form, half_width

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECK = "10X98765432"
_HAN = r"\p{Han}"
_CARD_DIGITS = 19


def write_name(text: pl.Expr) -> pl.Expr:
    """One space between the parts of a name, and none within a Chinese one."""
    spaced = half_width(text).str.replace_all(r"\s+", " ")
    joined = spaced.str.replace_all(" ", "")
    return pl.when(joined.str.contains(rf"^[{_HAN}·]+$")).then(joined).otherwise(spaced)


def _digits_from_right(text: pl.Expr, count: int) -> list[pl.Expr]:
    """The last digits of a number of at most 19; null where the text is none."""
    number = text.cast(pl.UInt64, strict=False)
    return [number // 10**place % 10 for place in range(count)]


def _check_digit(first_17: pl.Expr) -> pl.Expr:
    """The last digit of a Chinese identity number (GB 11643-1999, ISO 7064 MOD 11-2)."""
    digits = _digits_from_right(first_17, len(_ID_WEIGHTS))
    total = pl.sum_horizontal(
        digit * weight for digit, weight in zip(digits, reversed(_ID_WEIGHTS), strict=True)
    )
    letters = dict(enumerate(_ID_CHECK))
    return (total % 11).replace_strict(
        list(letters), list(letters.values()), return_dtype=pl.String, default=None
    )


def _without_separators(text: pl.Expr) -> pl.Expr:
    return half_width(text).str.replace_all(r"[\s-]", "")


def write_chinese_id(text: pl.Expr) -> pl.Expr:
    """18 digits, the last may be X; the old form of 15 digits is brought up to it."""
    plain = _without_separators(text).str.to_uppercase()
    is_old = plain.str.contains(r"^\d{15}$")
    body = pl.concat_str(plain.str.slice(0, 6), pl.lit("19"), plain.str.slice(6))
    return pl.when(is_old).then(pl.concat_str(body, _check_digit(body))).otherwise(plain)


def is_chinese_id(text: pl.Expr) -> pl.Expr:
    """18 digits with a date of birth that exists and the right check digit."""
    born = text.str.slice(6, 8).str.to_date("%Y%m%d", strict=False)
    right = _check_digit(text.str.slice(0, 17)) == text.str.slice(17, 1)
    return text.str.contains(r"^\d{17}[\dX]$") & born.is_not_null() & right.fill_null(False)


def chinese_id_birth_date(text: pl.Expr) -> pl.Expr:
    """The date of birth that an identity number states."""
    return text.str.slice(6, 8).str.to_date("%Y%m%d", strict=False)


def chinese_id_is_male(text: pl.Expr) -> pl.Expr:
    """Whether an identity number is a man's: its 17th digit is odd."""
    return text.str.slice(16, 1).cast(pl.Int32, strict=False) % 2 == 1


def write_phone(text: pl.Expr) -> pl.Expr:
    """Digits only, a leading + kept, and China's own country code left out."""
    digits = half_width(text).str.replace_all(r"[\s().\-—‐/]", "")
    return digits.str.replace(r"^(?:\+|00)?86(1\d{10}|0\d{9,11})$", "${1}")


def is_chinese_phone(text: pl.Expr) -> pl.Expr:
    """A mobile number, a landline with its area code, or a service number."""
    return text.str.contains(r"^(?:1[3-9]\d{9}|0(?:10|2\d|[3-9]\d{2})\d{7,8}|[48]00\d{7})$")


def is_phone(text: pl.Expr) -> pl.Expr:
    """As many digits as a number may have anywhere (ITU-T E.164)."""
    return text.str.contains(r"^\+?\d{5,15}$")


def is_bank_card(text: pl.Expr) -> pl.Expr:
    """12 to 19 digits (ISO/IEC 7812) whose Luhn sum is a multiple of ten."""
    digits = _digits_from_right(text, _CARD_DIGITS)
    # Every second digit is doubled and its own digits added.
    doubled = [digit * 2 // 10 + digit * 2 % 10 for digit in digits]
    total = pl.sum_horizontal(
        doubled[place] if place % 2 else digits[place] for place in range(_CARD_DIGITS)
    )
    return text.str.contains(r"^\d{12,19}$") & (total % 10 == 0)


def is_email(text: pl.Expr) -> pl.Expr:
    """One @ between a mailbox and a domain with a dot (the common part of RFC 5321)."""
    return text.str.contains(r"^[^@\s,;]{1,64}@[^@\s,;.]+(?:\.[^@\s,;.]+)+$")


def is_postcode(text: pl.Expr) -> pl.Expr:
    """Two to ten letters, digits, spaces and hyphens, as postcodes have anywhere (UPU S42)."""
    return text.str.contains(r"^[\p{L}\d][\p{L}\d -]{0,8}[\p{L}\d]$")


NAME = Form(write_name)
ADDRESS = Form(write_name)
EMAIL = Form(lambda text: half_width(text).str.to_lowercase(), is_email, "not an email address")
BANK_CARD = Form(_without_separators, is_bank_card, "not a bank card number")
ANYWHERE: dict[str, Form] = {
    "full_name": NAME,
    "address": ADDRESS,
    "email": EMAIL,
    "bank_card": BANK_CARD,
    "phone": Form(write_phone, is_phone, "not a telephone number"),
    "postcode": Form(half_width, is_postcode, "not a postcode"),
    "national_id": Form(lambda text: half_width(text).str.to_uppercase()),
}
BY_COUNTRY: dict[str, dict[str, Form]] = {
    "CN": {
        "national_id": Form(write_chinese_id, is_chinese_id, "not an identity number"),
        "phone": Form(write_phone, is_chinese_phone, "not a telephone number"),
        "postcode": Form(half_width, lambda text: text.str.contains(r"^\d{6}$"), "not a postcode"),
    }
}
"""The forms of `customers` by column; a country's own take the place of the general ones."""


def forms_of(country: str | None) -> dict[str, Form]:
    """The form of each column of personal data in a country (ISO 3166 code), or anywhere."""
    return ANYWHERE | BY_COUNTRY.get(country or "", {})
