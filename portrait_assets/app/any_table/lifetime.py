"""Lifetime values of the customers in any file of transactions: behind `portrait lifetime`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from portrait_assets.core.errors import PortraitError, listed, suggestion
from portrait_assets.methods.lifetime.values import Lifetime, lifetime_values
from portrait_assets.methods.typing.dates import ISO_MOMENT, ISO_OFFSET, checked_format
from portrait_assets.methods.typing.text import as_text
from portrait_assets.methods.typing.values import recovered, typed
from portrait_assets.schema.columns import number
from portrait_assets.schema.table import Column, Type
from portrait_assets.storage.files.reading import open_table
from portrait_assets.storage.files.values import shows_decimal_comma, with_decimal_comma
from portrait_assets.storage.files.writing import check_targets, write_table

COLUMNS = ("customer_id", "occurred_at", "amount")
MOST_DAYS = 3_660
_HORIZON = re.compile(r"\s*(\d{1,6})\s*([dwm])\s*")
_UNITS = {"d": "d", "w": "w", "m": "mo"}
_DATE = Column("occurred_at", Type.TIMESTAMP, "moment of the transaction", "交易时间")
_AMOUNT = number("amount", "amount of the transaction", "交易金额")
_LOCAL = rf"^{ISO_MOMENT} ?{ISO_OFFSET}?$"
"""A local time with or without an offset; a day is one where it happened."""


@dataclass(frozen=True)
class LeftOut:
    """Rows of the file that do not count, by why."""

    without_customer: int
    without_date: int
    without_amount: int
    """Of a day, without a number in the amount; they count as purchases, and not in the spend."""
    later: int


@dataclass(frozen=True)
class FileValues:
    """What was computed of a file."""

    lifetime: Lifetime
    left_out: LeftOut


def lifetime_file(
    file: Path, to: Path, until: str, horizon: str, date_format: str | None = None
) -> FileValues:
    """Write the lifetime value of each customer of a file of transactions.

    Args:
        file: CSV or Parquet, with `customer_id`, `occurred_at` and `amount` (below 0 for returns).
        to: where the values go, CSV or Parquet by its ending.
        until: the last day that counts, such as 1997-09-30.
        horizon: how far is predicted: days, weeks or months, such as 90d, 39w or 6m.
        date_format: the form of the dates where it is none of the usual ones, such as %m/%d/%Y.

    Raises:
        PortraitError: when the file, a column, the day or the horizon cannot be used, the file
            cannot be written, or there is nothing to learn from.
    """
    check_targets(file, to)
    last = _day(until)
    days = _days(horizon, last)
    rows = _typed(_read(file), file.name, date_format)
    known = rows.filter(pl.col("customer_id").is_not_null() & pl.col("occurred_at").is_not_null())
    _check_span(known, last, file.name)
    found = lifetime_values(known.lazy(), last, days)
    write_table(found.values, to)
    return FileValues(found, _left_out(rows, last))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise PortraitError(f"'{text}' is no day; write --until 1997-09-30.") from None


def _days(horizon: str, until: date) -> int:
    """The days of the horizon; months are those of the calendar."""
    found = _HORIZON.fullmatch(horizon.lower())
    if not found or int(found[1]) == 0:
        raise PortraitError(
            f"'{horizon}' is no horizon; write days, weeks or months, such as --horizon 90d, 39w "
            "or 6m."
        )
    count, unit = int(found[1]), _UNITS[found[2]]
    longest = {"d": 1, "w": 7, "mo": 28}[unit] * count
    if longest <= MOST_DAYS:
        end = pl.select(pl.lit(until).dt.offset_by(f"{count}{unit}")).item()
        if (end - until).days <= MOST_DAYS:
            return int((end - until).days)
    raise PortraitError(f"A horizon of {horizon} is longer than ten years; name a shorter one.")


def _read(file: Path) -> pl.DataFrame:
    table = open_table(file)
    if missing := next((each for each in COLUMNS if each not in table.names), None):
        raise PortraitError(
            f"'{file.name}' has no column {missing}{suggestion(missing, table.names)}; it needs "
            f"{', '.join(COLUMNS)}, and has {listed(table.names)}."
        )
    rows = table.read(COLUMNS, as_text=True)
    # Identifiers stay as they are written, 00123 too.
    amounts = rows["amount"]
    if table.separator is not None and shows_decimal_comma(amounts, table.separator):
        return rows.with_columns(with_decimal_comma(amounts).alias("amount"))
    return rows


def _typed(rows: pl.DataFrame, name: str, date_format: str | None) -> pl.DataFrame:
    """The rows with dates and amounts; null where one cannot be read."""
    customer = as_text("customer_id") if rows.schema["customer_id"] == pl.String else "customer_id"
    dates = _values(rows["occurred_at"], _DATE, _forms(date_format)).cast(pl.Date)
    amounts = _values(rows["amount"], _AMOUNT)
    if rows.height and dates.null_count() == rows.height:
        raise PortraitError(
            f"No date in column occurred_at of '{name}' can be read; write dates such as "
            "1997-09-30, or give their form, such as --date-format %m/%d/%Y."
        )
    if rows.height and amounts.null_count() == rows.height:
        raise PortraitError(
            f"No number in column amount of '{name}' can be read; write amounts such as 1234.50."
        )
    return rows.select(customer).with_columns(dates, amounts)


def _forms(date_format: str | None) -> tuple[str, ...]:
    try:
        return () if date_format is None else (checked_format(date_format),)
    except ValueError as error:
        raise PortraitError(f"--date-format: {error}.") from None


def _values(received: pl.Series, column: Column, forms: Sequence[str] = ()) -> pl.Series:
    """Dates or amounts as the cleaned stage reads them, and moments with an offset."""
    is_moment = column.type is Type.TIMESTAMP
    if received.dtype.is_nested() or (received.dtype.is_temporal() and not is_moment):
        return pl.Series(column.name, [None] * len(received), dtype=column.polars_type)
    zone = getattr(received.dtype, "time_zone", None) or "UTC"
    is_text = received.dtype == pl.String and not forms
    if is_text:
        text = as_text(column.name).str.replace(_LOCAL, "$1")
        received = received.to_frame().select(text).to_series()
    found = received.to_frame().select(typed(column, received, zone, forms)).to_series()
    if is_text and found.null_count():
        left = recovered(column, received.filter(found.is_null()), zone)
        found = found.scatter(found.is_null().arg_true(), left)
    return found


def _check_span(known: pl.DataFrame, until: date, name: str) -> None:
    first = known["occurred_at"].min()
    if first is None:
        raise PortraitError(
            f"'{name}' has no transaction with a customer and a date; see to its columns "
            "customer_id and occurred_at."
        )
    if isinstance(first, date) and first > until:
        raise PortraitError(
            f"The first transaction in '{name}' is of {first}, after {until}; name a later --until."
        )


def _left_out(rows: pl.DataFrame, until: date) -> LeftOut:
    customer, day = pl.col("customer_id"), pl.col("occurred_at")
    is_known = customer.is_not_null() & day.is_not_null()
    counts = rows.select(
        customer.is_null().sum().alias("without_customer"),
        (customer.is_not_null() & day.is_null()).sum().alias("without_date"),
        (is_known & (day <= until) & pl.col("amount").is_null()).sum().alias("without_amount"),
        (is_known & (day > until)).sum().alias("later"),
    )
    return LeftOut(*counts.row(0))
