"""Values as received to typed values: what cannot be read becomes null, for the rules to report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import polars as pl

from portrait_assets.methods.typing.dates import (
    DATE_FORMATS,
    excel_day,
    read_by,
    read_iso,
    read_one,
)
from portrait_assets.methods.typing.text import as_text, half_width
from portrait_assets.schema.table import Column, Type

_TRUE = ("true", "t", "yes", "y", "1", "是")
_FALSE = ("false", "f", "no", "n", "0", "否")
_MOMENTS = (Type.DATE, Type.TIMESTAMP)
_SAMPLE_ROWS = 200
# Thousands marks stand where they belong, or the text is not taken for a number.
_NUMBER = r"^([+-]?)(?:CNY|RMB|USD|EUR|[¥$€])?\s*((?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)\s*"
_NUMBER += r"([千万亿]?)(?:元|圆|CNY|RMB|USD|EUR)?$"
_TIMES = {"": 1, "千": 1_000, "万": 10_000, "亿": 100_000_000}


def typed(
    column: Column, received: pl.Series, time_zone: str, formats: Sequence[str] = ()
) -> pl.Expr:
    """The column's values in the contract's type; null where one cannot be read exactly.

    Text is read in its most usual form only; `recovered` reads what is left over. Dates of which
    the source declares the forms are read in these and no others.

    Args:
        column: the contract of the column.
        received: the values as they came.
        time_zone: the source's time zone, in which local times are given.
        formats: the forms of its dates, where the source declares them.
    """
    match column.type:
        case Type.TEXT:
            expression = as_text(column.name)
        case Type.DATE | Type.TIMESTAMP:
            expression = _moment(column, received, time_zone, formats)
        case Type.BOOLEAN:
            expression = _boolean(column, received.dtype)
        case _:
            expression = _number(column, received.dtype)
    return expression.alias(column.name)


def recovered(column: Column, received: pl.Series, time_zone: str = "UTC") -> pl.Series:
    """The values of text in the less usual forms of the field, typed; null where none fits.

    Numbers with thousands marks, currency signs and 千, 万 or 亿; dates in any of `DATE_FORMATS`
    or ISO 8601, and Excel's day numbers; full-width characters.
    """
    text = half_width(pl.col(received.name))
    frame = received.to_frame()
    if column.type in _MOMENTS:
        read = pl.coalesce(read_by(text, DATE_FORMATS), read_iso(text, time_zone), excel_day(text))
        return frame.select(read.cast(column.polars_type)).to_series()
    if column.type in (Type.TEXT, Type.BOOLEAN):
        return pl.Series(received.name, [None] * len(received), dtype=column.polars_type)
    parts = text.str.extract_groups(_NUMBER)
    sign = pl.when(parts.struct.field("1") == "-").then(-1).otherwise(1)
    digits = parts.struct.field("2").str.replace_all(",", "").cast(pl.Float64, strict=False)
    times = parts.struct.field("3").replace_strict(_TIMES, default=None, return_dtype=pl.Int64)
    return frame.select(_exact(column, sign * digits * times)).to_series()


def _number(column: Column, received: pl.DataType) -> pl.Expr:
    if received == pl.String:
        return _exact(column, as_text(column.name).cast(pl.Float64, strict=False))
    if received.is_float():
        return _exact(column, pl.col(column.name))
    return pl.col(column.name).cast(column.polars_type, strict=False)


def _exact(column: Column, value: pl.Expr) -> pl.Expr:
    value = pl.when(value.is_finite()).then(value)
    if column.type in (Type.INTEGER, Type.COUNTER):
        # A count with a fraction is a misreading, not a number to round.
        value = pl.when(value == value.round()).then(value)
    return value.cast(column.polars_type, strict=False)


def _moment(column: Column, received: pl.Series, time_zone: str, formats: Sequence[str]) -> pl.Expr:
    kind = received.dtype
    value = pl.col(column.name)
    if isinstance(kind, pl.Datetime) and kind.time_zone is not None:
        value = value.dt.convert_time_zone(time_zone).dt.replace_time_zone(None)
    elif not kind.is_temporal():
        # A number may be a date too: 20240305, or one of Excel's days.
        text = as_text(column.name)
        if kind.is_float():
            whole = pl.when(value == value.round()).then(value.cast(pl.Int64, strict=False))
            text = whole.cast(pl.String)
        if formats:
            value = read_by(half_width(text), formats)
        else:
            value = _usual_reader(received, time_zone)(text)
    return value.cast(column.polars_type)


def _usual_reader(received: pl.Series, time_zone: str) -> Callable[[pl.Expr], pl.Expr]:
    """What reads most of the first values."""
    readers: list[Callable[[pl.Expr], pl.Expr]] = [
        *(partial(read_one, form=form) for form in DATE_FORMATS),
        partial(read_iso, time_zone=time_zone),
    ]
    sample = received.head(_SAMPLE_ROWS).to_frame("text").drop_nulls()
    text = as_text("text")
    reads = sample.select(
        reader(text).count().alias(str(place)) for place, reader in enumerate(readers)
    ).row(0)
    return max(zip(readers, reads, strict=True), key=lambda pair: pair[1])[0]


def _boolean(column: Column, received: pl.DataType) -> pl.Expr:
    if received == pl.Boolean:
        return pl.col(column.name)
    text = as_text(column.name).str.to_lowercase()
    return pl.when(text.is_in(_TRUE)).then(True).when(text.is_in(_FALSE)).then(False)
