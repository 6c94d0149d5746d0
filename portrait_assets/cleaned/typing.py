"""Values as received to typed values: what cannot be read becomes null, for the rules to report."""

from __future__ import annotations

import polars as pl

from portrait_assets.raw.placing import DATE_FORMATS
from portrait_assets.warehouse.contract import Column, Type

_TRUE = ("true", "t", "yes", "y", "1", "是")
_FALSE = ("false", "f", "no", "n", "0", "否")


def as_text(name: str) -> pl.Expr:
    """The column as trimmed text, null where nothing is left."""
    text = pl.col(name).cast(pl.String).str.strip_chars()
    return pl.when(text.str.len_bytes() > 0).then(text)


def typed(column: Column, received: pl.DataType, time_zone: str) -> pl.Expr:
    """The column's values in the contract's type; null where one cannot be read exactly.

    Args:
        column: the contract of the column.
        received: the polars type that the source's file gave it.
        time_zone: the source's time zone, in which local times are told.
    """
    match column.type:
        case Type.TEXT:
            expression = as_text(column.name)
        case Type.DATE | Type.TIMESTAMP:
            expression = _moment(column, received, time_zone)
        case Type.BOOLEAN:
            expression = _boolean(column, received)
        case _:
            expression = _number(column, received)
    return expression.alias(column.name)


def _number(column: Column, received: pl.DataType) -> pl.Expr:
    value = as_text(column.name) if received == pl.String else pl.col(column.name)
    if received == pl.String or received.is_float():
        value = value.cast(pl.Float64, strict=False)
        value = pl.when(value.is_finite()).then(value)
        if column.type is Type.INTEGER:
            # A count with a fraction is a misreading, not a number to round.
            value = pl.when(value == value.round()).then(value)
    return value.cast(column.polars_type, strict=False)


def _moment(column: Column, received: pl.DataType, time_zone: str) -> pl.Expr:
    value = pl.col(column.name)
    if received == pl.String:
        text = as_text(column.name)
        value = pl.coalesce(
            text.str.to_datetime(form, time_unit="us", strict=False)
            if "%H" in form
            else text.str.to_date(form, strict=False).cast(pl.Datetime("us"))
            for form in DATE_FORMATS
        )
    elif isinstance(received, pl.Datetime) and received.time_zone is not None:
        value = value.dt.convert_time_zone(time_zone).dt.replace_time_zone(None)
    elif not received.is_temporal():
        return pl.lit(None, dtype=column.polars_type)
    return value.cast(column.polars_type)


def _boolean(column: Column, received: pl.DataType) -> pl.Expr:
    if received == pl.Boolean:
        return pl.col(column.name)
    text = as_text(column.name).str.to_lowercase()
    return pl.when(text.is_in(_TRUE)).then(True).when(text.is_in(_FALSE)).then(False)
