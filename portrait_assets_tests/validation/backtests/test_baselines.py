"""A tag has to beat the best rule of one line that was known before, score against score."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from portrait_assets.methods.statistics.discrimination.roc import auc_intervals
from portrait_assets.methods.statistics.resampling import GROUPS
from portrait_assets.schema.table import Column, Type
from portrait_assets.stages.targets.declared.outcomes import outcome
from portrait_assets.stages.targets.windows import Window
from portrait_assets.stages.validation.backtests.backtest import _beyond_chance, backtest
from portrait_assets.stages.validation.backtests.claims import CLAIMS, Claim
from portrait_assets.stages.validation.backtests.measures import Judged, sides_of
from portrait_assets.stages.validation.backtests.orders import Order
from portrait_assets.stages.validation.findings.backtest import backtest_findings
from portrait_assets_tests.validation.small_world import SmallWorld, matrix_of

RISK = Column("risk", Type.TEXT, "Risk", "风险", allowed=("high", "low"))
CLAIM = Claim("risk", outcome("silence"), ("high", "low"))
MONTHS = ["2024-01", "2024-02", "2024-03"]
CUSTOMERS = 1_000


class Shop:
    """Customers who differ in how likely they stay away, and rules that see more or less of it."""

    def __init__(self) -> None:
        """Draws of a fixed seed."""
        self.rng = np.random.default_rng(11)
        self.quiet = self.rng.normal(size=CUSTOMERS)

    def seen(self, noise: float) -> np.ndarray:
        """What is seen of who stays away, with so much noise, as whole numbers."""
        return np.round(100 * (self.quiet + noise * self.rng.normal(size=CUSTOMERS))).astype(int)

    def silent(self) -> np.ndarray:
        """Who stays away in a month."""
        return self.rng.random(CUSTOMERS) < 1 / (1 + np.exp(1.5 - 2 * self.quiet))


def judged(
    folder: Path, risk_noise: float, rules: Sequence[tuple[float, float]] = ((0.5, 3.0),) * 3
) -> dict[str, Any]:
    """The test of the tag on March: by month the noise of recency and of last month's purchases."""
    shop = Shop()
    world = SmallWorld(folder, matrix_of(RISK), CUSTOMERS)
    for month, (recency, last_month) in zip(MONTHS, rules, strict=True):
        silent = shop.silent()
        world.add(
            month,
            tags={"risk": np.where(shop.seen(risk_noise) > 0, "high", "low")},
            features={
                "recency_days": shop.seen(recency),
                "purchases_1m": -shop.seen(last_month),
            },
            did={"purchases": np.where(silent, 0, 1)},
        )
    warehouse = world.close()
    rows = backtest(warehouse, world.matrix, [MONTHS[-1]], [CLAIM])[0]
    found = rows.filter((pl.col("metric") == "auc") & (pl.col("horizon_months") == 1))
    return found.row(0, named=True)


def test_a_tag_that_separates_less_than_a_rule_of_one_line_fails(tmp_path: Path):
    """Cut into the tag's two groups the rule would have lost what makes it better."""
    found = judged(tmp_path, risk_noise=1.5)
    assert found["low"] > 0.5, "it does separate"
    assert (found["baseline"], found["verdict"]) == ("recency", "fail")
    assert found["value"] < found["baseline_value"]
    assert found["gain_high"] < 0


def test_a_tag_that_separates_more_passes(tmp_path: Path):
    found = judged(tmp_path, risk_noise=0, rules=((4, 6),) * 3)
    assert (found["baseline"], found["verdict"]) == ("recency", "pass")
    assert found["gain_low"] > 0


@pytest.mark.parametrize(
    ("january", "february", "baseline"),
    [((0.2, 3), (3, 0.2), "recency"), ((3, 0.2), (0.2, 3), "last month")],
)
def test_the_baseline_is_the_best_of_the_months_before_and_not_of_the_month_judged(
    tmp_path: Path, january: tuple[float, float], february: tuple[float, float], baseline: str
):
    """January's rules were right about February; those of February are judged in March."""
    found = judged(tmp_path, 1, (january, february, (1, 1)))
    assert found["baseline"] == baseline


