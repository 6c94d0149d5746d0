"""Small cells: counts that rest on few customers, and those that would give them back."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

_SMALL, _PLACE, _BEFORE = "small cell", "place of cell", "customers before cell"


def without_small_cells(
    frame: pl.DataFrame,
    count: str,
    smallest: int,
    within: Sequence[str] = (),
    unsafe: pl.Expr | None = None,
) -> pl.DataFrame:
    """The rows, in their order, whose cell may be shown.

    Cells below `smallest` are left out, empty ones among them: whoever knows that a customer would
    be in a cell learns from its being empty too. As totals are known, the smallest other cells of
    the same total are left out as well, until at least two are and those left out together count
    `smallest` customers (complementary suppression: Hundepool et al., 2012, Statistical Disclosure
    Control, chapter 4).

    Args:
        frame: one row per cell.
        count: the column with its customers.
        smallest: fewest customers that a cell may show; 1 shows every cell that is not empty.
        within: the columns that name what cells add up to; all cells by default.
        unsafe: whether a cell is left out for another reason, over the frame's columns.
    """
    if smallest <= 1 and unsafe is None:
        return frame.filter(pl.col(count) > 0)
    small = pl.col(count) < smallest
    groups: list[str | pl.Expr] = [*within] or [pl.lit(0)]
    in_turn = (
        frame.with_row_index(_PLACE)
        .with_columns((small | unsafe if unsafe is not None else small).alias(_SMALL))
        # Those that must go, and then the smallest of the others.
        .sort(~pl.col(_SMALL), count, _PLACE)
        .with_columns((pl.col(count).cum_sum() - pl.col(count)).over(groups).alias(_BEFORE))
    )
    number = pl.col(_SMALL).sum().over(groups)
    position = pl.int_range(1, pl.len() + 1).over(groups)
    left_out = (number > 0) & (
        (position <= pl.max_horizontal(number, pl.lit(2))) | (pl.col(_BEFORE) < smallest)
    )
    kept = in_turn.filter(~left_out).sort(_PLACE)
    return kept.drop(_PLACE, _SMALL, _BEFORE)
