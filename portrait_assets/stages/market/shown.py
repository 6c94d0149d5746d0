"""Rows as they are published: which rest on enough customers, and of which month they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl

from portrait_assets.privacy.cells import are_pooled, moves_are_pooled
from portrait_assets.schema.table import Table
from portrait_assets.stages.market.columns import EVERYONE
from portrait_assets.storage.steps import Grain, Scope, Source, Step

_PLACE, _FEWEST = "place of row", "fewest customers"


def shown(
    frame: pl.DataFrame,
    counts: Sequence[str],
    smallest: int,
    within: Sequence[str] = (),
    item: str = "item",
) -> pl.DataFrame:
    """The rows, in their order, that may be published; the others are left out, not pooled.

    A customer is in several items, so that pooled items would count some twice. Amounts add up over
    segments and over items, so that with a small cell further ones go from which it could be
    computed (`privacy.cells.moves_are_pooled`), by both totals. Rows of all customers are such
    totals, and judged by themselves.

    Args:
        frame: with `segment_id`, of which `EVERYONE` is all customers, and the item.
        counts: columns with customers; a row is as small as the smallest that is not 0.
        smallest: fewest customers of what is published by itself.
        within: the columns within which items add up.
        item: the column that names the item.
    """
    fewest = pl.min_horizontal(pl.when(pl.col(name) > 0).then(pl.col(name)) for name in counts)
    # Of cells of one size the first goes, which is not to hang on the order of the rows.
    rows = (
        frame.with_row_index(_PLACE)
        .with_columns(fewest.fill_null(0).alias(_FEWEST), pl.col(item).fill_null(""))
        .sort(*within, "segment_id", item, maintain_order=True)
    )
    is_whole = pl.col("segment_id").eq_missing(EVERYONE)
    whole, parts = rows.filter(is_whole), rows.filter(~is_whole)
    # To the customers who joined there is no segment, but a total they are part of.
    parts = parts.with_columns(pl.col("segment_id").fill_null(-1))
    hidden = whole.filter(are_pooled(whole, _FEWEST, smallest, within))[_PLACE].to_list()
    if smallest > 1 and parts.height:
        mask = moves_are_pooled(parts, ("segment_id", item), _FEWEST, smallest, within)
        hidden += parts.filter(mask)[_PLACE].to_list()
    return frame.with_row_index(_PLACE).filter(~pl.col(_PLACE).is_in(hidden)).drop(_PLACE)


def or_one(count: str, *sums: str) -> pl.Expr:
    """The count of customers who bought, or 1 where it is 0 and one of the sums is not.

    Who only gave back is not counted, and may have been a single one.
    """
    is_any = pl.any_horizontal((pl.col(name) != 0).fill_null(False) for name in sums)
    return pl.when((pl.col(count) == 0) & is_any).then(1).otherwise(count)


def dated(scope: Scope, table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows as of the scope's month, with the table's columns."""
    return rows.with_columns(pl.lit(scope.as_of).alias("as_of")).select(table.column_names)


def shown_step(
    table: Table, reads: tuple[Source, ...], rows: Callable[..., pl.DataFrame], smallest: int
) -> Step:
    """The step of a table whose rows are those that may be published.

    Args:
        table: its contract.
        reads: what its rows are computed from.
        rows: gives them, but for `as_of`, from a frame for each of `reads`, and `smallest`.
        smallest: fewest customers of what is published by itself.
    """

    def compute(scope: Scope, *frames: pl.DataFrame) -> pl.DataFrame:
        return dated(scope, table, rows(*frames, smallest))

    return Step(table.name, reads, compute=compute, grain=Grain.ALL, writes=table)
