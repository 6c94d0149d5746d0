"""Whatever the source reports of customers is a target for every tag and the segments."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from portrait_assets.schema.table import Column, Table, Type
from portrait_assets.stages.targets.declared.outcomes import OUTCOMES
from portrait_assets.stages.validation.backtests.backtest import Backtests, backtest
from portrait_assets.stages.validation.backtests.claims import claims_of
from portrait_assets.stages.validation.findings.backtest import backtest_findings
from portrait_assets_tests.validation.small_world import SmallWorld, matrix_of

CUSTOMERS, CHANCE = 3_000, 20
SEPTEMBER, OCTOBER, NOVEMBER = "2005-09", "2005-10", "2005-11"
TAGS = (
    Column("credit_limit", Type.MONEY, "Limit", "额度"),
    Column("paid", Type.TEXT, "Paid", "还款", allowed=("late", "in_time")),
    Column("town", Type.TEXT, "Town", "城镇"),
    Column("products", Type.TEXTS, "Products", "产品"),
    Column("married", Type.BOOLEAN, "Married", "已婚"),
    Column("born_on", Type.DATE, "Born", "出生"),
    *(Column(f"chance_{i}", Type.INTEGER, "Chance", "随机") for i in range(CHANCE)),
)


Portfolio = tuple["Cards", Table, Backtests]


class Cards:
    """A card portfolio: what is known in a month, and who defaults in the month after."""

    def __init__(self) -> None:
        """Draws of a fixed seed."""
        rng = np.random.default_rng(3)
        self.credit_limit = rng.integers(1, 50, CUSTOMERS) * 10_000
        late = rng.random(CUSTOMERS) < 0.2
        risk = -1.8 + 2 * late - self.credit_limit / 200_000
        self.default = rng.random(CUSTOMERS) < 1 / (1 + np.exp(-risk))
        products = rng.integers(0, 4, (CUSTOMERS, 2)).tolist()
        self.tags = {
            "credit_limit": self.credit_limit,
            "paid": np.where(late, "late", "in_time"),
            "town": [f"town {n}" for n in rng.integers(0, 400, CUSTOMERS)],
            "products": [[f"product {n}" for n in row] for row in products],
            "married": rng.random(CUSTOMERS) < 0.5,
            "born_on": np.datetime64("1960-01-01") + rng.integers(0, 12_000, CUSTOMERS),
        } | {f"chance_{i}": rng.integers(0, 100, CUSTOMERS) for i in range(CHANCE)}


@pytest.fixture(scope="module")
def portfolio(tmp_path_factory: pytest.TempPathFactory) -> Portfolio:
    """One month of tags, and defaults known in the month after: as tests of October."""
    cards, matrix = Cards(), matrix_of(*TAGS)
    world = SmallWorld(tmp_path_factory.mktemp("cards"), matrix, CUSTOMERS)
    world.add(SEPTEMBER, cards.tags)
    world.add(OCTOBER, cards.tags, outcomes={"default": cards.default, "silence": cards.default})
    warehouse = world.close()
    rows = backtest(warehouse, matrix, [OCTOBER])
    warehouse.close()
    return cards, matrix, rows


def areas(portfolio: Portfolio, outcome: str = "default") -> pl.DataFrame:
    return portfolio[2][0].filter((pl.col("metric") == "auc") & (pl.col("outcome") == outcome))


def test_every_tag_and_the_segment_are_tested_on_all_of_whom_it_is_known(portfolio):
    cards, matrix, _ = portfolio
    found = areas(portfolio)
    assert set(found["tag_code"]) == set(matrix.column_names) - {"as_of", "customer_id"}
    assert set(found["customers"]) == {CUSTOMERS}
    assert set(found["hits"]) == {int(cards.default.sum())}


def test_what_foretells_it_is_found_and_what_does_not_is_not(portfolio):
    cards = portfolio[0]
    found = {row["tag_code"]: row for row in areas(portfolio).iter_rows(named=True)}
    assert found["paid"]["value"] == pytest.approx(
        roc_auc_score(cards.default, cards.tags["paid"] == "late"), abs=0.01
    )
    assert found["credit_limit"]["value"] == pytest.approx(
        roc_auc_score(cards.default, -cards.credit_limit), abs=0.02
    )
    passed = {code for code, row in found.items() if row["verdict"] == "pass"}
    assert {"paid", "credit_limit"} <= passed
    assert len(passed) <= 3, "of 24 others, each with a chance of 1 in 20, hardly any"
    assert found["segment_id"]["verdict"] == "not judged", "all in one"


def test_an_outcome_called_as_one_of_the_package_stays_apart(portfolio):
    assert "paid" in set(areas(portfolio, "silence of the source")["tag_code"])


def test_buckets_are_values_of_all_customers_whose_rates_are_theirs(portfolio):
    cards, _, (_, buckets, _) = portfolio
    paid = buckets.filter(pl.col("test") == "paid / default").sort("position")
    assert paid["bucket"].to_list() == ["late", "in_time"]
    late = cards.tags["paid"] == "late"
    assert paid["rate"][0] == pytest.approx(cards.default[late].mean(), abs=1e-6)
    assert paid["customers"].to_list() == [late.sum(), (~late).sum()]
    towns = buckets.filter(pl.col("test") == "town / default")
    assert towns["bucket"].to_list() == ["(others)"], "each is of fewer than one in fifty"


def test_one_finding_tells_of_all_tags(portfolio):
    _, matrix, (rows, _, _) = portfolio
    claims = claims_of(OUTCOMES, matrix)
    found = backtest_findings(rows, claims, matrix.column_names, [])
    of_default = found.filter(pl.col("subject").str.ends_with("/ default"))
    assert of_default["subject"].to_list() == ["segment_id / default", "every tag / default"]
    every = of_default.row(1, named=True)
    assert every["verdict"] == "pass"
    assert every["advice_en"].startswith(f"{every['value']:.0f} of 27 tags tell it apart")
    assert "paid 0." in every["advice_en"]


def test_without_an_outcome_there_is_one_finding_of_its_lack(portfolio):
    matrix = portfolio[1]
    nothing = portfolio[2][0].clear()
    found = backtest_findings(
        nothing, claims_of(OUTCOMES, matrix), matrix.column_names, ["outcomes"]
    )
    lack = found.filter(pl.col("subject").str.ends_with("/ answer"))
    assert lack["advice_en"].to_list() == ["The source has no outcomes."]


def test_values_are_put_in_the_order_of_an_earlier_window_where_there_is_one(tmp_path: Path):
    """What was the risk of the month before is none in the next: the order is not turned round."""
    cards, matrix = Cards(), matrix_of(*TAGS)
    world = SmallWorld(tmp_path, matrix, CUSTOMERS)
    world.add(SEPTEMBER, cards.tags)
    world.add(OCTOBER, cards.tags, outcomes={"default": cards.default})
    world.add(NOVEMBER, cards.tags, outcomes={"default": ~cards.default})
    rows = backtest(world.close(), matrix, [NOVEMBER])[0]
    one_month = rows.filter(
        (pl.col("metric") == "auc")
        & (pl.col("horizon_months") == 1)
        & (pl.col("test") == "paid / default")
    )
    assert one_month["value"][0] == pytest.approx(
        roc_auc_score(~cards.default, cards.tags["paid"] == "late"), abs=1e-6
    )
    assert one_month["verdict"].to_list() == ["fail"]
