"""Rows as a table in Markdown, as the Dagster UI shows them."""

from __future__ import annotations

import polars as pl

MOST_ROWS = 15
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "[": "&#91;", "`": "&#96;", "\\": "&#92;"}


def markdown_table(rows: pl.DataFrame, most: int = MOST_ROWS) -> str:
    """The first rows as a table, and how many more there are; a sentence where there is none.

    What stands in a cell is text: a mark that would begin a tag, a link or code is its entity.
    """
    if rows.is_empty():
        return "There is no row."
    shown = rows.head(most).with_columns(
        pl.col(pl.Float32, pl.Float64).round(4), pl.col(pl.List(pl.String)).list.join(", ")
    )
    text = shown.cast(pl.String).with_columns(_escaped(pl.all().fill_null("")))
    names = pl.Series(rows.columns).to_frame("name").select(_escaped(pl.col("name")))
    lines = [names["name"].to_list(), ["---"] * rows.width, *text.rows()]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    more = rows.height - most
    return f"{table}\n\nand {more:,} more rows" if more > 0 else table


def _escaped(text: pl.Expr) -> pl.Expr:
    # A bar or a new line in a cell would end it.
    spaced = text.str.replace_all(r"[|\n\r]", " ")
    return spaced.str.replace_many(list(_ENTITIES), list(_ENTITIES.values()))
