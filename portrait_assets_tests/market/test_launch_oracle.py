"""Takers of launched products and the bands of prices, counted again in plain Python by chance."""

from __future__ import annotations

from collections import Counter
from datetime import date
from random import Random
from typing import Any

import polars as pl
import pytest

from portrait_assets.stages.features.monthly.products import PRODUCT
from portrait_assets.stages.market.columns import EVERYONE, HOLDINGS, PURCHASES
from portrait_assets.stages.market.competitors.launches import COUNTS, SIZE
from portrait_assets.stages.market.design.prices import (
    BANDS,
    EDGE,
    LEAST_LINES,
    OFFER_PRICE,
    PRICED,
    price_rows,
)
from portrait_assets.stages.market.facts import (
    BOUGHT,
    HOLDING,
    MEMBER,
    bought_before,
    holding_before,
    member_before,
)
from portrait_assets.storage.steps import Scope
from portrait_assets.testing.steps import run_step

MONTH = Scope("2024-06")
CUSTOMERS = [f"c{n:02}" for n in range(40)]
PRODUCTS: dict[str, tuple[str | None, date | None]] = {
    "new fund": ("fund", date(2024, 6, 30)),
    "year-old fund": ("fund", date(2023, 7, 1)),
    "old fund": ("fund", date(2023, 6, 30)),
    "fund without a day": ("fund", None),
    "loan to come": ("loan", date(2024, 7, 1)),
    "old loan": ("loan", date(2020, 1, 1)),
    "new thing": (None, date(2024, 5, 1)),
    "new tea": ("tea", date(2024, 1, 15)),
    "old tea": ("tea", date(2019, 1, 1)),
    "older tea": ("tea", date(2018, 1, 1)),
    "nobody's tea": ("tea", date(2024, 6, 1)),
}
LAUNCHED = {"new fund": 0, "year-old fund": 11, "new thing": 1, "new tea": 5, "nobody's tea": 0}
"""With the months since."""
NEVER_HELD = ("tea",)
Had = set[tuple[str, str]]


def count(of: Had, name: str | None) -> int:
    """How many have the product."""
    return sum(each == name for _, each in of)


class Launches:
    """Who held, bought and was a member, in the month and in the one before, by chance."""

    def __init__(self) -> None:
        rng = Random(33)
        taken = [name for name in PRODUCTS if not name.startswith("nobody")]
        kept = [name for name in taken if PRODUCTS[name][0] not in NEVER_HELD]
        self.member = [set(rng.sample(CUSTOMERS, 33)) for _ in range(2)]
        self.holding = [
            [(rng.choice(CUSTOMERS), rng.choice(kept)) for _ in range(60)] for _ in "ab"
        ]
        self.bought = [
            [(rng.choice(CUSTOMERS), rng.choice(taken), rng.random() < 0.2) for _ in range(90)]
            for _ in "ab"
        ]

    def given(self) -> dict[Any, pl.DataFrame]:
        frames: dict[Any, pl.DataFrame] = {
            PRODUCT: pl.DataFrame(
                [(name, *each) for name, each in PRODUCTS.items()],
                schema={"product_id": pl.String, "category": pl.String, "introduced_on": pl.Date},
                orient="row",
            )
        }
        steps = (
            (MEMBER, BOUGHT, HOLDING),
            (member_before(1), bought_before(1), holding_before(1)),
        )
        for place, (member, bought, holding) in enumerate(steps):
            frames[member] = pl.DataFrame({"customer_id": sorted(self.member[place])})
            frames[bought] = pl.DataFrame(
                [(who, product, PRODUCTS[product][0], back)
                 for who, product, back in self.bought[place]],
                schema=["customer_id", "product_id", "category", "gives_back"],
                orient="row",
            )  # fmt: skip
            frames[holding] = pl.DataFrame(
                [(who, product, PRODUCTS[product][0]) for who, product in self.holding[place]],
                schema=["customer_id", "product_id", "category"],
                orient="row",
            )
        return frames

    def had(self, place: int) -> Had:
        """Who of both months' members has a product, now (0) or before (1)."""
        both = self.member[0] & self.member[1]
        held_categories = {PRODUCTS[name][0] for of in self.holding for _, name in of}
        found = {(who, name) for who, name in self.holding[place]}
        found |= {
            (who, name)
            for who, name, gives_back in self.bought[place]
            if not gives_back
            and PRODUCTS[name][0] not in held_categories
            # Of no category it is not known whether it is held.
            and PRODUCTS[name][0] is not None
        }
        return {(who, name) for who, name in found if who in both}

    def expected(self) -> dict[str, tuple[Any, ...]]:
        size = len(self.member[0] & self.member[1])
        now, before = self.had(0), self.had(1)
        rows = {}
        for name, months in LAUNCHED.items():
            category = PRODUCTS[name][0]
            takers = {who for who, each in now - before if each == name}
            others = [
                each
                for each, (kind, _) in PRODUCTS.items()
                if kind == category and each not in LAUNCHED and count(now | before, each)
            ]
            came = Counter(
                each
                for who, each in before
                if who in takers and PRODUCTS[each][0] == category and each != name and category
            )
            source = min(came, key=lambda each: (-came[each], each), default=None)
            rows[name] = (
                *(category, months, count(now, name), len(takers), size - count(before, name)),
                sum(count(now - before, each) for each in others) if others and category else None,
                sum(size - count(before, each) for each in others) if others and category else None,
                *(source, came[source] if source else None),
                count(before, source) if source else None,
            )
        return rows


