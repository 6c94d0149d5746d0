"""One month of one table: typed and deduplicated, with an account of all that was not taken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from portrait_assets.cleaned.contract import CLEANED, REJECTS, Severity
from portrait_assets.cleaned.typing import typed
from portrait_assets.raw.contract import Canonical
from portrait_assets.warehouse.contract import Column, Sensitivity, Type

UNREADABLE = "unreadable"
OUTSIDE_DOMAIN = "outside its domain"
REQUIRED = "required and missing"
EXACT_DUPLICATE = "exact duplicate"
NOT_UNIQUE = "identifier used before"
_PLACE = ("source_file", "source_row")
_RECEIVED = "received:"


@dataclass(frozen=True)
class Cleaned:
    """The rows kept, and one row of `cleaned.rejects` for everything that was not taken."""

    kept: pl.DataFrame
    rejects: pl.DataFrame


def clean(raw: pl.DataFrame, canonical: Canonical, time_zone: str) -> Cleaned:
    """Type a month of a raw table and set aside what breaks a rule.

    A value that cannot be read or lies outside its domain becomes null; where the column is
    required its row is set aside. Of rows that say exactly the same the first is kept.

    Args:
        raw: the month's rows with the columns of raw.<name>.
        canonical: which table it is.
        time_zone: the source's time zone.

    Returns:
        `kept` with the columns of cleaned.<name>, `customer_id` still being the source's; every
        row of `raw` is in `kept` or is named in `rejects` with severity row or merged.
    """
    rows = raw.sort(_PLACE).with_row_index("row")
    frame = rows.select(
        "row",
        "month",
        *_PLACE,
        *(pl.col(c.name).alias(_RECEIVED + c.name) for c in canonical.columns),
        *(typed(c, rows.schema[c.name], time_zone) for c in canonical.columns),
    )
    rejects = list(_value_rejects(frame, canonical))
    frame = frame.with_columns(
        pl.when(_in_domain(column)).then(pl.col(column.name)).alias(column.name)
        for column in canonical.columns
        if _has_domain(column)
    )
    rejects += _duplicates(rows, frame, canonical)
    found = pl.concat([_REJECT_ROWS.clone(), *rejects])
    gone = found.filter(pl.col("severity").is_in([Severity.ROW, Severity.MERGED]))["row"].unique()
    kept = frame.filter(~pl.col("row").is_in(gone.implode())) if len(gone) else frame
    return Cleaned(
        kept.select(CLEANED[canonical.name].column_names),
        _one_verdict_per_row(found).select(REJECTS.column_names),
    )


_REJECT_ROWS = pl.DataFrame(schema={"row": pl.UInt32, **REJECTS.polars_schema})


def _has_domain(column: Column) -> bool:
    return (column.allowed, column.minimum, column.maximum) != (None, None, None)


def _in_domain(column: Column) -> pl.Expr:
    value = pl.col(column.name)
    fits = pl.lit(True)
    if column.allowed is not None:
        fits &= value.is_in(list(column.allowed))
    if column.minimum is not None:
        fits &= value >= column.minimum
    if column.maximum is not None:
        fits &= value <= column.maximum
    return fits


def _broken(column: Column, received: pl.DataType, required: bool) -> dict[str, pl.Expr]:
    """By rule, whether a row's value in this column breaks it."""
    was = pl.col(_RECEIVED + column.name)
    is_blank = was.is_null()
    if received == pl.String:
        is_blank |= was.str.strip_chars() == ""
    now = pl.col(column.name)
    rules = {UNREADABLE: ~is_blank & now.is_null()} if column.type is not Type.TEXT else {}
    if _has_domain(column):
        rules[OUTSIDE_DOMAIN] = now.is_not_null() & ~_in_domain(column)
    if required:
        rules[REQUIRED] = is_blank
    return rules


def _value_rejects(frame: pl.DataFrame, canonical: Canonical) -> Iterator[pl.DataFrame]:
    broken = {
        (column.name, rule): expression
        for column in canonical.columns
        for rule, expression in _broken(
            column, frame.schema[_RECEIVED + column.name], column.name in canonical.required
        ).items()
    }
    counts = frame.select(
        expression.sum().alias(f"{name}|{rule}") for (name, rule), expression in broken.items()
    ).row(0)
    for ((name, rule), expression), count in zip(broken.items(), counts, strict=True):
        if count:
            column = next(c for c in canonical.columns if c.name == name)
            yield _reject(
                frame.filter(expression),
                canonical,
                rule,
                Severity.ROW if name in canonical.required else Severity.VALUE,
                column,
            )


def _reject(
    rows: pl.DataFrame,
    canonical: Canonical,
    rule: str,
    severity: Severity,
    column: Column | None = None,
) -> pl.DataFrame:
    received = _masked(column) if column else pl.lit(None, dtype=pl.String)
    return rows.select(
        "row",
        "month",
        pl.lit(canonical.name).alias("table_name"),
        *_PLACE,
        pl.lit(column.name if column else None, dtype=pl.String).alias("column_name"),
        pl.lit(rule).alias("rule"),
        pl.lit(str(severity)).alias("severity"),
        received.alias("received"),
    )


def _masked(column: Column) -> pl.Expr:
    value = pl.col(_RECEIVED + column.name).cast(pl.String)
    if column.sensitivity is Sensitivity.C1:
        return value
    return pl.when(value.is_not_null()).then(pl.lit("*** masked"))


def _duplicates(
    rows: pl.DataFrame, frame: pl.DataFrame, canonical: Canonical
) -> list[pl.DataFrame]:
    received = rows.select(c.name for c in canonical.columns)
    hashes = received.hash_rows()
    again = pl.Series(dtype=pl.UInt32)
    if hashes.n_unique() < len(hashes):
        # Equal hashes are only suspects; the rows themselves decide.
        suspects = rows.filter(hashes.is_duplicated())
        first = pl.struct(received.columns).is_first_distinct()
        again = suspects.filter(~first)["row"]
    found = []
    if len(again):
        merged = frame.filter(pl.col("row").is_in(again.implode()))
        found.append(_reject(merged, canonical, EXACT_DUPLICATE, Severity.MERGED))
    if canonical.unique:
        left = frame.filter(~pl.col("row").is_in(again.implode())).filter(
            pl.all_horizontal(pl.col(canonical.unique).is_not_null())
        )
        used = left.filter(~pl.struct(canonical.unique).is_first_distinct())
        if used.height:
            found.append(_reject(used, canonical, NOT_UNIQUE, Severity.ROW))
    return found


def _one_verdict_per_row(found: pl.DataFrame) -> pl.DataFrame:
    """A row that is set aside is not also counted as merged."""
    aside = found.filter(pl.col("severity") == Severity.ROW)["row"].unique()
    return found.filter(
        (pl.col("severity") != Severity.MERGED) | ~pl.col("row").is_in(aside.implode())
    ).sort("row", "column_name", "rule", nulls_last=True)
