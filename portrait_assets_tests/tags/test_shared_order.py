"""The order of values by which neighbours may stand together in a shared file."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from portrait_assets.stages.tags.shared_rows import order_of, value_order


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
