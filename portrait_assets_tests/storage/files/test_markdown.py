"""Tables in Markdown keep their shape whatever stands in them."""

from __future__ import annotations

import polars as pl

from portrait_assets.schema.markdown import markdown_table


def test_cells_with_bars_lines_lists_and_nothing_keep_their_place():
    rows = pl.DataFrame({"a": ["x|y\nz", None], "b": [1.23456, None], "c": [["p", "q"], []]})
    assert markdown_table(rows).splitlines() == [
        "| a | b | c |",
        "| --- | --- | --- |",
        "| x y z | 1.2346 | p, q |",
        "|  |  |  |",
    ]


def test_what_is_left_out_is_counted():
    assert markdown_table(pl.DataFrame({"a": range(20)}), most=3).endswith("and 17 more rows")
    assert markdown_table(pl.DataFrame({"a": range(20)}), most=19).endswith("and 1 more rows")
    assert markdown_table(pl.DataFrame({"a": range(20)}), most=20).endswith("| 19 |")
    assert markdown_table(pl.DataFrame({"a": []})) == "There is no row."


def test_what_stands_in_a_cell_is_text_and_neither_tag_nor_link_nor_a_new_line():
    rows = pl.DataFrame(
        {"<b>": ["<img src=x onerror=alert(1)>", "[free](javascript:a)", "a\rb\\`c`"]}
    )
    assert markdown_table(rows).splitlines() == [
        "| &lt;b&gt; |",
        "| --- |",
        "| &lt;img src=x onerror=alert(1)&gt; |",
        "| &#91;free](javascript:a) |",
        "| a b&#92;&#96;c&#96; |",
    ]
