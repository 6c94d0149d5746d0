"""Dates in text: the forms that are read unasked, and those that a source declares.

A declared form is in the directives of `strptime` that DuckDB and polars read alike, so that the
month that SQL places a row in is the month of the date that it is typed with.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

DATE_FORMATS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%Y%m%d",
    "%Y年%m月%d日",
    "%Y.%m.%d",
)
"""The forms in which text may state a date where the source declares none."""
EXCEL_EPOCH = "1899-12-30"
"""Excel counts days from here, with a leap day in 1900 that there was not."""
ISO_MOMENT = r"(\d{4}-\d{2}-\d{2})[T ]([01]\d|2[0-3])(:[0-5]\d)(:[0-5]\d(?:\.\d{1,9})?)?"
"""A local time of ISO 8601, such as 2024-03-31T22:30 or 2024-03-31 22:30:00.123."""
ISO_OFFSET = r"(Z| UTC|([+-])(0\d|1[0-4])(?::?([0-5]\d))?)"
"""What may follow it: how far that is from UTC, such as Z, +02, +0200 or -05:30."""
YEARS = (1, 9999)
"""The years, both included, that a moment may be in: those that a date of Python's may have."""
_DIRECTIVE = re.compile(r"%(.?)")
_KNOWN = "YymbBdHIMSpf"
_DAY = (("Y", "y"), ("m", "b", "B"), ("d",))
# Two digits of a year are of 1969 to 2068, as POSIX has it; polars begins in 1970.
_FIRST_SHORT_YEAR = 1969


def checked_format(form: str) -> str:
    """The form, where it states a whole day and is read alike everywhere.

    Raises:
        ValueError: when it is not such a form.
    """
    used = _DIRECTIVE.findall(form)
    if unknown := [letter for letter in used if letter not in tuple(_KNOWN)]:
        known = " ".join(f"%{letter}" for letter in _KNOWN)
        raise ValueError(f"'{form}' has %{unknown[0]}; write it with {known}")
    states_day = all(sum(used.count(letter) for letter in part) == 1 for part in _DAY)
    if not states_day or len(set(used)) < len(used):
        raise ValueError(
            f"'{form}' is no form of a date; it names year, month and day once, such as %m/%d/%Y"
        )
    hour, minute = used.count("H") + used.count("I"), used.count("M")
    if hour != minute or ("I" in used) != ("p" in used) or ("S" in used and not minute):
        raise ValueError(
            f"'{form}' is no form of a time; write %H:%M, %H:%M:%S or %I:%M %p after the day"
        )
    if "f" in used and "%S.%f" not in form:
        raise ValueError(f"'{form}' has %f, a part of a second, elsewhere than in %S.%f")
    return form


def read_by(text: pl.Expr, forms: Sequence[str]) -> pl.Expr:
    """The moments that the text states in the first of the forms that it has; null for none."""
    return pl.coalesce(*(read_one(text, form) for form in forms))


def read_one(text: pl.Expr, form: str) -> pl.Expr:
    """The moments that text states in this form, null elsewhere."""
    if "%H" not in form and "%I" not in form:
        moment = text.str.to_date(form, strict=False).cast(pl.Datetime("us"))
    else:
        form = form.replace("%S.%f", "%S%.f")
        moment = text.str.to_datetime(form, time_unit="us", strict=False)
    if "%y" not in form:
        return moment
    is_early = moment.dt.year() == _FIRST_SHORT_YEAR + 100
    return pl.when(is_early).then(moment.dt.offset_by("-100y")).otherwise(moment)


def read_iso(text: pl.Expr, time_zone: str) -> pl.Expr:
    """The local time of moments in ISO 8601: as stated, or in this zone of those with an offset.

    Null where the zone's clocks are beyond the years 1 to 9999, as of 9999-12-31T23:59:59Z in Asia.
    """
    day, hour, minute, second, offset, sign, hours, minutes = (
        text.str.extract(f"^{ISO_MOMENT}{ISO_OFFSET}?$", group) for group in range(1, 9)
    )
    written = pl.concat_str(day, pl.lit(" "), hour, minute, second.fill_null(":00"))
    stated = written.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False)
    ahead = pl.duration(
        hours=hours.cast(pl.Int64).fill_null(0), minutes=minutes.cast(pl.Int64).fill_null(0)
    )
    in_utc = (stated + pl.when(sign == "-").then(ahead).otherwise(-ahead)).dt
    zoned = in_utc.replace_time_zone("UTC").dt.convert_time_zone(time_zone)
    local = zoned.dt.replace_time_zone(None)
    local = pl.when(local.dt.year().is_between(*YEARS)).then(local)
    return pl.when(offset.is_null()).then(stated).otherwise(local)


def excel_day(text: pl.Expr) -> pl.Expr:
    """The days that Excel's numbers of five digits stand for."""
    days = pl.when(text.str.contains(r"^[1-9]\d{4}$")).then(text).cast(pl.Int64, strict=False)
    epoch = pl.lit(EXCEL_EPOCH).str.to_date()
    return (epoch + pl.duration(days=days)).cast(pl.Datetime("us"))
