"""Rules that a value must meet, declared by the contract, the country and the source."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal, Protocol

import polars as pl
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from portrait_assets.core.yaml.file import AsWritten, Entry, Text, Word
from portrait_assets.methods.typing.dates import checked_format
from portrait_assets.methods.typing.text import Form
from portrait_assets.schema.table import Column, Severity, Type

UNREADABLE = "unreadable"
SENTINEL = "code for not known"
OUTSIDE_DOMAIN = "outside its domain"
REQUIRED = "required and missing"
TOO_LONG = "longer than a value can be"
FREE_TEXT, PERSONAL = "looks like free text", "looks like personal data"
"""Rules of categories: their column is held back, or the value itself; neither is ever shown."""
RECEIVED = "received:"
MAX_CHARACTERS = 10_000


DateFormat = Annotated[Text, AfterValidator(checked_format)]


def _one_or_several(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _of_a_rule(severity: Severity | None) -> Severity | None:
    if severity in (Severity.MERGED, Severity.UNPLACED):
        raise ValueError("is row, value or note")
    return severity


class ColumnRules(Entry):
    """The rules of a source for one of its columns, beyond the contract.

    `sentinels` are its codes for what is not known, and `date_format` one or several forms in
    which its dates are written, and in no others; `decimal_mark` is what stands before the decimals
    of its numbers. `values` are the words that a text column is to
    hold, each with the source's spellings of it; without `allowed` they are its domain. The rest
    state its domain, and `severity` what a value outside of it does to its row: row, value or note.
    Of a column that is not `given` the source knows nothing, and its rows are kept without it.
    """

    model_config = ConfigDict(title="the rules of")
    given: bool = True
    sentinels: tuple[AsWritten, ...] = ()
    date_format: Annotated[tuple[DateFormat, ...], BeforeValidator(_one_or_several)] = ()
    decimal_mark: Literal["point", "comma"] = "point"
    values: dict[str, tuple[Word, ...]] = Field(default_factory=dict)
    allowed: tuple[AsWritten, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None
    severity: Annotated[Severity | None, AfterValidator(_of_a_rule)] = None

    @model_validator(mode="after")
    def _has_one_word_for_each_spelling(self) -> ColumnRules:
        words: dict[str, str] = {}
        for word, spellings in self.values.items():
            for spelling in spellings:
                if words.setdefault(spelling, word) != word:
                    raise ValueError(
                        f"'{spelling}' stands under {words[spelling]} and {word}; keep one of them"
                    )
        return self

    @property
    def words(self) -> dict[str, str]:
        """The word by each spelling of it."""
        return {spelling: word for word, of in self.values.items() for spelling in of}

    @property
    def domain(self) -> tuple[str, ...] | None:
        """What the column may hold as far as the source states it; None where it does not."""
        return self.allowed or tuple(self.values) or None


@dataclass(frozen=True)
class Conventions:
    """The conventions of a source: time zone, country, and its own rules by table.column."""

    time_zone: str = "UTC"
    country: str | None = None
    own: Mapping[str, ColumnRules] = field(default_factory=dict)

    def date_formats(self, table: str, column: str) -> tuple[str, ...]:
        """The forms that the source declares for the dates of a column; none by default."""
        return self.own.get(f"{table}.{column}", ColumnRules()).date_format

    def has_decimal_comma(self, table: str, column: str) -> bool:
        """Whether the source declares that the numbers of a column have a comma as decimal mark."""
        return self.own.get(f"{table}.{column}", ColumnRules()).decimal_mark == "comma"


class Declared(Protocol):
    """What rows are typed and checked by: a table's name and columns.

    Every row must have a value in the `required` columns, and no two rows the same ones in the
    `unique` columns.
    """

    @property
    def name(self) -> str:
        """The table's name, as a source's own rules call it."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns that are typed."""

    @property
    def required(self) -> tuple[str, ...]:
        """Names of columns without which a row is set aside."""

    @property
    def unique(self) -> tuple[str, ...]:
        """Names of columns that together identify a row; none by default."""


