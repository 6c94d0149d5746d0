"""Columns of text as what they hold: numbers, days, or words."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import polars as pl

from portrait_assets.methods.typing.dates import DATE_FORMATS, read_by
from portrait_assets.methods.typing.text import half_width
from portrait_assets.methods.typing.values import recovered
from portrait_assets.schema.columns import number

NULLS = ("", "NA", "N/A", "NaN", "nan", "NULL", "null")
"""What files write where there is nothing."""
MISSING_NUMBERS = (*NULLS, "None", "none", "#N/A", "?", "-", "--", ".")
"""What they write where there is no number; among words some of these are words."""
_NUMBER = number("number", "a number", "数值")
_LOOKED_AT = 1_000
_WITH_COMMA = r"^[+-]?(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d+)?$"
_THOUSANDS = r"^[+-]?[1-9]\d{0,2}(?:,\d{3})+$"


def read_values(text: pl.Series, separator: str) -> pl.Series:
    """The values of a column of text as numbers or days where all are, and otherwise as they are.

    Numbers may have marks of thousands, signs of currency or percent, and a comma for the point
    where a value shows that it is no mark of thousands (`shows_decimal_comma`). Percentages stay as
    written: 5.1 for 5.1%.

    Args:
        text: the column.
        separator: what separates the values of its table.
    """
    stripped = text.str.strip_chars()
    is_known = ~stripped.is_in(MISSING_NUMBERS).fill_null(True)
    known = stripped.filter(is_known)
    if len(known):
        for read in _ways(shows_decimal_comma(known, separator)):
            if read(known.head(_LOOKED_AT)).null_count():
                continue  # The first values show that most columns are words.
            values = read(known)
            if not values.null_count():
                places = is_known.arg_true()
                nothing = pl.Series(text.name, [None], dtype=values.dtype)
                return nothing.new_from_index(0, len(text)).scatter(places, values)
    is_null = stripped.is_in(NULLS).fill_null(True)
    return pl.select(pl.when(~is_null).then(text).alias(text.name)).to_series()


def shows_decimal_comma(text: pl.Series, separator: str) -> bool:
    """Whether a value shows that numbers have a comma for the point, as 5,5 and 0,125 do.

    1,234 does not, as its comma may be a mark of thousands, nor does any where commas separate.
    """
    plain = text.str.strip_chars()
    is_shown = plain.str.contains(_WITH_COMMA) & ~plain.str.contains(_THOUSANDS)
    return separator != "," and bool((is_shown & plain.str.contains(",", literal=True)).any())


def with_decimal_comma(text: pl.Series) -> pl.Series:
    """Numbers such as 1.234,50 and 5,5; null where a value is none."""
    stripped = text.str.strip_chars()
    plain = stripped.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    fits = stripped.str.contains(_WITH_COMMA)
    return pl.select(pl.when(fits).then(plain.cast(pl.Float64, strict=False))).to_series()


def _ways(has_comma: bool) -> Iterator[Callable[[pl.Series], pl.Series]]:
    """How text may be read, the most usual way first; null where a value cannot."""
    yield lambda text: text.cast(pl.Float64, strict=False)
    if has_comma:
        yield with_decimal_comma
    yield _as_percent
    yield lambda text: recovered(_NUMBER, text).cast(pl.Float64)
    yield _as_moment


def _as_percent(text: pl.Series) -> pl.Series:
    fits = text.str.ends_with("%")
    plain = text.str.strip_suffix("%").str.strip_chars().cast(pl.Float64, strict=False)
    return pl.select(pl.when(fits).then(plain)).to_series()


def _as_moment(text: pl.Series) -> pl.Series:
    column = text.alias("text").to_frame()
    moments = column.select(read_by(half_width(pl.col("text")), DATE_FORMATS)).to_series()
    days = moments.dt.date()
    has_time = (moments != days.cast(pl.Datetime("us"))).any()
    return moments if has_time else days
