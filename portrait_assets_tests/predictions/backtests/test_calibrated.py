"""Probabilities are off where it is far, and more than chance."""

from __future__ import annotations

import polars as pl
import pytest

from portrait_assets.stages.predictions.backtests.calibrated import how_calibrated


def tenths(*groups: tuple[int, int, float], target: str = "silence") -> pl.DataFrame:
    """Customers, hits and mean probability by tenth."""
    return pl.DataFrame(
        [
            {
                "target": target,
                "horizon": 1,
                "basis": "model",
                "tenth": place,
                "customers": customers,
                "hits": hits,
                "predicted_rate": probability,
            }
            for place, (customers, hits, probability) in enumerate(groups, start=1)
        ],
        schema_overrides={"horizon": pl.UInt32},
    )


def judged(*groups: tuple[int, int, float]) -> dict[str, object]:
    return how_calibrated(tenths(*groups)).row(0, named=True)


def test_what_was_expected_is_counted_by_hand():
    found = judged((100, 50, 0.6), (100, 10, 0.05))
    assert found["expected"] == pytest.approx(65)
    assert found["calibration"] == pytest.approx(65 / 60)
    assert found["error"] == pytest.approx((10 + 5) / 60)


@pytest.mark.parametrize(
    ("groups", "is_off"),
    [
        (((1_000, 500, 0.5), (1_000, 100, 0.1)), False),
        (((1_000, 300, 0.5), (1_000, 60, 0.1)), True),
        # Right on the whole, and wrong in both halves.
        (((1_000, 400, 0.5), (1_000, 200, 0.1)), True),
        # Far beyond chance, and within 15 % of the rate.
        (((100_000, 50_000, 0.55), (100_000, 10_000, 0.11)), False),
        # Twice as many as expected, of so few that it may be chance.
        (((50, 8, 0.12), (50, 2, 0.03)), False),
        # Nothing happened where a hundred were expected.
        (((1_000, 0, 0.1),), True),
        (((20, 2, 0.1),), None),
    ],
    ids=["right", "all too high", "by tenth", "small", "few", "none", "too few to judge"],
)
def test_probabilities_are_off_where_it_is_far_and_beyond_chance(
    groups: tuple[tuple[int, int, float], ...], is_off: bool | None
):
    assert judged(*groups)["is_off"] is is_off


def test_of_many_targets_one_by_chance_is_none():
    # Alone it would stand out (p = 0.02), among twenty it does not.
    right = [tenths((400, 100, 0.25), target=f"t{number:02d}") for number in range(19)]
    odd = tenths((400, 80, 0.25), target="odd")
    assert how_calibrated(odd)["is_off"].to_list() == [True]
    assert how_calibrated(pl.concat([*right, odd]))["is_off"].any() is False
