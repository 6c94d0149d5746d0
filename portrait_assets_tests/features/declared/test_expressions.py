"""Ratios, shares and shrinkage in SQL, each against its formula, at its limits and beside them."""

from __future__ import annotations

import statistics

import pytest

from portrait_assets.stages.features.declared.expressions import (
    ratio,
    share,
    share_low,
    shrunk_ratio,
    shrunk_share,
    spread,
)
from portrait_assets.storage.duckdb.connection import scratch_database


def value(expression: str, **columns: int | None) -> float | None:
    """The expression over one row of these columns."""
    row = ", ".join(
        f"CAST({'NULL' if number is None else number} AS DECIMAL(18, 2)) AS {name}"
        for name, number in columns.items()
    )
    with scratch_database() as con:
        found = con.execute(f"SELECT {expression} FROM (SELECT {row})").fetchone()
    assert found is not None
    return found[0]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("part", "whole", "as_ratio", "as_share"),
    [
        (3, 4, 0.75, 0.75),
        (1, 3, 0.333333, 0.333333),
        (4, 3, 1.333333, 1.0),
        (-1, 4, -0.25, 0.0),
        (0, 1, 0.0, 0.0),
        (1, 0, None, None),
        (-1, -2, None, None),
        (None, 4, None, None),
        (3, None, None, None),
    ],
)
def test_a_share_is_a_ratio_within_0_and_1(
    part: int | None, whole: int | None, as_ratio: float | None, as_share: float | None
):
    assert value(ratio("part", "whole"), part=part, whole=whole) == as_ratio
    # least() and greatest() pass over null: of a part that is not known a share is asked nowhere.
    if part is not None:
        assert value(share("part", "whole"), part=part, whole=whole) == as_share


@pytest.mark.parametrize(
    ("part", "count", "low"),
    [
        (5, 10, 0.236593),  # Wilson's example of 5 of 10: 0.2366 to 0.7634
        (10, 10, 0.722467),  # n / (n + z^2)
        (1, 1, 0.206549),
        (0, 10, 0.0),
        (12, 10, 0.722467),
        (1, 0, None),
        (None, 10, None),
    ],
)
def test_the_lower_limit_of_a_share_is_wilson_s(part: int | None, count: int, low: float | None):
    assert value(share_low("part", "n"), part=part, n=count) == low


WORLD = {"part": 3, "whole": 4, "n": 4, "base": 1, "of_base": 2}


@pytest.mark.parametrize(
    ("changed", "as_share", "as_ratio"),
    [
        ({}, 0.571429, 0.571429),  # (4 x 3/4 + 10 x 1/2) / 14
        ({"n": 1}, 0.522727, 0.522727),  # (1 x 3/4 + 10 x 1/2) / 11
        ({"part": 8}, 0.642857, 0.928571),  # a share is held at 1, a ratio is 2
        ({"part": -20}, 0.357143, 0.0),  # a share is held at 0; (4 x -5 + 5) / 14 is below 0
        ({"base": 6}, 0.928571, 2.357143),  # and so is the base: (3 + 10) / 14, (3 + 30) / 14
        ({"n": 0}, None, None),
        ({"whole": 0}, None, None),
        ({"of_base": 0}, None, None),
    ],
)
def test_a_share_of_few_is_moved_towards_that_of_all(
    changed: dict[str, int], as_share: float | None, as_ratio: float | None
):
    columns = ("part", "whole", "n", "base", "of_base")
    assert value(shrunk_share(*columns, 10), **WORLD | changed) == as_share
    assert value(shrunk_ratio(*columns, 10), **WORLD | changed) == as_ratio


@pytest.mark.parametrize("values", [[1, 3], [2, 2, 2], [1, 2, 6, 11]])
def test_the_spread_is_the_standard_deviation_in_means(values: list[int]):
    columns = {"n": len(values), "total": sum(values), "squares": sum(v * v for v in values)}
    of_sample = statistics.stdev(values) / statistics.mean(values)
    assert value(spread("n", "total", "squares"), **columns) == pytest.approx(of_sample, abs=1e-6)


@pytest.mark.parametrize(("n", "total", "squares"), [(1, 5, 25), (0, 0, 0), (2, 0, 8), (2, -1, 1)])
def test_one_value_or_a_mean_that_is_not_above_0_has_no_spread(n: int, total: int, squares: int):
    assert value(spread("n", "total", "squares"), n=n, total=total, squares=squares) is None
