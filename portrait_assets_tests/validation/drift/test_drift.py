"""Drift is reported where a distribution moved, and nowhere else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import product
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import false_discovery_control

from portrait_assets.core.months import last_day
from portrait_assets.schema.table import Table
from portrait_assets.stages.features.contract import FEATURE_MATRIX
from portrait_assets.stages.tags.catalogue.tag import Catalogue
from portrait_assets.stages.validation.contract import DRIFT, Against
from portrait_assets.stages.validation.drift.columns import ComparedColumns, drift, verdicts_of
from portrait_assets.stages.validation.drift.moves import (
    LeftOut,
    Pair,
    left_out_of,
    level_moves,
    pairs_of,
)
from portrait_assets.stages.validation.judging import compared_columns
from portrait_assets.storage.duckdb.store import Warehouse
from portrait_assets.testing.worlds.shop import SHOP_MONTHS
from portrait_assets_tests.validation.small_world import SmallWorld, matrix_of
from portrait_assets_tests.validation.town_world import MATRIX, MONTHS, TAGS, WINDOWS, Town

LAST = SHOP_MONTHS[-1]
SHARE = "weekend_spend_share_12m"
PLACE = pl.int_range(pl.len())


def test_a_month_is_compared_with_the_one_before_and_with_a_year_ago():
    months = [f"2023-{m:02d}" for m in range(1, 13)] + ["2024-01"]
    assert pairs_of(["2024-01"], months) == [
        Pair("2024-01", "2023-12", Against.MONTH_BEFORE),
        Pair("2024-01", "2023-01", Against.BASELINE),
    ]
    assert pairs_of(["2024-01"], ["2022-11", "2022-12", *months])[1].reference == "2023-01"
    assert pairs_of(["2023-03"], months)[1] == Pair("2023-03", "2023-01", Against.BASELINE)
    assert pairs_of(["2023-01"], months) == []


def test_a_first_month_that_everyone_bought_in_is_no_month_to_compare_with(warehouse: Warehouse):
    first = SHOP_MONTHS[0]
    assert left_out_of(warehouse, SHOP_MONTHS) == LeftOut(frozenset(), first)
    assert pairs_of(SHOP_MONTHS[:3], SHOP_MONTHS, LeftOut(first=first)) == [
        Pair(SHOP_MONTHS[2], SHOP_MONTHS[1], Against.MONTH_BEFORE),
        Pair(SHOP_MONTHS[2], SHOP_MONTHS[1], Against.BASELINE),
    ]
    matrix = warehouse.read(FEATURE_MATRIX, [first])
    silent = matrix.head(1).with_columns(
        customer_id=pl.lit("joined only"), purchases_1m=pl.lit(0, dtype=pl.Int64)
    )
    warehouse.write(FEATURE_MATRIX, [first], pl.concat([matrix, silent]))
    assert left_out_of(warehouse, SHOP_MONTHS) == LeftOut()
    assert left_out_of(warehouse, []) == LeftOut()


def test_months_before_the_first_purchase_are_compared_with_each_other_alone():
    left_out = LeftOut(frozenset({"2024-01", "2024-02"}))
    months = ["2024-01", "2024-02", "2024-03", "2024-04"]
    assert [(pair.month, pair.reference) for pair in pairs_of(months, months, left_out)] == [
        *[("2024-02", "2024-01")] * 2,
        *[("2024-04", "2024-03")] * 2,
    ]


USUAL = PLACE % 100 / 100


def many(warehouse: Warehouse, changed: pl.Expr, usual: pl.Expr = USUAL) -> pl.DataFrame:
    """Drift of a feature of 2,000 customers: `changed` in the last, `usual` before."""
    for month in SHOP_MONTHS:
        share = changed if month == LAST else usual
        one = warehouse.read(FEATURE_MATRIX, [month]).head(1)
        crowd = pl.concat([one] * 2_000).with_columns(
            share.cast(pl.Float64).alias(SHARE), pl.format("C{}", PLACE).alias("customer_id")
        )
        warehouse.write(FEATURE_MATRIX, [month], crowd)
    return drift(
        warehouse, [ComparedColumns(FEATURE_MATRIX, "feature", (SHARE,), {})], [LAST], SHOP_MONTHS
    )


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        (PLACE * 7 % 100 / 100, "pass"),
        ((PLACE % 100 / 100) ** 1.5, "warn"),
        (PLACE % 20 / 100, "fail"),
        (pl.lit(None), "fail"),
    ],
    ids=["the same, other customers", "somewhat lower", "all low", "gone"],
)
def test_the_verdict_follows_how_far_a_distribution_moved(
    warehouse: Warehouse, changed: pl.Expr, verdict: str
):
    found = many(warehouse, changed)
    assert found["verdict"].to_list() == [verdict, verdict]
    assert found["psi"].is_finite().all()


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        (USUAL, "fail"),
        (pl.when(PLACE % 25 == 0).then(USUAL), "warn"),
        (pl.when(PLACE == 0).then(USUAL), "pass"),
    ],
    ids=["everyone has one", "one in 25 has one", "one customer has one"],
)
def test_values_of_a_column_that_had_none_are_drift(
    warehouse: Warehouse, changed: pl.Expr, verdict: str
):
    compared = many(warehouse, changed, usual=pl.lit(None))
    assert compared["bins"].to_list() == [2, 2]
    assert compared["verdict"].to_list() == [verdict, verdict]


def test_a_column_that_had_no_value_leaves_the_others_as_they_are(warehouse: Warehouse):
    new, others = "spend_spread_12m", ("tenure_days", "category_diversity_12m")

    def compared(*names: str) -> pl.DataFrame:
        return drift(
            warehouse,
            [ComparedColumns(FEATURE_MATRIX, "feature", names, {})],
            [SHOP_MONTHS[1]],
            SHOP_MONTHS,
        )

    together = compared(new, *others)
    assert together.filter(pl.col("subject") == new)["verdict"].to_list() == ["fail", "fail"]
    assert together.filter(pl.col("subject") != new).equals(compared(*others))


def test_a_column_without_a_value_in_either_month_is_no_drift(warehouse: Warehouse):
    compared = many(warehouse, pl.lit(None), usual=pl.lit(None))
    assert compared["bins"].to_list() == [1, 1]
    assert compared["verdict"].to_list() == ["pass", "pass"]


def test_a_window_that_is_not_full_yet_is_not_judged(warehouse: Warehouse):
    feature = ComparedColumns(FEATURE_MATRIX, "feature", ("tenure_days",), {"tenure_days": 12})
    found = drift(warehouse, [feature], [LAST], SHOP_MONTHS)
    assert found["is_filling"].all()
    assert not found["verdict"].is_in(["warn", "fail"]).any()


def test_few_customers_raise_no_alarm_when_some_happen_to_differ(
    warehouse: Warehouse, catalogue: Catalogue
):
    """The shop has a handful: whatever moved, chance would have done as much."""
    found = drift(warehouse, compared_columns(catalogue), SHOP_MONTHS, SHOP_MONTHS)
    assert set(found["kind"]) == {"feature", "tag", "segment mix"}
    assert found.filter(pl.col("psi") > pl.col("psi_p95")).height < found.height / 2


def test_the_drift_of_a_month_does_not_depend_on_the_months_of_the_run(
    warehouse: Warehouse, catalogue: Catalogue
):
    together = drift(warehouse, compared_columns(catalogue), SHOP_MONTHS, SHOP_MONTHS)
    alone = drift(warehouse, compared_columns(catalogue), [LAST], SHOP_MONTHS)
    assert together.filter(pl.col("as_of") == alone["as_of"][0]).equals(alone)


def test_one_month_alone_has_no_drift(warehouse: Warehouse, catalogue: Catalogue, matrix: Table):
    assert drift(
        warehouse, compared_columns(catalogue), SHOP_MONTHS[:1], SHOP_MONTHS[:1]
    ).is_empty()


def test_a_window_is_full_when_the_month_compared_with_has_as_many_behind_it(tmp_path: Path):
    """A feature of two months jumps in February and in March; January looks back on one only."""
    customers, months = 200, ["2024-01", "2024-02", "2024-03"]
    world = SmallWorld(tmp_path, matrix_of(), customers)
    for month, level in zip(months, (0, 500, 1000), strict=True):
        days = [level + number % 50 for number in range(customers)]
        world.add(month, {}, {"recency_days": days})
    compared = ComparedColumns(FEATURE_MATRIX, "feature", ("recency_days",), {"recency_days": 2})
    warehouse = world.close()
    found = drift(warehouse, [compared], months[1:], months)
    judged = found.select("as_of", "against", "is_filling", "verdict").sort("as_of", "against")
    february, march = last_day(months[1]), last_day(months[2])
    assert judged.rows() == [
        (february, Against.BASELINE, True, "not judged"),
        (february, Against.MONTH_BEFORE, True, "not judged"),
        (march, Against.BASELINE, True, "not judged"),
        (march, Against.MONTH_BEFORE, False, "fail"),
    ]
    # Where nothing was bought in January, February looks back on itself alone.
    bought_later = LeftOut(frozenset(months[:1]))
    found = drift(warehouse, [compared], months[1:], months, bought_later)
    assert found.select("as_of", "is_filling", "verdict").unique().rows() == [
        (march, True, "not judged")
    ]


@pytest.fixture(scope="module")
def drifted(town: Town) -> pl.DataFrame:
    compared = ComparedColumns(MATRIX, "tag", TAGS, WINDOWS)
    return drift(town.warehouse, [compared], MONTHS, MONTHS)


def bins_of(then: Sequence[Any], now: Sequence[Any]) -> tuple[Counter[Any], Counter[Any]]:
    """Customers by bin of the month compared with: tenths of numbers, 20 values of texts."""
    known = [value for value in then if value is not None]
    if known and isinstance(known[0], float):
        ordered = sorted(known)
        edges = sorted({ordered[k * len(ordered) // 100] for k in range(1, 100)})

        def place(value: Any) -> Any:
            if value is None:
                return None
            edge = next((each for each in edges if value <= each), np.inf)
            reached = sum(each <= edge for each in known)
            return max(reached - 1, 0) * 10 // len(known)

        return Counter(map(place, then)), Counter(map(place, now))
    sizes, after = Counter(then), Counter(now)
    listed = sorted({*sizes, *after}, key=lambda v: (-sizes[v], -after[v], v is not None, v or ""))
    common = {value for value in listed[:20] if value is not None}
    names = [
        [value if value is None or value in common else "others" for value in side]
        for side in (then, now)
    ]
    return Counter(names[0]), Counter(names[1])


@pytest.mark.parametrize("tag", TAGS)
def test_drift_is_the_distance_of_two_months_by_bins_of_the_earlier(
    town: Town, drifted: pl.DataFrame, tag: str
):
    pairs = pairs_of(MONTHS, MONTHS)
    own = drifted.filter(subject=tag)
    assert own.height == len(pairs) == 10
    for pair in pairs:
        then, now = town.values(pair.reference, tag), town.values(pair.month, tag)
        before, after = bins_of(then, now)
        bins = {*before, *after}
        shares = [((after[b] + 0.5), (before[b] + 0.5)) for b in bins]
        total = 90 + 0.5 * len(bins)
        psi = sum((q - p) / total * log(q / p) for q, p in shares)
        row = own.filter(as_of=last_day(pair.month), against=str(pair.against)).row(0, named=True)
        assert row["reference_as_of"] == last_day(pair.reference)
        assert (row["customers"], row["reference_customers"]) == (90, 90)
        assert row["bins"] == len(bins)
        assert row["psi"] == pytest.approx(psi, abs=1e-8)
        if tag != "chance":
            assert row["ks"] is None
            continue
        sides = [[v for v in side if v is not None] for side in (then, now)]
        distance = max(
            abs(sum(v <= edge for v in sides[0]) / 80 - sum(v <= edge for v in sides[1]) / 80)
            for edge in sides[0]
        )
        assert row["ks"] == pytest.approx(distance, abs=1e-8)


def test_the_q_values_of_drift_are_those_of_the_columns_compared_at_once(drifted: pl.DataFrame):
    for _, family in drifted.group_by("as_of", "against"):
        expected = false_discovery_control(family["p_value"].to_numpy())
        assert family["q_value"].to_list() == pytest.approx(expected.tolist(), abs=1e-8)


def test_the_verdict_of_drift_is_that_of_its_numbers():
    """Beyond chance by both tests, by how much, and with windows that are full."""
    cases = list(product((0.09, 0.1, 0.24, 0.25), (0.05, 0.3), (0.05, 0.06), (0, 2, 3)))
    measured = pl.DataFrame(
        [
            {
                **dict.fromkeys(DRIFT.column_names, None),
                "as_of": last_day("2024-03"),
                "against": "month before",
                "kind": "tag",
                "subject": f"t{n}",
                "customers": 9,
                "bins": 2,
                "psi": psi,
                "psi_p95": by_chance,
                "q_value": q,
            }
            for n, (psi, by_chance, q, _) in enumerate(cases)
        ],
        schema_overrides=dict.fromkeys(("psi_expected", "ks"), pl.Float64),
    ).drop("reference_as_of", "verdict")
    windows = {("tag", f"t{n}"): window for n, (*_, window) in enumerate(cases)}
    pair = pairs_of(["2024-03"], MONTHS[:3])[0]
    number = pl.col("subject").str.slice(1).cast(pl.Int64)
    found = verdicts_of(measured, [pair], windows, MONTHS).sort(number)

    def verdict(psi: float, by_chance: float, q: float, window: int) -> str:
        if psi <= by_chance or q > 0.05 or psi < 0.1:
            return "pass"
        if window > 2:  # Months of the source up to the one compared with.
            return "not judged"
        return "fail" if psi >= 0.25 else "warn"

    assert found["verdict"].to_list() == [verdict(*case) for case in cases]
    assert len(set(found["verdict"])) == 4


@pytest.mark.parametrize(
    ("purchases", "lines", "found"),
    [
        ([1, 2], [1, 5], LeftOut(frozenset(), "2024-01")),
        ([1, 0], [1, 0], LeftOut()),
        # Who only gives back is known by that.
        ([1, 0], [1, 2], LeftOut(frozenset(), "2024-01")),
        # Of a bank whose customers only hold something in the first month.
        ([0, 0], [0, 0], LeftOut(frozenset({"2024-01"}), "2024-02")),
    ],
)
def test_months_are_left_out_that_are_made_of_buyers_alone_or_before_all_purchases(
    tmp_path: Path, purchases: list[int], lines: list[int], found: LeftOut
):
    world = SmallWorld(tmp_path, MATRIX, 2)
    world.add("2024-01", {}, did={"purchases": purchases, "lines": lines})
    world.add("2024-02", {}, did={"purchases": [2, 1], "lines": [2, 1]})
    months = ["2024-01", "2024-02"]
    assert left_out_of(world.warehouse, months) == found
    world.add("2024-03", {}, did={"purchases": [0, 1], "lines": [0, 1]})
    assert left_out_of(world.warehouse, [*months, "2024-03"]) == found


def test_without_any_purchase_no_month_is_left_out(tmp_path: Path):
    world = SmallWorld(tmp_path, MATRIX, 2)
    world.add("2024-01", {}, did={"purchases": 0})
    assert left_out_of(world.warehouse, ["2024-01"]) == LeftOut()


def test_who_is_absent_from_a_month_has_no_bin_and_who_lacks_a_value_is_missing():
    days = ["2024-01", "2024-02"]
    then, now = (
        pl.DataFrame({"customer_id": list(values), "town": list(values.values())})
        for values in ({"a": "X", "b": None, "c": "Y"}, {"b": "X", "c": None, "d": None, "e": "X"})
    )
    pair = pairs_of(days[1:], days)[0]
    levels = {"X": "=X", "Y": "=Y", None: "missing"}
    binned = pl.DataFrame(
        {"as_of": last_day(days[1]), "against": str(pair.against), "subject": "town"}
        | {"level": list(levels), "bin": list(levels.values())}
    )
    found = level_moves(dict(zip(days, (then, now), strict=True)), [pair], ["town"], binned)
    moves = found.select("bin_then", "bin_now", "customers").rows()
    assert sorted(moves, key=str) == sorted(
        [
            *(("=X", None, 1), ("missing", "=X", 1), ("=Y", "missing", 1)),
            *((None, "missing", 1), (None, "=X", 1)),
        ],
        key=str,
    )
