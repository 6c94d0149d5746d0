"""Small cells in what is published: values of few customers are pooled, and never listed alone.

A value of fewer than `smallest` customers goes with others into one, that says how many it pools.
Which ones: `methods.disclosure.cells`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import polars as pl

from portrait_assets.core.settings import Settings
from portrait_assets.methods.disclosure.cells import are_hidden

EVERY_CELL = 1
"""The smallest cell of a source whose customers are no secret: nothing is pooled."""
POOLED_NAME = r"^other \((\d+) values\)$"
"""What `pooled_name` looks like, as a regular expression."""
_ALL, _NAME, _POOLED, _PLACE = "all cells", "name of cell", "cell is pooled", "number of cell"


class CellOfPublic(int):
    """The fewest customers of a cell of a source whose customers are no secret.

    Moves of fewer are pooled, as one who is erased would be found in them; but no others are pooled
    with them to hide them in totals. For `are_pooled` it is as any number.
    """


def smallest_cell(settings: Settings, is_public: bool) -> int:
    """The fewest customers that what is published may rest on; 1 for a public source."""
    return EVERY_CELL if is_public else settings.smallest_group


def pooled_name(values: int) -> str:
    """What stands in the place of so many values; no value of a source reads like it by chance."""
    return f"other ({values} values)"


def pooled_names(values: pl.Expr) -> pl.Expr:
    """The same of each number of values."""
    return pl.format("other ({} values)", values)


def pooled_name_in_chinese(name: str) -> str:
    """The same in Chinese, of a name of `pooled_name`; any other name as it is."""
    found = re.match(POOLED_NAME, name)
    return f"其他（{found[1]}个取值）" if found else name


def are_pooled(
    frame: pl.DataFrame, count: str, smallest: int, within: Sequence[str] = ()
) -> pl.Series:
    """Whether the cell of each row is pooled: `are_hidden`, or none where all cells are shown."""
    if smallest <= EVERY_CELL or frame.is_empty():
        return pl.repeat(False, frame.height, eager=True)
    return are_hidden(frame, count, smallest, within)


def moves_are_pooled(
    frame: pl.DataFrame,
    sides: tuple[str, str],
    count: str,
    smallest: int,
    within: Sequence[str] = (),
) -> pl.Series:
    """Whether the cell of each row is pooled, where what leaves and what arrives is known too.

    A cell that is pooled for the sake of one total is computed by the other, if there it is the
    only one; so cells are pooled until none is the only one of any total. One that is alone in a
    total hides no other.

    Args:
        frame: one row per cell.
        sides: the columns that a cell is between; it adds up with the others of either.
        count: the column with its customers.
        smallest: fewest customers that a cell may have by itself; of a `CellOfPublic` only cells
            of fewer are pooled.
        within: the columns that name what cells add up to; all cells by default.
    """
    mask = (frame[count] > 0) & (frame[count] < smallest)
    if isinstance(smallest, CellOfPublic):
        return mask
    totals = [*([*within, side] for side in sides), [*within]]
    cells = frame.with_row_index(_PLACE)
    hiding = _not_alone(cells.filter(pl.col(count) > 0), totals)
    parts = [*((hiding, of) for of in totals), (cells, [*within])]
    before = pl.repeat(False, frame.height, eager=True)
    while (mask != before).any():
        before = mask
        for part, of in parts:
            own = part.with_columns(mask.gather(part[_PLACE]).alias(_POOLED))
            found = are_hidden(own, count, smallest, of, unsafe=pl.col(_POOLED))
            mask = mask | cells[_PLACE].is_in(part[_PLACE].filter(found).implode())
    return mask


def _not_alone(cells: pl.DataFrame, totals: Sequence[Sequence[str]]) -> pl.DataFrame:
    """The cells that are not known from totals alone, as the only ones that are left of one."""
    height = -1
    while cells.height != height:
        height = cells.height
        for of in totals:
            cells = cells.filter(pl.len().over([*of] or [pl.lit(0)]) > 1)
    return cells


def pooled(
    frame: pl.DataFrame,
    levels: Sequence[str],
    count: str,
    smallest: int,
    within: Sequence[str] = (),
    mask: pl.Series | None = None,
) -> pl.DataFrame:
    """The cells, those that are pooled as one per group with the name of `pooled_name`.

    Cells of a group that has fewer than `smallest` customers altogether are left out.

    Args:
        frame: one row per cell: the columns `within` and `levels`, and numbers that add up.
        levels: the columns of text that name the cell; a pooled one has the name in all of them.
        count: the column with its customers.
        smallest: fewest customers that a cell may have by itself.
        within: the columns that name what cells add up to; all cells by default.
        mask: whether each cell is pooled; those of `are_pooled` by default.
    """
    mask = are_pooled(frame, count, smallest, within) if mask is None else mask
    if not mask.any():
        return frame
    sums = [name for name in frame.columns if name not in (*within, *levels)]
    few = frame.filter(mask)
    together = (
        few.group_by(within, maintain_order=True)
        if within
        else few.group_by(pl.lit(0).alias(_ALL), maintain_order=True)
    ).agg(pooled_names(pl.len()).alias(_NAME), pl.col(sums).sum())
    together = together.filter(pl.col(count) >= smallest).with_columns(
        pl.col(_NAME).alias(level) for level in levels
    )
    return pl.concat([frame.filter(~mask), together.select(frame.columns)])


def pooled_counts(counts: Mapping[str, int], smallest: int) -> dict[str, int]:
    """Customers by value with the small ones pooled, in their order and the pooled ones last."""
    frame = pl.DataFrame(
        {"value": list(counts), "n": list(counts.values())},
        schema={"value": pl.String, "n": pl.Int64},
    )
    return dict(pooled(frame, ["value"], "n", smallest).iter_rows())
