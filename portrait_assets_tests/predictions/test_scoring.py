"""Rows of scores: ranks, bands and intervals, of what is known."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import numpy as np
import polars as pl
import pytest

from portrait_assets.core.arrays import Floats
from portrait_assets.stages.predictions.asked import Asked
from portrait_assets.stages.predictions.learning.active import Active
from portrait_assets.stages.predictions.scoring import rows_of

ASKED = cast(Asked, SimpleNamespace(code="silence", horizon=1))


def scored(
    p: list[float | None], ends: tuple[list[float | None], list[float | None]]
) -> pl.DataFrame:
    """The rows of customers with these probabilities and ends of intervals, the likeliest first."""

    def interval(probability: Floats) -> tuple[Floats, Floats]:
        low, high = (np.array(end, dtype=np.float64) for end in ends)
        return low, high

    active = cast(Active, SimpleNamespace(version="m1", basis="model", interval=interval))
    known = pl.DataFrame(
        {
            "customer_id": [f"c{n:02d}" for n in range(len(p))],
            "order": [float(-n) for n in range(len(p))],
            "p": np.array(p, dtype=np.float64),
        }
    )
    return rows_of(known, ASKED, active, "2024-06")


def test_an_interval_holds_its_score_and_where_it_is_not_known_it_stays_so() -> None:
    rows = scored(
        [0.5, 0.4000004, 0.3, None],
        ([0.4, 0.4000006, None, None], [0.6, 0.3999994, None, None]),
    )
    assert rows.select("score", "low", "high").rows() == [
        (0.5, 0.4, 0.6),
        (0.4, 0.4, 0.4),
        (0.3, None, None),
        (None, None, None),
    ]


@pytest.mark.parametrize(
    ("customers", "sizes"), [(20, [1, 3, 6, 6, 4]), (10, [0, 2, 3, 3, 2]), (1, [0, 0, 0, 1, 0])]
)
def test_bands_end_at_a_twentieth_a_fifth_a_half_and_four_fifths(
    customers: int, sizes: list[int]
) -> None:
    rows = scored([0.5] * customers, ([None] * customers, [None] * customers))
    bands = ["highest", "high", "middle", "low", "lowest"]
    assert [rows.filter(band=band).height for band in bands] == sizes
    assert rows["rank"].to_list() == list(range(1, customers + 1))
