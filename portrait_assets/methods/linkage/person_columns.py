"""The attribute of a person that each column holds, and the plain texts that are compared."""

from __future__ import annotations

from enum import StrEnum

import polars as pl

from portrait_assets.core.errors import PortraitError
from portrait_assets.methods.typing.text import half_width


class Kind(StrEnum):
    """The attribute of a person that a column holds."""

    GIVEN = "given_name"
    FAMILY = "surname"
    FULL = "full_name"
    BORN = "birth_date"
    ID = "national_id"
    CARD = "bank_card"
    EMAIL = "email"
    PHONE = "phone"
    POSTCODE = "postcode"
    ADDRESS = "address"
    PLACE = "place"
    REGION = "region"
    GENDER = "gender"
    OCCUPATION = "occupation"


NAMES: dict[Kind, tuple[str, ...]] = {
    Kind.GIVEN: ("given_name", "first_name", "forename", "fname", "given"),
    Kind.FAMILY: ("surname", "last_name", "family_name", "lname", "family"),
    Kind.FULL: ("full_name", "name", "first_and_surname", "customer_name", "姓名"),
    Kind.BORN: ("birth_date", "date_of_birth", "dob", "birthdate", "birthday", "born", "出生日期"),
    Kind.ID: ("national_id", "soc_sec_id", "ssn", "id_number", "identity_number", "身份证号"),
    Kind.CARD: ("bank_card", "card_number", "银行卡号"),
    Kind.EMAIL: ("email", "email_address", "mail", "电子邮箱"),
    Kind.PHONE: ("phone", "phone_number", "telephone", "mobile", "手机号", "电话号码"),
    Kind.POSTCODE: ("postcode", "postcode_fake", "zip", "zip_code", "zipcode", "邮政编码"),
    Kind.ADDRESS: (
        *("street_number", "address", "address_1", "address_2", "street", "street_address"),
        *("地址", "通讯地址"),
    ),
    Kind.PLACE: ("city", "suburb", "town", "birth_place", "place_of_birth", "城市"),
    Kind.REGION: ("region", "state", "province", "county", "省份"),
    Kind.GENDER: ("gender", "sex", "性别"),
    Kind.OCCUPATION: ("occupation", "job", "职业"),
}
"""The usual names of columns. Several columns of one kind are taken as one text."""
_DATES = ("%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y")
_DIGITS = {Kind.ID, Kind.CARD, Kind.PHONE}


def person_columns(columns: list[str]) -> dict[Kind, list[str]]:
    """The columns of a table by the attribute of a person that they hold.

    Raises:
        PortraitError: when fewer than two columns are known, too few to tell persons apart.
    """
    plain = {name.strip().lower().replace(" ", "_").replace("-", "_"): name for name in columns}
    found = {
        kind: [plain[name] for name in names if name in plain] for kind, names in NAMES.items()
    }
    known = {kind: names for kind, names in found.items() if names}
    if Kind.GIVEN in known or Kind.FAMILY in known:
        known.pop(Kind.FULL, None)
    if len(known) < 2:
        examples = ", ".join(names[0] for names in NAMES.values())
        raise PortraitError(
            f"The table has {len(known)} of the columns that tell persons apart, and two are "
            f"needed; name its columns like these: {examples}."
        )
    return known


def person_texts(records: pl.DataFrame, known: dict[Kind, list[str]]) -> pl.DataFrame:
    """One plain text per kind, null where there is no value, to be compared character by character.

    Lower case, half width, no signs; dates as YYYYMMDD where they read as one; a full name of
    several words is parted into given name and surname as well.
    """
    texts = {kind: _text(kind, names) for kind, names in known.items()}
    if Kind.FULL in known:
        words = texts[Kind.FULL].str.split(" ")
        several = words.list.len() > 1
        texts[Kind.GIVEN] = pl.when(several).then(words.list.first())
        texts[Kind.FAMILY] = pl.when(several).then(words.list.last())
    frame = records.select(text.alias(str(kind)) for kind, text in texts.items())
    if Kind.BORN in known:
        frame = frame.with_columns(_days(frame[Kind.BORN]))
    frame = frame.select(
        pl.when(pl.col(name).str.len_bytes() > 0).then(pl.col(name)).alias(name)
        for name in frame.columns
    )
    return frame.select(name for name in frame.columns if frame[name].null_count() < frame.height)


def _text(kind: Kind, names: list[str]) -> pl.Expr:
    columns = [pl.col(name).cast(pl.String) for name in names]
    joined = (
        columns[0]
        if len(columns) == 1
        else pl.concat_str(columns, separator=" ", ignore_nulls=True)
    )
    text = half_width(joined).str.to_lowercase()
    if kind in _DIGITS:
        return text.str.replace_all(r"[^0-9a-z]", "")
    if kind in (Kind.BORN, Kind.EMAIL):
        return text
    plain = text.str.replace_all(r"[^\p{L}\p{N} ]", " ").str.replace_all(r"\s+", " ")
    return plain.str.strip_chars()


def _days(texts: pl.Series) -> pl.Series:
    """Texts as YYYYMMDD where they read as a date, else their digits; each is read once."""
    text = pl.col(texts.name)
    distinct = texts.unique().drop_nulls().to_frame()
    read = pl.coalesce(text.str.to_date(form, strict=False) for form in _DATES)
    days = pl.coalesce(read.dt.strftime("%Y%m%d"), text.str.replace_all(r"\D", ""))
    read_once = distinct.select(days).to_series()
    return texts.replace_strict(
        distinct.to_series(), read_once, default=None, return_dtype=pl.String
    ).alias(texts.name)