def test_scores_are_compared_as_they_are(tmp_path: Path):
    """The baseline's area is that of single customers but for ties within a twentieth."""
    shop = Shop()
    world = SmallWorld(tmp_path, matrix_of(RISK), CUSTOMERS)
    recency, risk = shop.seen(0.5), np.where(shop.seen(1) > 0, "high", "low")
    silent = shop.silent()
    world.add(MONTHS[0], {"risk": risk}, {"recency_days": recency, "purchases_1m": 1})
    world.add(MONTHS[1], {"risk": risk}, did={"purchases": np.where(silent, 0, 1)})
    rows = backtest(world.close(), world.matrix, [MONTHS[1]], [CLAIM])[0]
    found = rows.filter(pl.col("metric") == "auc").row(0, named=True)
    assert found["value"] == pytest.approx(roc_auc_score(silent, risk == "high"), abs=1e-6)
    assert found["baseline_value"] == pytest.approx(roc_auc_score(silent, recency), abs=0.004)


def test_a_tag_of_one_value_cannot_be_judged(tmp_path: Path):
    shop = Shop()
    world = SmallWorld(tmp_path, matrix_of(RISK), CUSTOMERS)
    for month in MONTHS[:2]:
        world.add(month, {"risk": ["low"] * CUSTOMERS}, did={"purchases": 1 - shop.silent()})
    rows = backtest(world.close(), world.matrix, [MONTHS[1]], [CLAIM])[0]
    assert set(rows["verdict"]) == {"not judged"}
    area = rows.filter(pl.col("metric") == "auc")
    assert area["value"].to_list() == [None]
    (advice,) = backtest_findings(area, CLAIMS, [], [])["advice_en"].head(1)
    assert advice.startswith("Everyone has the same value: there is nothing to judge. ")


PROBABILITY = Column("probability", Type.NUMBER, "Probability", "概率")


@pytest.mark.parametrize(
    ("predicted", "verdict"),
    [
        (lambda true: true, "pass"),
        (lambda true: true**2, "warn"),
        (lambda true: true + 0.01, "pass"),
    ],
    ids=["as it is", "too low", "a hundredth too high"],
)
@pytest.mark.parametrize("customers", [300, 3_000])
def test_a_probability_is_warned_of_when_it_errs_by_much_and_beyond_chance(
    tmp_path: Path, customers: int, predicted: Callable[[np.ndarray], np.ndarray], verdict: str
):
    rng = np.random.default_rng(12)
    true = rng.uniform(0.05, 0.95, customers)
    world = SmallWorld(tmp_path, matrix_of(PROBABILITY), customers)
    world.add(MONTHS[0], {"probability": predicted(true)})
    world.add(MONTHS[1], {"probability": true}, did={"purchases": rng.random(customers) < true})
    claim = Claim("probability", outcome("purchase"), is_probability=True)
    rows = backtest(world.close(), world.matrix, [MONTHS[1]], [claim])[0]
    found = rows.filter(pl.col("metric") == "calibration error").row(0, named=True)
    assert (found["baseline"], found["verdict"]) == ("calibrated", verdict)
    if customers == 300:
        assert found["baseline_value"] > 0.05, "as much is usual of so few"


def test_of_many_tags_those_found_by_chance_are_not_found():
    rng = np.random.default_rng(13)
    answer = outcome("answer")
    order = Order(("a", "b"))

    def test_of(rate_of_b: float, number: int) -> Judged:
        customers = rng.multinomial(1_000, np.full(GROUPS * 2, 1 / GROUPS / 2))
        cells = customers.reshape(1, GROUPS, 2).repeat(6, axis=0).astype(float)
        cells[1] = rng.binomial(cells[0].astype(int), [0.2, rate_of_b])
        claim = Claim(f"tag_{number}", answer, learned=True)
        return Judged(claim, "default", Window(MONTHS[0], 1), order, cells)

    tests = [test_of(0.2, number) for number in range(200)] + [test_of(0.4, 200)]
    found = [test.claim.tag for test in _beyond_chance(tests) if test.is_found]
    alone = [test for test in tests if auc_intervals(*sides_of(test.cells))[1][0] > 0.5]
    assert len(alone) > 3
    assert "tag_200" in found
    assert len(found) <= 2
