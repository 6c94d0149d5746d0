"""Customers and hits by bucket, of a handful of customers counted by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import polars as pl
import pytest

from portrait_assets.methods.statistics.resampling import GROUPS
from portrait_assets.schema.table import Column, Type
from portrait_assets.stages.targets.declared.outcomes import outcome, packaged_targets
from portrait_assets.stages.targets.windows import Window
from portrait_assets.stages.validation.backtests.backtest import backtest
from portrait_assets.stages.validation.backtests.buckets import OTHERS, UNKNOWN, encoded
from portrait_assets.stages.validation.backtests.cells import SUMS, Cells
from portrait_assets.stages.validation.backtests.claims import Buckets, Claim
from portrait_assets.stages.validation.backtests.counting import Steps, _known, count_outcomes
from portrait_assets.stages.validation.backtests.orders import _names, bucket_order
from portrait_assets.stages.validation.drift.migration import migration
from portrait_assets_tests.validation.small_world import SmallWorld, matrix_of, rows_of
from portrait_assets_tests.validation.town_world import MATRIX

MONTHS = ["2024-01", "2024-02", "2024-03"]
PREDICTED = [0.1, 0.2, 0.3, 0.4]
PURCHASES = {"2024-01": [0, 0, 1, 1], "2024-02": [0, 1, 1, 0], "2024-03": [1, 1, 0, 0]}
CHANCE = Column("chance", Type.NUMBER, "Chance", "概率")
BUYS = Claim("chance", outcome("purchase"), is_probability=True)
COMES_BACK = Claim("chance", outcome("return"))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> SmallWorld:
    """Four customers whose predicted probability is the same in each month; tests only read it."""
    folder = tmp_path_factory.mktemp("four")
    found = SmallWorld(folder, matrix_of(CHANCE), len(PREDICTED))
    for month in MONTHS:
        features = {"recency_days": [9, 7, 5, 3], "purchases_1m": PURCHASES[month]}
        found.add(month, {"chance": PREDICTED}, features, {"purchases": PURCHASES[month]})
    found.close()
    return found


def counted(world: SmallWorld, claim: Claim, *windows: Window) -> pl.DataFrame:
    return rows_of(count_outcomes(world.warehouse, world.matrix, [claim], windows))


def of_tag(found: pl.DataFrame, *columns: str) -> list[tuple[float, ...]]:
    """The tag's rows, the lowest bucket first."""
    rows = found.filter(side="tag").sort("base_month", pl.col("bucket").cast(pl.Float64))
    return rows.select(pl.col(columns).round(9)).rows()


def test_a_number_is_counted_in_the_order_of_its_size(world: SmallWorld):
    """Of four customers none, a third, two thirds and all the others have less."""
    found = counted(world, BUYS, Window("2024-01", 1))
    rows = of_tag(found, "customers", "hits", "predicted", "predicted_squared")
    assert rows == [(1, 0, 0.1, 0.01), (1, 1, 0.2, 0.04), (1, 1, 0.3, 0.09), (1, 0, 0.4, 0.16)]
    buckets = found.filter(side="tag")["bucket"].cast(pl.Float64).sort().to_list()
    assert buckets == [0, 6, 13, 19]
    baseline = found.filter(side="recency").sort(pl.col("bucket").cast(pl.Float64))
    assert baseline["hits"].to_list() == [0, 1, 1, 0], "the longer ago the less likely"


def test_a_probability_of_a_month_is_that_of_any_of_several(world: SmallWorld):
    found = counted(world, BUYS, Window("2024-01", 2))
    rows = of_tag(found, "hits", "predicted", "predicted_of_hits")
    either = [round(1 - (1 - chance) ** 2, 9) for chance in PREDICTED]
    hits = [1, 1, 1, 0]
    assert rows == [(hit, p, p * hit) for hit, p in zip(hits, either, strict=True)]


def test_a_claim_is_counted_in_the_windows_of_its_outcome(world: SmallWorld):
    of_two_months = replace(outcome("purchase"), horizons=(2,))
    windows = [Window("2024-01", 1), Window("2024-01", 2), Window("2024-02", 1)]
    found = counted(world, replace(BUYS, outcome=of_two_months), *windows)
    assert set(found.select("base_month", "horizon").rows()) == {("2024-01", 2)}


def test_of_whom_it_is_not_known_nothing_is_counted(world: SmallWorld):
    """Who bought in the window is known to have or not; of the others it is not known."""
    unknown = replace(outcome("purchase"), hit="CASE WHEN purchases > 0 THEN spend > 0 END")
    found = counted(world, replace(BUYS, outcome=unknown), Window("2024-01", 1))
    assert of_tag(found, "customers", "hits") == [(1, 0), (1, 0)]


def test_who_had_not_bought_in_the_month_before_the_window_can_come_back(world: SmallWorld):
    found = counted(world, COMES_BACK, Window("2024-01", 1), Window("2024-02", 1))
    assert of_tag(found, "hits", "customers") == [(0, 1), (1, 1), (1, 1), (0, 1)]
    assert (
        found.filter(side="tag")["base_month"].sort().to_list() == ["2024-01"] * 2 + ["2024-02"] * 2
    )