@dataclass(frozen=True)
class Rule:
    """One rule that a value of `column` must meet.

    `broken` is whether a row breaks it; it sees typed values by their names and values
    as received by "received:" and their names. Where it is null nothing is broken.
    """

    column: str
    name: str
    severity: Severity
    broken: pl.Expr


def column_rules(
    table: Declared,
    received: Mapping[str, pl.DataType],
    own: Mapping[str, ColumnRules],
    forms: Mapping[str, Form],
    unread: Collection[str],
) -> Iterator[Rule]:
    """The rules that look at one value, in the order in which they are applied.

    Args:
        table: the table that the values are of.
        received: type by column, as the values came.
        own: the source's own rules by table.column.
        forms: the form by column of those that have one.
        unread: the columns in which a value was received that typing made null; looking for why
            takes as long as all else, and in most columns there is none.
    """
    for column in table.columns:
        given = own.get(f"{table.name}.{column.name}", ColumnRules())
        is_required = column.name in table.required and given.given
        severity = Severity.ROW if is_required else Severity.VALUE
        of = _ColumnRule(column, received[column.name], given, column.name in unread)
        for name, broken in of.broken(forms.get(column.name), is_required):
            is_domain = name == OUTSIDE_DOMAIN and given.severity is not None
            yield Rule(
                column.name,
                name,
                given.severity if is_domain and given.severity else severity,
                broken,
            )


@dataclass(frozen=True)
class _ColumnRule:
    column: Column
    received: pl.DataType
    given: ColumnRules
    has_unread: bool

    def broken(self, form: Form | None, is_required: bool) -> Iterator[tuple[str, pl.Expr]]:
        now = pl.col(self.column.name)
        was = pl.col(RECEIVED + self.column.name)
        is_blank = was.is_null()
        if self.received == pl.String:
            is_blank |= was.str.strip_chars() == ""
        sentinels = (*self.column.sentinels, *(text.lower() for text in self.given.sentinels))
        is_sentinel = _is_sentinel(self.column, now, sentinels) if sentinels else pl.lit(False)
        is_unknown_code = _is_one_of(was, sentinels) if self.has_unread else pl.lit(False)
        is_unread = ~is_blank & now.is_null() if self.has_unread else pl.lit(False)
        if self.column.type is not Type.TEXT:
            yield UNREADABLE, is_unread & ~is_unknown_code
        elif self.column.name != "content":
            yield TOO_LONG, now.str.len_bytes() > MAX_CHARACTERS
        if sentinels:
            yield SENTINEL, is_sentinel | (is_unread & is_unknown_code)
        if (fits := self._fits(now)) is not None:
            yield OUTSIDE_DOMAIN, now.is_not_null() & ~fits & ~is_sentinel
        if form is not None and form.valid is not None:
            yield form.rule, now.is_not_null() & ~form.valid(now) & ~is_sentinel
        if is_required:
            yield REQUIRED, is_blank

    def _fits(self, value: pl.Expr) -> pl.Expr | None:
        allowed = self.given.domain or self.column.allowed
        bounds = {
            "minimum": _first(self.given.minimum, self.column.minimum),
            "maximum": _first(self.given.maximum, self.column.maximum),
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


def _is_one_of(received: pl.Expr, sentinels: tuple[str, ...]) -> pl.Expr:
    if not sentinels:
        return pl.lit(False)
    return received.cast(pl.String).str.strip_chars().str.to_lowercase().is_in(list(sentinels))


def _is_sentinel(column: Column, value: pl.Expr, sentinels: tuple[str, ...]) -> pl.Expr:
    """Whether a typed value is one of the codes; -1.00 is the code -1 too."""
    if column.type is Type.TEXT:
        return _is_one_of(value, sentinels).fill_null(False)
    codes = pl.Series(sentinels, dtype=pl.String)
    if column.type in (Type.DATE, Type.TIMESTAMP):
        dates = codes.str.to_date(strict=False).drop_nulls()
        return value.cast(pl.Date).is_in(dates.implode()).fill_null(False)
    if column.type is Type.BOOLEAN:
        return pl.lit(False)
    numbers = codes.cast(pl.Float64, strict=False).drop_nulls()
    return value.cast(pl.Float64).is_in(numbers.implode()).fill_null(False)
