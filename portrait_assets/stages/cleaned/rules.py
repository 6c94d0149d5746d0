"""What values must hold to: declared rules, from the contract, the country, the source and us."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from portrait_assets.methods.personal_data.forms import (
    Form,
    chinese_id_birth_date,
    chinese_id_is_male,
    forms_of,
    is_chinese_id,
)
from portrait_assets.schema.table import Column, Severity, Type
from portrait_assets.stages.raw.contract import Canonical
from portrait_assets.stages.raw.source import ColumnRules

UNREADABLE = "unreadable"
SENTINEL = "code for not known"
OUTSIDE_DOMAIN = "outside its domain"
REQUIRED = "required and missing"
TOO_LONG = "longer than a value can be"
RECEIVED = "received:"
MAX_CHARACTERS = 10_000
MAX_AGE_YEARS = 120


@dataclass(frozen=True)
class Rule:
    """One thing that a value must hold to.

    `broken` says of a row whether it is broken; it sees typed values by their names and values
    as received by "received:" and their names. Where it is null nothing is broken.
    """

    table: str
    column: str
    name: str
    severity: Severity
    broken: pl.Expr


OwnRules = Mapping[str, ColumnRules]
"""By table.column."""


def column_rules(
    canonical: Canonical,
    received: Mapping[str, pl.DataType],
    own: OwnRules,
    country: str | None,
    unread: Collection[str],
) -> Iterator[Rule]:
    """The rules that look at one value, in the order in which they are told.

    ``unread`` are the columns in which a value was received that typing made null; looking for
    why takes as long as all else, and in most columns there is none.
    """
    forms = forms_of(country) if canonical.name == "customers" else {}
    for column in canonical.columns:
        told = own.get(f"{canonical.name}.{column.name}", ColumnRules())
        is_required = column.name in canonical.required
        severity = Severity.ROW if is_required else Severity.VALUE
        of = _ColumnRule(canonical.name, column, received[column.name], told, column.name in unread)
        for name, broken in of.broken(forms.get(column.name), is_required):
            is_domain = name == OUTSIDE_DOMAIN and told.severity is not None
            yield Rule(
                canonical.name,
                column.name,
                name,
                told.severity if is_domain and told.severity else severity,
                broken,
            )


@dataclass(frozen=True)
class _ColumnRule:
    table: str
    column: Column
    received: pl.DataType
    told: ColumnRules
    has_unread: bool

    def broken(self, form: Form | None, is_required: bool) -> Iterator[tuple[str, pl.Expr]]:
        now = pl.col(self.column.name)
        was = pl.col(RECEIVED + self.column.name)
        is_blank = was.is_null()
        if self.received == pl.String:
            is_blank |= was.str.strip_chars() == ""
        sentinels = (*self.column.sentinels, *(text.lower() for text in self.told.sentinels))
        is_sentinel = _is_sentinel(self.column, now, sentinels) if sentinels else pl.lit(False)
        says_unknown = _says(was, sentinels) if self.has_unread else pl.lit(False)
        is_unread = ~is_blank & now.is_null() if self.has_unread else pl.lit(False)
        if self.column.type is not Type.TEXT:
            yield UNREADABLE, is_unread & ~says_unknown
        elif self.column.name != "content":
            yield TOO_LONG, now.str.len_bytes() > MAX_CHARACTERS
        if sentinels:
            yield SENTINEL, is_sentinel | (is_unread & says_unknown)
        if (fits := self._fits(now)) is not None:
            yield OUTSIDE_DOMAIN, now.is_not_null() & ~fits & ~is_sentinel
        if form is not None and form.valid is not None:
            yield form.rule, now.is_not_null() & ~form.valid(now) & ~is_sentinel
        if is_required:
            yield REQUIRED, is_blank

    def _fits(self, value: pl.Expr) -> pl.Expr | None:
        allowed = self.told.allowed or self.column.allowed
        bounds = {
            "minimum": _first(self.told.minimum, self.column.minimum),
            "maximum": _first(self.told.maximum, self.column.maximum),
        }
        conditions = []
        if allowed is not None:
            conditions.append(value.is_in(list(allowed)))
        if bounds["minimum"] is not None:
            conditions.append(value >= bounds["minimum"])
        if bounds["maximum"] is not None:
            conditions.append(value <= bounds["maximum"])
        return pl.all_horizontal(conditions) if conditions else None


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)


def _says(received: pl.Expr, sentinels: tuple[str, ...]) -> pl.Expr:
    if not sentinels:
        return pl.lit(False)
    return received.cast(pl.String).str.strip_chars().str.to_lowercase().is_in(list(sentinels))


def _is_sentinel(column: Column, value: pl.Expr, sentinels: tuple[str, ...]) -> pl.Expr:
    """Whether a typed value is one of the codes; -1.00 is the code -1 too."""
    if column.type is Type.TEXT:
        return _says(value, sentinels).fill_null(False)
    codes = pl.Series(sentinels, dtype=pl.String)
    if column.type in (Type.DATE, Type.TIMESTAMP):
        dates = codes.str.to_date(strict=False).drop_nulls()
        return value.cast(pl.Date).is_in(dates.implode()).fill_null(False)
    if column.type is Type.BOOLEAN:
        return pl.lit(False)
    numbers = codes.cast(pl.Float64, strict=False).drop_nulls()
    return value.cast(pl.Float64).is_in(numbers.implode()).fill_null(False)


def _full_years(born: pl.Expr, on: pl.Expr) -> pl.Expr:
    def day_of_year(day: pl.Expr) -> pl.Expr:
        return day.dt.month().cast(pl.Int32) * 100 + day.dt.day()

    before = pl.when(day_of_year(born) > day_of_year(on)).then(1).otherwise(0)
    return on.dt.year() - born.dt.year() - before


FIRST_CONTACT, FIRST_JOINED = "first_contacted_on", "first_joined_on"
"""Columns that the rules over two tables need; see `clean.Background`."""
_RECORDED = pl.coalesce("recorded_on", "joined_on")
_BORN = pl.col("birth_date")
_ID = pl.col("national_id")
_GENDER = pl.col("gender").str.to_lowercase()

CROSS_RULES: tuple[Rule, ...] = (
    Rule(
        *("customers", "birth_date", "born after the record was made", Severity.VALUE),
        _BORN > _RECORDED,
    ),
    Rule(
        *("customers", "birth_date", f"more than {MAX_AGE_YEARS} years old", Severity.VALUE),
        _full_years(_BORN, _RECORDED) > MAX_AGE_YEARS,
    ),
    Rule(
        *("customers", "age", "differs from the date of birth", Severity.NOTE),
        (_full_years(_BORN, _RECORDED) - pl.col("age")).abs() > 1,
    ),
    Rule(
        *("customers", "joined_on", "joined after the record was made", Severity.NOTE),
        pl.col("joined_on") > pl.col("recorded_on"),
    ),
    Rule(
        *("products", "withdrawn_on", "withdrawn before it was introduced", Severity.VALUE),
        pl.col("withdrawn_on") < pl.col("introduced_on"),
    ),
    Rule(
        *("campaigns", "ended_on", "ends before it starts", Severity.VALUE),
        pl.col("ended_on") < pl.col("started_on"),
    ),
    Rule(
        *("responses", "responded_on", "response before its contact", Severity.NOTE),
        pl.col("responded_on") < pl.col(FIRST_CONTACT),
    ),
    Rule(
        *("transactions", "occurred_at", "before the customer joined", Severity.NOTE),
        pl.col("occurred_at").cast(pl.Date) < pl.col(FIRST_JOINED),
    ),
)
COUNTRY_RULES: dict[str, tuple[Rule, ...]] = {
    "CN": (
        Rule(
            *("customers", "birth_date", "differs from the identity number", Severity.NOTE),
            is_chinese_id(_ID) & (chinese_id_birth_date(_ID) != _BORN),
        ),
        Rule(
            *("customers", "gender", "differs from the identity number", Severity.NOTE),
            is_chinese_id(_ID)
            & _GENDER.is_in(["m", "f", "男", "女", "male", "female"])
            & (_GENDER.is_in(["m", "男", "male"]) != chinese_id_is_male(_ID)),
        ),
    )
}


def cross_rules(table: str, country: str | None, columns: set[str]) -> list[Rule]:
    """The rules of a table that look at several values, where all columns they need are there."""
    rules = (*CROSS_RULES, *COUNTRY_RULES.get(country or "", ()))
    return [
        rule
        for rule in rules
        if rule.table == table and columns.issuperset(rule.broken.meta.root_names())
    ]
