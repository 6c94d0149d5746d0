"""Small cells: counts that rest on few customers, and those that would give them back.

Cells below `smallest` are hidden. As totals are known, the smallest other cells of the same total
are hidden as well, until at least two are and together they count `smallest` customers
(complementary suppression: Hundepool et al., 2012, Statistical Disclosure Control, chapter 4).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

_PLACE, _SIZE, _COUNTS, _SMALL, _TURN, _BEFORE = (
    f"cell {name}" for name in ("place", "size", "counts", "small", "turn", "before")
)


def are_hidden(
    frame: pl.DataFrame,
    count: str,
    smallest: int,
    within: Sequence[str] = (),
    unsafe: pl.Expr | None = None,
    with_empty: bool = False,
) -> pl.Series:
    """Whether the cell of each row is hidden: those that are too small, and what hides them.

    Args:
        frame: one row per cell.
        count: the column with its customers.
        smallest: fewest customers that a cell may show by itself.
        within: the columns that name what cells add up to; all cells by default.
        unsafe: whether a cell is hidden for another reason, over the frame's columns.
        with_empty: whether an empty cell is small; otherwise it tells of nobody and is shown.
    """
    size = pl.col(_SIZE)
    is_small = pl.col(_COUNTS) & (size < smallest)
    groups: list[str | pl.Expr] = [*within] or [pl.lit(0)]
    number = pl.col(_SMALL).sum().over(groups)
    in_turn = (
        frame.with_row_index(_PLACE)
        .with_columns(pl.col(count).cast(pl.Int64).alias(_SIZE))
        .with_columns(((size > 0) | with_empty).alias(_COUNTS))
        .with_columns((is_small if unsafe is None else is_small | unsafe).alias(_SMALL))
        # Those that must be hidden, and then the smallest of the others.
        .sort(~pl.col(_COUNTS), ~pl.col(_SMALL), _SIZE, _PLACE)
        .with_columns(
            (size.cum_sum() - size).over(groups).alias(_BEFORE),
            pl.int_range(1, pl.len() + 1).over(groups).alias(_TURN),
        )
    )
    is_hidden = (
        pl.col(_COUNTS)
        & (number > 0)
        & ((pl.col(_TURN) <= pl.max_horizontal(number, pl.lit(2))) | (pl.col(_BEFORE) < smallest))
    )
    return in_turn.select(_PLACE, is_hidden.alias(_SMALL)).sort(_PLACE)[_SMALL]


def without_small_cells(
    frame: pl.DataFrame,
    count: str,
    smallest: int,
    within: Sequence[str] = (),
    unsafe: pl.Expr | None = None,
) -> pl.DataFrame:
    """The rows, in their order, whose cell may be shown; arguments as for `are_hidden`.

    Empty cells are left out as small ones are: whoever knows that a customer would be in a cell
    learns from its being empty too.
    """
    if smallest <= 1 and unsafe is None:
        return frame.filter(pl.col(count) > 0)
    return frame.filter(~are_hidden(frame, count, smallest, within, unsafe, with_empty=True))
