"""Rows typed and checked by their table's declaration, with every value that was not taken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from portrait_assets.methods.typing.rules import (
    FREE_TEXT,
    PERSONAL,
    RECEIVED,
    SENTINEL,
    Conventions,
    Declared,
    Rule,
    column_rules,
)
from portrait_assets.methods.typing.text import Form, with_decimal_point
from portrait_assets.methods.typing.values import recovered, typed
from portrait_assets.schema.table import Column, Sensitivity, Severity, Type

EXACT_DUPLICATE = "exact duplicate"
NOT_UNIQUE = "identifier used before"
PLACE = ("source_file", "source_row")
"""Where a row came from; rows are taken in this order."""
_ROW = "row"
_MASK = "***"
_FINDING = {
    "column_name": pl.String(),
    "rule": pl.String(),
    "severity": pl.String(),
    "received": pl.String(),
}


@dataclass(frozen=True)
class TypedRows:
    """The rows of a table, typed, and what was found of them so far.

    `frame` has the row's number, the columns that came beside the declared ones (`beside`), the
    declared ones typed, and those again as received under "received:" and their names.
    """

    table: Declared
    beside: tuple[str, ...]
    frame: pl.DataFrame
    found: tuple[pl.DataFrame, ...] = ()

    def against(self, rules: Iterable[Rule]) -> TypedRows:
        """Note what breaks a rule, and null the values that are not to be kept.

        Rules that need a column which is not there are left out.
        """
        columns = set(self.frame.columns)
        applied = [rule for rule in rules if columns.issuperset(rule.broken.meta.root_names())]
        if not applied or self.frame.is_empty():
            return self
        masks = self.frame.select(
            _ROW, *(rule.broken.fill_null(False).alias(str(n)) for n, rule in enumerate(applied))
        ).drop(_ROW)
        broken = [(rule, mask) for rule, mask in zip(applied, masks, strict=True) if mask.any()]
        declared = {column.name: column for column in self.table.columns}
        found = [
            self._finding(self.frame.filter(mask), rule.name, rule.severity, declared[rule.column])
            for rule, mask in broken
        ]
        frame = self.frame.with_columns(_nulled(broken))
        return replace(self, frame=frame, found=(*self.found, *found))

    def without_duplicates(self, within: Sequence[str] = ()) -> TypedRows:
        """Merge rows that were received exactly alike, and set aside a second use of an identifier.

        Of rows that are alike the first stays. Of several with one identifier, within equal values
        of the columns `within`, the one with the greatest values stays, column by column in the
        order of the declaration, any value being greater than none; their order does not matter.
        """
        received = self.frame.select(RECEIVED + column.name for column in self.table.columns)
        hashes = received.hash_rows()
        again = pl.Series(dtype=pl.UInt32)
        in_order = hashes.sort()
        if len(twice := in_order.filter(in_order == in_order.shift())):
            # Equal hashes are only suspects; the rows themselves decide.
            suspects = self.frame.filter(hashes.is_in(twice.implode()))
            first = pl.struct(received.columns).is_first_distinct()
            again = suspects.filter(~first)[_ROW]
        found = []
        if len(again):
            merged = self.frame.filter(pl.col(_ROW).is_in(again.implode()))
            found.append(self._finding(merged, EXACT_DUPLICATE, Severity.MERGED))
        if self.table.unique:
            left = self.frame.filter(~pl.col(_ROW).is_in(again.implode())).filter(
                pl.all_horizontal(pl.col(self.table.unique).is_not_null())
            )
            used = _all_but_greatest(
                left, [*self.table.unique, *within], [each.name for each in self.table.columns]
            )
            if used.height:
                found.append(self._finding(used, NOT_UNIQUE, Severity.ROW))
        return replace(self, found=(*self.found, *found))

    @property
    def kept(self) -> pl.DataFrame:
        """The rows that were neither set aside nor merged, without their values as received."""
        found = self._all_found()
        is_gone = pl.col("severity").is_in([Severity.ROW, Severity.MERGED])
        gone = found.filter(is_gone)[_ROW].unique()
        names = [name for name in self.frame.columns if not name.startswith(RECEIVED)]
        kept = self.frame.select(name for name in names if name != _ROW)
        return kept.filter(~self.frame[_ROW].is_in(gone.implode())) if len(gone) else kept

    @property
    def findings(self) -> pl.DataFrame:
        """What was not taken as it came, in the order of rows.

        Returns:
            The columns of `beside`, `column_name` (null for a whole row), `rule`, `severity`, and
            `received`, masked if personal.
        """
        return _on_its_own(_one_verdict_per_row(self._all_found()).drop(_ROW))

    def _all_found(self) -> pl.DataFrame:
        schema = {name: self.frame.schema[name] for name in (_ROW, *self.beside)}
        return pl.concat([pl.DataFrame(schema={**schema, **_FINDING}), *self.found])

    def _finding(
        self, rows: pl.DataFrame, rule: str, severity: Severity, column: Column | None = None
    ) -> pl.DataFrame:
        received = _masked(column, rule) if column else pl.lit(None, dtype=pl.String)
        return rows.select(
            _ROW,
            *self.beside,
            pl.lit(column.name if column else None, dtype=pl.String).alias("column_name"),
            pl.lit(rule).alias("rule"),
            pl.lit(str(severity)).alias("severity"),
            received.alias("received"),
        )


def type_rows(
    received: pl.DataFrame, table: Declared, conventions: Conventions, forms: Mapping[str, Form]
) -> TypedRows:
    """Type the rows of a table and check each value on its own.

    Args:
        received: the rows as they came: the table's columns, `source_file` and `source_row`, and
            any further ones, which stay as they are.
        table: the table's declaration.
        conventions: the conventions of the source (time zone, country, own rules).
        forms: by column the form of text that it has; such columns are brought to it.
    """
    rows = (received if _in_order(received) else received.sort(PLACE)).with_row_index(_ROW)
    frame = _typed(rows, table, conventions).with_columns(
        *(form.write(pl.col(name)).alias(name) for name, form in forms.items()),
        *_in_words(table, conventions),
    )
    types = {column.name: rows.schema[column.name] for column in table.columns}
    nulls = frame.null_count().row(0, named=True)
    unread = [name for name in types if nulls[name] > nulls[RECEIVED + name]]
    beside = tuple(name for name in received.columns if name not in types)
    rules = column_rules(table, types, conventions.own, forms, unread)
    return TypedRows(table, beside, frame).against(rules)


def _all_but_greatest(rows: pl.DataFrame, key: list[str], values: list[str]) -> pl.DataFrame:
    """The rows that share their key with one of greater values, in their order."""
    several = rows.filter(pl.struct(key).is_duplicated())
    ranked = several.sort(
        *values, _ROW, descending=[*(True for _ in values), False], nulls_last=True
    )
    return ranked.filter(~pl.struct(key).is_first_distinct()).sort(_ROW)


def _in_words(table: Declared, conventions: Conventions) -> Iterator[pl.Expr]:
    """The columns for whose values the source gives words, in these words."""
    for column in table.columns:
        given = conventions.own.get(f"{table.name}.{column.name}")
        if given is not None and given.words and column.type is Type.TEXT:
            yield pl.col(column.name).replace(given.words)


def _in_order(received: pl.DataFrame) -> bool:
    """Whether the rows stand as in their files already, which is faster to check than to sort."""
    file, row = (pl.col(name) for name in PLACE)
    follows = (file > file.shift()) | ((file == file.shift()) & (row > row.shift()))
    return bool(received.select(follows.all()).item())


def _typed(rows: pl.DataFrame, table: Declared, conventions: Conventions) -> pl.DataFrame:
    columns, zone = table.columns, conventions.time_zone
    names = [column.name for column in columns]
    formats = {name: conventions.date_formats(table.name, name) for name in names}
    read = rows.with_columns(
        with_decimal_point(pl.col(name))
        for name in names
        if conventions.has_decimal_comma(table.name, name) and rows.schema[name] == pl.String
    )
    frame = read.select(
        pl.exclude(names),
        *(rows[name].alias(RECEIVED + name) for name in names),
        *(typed(column, read[column.name], zone, formats[column.name]) for column in columns),
    )
    return frame.with_columns(
        _recovered(read[column.name], frame[column.name], column, zone)
        for column in columns
        if column.type is not Type.TEXT
        and not formats[column.name]
        and frame[column.name].null_count() > rows[column.name].null_count()
    )


def _recovered(received: pl.Series, now: pl.Series, column: Column, time_zone: str) -> pl.Series:
    """The column with what the usual form left unread, each distinct text read once."""
    was = received.cast(pl.String)
    left = was.filter(now.is_null() & was.is_not_null()).unique()
    read = recovered(column, left, time_zone)
    lookup = pl.DataFrame({"text": left, "value": read}).drop_nulls()
    if lookup.is_empty():
        return now
    again = was.replace_strict(
        lookup["text"], lookup["value"], default=None, return_dtype=column.polars_type
    )
    return now.fill_null(again).alias(column.name)


def _nulled(broken: Iterable[tuple[Rule, pl.Series]]) -> Iterator[pl.Expr]:
    by_column: dict[str, pl.Series] = {}
    for rule, mask in broken:
        if rule.severity is not Severity.NOTE:
            so_far = by_column.get(rule.column)
            by_column[rule.column] = mask if so_far is None else so_far | mask
    for name, mask in by_column.items():
        yield pl.when(~pl.lit(mask)).then(pl.col(name)).alias(name)


def _masked(column: Column, rule: str) -> pl.Expr:
    """C1 as received, C2 with every letter and digit made alike, C3 and free text not at all.

    A code for not known reveals nothing about a person and is shown.
    """
    value = pl.col(RECEIVED + column.name).cast(pl.String)
    if rule in (FREE_TEXT, PERSONAL):
        return pl.when(value.is_not_null()).then(pl.lit(_MASK))
    if column.sensitivity is Sensitivity.C1 or rule == SENTINEL:
        return value
    if column.sensitivity is Sensitivity.C2:
        return value.str.replace_all(r"\p{L}", "x").str.replace_all(r"\p{N}", "9").str.head(40)
    return pl.when(value.is_not_null()).then(pl.lit(_MASK))


def _one_verdict_per_row(found: pl.DataFrame) -> pl.DataFrame:
    """A row that is set aside is not also counted as merged."""
    aside = found.filter(pl.col("severity") == Severity.ROW)[_ROW].unique()
    return found.filter(
        (pl.col("severity") != Severity.MERGED) | ~pl.col(_ROW).is_in(aside.implode())
    ).sort(_ROW, "column_name", "rule", nulls_last=True)


def _on_its_own(few: pl.DataFrame) -> pl.DataFrame:
    """The same rows with texts of their own: taken from many rows, they keep all of those alive."""
    copied = pl.from_arrow(few.to_arrow(compat_level=pl.CompatLevel.oldest()))
    return pl.DataFrame(copied, schema=few.schema)
