"""Rows as a table in Markdown, as the Dagster UI shows them."""

from __future__ import annotations

import polars as pl

MOST_ROWS = 15


def markdown_table(rows: pl.DataFrame, most: int = MOST_ROWS) -> str:
    """The first rows as a table, and how many more there are; a sentence where there is none."""
    if rows.is_empty():
        return "There is no row."
    shown = rows.head(most).with_columns(
        pl.col(pl.Float32, pl.Float64).round(4), pl.col(pl.List(pl.String)).list.join(", ")
    )
    # A bar or a new line in a cell would end it.
    text = shown.cast(pl.String).with_columns(pl.all().fill_null("").str.replace_all(r"[|\n]", " "))
    lines = [rows.columns, ["---"] * rows.width, *text.rows()]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    more = rows.height - most
    return f"{table}\n\nand {more:,} more rows" if more > 0 else table
