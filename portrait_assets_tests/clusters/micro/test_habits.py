"""What distinguishes the parts of a segment, from features and from what was bought."""

from __future__ import annotations

from math import log
from typing import cast

import polars as pl
import pytest

from portrait_assets.stages.clusters.micro.habits import (
    BOUGHT,
    MANNER,
    RATE,
    TICKET,
    TIMES,
    habits_of,
)
from portrait_assets.stages.clusters.wealth.inputs import CHANNELS
from portrait_assets.storage.engine import Engine
from portrait_assets.storage.steps import Scope, Step, upstream
from portrait_assets.testing.steps import run_step

NOTHING = dict.fromkeys((*CHANNELS, *TIMES))


def test_how_often_and_for_how_much_is_by_observed_month_and_on_a_logarithm() -> None:
    rows = [
        ("a", 12, 6, 10.0),
        ("b", 3, 0, -4.0),
        ("c", None, 6, None),
    ]
    names = ["customer_id", "purchases_12m", "observed_months", "average_ticket_12m"]
    matrix = pl.DataFrame(rows, schema=names, orient="row").with_columns(
        pl.lit(value).alias(name) for name, value in NOTHING.items()
    )
    (read,) = [source for source in upstream(MANNER) if source.name == "feature_matrix"]
    found = run_step(MANNER, Scope("2024-06"), {read: matrix})
    assert found[RATE].to_list() == pytest.approx([log(1 + 2), log(1 + 3), None])
    assert found[TICKET].to_list() == pytest.approx([log(1 + 10), 0.0, None])


class Given:
    """An engine that has these rows of the two steps."""

    def __init__(self, manner: pl.DataFrame, bought: pl.DataFrame) -> None:
        self.rows = {MANNER.name: manner, BOUGHT.name: bought}

    def frame(self, step: Step, scope: Scope) -> pl.DataFrame:
        """The rows of a step."""
        return self.rows[step.name]


def test_shares_are_of_categories_with_two_percent_of_all_lines() -> None:
    bought = pl.DataFrame(
        [("a", "tea", 50.0), ("a", "jam", 2.0), ("b", "tea", 47.0), ("b", "oil", 1.0)],
        schema=["customer_id", "category", "lines"],
        orient="row",
    )
    manner = pl.DataFrame({"customer_id": ["a", "b", "c"]})
    found = habits_of(cast(Engine, Given(manner, bought)), "2024-06")
    assert found.columns == (RATE, TICKET, *CHANNELS, *TIMES, "category_jam", "category_tea")
    assert found.rows["category_jam"].to_list() == [round(2 / 52, 9), 0.0, None]
    assert found.rows["category_tea"].to_list() == [round(50 / 52, 9), round(47 / 48, 9), None]
