"""What a rule over two tables needs of the other table, as it was known in each month."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from portrait_assets.methods.typing.rules import Conventions
from portrait_assets.methods.typing.text import as_text
from portrait_assets.methods.typing.values import typed
from portrait_assets.stages.cleaned.rows.rules import FIRST_CONTACT, FIRST_JOINED
from portrait_assets.stages.raw.contract import CANONICAL_BY_NAME
from portrait_assets.stages.raw.tables.canonical import Canonical

KNOWN_SINCE = "known_since"


@dataclass(frozen=True)
class Background:
    """`column` of another table, joined by `keys` under the name that the rule uses."""

    table: str
    keys: tuple[str, ...]
    column: str
    name: str


BACKGROUNDS: dict[str, Background] = {
    "responses": Background(
        "contacts", ("customer_id", "campaign_id"), "contacted_on", FIRST_CONTACT
    ),
    "transactions": Background("customers", ("customer_id",), "joined_on", FIRST_JOINED),
}
"""By the table that has the rule."""


def first_known(
    background: Background, raw: pl.LazyFrame, conventions: Conventions
) -> pl.DataFrame | None:
    """The earliest date per key, and the month in which the first was known; None for no date.

    Later months may add a date but never change when an earlier one became known, so that what a
    month's rows are compared with does not depend on the months materialized after it.
    """
    column = CANONICAL_BY_NAME[background.table].column(background.column)
    rows = raw.select(
        pl.col("month").alias(KNOWN_SINCE),
        *(as_text(key).alias(key) for key in background.keys),
        pl.col(column.name),
    ).collect()
    formats = conventions.date_formats(background.table, column.name)
    read = typed(column, rows[column.name], conventions.time_zone, formats)
    rows = rows.with_columns(read).drop_nulls()
    if rows.is_empty():
        return None
    known = rows.sort(KNOWN_SINCE, column.name).unique(
        background.keys, keep="first", maintain_order=True
    )
    return known.rename({column.name: background.name})


def with_background(frame: pl.DataFrame, canonical: Canonical, known: pl.DataFrame) -> pl.DataFrame:
    """The frame with the background's column, null where it was not known in the row's month.

    It is null too where it is before the days of all rows: the rules look for rows before it.
    """
    background = BACKGROUNDS[canonical.name]
    date = pl.col(background.name)
    first_day = frame[canonical.dated_by].cast(pl.Date).min()
    if first_day is None:
        nothing = pl.lit(None, dtype=known.schema[background.name])
        return frame.with_columns(nothing.alias(background.name))
    dates = frame.select("month", *background.keys).join(
        known.filter(date.cast(pl.Date) >= first_day),
        on=background.keys,
        how="left",
        maintain_order="left",
    )
    return frame.with_columns(
        dates.select(pl.when(pl.col(KNOWN_SINCE) <= pl.col("month")).then(date)).to_series()
    )
