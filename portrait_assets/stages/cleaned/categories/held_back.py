"""Values of categories that are not taken: those of a column held back, and personal ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import polars as pl

from portrait_assets.methods.personal_data.free_text import has_long_number, is_personal
from portrait_assets.methods.typing.rules import FREE_TEXT, PERSONAL, ColumnRules, Rule
from portrait_assets.schema.table import Severity
from portrait_assets.stages.cleaned.categories.values import (
    category_columns,
    domain_of,
    is_of_customers,
)
from portrait_assets.stages.raw.tables.canonical import Canonical


@dataclass(frozen=True)
class Decided:
    """The decisions on a table's category columns, each with the months that it holds for.

    In the months of `held_back` a column is held back, and in those of `codes` long numbers are
    usual in it.
    """

    held_back: Mapping[str, Sequence[str]]
    codes: Mapping[str, Sequence[str]]


NOTHING_HELD = Decided({}, {})


def decided(rows: pl.DataFrame, canonical: Canonical) -> Decided:
    """The decisions on the table.

    Args:
        rows: of CATEGORY_COLUMNS, of the months that are cleaned.
        canonical: which table it is.
    """
    own = rows.filter(pl.col("table_name") == canonical.name)

    def months(where: str) -> dict[str, list[str]]:
        by_column = own.filter(where).group_by("column_name").agg(pl.col("month").sort())
        return dict(by_column.iter_rows())

    return Decided(months("is_held"), months("holds_codes"))


# Of some two hundred parts, and the same for every column.
@cache
def _judged(of_customers: bool) -> tuple[pl.Expr, ...]:
    """Whether a `value` is `personal`, and whether it may be an `id`."""
    value = pl.col("value")
    personal = is_personal(value, of_customers)
    return personal.alias("personal"), has_long_number(value).alias("id")


def free_text_rules(
    frame: pl.DataFrame, canonical: Canonical, decisions: Decided, own: Mapping[str, ColumnRules]
) -> Iterator[Rule]:
    """The rules by which values of category columns are not taken: see `FREE_TEXT`, `PERSONAL`.

    Args:
        frame: typed rows with their `month`.
        canonical: which table it is.
        decisions: on its category columns.
        own: the source's own rules; of a column whose domain they declare every value is known.
    """
    for column in category_columns(canonical):
        severity = Severity.ROW if column.name in canonical.required else Severity.VALUE
        value, month = pl.col(column.name), pl.col("month")
        if held_back := decisions.held_back.get(column.name):
            yield Rule(
                column.name, FREE_TEXT, severity, value.is_not_null() & month.is_in(held_back)
            )
        if domain_of(own, f"{canonical.name}.{column.name}") is not None:
            continue
        values = frame.select(value.drop_nulls().unique().alias("value"))
        if values.is_empty():
            continue
        found = values.with_columns(_judged(is_of_customers(canonical)))
        if (named := found.filter("personal")["value"]).len():
            yield Rule(column.name, PERSONAL, severity, value.is_in(named.implode()))
        if (ids := found.filter(pl.col("id") & ~pl.col("personal"))["value"]).len():
            unusual = ~month.is_in(decisions.codes.get(column.name, []))
            yield Rule(column.name, PERSONAL, severity, value.is_in(ids.implode()) & unusual)
