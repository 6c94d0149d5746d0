"""What the attributes of a person must hold to together: rules over several values of a record."""

from __future__ import annotations

import polars as pl

from portrait_assets.methods.personal_data.forms import (
    chinese_id_birth_date,
    chinese_id_is_male,
    is_chinese_id,
)
from portrait_assets.methods.typing.rules import Rule
from portrait_assets.schema.table import Severity

MAX_AGE_YEARS = 120


def full_years(born: pl.Expr, on: pl.Expr) -> pl.Expr:
    """The full years between two days."""

    def day_of_year(day: pl.Expr) -> pl.Expr:
        return day.dt.month().cast(pl.Int32) * 100 + day.dt.day()

    before = pl.when(day_of_year(born) > day_of_year(on)).then(1).otherwise(0)
    return on.dt.year() - born.dt.year() - before


_RECORDED = pl.coalesce("recorded_on", "joined_on")
_BORN = pl.col("birth_date")
_ID = pl.col("national_id")
_GENDER = pl.col("gender").str.to_lowercase()

ANYWHERE: tuple[Rule, ...] = (
    Rule("birth_date", "born after the record was made", Severity.VALUE, _BORN > _RECORDED),
    Rule(
        *("birth_date", f"more than {MAX_AGE_YEARS} years old", Severity.VALUE),
        full_years(_BORN, _RECORDED) > MAX_AGE_YEARS,
    ),
    Rule(
        *("age", "differs from the date of birth", Severity.NOTE),
        (full_years(_BORN, _RECORDED) - pl.col("age")).abs() > 1,
    ),
    Rule(
        *("joined_on", "joined after the record was made", Severity.NOTE),
        pl.col("joined_on") > pl.col("recorded_on"),
    ),
)
BY_COUNTRY: dict[str, tuple[Rule, ...]] = {
    "CN": (
        Rule(
            *("birth_date", "differs from the identity number", Severity.NOTE),
            is_chinese_id(_ID) & (chinese_id_birth_date(_ID) != _BORN),
        ),
        Rule(
            *("gender", "differs from the identity number", Severity.NOTE),
            is_chinese_id(_ID)
            & _GENDER.is_in(["m", "f", "男", "女", "male", "female"])
            & (_GENDER.is_in(["m", "男", "male"]) != chinese_id_is_male(_ID)),
        ),
    )
}
"""The rules of a country (ISO 3166 code), beside those that hold anywhere."""


def person_rules(country: str | None) -> tuple[Rule, ...]:
    """The rules over several attributes of a person in a country (ISO 3166 code), or anywhere."""
    return (*ANYWHERE, *BY_COUNTRY.get(country or "", ()))