def test_who_spent_nothing_is_not_among_those_who_spend_most(tmp_path: Path):
    """The others were given money back."""
    small = SmallWorld(tmp_path, matrix_of(CHANCE), 6)
    for month, amounts in (("2024-01", [1] * 6), ("2024-02", [-5, -5, -5, -5, -5, 0])):
        small.add(month, {"chance": 0.5}, did={"purchases": 1, "amount": amounts})
    small.close()
    found = counted(small, Claim("chance", outcome("spend")), Window("2024-01", 1))
    assert found.filter(side="tag").select("customers", "hits").rows() == [(6, 0)]


@pytest.mark.parametrize("falls", [False, True])
def test_buckets_of_a_number_are_in_the_order_of_numbers(falls: bool):
    tag = Cells(("10.0", "2.0", "0.0", "19.0"), np.ones((len(SUMS), GROUPS, 4)))
    order, _ = bucket_order(Claim("days", outcome("return"), falls=falls), tag, None)
    rising = ("0.0", "2.0", "10.0", "19.0")
    assert order.buckets == (rising[::-1] if falls else rising)


def cells(**of: tuple[int, int]) -> Cells:
    """Customers and hits by value, all in one group."""
    sums = np.zeros((len(SUMS), GROUPS, len(of)))
    sums[0, 0], sums[1, 0] = zip(*of.values(), strict=True)
    return Cells(tuple(of), sums)


@pytest.mark.parametrize(
    ("before", "learned_before"),
    [
        (cells(a=(100, 9), b=(100, 5), c=(100, 1)), True),
        (cells(a=(100, 9), b=(100, 5)), True),
        (cells(a=(100, 20)), False),
        (cells(b=(100, 9), c=(100, 1)), False),
        (cells(x=(100, 9), y=(100, 1)), False),
        (cells(a=(100, 0), b=(100, 0)), False),
    ],
    ids=["all", "most", "one value", "values of few", "other values", "it happened to nobody"],
)
def test_values_that_nobody_had_before_are_not_put_in_an_order_by_their_names(
    before: Cells, learned_before: bool
):
    """Where a new model divides customers otherwise, what its segments do is not known yet."""
    tag = cells(a=(60, 6), b=(25, 8), c=(15, 9))
    segment = Claim("segment_id", outcome("silence"), learned=True)
    order, _ = bucket_order(segment, tag, before)
    if learned_before:
        rates = before.rates | {"c": before.rates.get("c", 0.07)}
        assert order.buckets == tuple(sorted("abc", key=rates.__getitem__))
    else:
        assert len(order.buckets) == 3  # Of one half, for the others have no customers here.
        assert order.names == ("a", "b", "c")
        assert order.values == (0, 1, 2)


def test_a_bucket_has_its_lift_and_what_it_and_those_above_it_catch(tmp_path: Path):
    """Of ten at high risk six stay away and of thirty at low risk three, nine of forty in all."""
    risk = Column("risk", Type.TEXT, "Risk", "风险", allowed=("high", "low"))
    claim = Claim("risk", outcome("silence"), ("high", "low"))
    world = SmallWorld(tmp_path, matrix_of(risk), 40)
    tags, features = {"risk": ["high"] * 10 + ["low"] * 30}, {"recency_days": 1}
    world.add("2024-01", tags, features)
    world.add("2024-02", tags, features, {"purchases": [0] * 6 + [1] * 4 + [0] * 3 + [1] * 27})
    buckets = backtest(world.close(), world.matrix, ["2024-02"], [claim])[1]
    shown = buckets.select("bucket", "position", "customers", "hits", "rate", "lift", "gain")
    assert shown.sort("position").rows() == [
        ("high", 1, 10, 6, 0.6, round(0.6 * 40 / 9, 6), round(6 / 9, 6)),
        ("low", 2, 30, 3, 0.1, round(0.1 * 40 / 9, 6), 1.0),
    ]


def test_moves_are_shares_of_the_value_before_within_their_dimension(tmp_path: Path):
    tier = Column("value_tier", Type.TEXT, "Tier", "层级")
    world = SmallWorld(tmp_path, matrix_of(tier), 5)
    world.add("2024-01", {"value_tier": ["1", "1", "2", "2", None]})
    world.add("2024-02", {"value_tier": ["1", "2", "2", None, "1"]})
    warehouse = world.close()
    found = migration(warehouse, world.matrix, ["2024-01", "2024-02"])
    assert found.filter(dimension="value_tier").drop("as_of", "dimension").rows() == [
        ("1", "1", 1, 0.5),
        ("1", "2", 1, 0.5),
        ("2", "2", 1, 0.5),
        ("2", None, 1, 0.5),
        (None, "1", 1, None),
    ]
    assert found.filter(dimension="segment").drop("as_of", "dimension").rows() == [("1", "1", 5, 1)]
    assert {f"{day}" for day in found["as_of"]} == {"2024-02-29"}


