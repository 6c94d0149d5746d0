"""The order of values by which neighbours may stand together in a shared file."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from portrait_assets.stages.tags.shared_rows import _cell, order_of, value_order
from portrait_assets.storage.duckdb.connection import scratch_database


@pytest.mark.parametrize(
    ("values", "order"),
    [
        (["10-19", "9 and less", "20+"], ("9 and less", "10-19", "20+")),
        ([">=100", "<100"], ("<100", ">=100")),
        (["10-19", "other"], ()),
        (["10-19"], ()),
        (["high", "low"], ("very_low", "low", "medium", "high", "very_high")),
        (["high", "none"], ()),
        ([None], ()),
    ],
)
def test_texts_have_an_order_by_their_numbers_or_a_scale(
    values: list[str | None], order: tuple[str, ...]
):
    assert order_of(pl.Series(values, dtype=pl.String)) == order
    assert order_of(pl.Series([1, 2])) == ()


@pytest.mark.parametrize(
    ("rules", "has_order"),
    [
        (["spend >= 100", "spend < 100"], True),
        (["spend >= 100", "visits < 3"], False),
        (["spend >= 100", "spend < 100 AND visits > 3"], False),
        (["spend >= 100"], False),
        (["spend >= -1.5", " spend <= 7 "], True),
    ],
)
def test_values_of_a_tag_are_ordered_where_each_compares_one_thing(
    rules: list[str], has_order: bool
):
    values = [
        SimpleNamespace(value=f"v{n}", when=SimpleNamespace(text=rule))
        for n, rule in enumerate(rules)
    ]
    catalogue: Any = SimpleNamespace(tag=lambda code: SimpleNamespace(values=values))
    expected = tuple(each.value for each in values) if has_order else ()
    assert value_order("tier", catalogue) == expected


def test_a_text_of_fewer_than_k_customers_is_not_shown():
    towns = ["east"] * 3 + ["west"] * 2 + [None]
    with scratch_database() as con:
        con.register("people", pl.DataFrame({"town": towns, "tier": ["high", *["low"] * 5]}))
        cells = ", ".join(_cell(name, ["town"], 3) for name in ("town", "tier"))
        rows = con.sql(f"SELECT {cells} FROM people AS m ORDER BY m.town, tier").fetchall()
    assert [town for town, _ in rows] == ["east"] * 3 + [None] * 3
    assert sorted(tier for _, tier in rows) == ["high", *["low"] * 5], "of few values, and no text"