def test_who_took_a_launch_and_from_what_they_changed_is_counted_by_hand() -> None:
    world = Launches()
    found = run_step(COUNTS, MONTH, world.given())
    columns = found.columns
    assert columns[:4] == ["product_id", "category", "introduced_on", "months"]
    counted = {row[0]: (row[1], *row[3:]) for row in found.rows()}
    assert counted == world.expected()
    assert run_step(SIZE, MONTH, world.given()).item() == len(world.member[0] & world.member[1])


def band_of(price: float, edges: list[float]) -> int:
    """The number of its band, from 1."""
    return 1 + sum(edge < price for edge in edges)


def edge_of(prices: list[float]) -> list[float]:
    """Two digits of the price up to which each fifth of the lines is, rounded up, none twice."""
    ordered = sorted(prices)
    edges = set()
    for share in (0.2, 0.4, 0.6, 0.8):
        price = ordered[max(0, -int(-(share * len(ordered)) // 1) - 1)]
        unit = 10 ** (len(str(int(price))) - 2)
        edges.add(round(-int(-(round(price / unit, 6)) // 1) * unit, 2))
    return sorted(edges)


@pytest.fixture(scope="module")
def paid() -> pl.DataFrame:
    """Lines of two categories with enough and of one with a line too few."""
    rng = Random(8)
    counts = {("tea", PURCHASES): LEAST_LINES, ("fund", HOLDINGS): 150, ("ham", PURCHASES): 99}
    rows = [
        (
            customer,
            1 + customer % 3,
            measure,
            item,
            float(rng.choice([*range(10, 100, 7), 250, 999])),
        )
        for (item, measure), lines in counts.items()
        for customer in (rng.randint(1, 30) for _ in range(lines))
    ]
    return pl.DataFrame(
        rows, schema=["customer", "segment_id", "measure", "item", "price"], orient="row"
    ).cast({"price": pl.Decimal(18, 2)})


def test_lines_customers_and_offers_of_bands_are_counted_by_hand(paid: pl.DataFrame) -> None:
    offered = [("tea", 10.0), ("tea", 20.0), ("tea", 5_000.0), ("ham", 3.0), ("fund", 20.0)]
    offers = pl.DataFrame(offered, schema=["item", "price"], orient="row").cast(
        {"price": pl.Decimal(18, 2)}
    )
    given: dict[Any, pl.DataFrame] = {PRICED: paid, OFFER_PRICE: offers}
    rows = [(*row[:4], float(row[4])) for row in paid.rows()]
    expected: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    edges = {}
    for measure, item in [(HOLDINGS, "fund"), (PURCHASES, "tea")]:
        of_item = [row for row in rows if row[2:4] == (measure, item)]
        edges[item] = edge_of([row[4] for row in of_item])
        for segment in (1, 2, 3, EVERYONE):
            own = [row for row in of_item if segment in (EVERYONE, row[1])]
            for band in {band_of(row[4], edges[item]) for row in own}:
                lines = [row for row in own if band_of(row[4], edges[item]) == band]
                of_all = Counter(row[4] for row in of_item if band_of(row[4], edges[item]) == band)
                usual = min(of_all, key=lambda price: (-of_all[price], price))
                expected[segment, measure, item, band] = (
                    *(len({row[0] for row in lines}), len(lines), len({row[0] for row in own})),
                    *(usual, len({row[0] for row in of_item if row[4] == usual})),
                    *([None, *edges[item], None][band - 1 : band + 1]),
                    sum(
                        band_of(price, edges[item]) == band
                        for name, price in offered
                        if name == item
                    )
                    if measure == PURCHASES
                    else None,
                )
    found = run_step(BANDS, MONTH, given)
    values = {
        row[:4]: tuple(None if each is None else float(each) for each in row[4:])
        for row in found.rows()
    }
    assert values == expected
    assert run_step(EDGE, MONTH, given)["item"].sort().to_list() == ["fund", "tea"]


def test_shares_are_of_all_lines_and_of_the_others_where_there_are_any(paid: pl.DataFrame) -> None:
    offers = pl.DataFrame({"item": ["tea"], "price": [10.0]})
    rows = price_rows(run_step(BANDS, MONTH, {PRICED: paid, OFFER_PRICE: offers}), 1)
    of_all = rows.filter(pl.col("segment_id") == EVERYONE)
    assert of_all["base_share"].null_count() == len(of_all), "all have no others"
    others = rows.filter(pl.col("segment_id") != EVERYONE)
    assert others["base_share"].null_count() == 0
    sums = rows.group_by("segment_id", "measure", "item").agg(
        pl.col("demand_share", "base_share").sum().round(4)
    )
    assert set(sums["demand_share"]) == {1.0}
    assert set(sums.filter(pl.col("segment_id") != EVERYONE)["base_share"]) == {1.0}