def test_what_customers_do_after_they_objected_is_not_counted(tmp_path: Path) -> None:
    """Of four customers one objects in the month that closes the window: three are counted."""
    world = SmallWorld(tmp_path, matrix_of(CHANCE), len(PREDICTED))
    for month in MONTHS[:2]:
        objected = ["C00001"] if month == MONTHS[1] else []
        world.add(month, {"chance": PREDICTED}, {}, {"purchases": PURCHASES[month]}, None, objected)
    world.close()
    found = counted(world, BUYS, Window(MONTHS[0], 1)).filter(side="tag")
    assert (found["customers"].sum(), found["hits"].sum()) == (3, 1)


def test_values_of_too_few_are_counted_together(tmp_path: Path):
    """Of a hundred with a value two are enough, and one is not."""
    world = SmallWorld(tmp_path, MATRIX, 105)
    towns = ["A"] * 95 + ["B"] * 2 + ["C", "D", "E"] + [None] * 5
    for month in MONTHS[:2]:
        world.add(month, {"town": towns})
    claim = Claim("town", outcome("purchase"), learned=True, buckets=Buckets.LEVELS)
    found = rows_of(count_outcomes(world.close(), MATRIX, [claim], [Window(MONTHS[0], 1)]))
    assert found.select("bucket", "customers").sort("bucket").rows() == [
        ("(others)", 3),
        ("A", 95),
        ("B", 2),
    ]


def test_shares_of_moves_have_six_digits(tmp_path: Path):
    matrix = matrix_of(Column("value_tier", Type.TEXT, "Tier", "层级"))
    world = SmallWorld(tmp_path, matrix, 3)
    world.add("2024-01", {"value_tier": ["a", "a", "a"]})
    world.add("2024-02", {"value_tier": ["a", "b", "b"]})
    found = migration(world.close(), matrix, ["2024-02"]).filter(dimension="value_tier")
    assert found.select("value_after", "share").rows() == [("a", 0.333333), ("b", 0.666667)]


def test_where_nothing_was_counted_there_is_no_cell(tmp_path: Path):
    """As where all customers objected since, or a source no longer keeps the month's rows."""
    world = SmallWorld(tmp_path, MATRIX, 2)
    objected = {MONTHS[0]: [], MONTHS[1]: ["C00000", "C00001"]}
    for month, gone in objected.items():
        world.add(month, {"town": ["A", None]}, {}, {"purchases": 1}, None, gone)
    claim = Claim("town", outcome("purchase"), learned=True, buckets=Buckets.LEVELS)
    warehouse, windows = world.close(), [Window(MONTHS[0], 1)]
    assert list(count_outcomes(warehouse, MATRIX, [claim], windows)) == [{}]
    warehouse.con.execute(f"DELETE FROM {MATRIX.full_name}")
    assert list(count_outcomes(warehouse, MATRIX, [claim], windows)) == [{}]


@pytest.mark.parametrize("kind", [Buckets.VALUES, Buckets.LEVELS])
def test_a_text_is_encoded_by_its_place_among_the_sorted_values(kind: Buckets):
    """Of a hundred, one is too few for a bucket of its own, and who has no value has none."""
    towns = ["b"] * 97 + ["a"] * 2 + ["c"] + [None]
    found = encoded(pl.Series(towns), kind)
    if kind is Buckets.VALUES:
        assert found.labels == ("a", "b", "c")
    else:
        assert found.labels == (OTHERS, "a", "b")
    names = [found.labels[code] if code != UNKNOWN else None for code in found.codes]
    assert names == [*towns[:99], "c" if kind is Buckets.VALUES else OTHERS, None]


def test_bins_of_a_number_stand_in_its_order_and_other_values_by_their_rates():
    tag = cast(
        Cells, SimpleNamespace(buckets=("10", "9", "2.5"), rates={"10": 1, "9": 3, "2.5": 1})
    )
    bins, values = (
        cast(Claim, SimpleNamespace(counted_by=each)) for each in (Buckets.BINS, Buckets.VALUES)
    )
    assert _names(bins, tag) == ("2.5", "9", "10")
    assert _names(values, tag) == ("10", "2.5", "9")


def test_of_what_the_source_names_each_window_has_those_of_its_own_horizon():
    """Default within one month of the second customer, within three of the first as well."""
    of_source = next(each for each in packaged_targets().outcomes if each.is_named_by_source)
    rows = pl.DataFrame(
        [
            (horizon, name, place, place < defaulted, 0.0)
            for horizon, defaulted in ((1, 1), (3, 2))
            for name in ("default", "churn")
            for place in range(3)
        ],
        schema=["horizon", "answer_of", "place", "hit", "amount"],
        orient="row",
    )
    steps = cast(Steps, SimpleNamespace(number={}))
    happened = pl.DataFrame(schema={"horizon": pl.Int64})
    for horizon, hits in ((1, [True, False, False]), (3, [True, True, False])):
        found = list(_known(Window("2024-01", horizon), steps, happened, {of_source: rows}, {}))
        assert [(each, code) for each, code, _ in found] == [
            *((of_source, "default"), (of_source, "churn"))
        ]
        for _, _, known in found:
            assert known.places.tolist() == [0, 1, 2]
            assert known.hit.tolist() == hits
