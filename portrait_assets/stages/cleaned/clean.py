"""One month of one table: typed and deduplicated, with an account of all that was not taken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import polars as pl

from portrait_assets.methods.personal_data.forms import forms_of
from portrait_assets.schema.table import (
    Column,
    Sensitivity,
    Severity,
    Type,
)
from portrait_assets.stages.cleaned.background import with_background
from portrait_assets.stages.cleaned.contract import CLEANED, REJECTS, SOURCE_CUSTOMER_ID
from portrait_assets.stages.cleaned.rules import (
    RECEIVED,
    SENTINEL,
    OwnRules,
    Rule,
    column_rules,
    cross_rules,
)
from portrait_assets.stages.cleaned.typing import recovered, typed
from portrait_assets.stages.raw.contract import CANONICAL, CUSTOMERS, Canonical
from portrait_assets.stages.raw.placing import AFTER_LAST, NO_DATE

EXACT_DUPLICATE = "exact duplicate"
NOT_UNIQUE = "identifier used before"
_PLACE = ("source_file", "source_row")
_MASK = "***"


@dataclass(frozen=True)
class Ways:
    """The ways of a source: its time zone, its country and the rules of its own."""

    time_zone: str = "UTC"
    country: str | None = None
    own: OwnRules = field(default_factory=dict)


@dataclass(frozen=True)
class Cleaned:
    """The rows kept, and one row of `cleaned.rejects` for everything that was not taken."""

    kept: pl.DataFrame
    rejects: pl.DataFrame


def clean(
    raw: pl.DataFrame, canonical: Canonical, ways: Ways, known: pl.DataFrame | None = None
) -> Cleaned:
    """Type a month of a raw table and set aside what breaks a rule.

    By the severity of the rule that it breaks a row is set aside, its value becomes null, or
    both are kept and noted. Of rows that say exactly the same the first is kept.

    Args:
        raw: the month's rows with the columns of raw.<name>.
        canonical: which table it is.
        ways: the ways of the source.
        known: what `background.first_known` gives for the table, for its rules over two tables.

    Returns:
        `kept` with the columns of cleaned.<name>, `customer_id` still being the source's; every
        row of `raw` is in `kept` or is named in `rejects` with severity row or merged.
    """
    rows = (raw if _in_order(raw) else raw.sort(_PLACE)).with_row_index("row")
    frame = _written(_typed(rows, canonical, ways), canonical, ways.country)
    received = {column.name: rows.schema[column.name] for column in canonical.columns}
    found = _Findings(canonical)
    nulls = frame.null_count().row(0, named=True)
    unread = [name for name in received if nulls[name] > nulls[RECEIVED + name]]
    rules = column_rules(canonical, received, ways.own, ways.country, unread)
    frame = found.apply(frame, list(rules))
    if known is not None:
        frame = with_background(frame, canonical, known)
    frame = found.apply(frame, cross_rules(canonical.name, ways.country, set(frame.columns)))
    found.rejects += _duplicates(rows, frame, canonical)
    rejects = pl.concat([_REJECT_ROWS.clone(), *found.rejects])
    gone = rejects.filter(pl.col("severity").is_in([Severity.ROW, Severity.MERGED]))["row"].unique()
    if canonical is CUSTOMERS:
        frame = frame.with_columns(pl.col("customer_id").alias(SOURCE_CUSTOMER_ID.name))
    kept = frame.select(CLEANED[canonical.name].column_names)
    if len(gone):
        kept = kept.filter(~frame["row"].is_in(gone.implode()))
    return Cleaned(
        kept,
        _on_its_own(_one_verdict_per_row(rejects).select(REJECTS.column_names)),
    )


def _on_its_own(few: pl.DataFrame) -> pl.DataFrame:
    """The same rows with texts of their own: taken from many rows, they keep all of those alive."""
    made = pl.from_arrow(few.to_arrow(compat_level=pl.CompatLevel.oldest()))
    return pl.DataFrame(made, schema=few.schema)


def _in_order(raw: pl.DataFrame) -> bool:
    """Whether the rows stand as in their files already, which is told faster than sorted."""
    file, row = (pl.col(name) for name in _PLACE)
    follows = (file > file.shift()) | ((file == file.shift()) & (row > row.shift()))
    return bool(raw.select(follows.all()).item())


def unplaced_rejects(unplaced: pl.DataFrame) -> pl.DataFrame:
    """The rows of `raw.unplaced` that are broken, as `cleaned.rejects` tells of them.

    A row after the source's last month is whole and waits for its month.
    """
    dated_by = {canonical.name: canonical.dated_by for canonical in CANONICAL}
    no_date = pl.col("reason") == NO_DATE
    return (
        unplaced.filter(pl.col("reason") != AFTER_LAST)
        .with_columns(
            pl.when(no_date)
            .then(pl.col("table_name").replace_strict(dated_by, default=None))
            .alias("column_name"),
            pl.col("reason").alias("rule"),
            pl.lit(str(Severity.ROW)).alias("severity"),
            pl.col("dated").alias("received"),
        )
        .select(REJECTS.column_names)
    )


_REJECT_ROWS = pl.DataFrame(schema={"row": pl.UInt32, **REJECTS.polars_schema})


def _typed(rows: pl.DataFrame, canonical: Canonical, ways: Ways) -> pl.DataFrame:
    frame = rows.select(
        "row",
        "month",
        *_PLACE,
        *(pl.col(c.name).alias(RECEIVED + c.name) for c in canonical.columns),
        *(typed(c, rows[c.name], ways.time_zone) for c in canonical.columns),
    )
    return frame.with_columns(
        _recovered(frame, column)
        for column in canonical.columns
        if column.type is not Type.TEXT
        and frame[column.name].null_count() > rows[column.name].null_count()
    )


def _recovered(frame: pl.DataFrame, column: Column) -> pl.Series:
    """The column with what the usual form left unread, each distinct text read once."""
    was, now = frame[RECEIVED + column.name].cast(pl.String), frame[column.name]
    left = was.filter(now.is_null() & was.is_not_null()).unique()
    read = recovered(column, left)
    lookup = pl.DataFrame({"text": left, "value": read}).drop_nulls()
    if lookup.is_empty():
        return now
    again = was.replace_strict(
        lookup["text"], lookup["value"], default=None, return_dtype=column.polars_type
    )
    return now.fill_null(again).alias(column.name)


def _written(frame: pl.DataFrame, canonical: Canonical, country: str | None) -> pl.DataFrame:
    """Personal data in its one way of writing."""
    if canonical.name != "customers":
        return frame
    return frame.with_columns(
        form.write(pl.col(name)).alias(name) for name, form in forms_of(country).items()
    )


class _Findings:
    """What the rules found so far, as rows of `cleaned.rejects` with the row they belong to."""

    def __init__(self, canonical: Canonical) -> None:
        self.canonical = canonical
        self.rejects: list[pl.DataFrame] = []

    def apply(self, frame: pl.DataFrame, rules: list[Rule]) -> pl.DataFrame:
        """Note what breaks a rule; the frame without the values that are not to be kept."""
        if not rules or frame.is_empty():
            return frame
        masks = frame.select(
            "row", *(rule.broken.fill_null(False).alias(str(n)) for n, rule in enumerate(rules))
        ).drop("row")
        broken = [(rule, mask) for rule, mask in zip(rules, masks, strict=True) if mask.any()]
        for rule, mask in broken:
            self.rejects.append(
                _reject(
                    frame.filter(mask),
                    self.canonical,
                    rule.name,
                    rule.severity,
                    next(c for c in self.canonical.columns if c.name == rule.column),
                )
            )
        return frame.with_columns(_nulled(broken))


def _nulled(broken: Iterable[tuple[Rule, pl.Series]]) -> Iterator[pl.Expr]:
    by_column: dict[str, pl.Series] = {}
    for rule, mask in broken:
        if rule.severity is not Severity.NOTE:
            told = by_column.get(rule.column)
            by_column[rule.column] = mask if told is None else told | mask
    for name, mask in by_column.items():
        yield pl.when(~pl.lit(mask)).then(pl.col(name)).alias(name)


def _reject(
    rows: pl.DataFrame,
    canonical: Canonical,
    rule: str,
    severity: Severity,
    column: Column | None = None,
) -> pl.DataFrame:
    received = _masked(column, rule) if column else pl.lit(None, dtype=pl.String)
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


def _masked(column: Column, rule: str) -> pl.Expr:
    """C1 as received, C2 with every letter and digit made alike, C3 not at all.

    A code for not known says nothing about a person and is shown.
    """
    value = pl.col(RECEIVED + column.name).cast(pl.String)
    if column.sensitivity is Sensitivity.C1 or rule == SENTINEL:
        return value
    if column.sensitivity is Sensitivity.C2:
        return value.str.replace_all(r"\p{L}", "x").str.replace_all(r"\p{N}", "9").str.head(40)
    return pl.when(value.is_not_null()).then(pl.lit(_MASK))


def _duplicates(
    rows: pl.DataFrame, frame: pl.DataFrame, canonical: Canonical
) -> list[pl.DataFrame]:
    received = rows.select(c.name for c in canonical.columns)
    hashes = received.hash_rows()
    again = pl.Series(dtype=pl.UInt32)
    in_order = hashes.sort()
    if len(twice := in_order.filter(in_order == in_order.shift())):
        # Equal hashes are only suspects; the rows themselves decide.
        suspects = rows.filter(hashes.is_in(twice.implode()))
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
