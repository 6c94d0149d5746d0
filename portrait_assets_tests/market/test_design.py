"""What segments hold, want and lack, at which prices they buy, and what they buy together."""

from __future__ import annotations

import weakref
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm

from portrait_assets.methods.market.baskets import MOST_ITEMS, Baskets
from portrait_assets.methods.market.bundles import LEAST_BASKETS, Counts
from portrait_assets.stages.market.columns import EVERYONE
from portrait_assets.stages.market.design.bundling import (
    IN_BASKET,
    ITEM,
    NUMBERED,
    bundle_rows,
    counts_by_segment,
)
from portrait_assets.stages.market.design.contract import BUNDLE
from portrait_assets.stages.market.design.needs import COUNTS, OFFERED, need_rows
from portrait_assets.stages.market.design.prices import (
    BANDS,
    EDGE,
    LEAST_LINES,
    PRICE_BAND,
    PRICED,
    price_rows,
)
from portrait_assets.stages.market.shown import shown_step
from portrait_assets.storage.steps import Step
from portrait_assets_tests.market.world import accounts, lines, members, people, step_rows

Row = dict[str, object]


def of(rows: pl.DataFrame, **named: object) -> Row:
    return rows.filter(**named).row(0, named=True)


def bundle_step(smallest: int) -> Step:
    return shown_step(BUNDLE, (NUMBERED, ITEM), bundle_rows, smallest)


# -- needs ------------------------------------------------------------------------------------


def year(*rows: tuple[str, str, str]) -> pl.DataFrame:
    """What was bought in a year: month, customer and category."""
    schema = {"month": pl.String, "customer_id": pl.String, "category": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(lines=pl.lit(1))


def test_wanted_is_what_is_come_to_in_three_months_by_who_was_there_before() -> None:
    early = [("2024-06", "ann", "tea"), ("2024-07", "bob", "jam"), ("2024-08", "bob", "jam")]
    counts = step_rows(
        COUNTS,
        bought_in_year=year(*early, ("2024-11", "bob", "tea"), ("2024-12", "new", "tea")),
        holding=accounts(("ann", "fund 1", 9), ("bob", "fund 1", 9)),
        holding_3=accounts(("bob", "fund 2", 9)),
        member=members(ann=1, bob=1, new=1),
        member_3=members(ann=1, bob=1),
    )
    tea = of(counts, segment_id=EVERYONE, item="tea")
    assert (tea["customers"], tea["holders"]) == (3, 3)
    assert (tea["takers"], tea["could"]) == (1, 1), "ann had it, and new was no customer"
    fund = of(counts, segment_id=EVERYONE, item="fund")
    assert (fund["holders"], fund["takers"], fund["could"]) == (2, 1, 1)


def test_what_is_wanted_is_unknown_where_the_months_before_are() -> None:
    counts = step_rows(
        COUNTS,
        bought_in_year=year(("2024-12", "ann", "tea")),
        holding=accounts(),
        holding_3=accounts(),
        member=members(ann=1),
        member_3=members(),
    )
    tea = of(counts, segment_id=1, item="tea")
    assert (tea["holders"], tea["takers"], tea["could"]) == (1, None, None)
    row = of(need_rows(counts, NO_OFFER, 1), segment_id=1)
    assert (row["taken_share"], row["wants"]) == (None, None)


NO_OFFER = pl.DataFrame(schema={"item": pl.String, "offered": pl.Int64})


def counted(item: str, holders: tuple[int, int], takers: tuple[int, int]) -> list[Row]:
    """Holders and takers of two segments of 200 customers each, and of all."""
    both = [*zip(holders, takers, strict=True), (sum(holders), sum(takers))]
    return [
        {"segment_id": segment, "measure": "purchases", "item": item}
        | {"customers": size, "holders": has, "takers": takes, "could": size - has + takes}
        for segment, size, (has, takes) in zip((1, 2, 0), (200, 200, 400), both, strict=True)
    ]


def test_a_segment_lacks_what_surely_fewer_of_it_have() -> None:
    offered = pl.DataFrame({"item": ["tea", "jam", "oil"], "offered": [3, 0, 9]})
    counts = pl.DataFrame([*counted("tea", (20, 80), (5, 30)), *counted("jam", (60, 60), (9, 8))])
    rows = need_rows(counts, offered, 1)
    tea = of(rows, segment_id=1, item="tea")
    assert (tea["holds"], tea["wants"]) == ("less than others", "less than others")
    assert tea["lacking"] == pytest.approx(0.4 * 200 - 20)
    assert tea["tgi"] == pytest.approx(100 * 0.1 / 0.25)
    assert (tea["demand_share"], tea["offer_share"], tea["gap"]) == (0.25, 1.0, -0.75)
    jam = of(rows, segment_id=2, item="jam")
    assert (jam["holds"], jam["lacking"]) == ("none is sure", 0.0)
    assert of(rows, segment_id=EVERYONE, item="tea")["base_share"] is None, "there are no others"


def test_of_categories_that_are_alike_none_is_lacking() -> None:
    counts = [row for n in range(40) for row in counted(f"i{n}", (50 + n % 9, 54), (9, 9))]
    assert set(need_rows(pl.DataFrame(counts), NO_OFFER, 1)["holds"]) == {"none is sure"}


def test_few_holders_are_left_out() -> None:
    counts = pl.DataFrame([*counted("tea", (3, 80), (0, 30)), *counted("jam", (60, 60), (12, 18))])
    assert need_rows(counts, NO_OFFER, 10).filter(item="tea")["segment_id"].to_list() == [0]


def test_what_is_on_offer_is_introduced_and_not_withdrawn() -> None:
    product = pl.DataFrame(
        {
            "product_id": ["a", "b", "c", "d", "e"],
            "category": ["tea", "tea", "tea", "jam", None],
            "is_merchandise": [None, True, False, True, True],
            "introduced_on": ["2024-01-01", None, None, None, None],
            "withdrawn_on": [None, "2025-01-01", None, "2024-12-31", None],
        }
    ).with_columns(pl.col("introduced_on", "withdrawn_on").str.to_date())
    found = dict(step_rows(OFFERED, product=product).iter_rows())
    assert found == {"tea": 2, "jam": 0}


# -- prices -----------------------------------------------------------------------------------


def test_what_costs_nothing_is_given_back_or_of_no_category_has_no_price() -> None:
    rows = step_rows(
        PRICED,
        bought=lines(
            *(("ann", "tea", 6, 4), ("ann", "jam", 5), ("ann", "oil", 3, 0)),
            *(("ann", "tea", 0, 1), ("ann", "tea", -6, 4), ("ann", None, 7, 1)),
        ),
        holding=accounts(("ann", "fund 1", "0.01"), ("ann", "loan 1", 0)),
        member=members(ann=1),
    )
    assert sorted(rows.select("measure", "item", "price").rows()) == [
        ("holdings", "fund", Decimal("0.01")),
        *(("purchases", "jam", Decimal(5)), ("purchases", "oil", Decimal(3))),
        ("purchases", "tea", Decimal("1.5")),
    ]


def priced(*prices: tuple[str, int]) -> pl.DataFrame:
    """So many lines of tea at each price."""
    each = [Decimal(price) for price, count in prices for _ in range(count)]
    return pl.DataFrame({"price": each}).select(
        customer=pl.lit(1, pl.Int32),
        segment_id=pl.lit(1, pl.Int64),
        measure=pl.lit("purchases"),
        item=pl.lit("tea"),
        price=pl.col("price").cast(pl.Decimal(18, 2)),
    )


@pytest.mark.parametrize(
    ("price", "edge"),
    [("123.45", "130"), ("130.00", "130"), ("9.99", "10"), ("9.90", "9.9"), ("0.05", "0.05")],
)
def test_the_edges_of_bands_have_two_digits_rounded_up(price: str, edge: str) -> None:
    (edges,) = step_rows(EDGE, priced=priced((price, LEAST_LINES)))["edges"]
    assert edges.to_list() == [Decimal(edge)]
    assert step_rows(EDGE, priced=priced((price, LEAST_LINES - 1))).is_empty()


def test_the_usual_price_of_a_band_is_paid_most_often_and_of_equals_the_lower() -> None:
    lines_at = (("1.00", 2), ("1.10", 9), ("1.20", 9), ("4.00", 40), ("5.00", 20), ("6.00", 20))
    rows = step_rows(PRICE_BAND, priced=priced(*lines_at))
    bands = [(1, "1.00"), (1, "1.10"), (1, "1.20"), (2, "4.00"), (3, "5.00"), (4, "6.00")]
    assert rows.sort("price").select("band", "price").rows() == [
        (band, Decimal(price)) for band, price in bands
    ]
    usual = rows.filter("is_usual").sort("band")["price"].to_list()
    assert usual == [*map(Decimal, ("1.10", "4.00", "5.00", "6.00"))]


def test_bands_hold_a_fifth_of_the_lines_and_prices_are_of_a_unit() -> None:
    who = people("c", 50)
    bought = lines(*((name, "tea", 4 * (n // 10 + 1), 2) for n, name in enumerate(who * 2)))
    sold = pl.DataFrame(
        {"category": ["tea", "tea", "jam"], "amount": [8.0, 40.0, 1.0], "quantity": [2.0, 2.0, 1.0]}
    )
    counts = step_rows(
        BANDS,
        bought=bought,
        holding=accounts(),
        member=members(**{name: 1 + n % 2 for n, name in enumerate(who)}),
        sold=sold,
    )
    rows = price_rows(counts, 1).filter(segment_id=EVERYONE)
    assert rows["lines"].to_list() == [20] * 5
    assert rows["price_to"].to_list() == [*map(Decimal, ("4", "8", "12", "16")), None]
    assert rows["price_above"].to_list() == [None, *map(Decimal, ("4", "8", "12", "16"))]
    assert rows["usual_price"].to_list() == [*map(Decimal, ("2", "6", "10", "14", "18"))]
    assert rows["offered"].to_list() == [1, 0, 0, 0, 1]
    assert rows["gap"].to_list() == pytest.approx([-0.3, 0.2, 0.2, 0.2, -0.3])
    few = price_rows(counts, 15).filter(segment_id=EVERYONE)
    assert set(few["usual_price"]) == {None}, "a price that ten customers paid"


def test_a_category_of_few_lines_or_of_less_than_a_cent_has_no_bands() -> None:
    who = people("c", LEAST_LINES)
    rows = [(name, "fuel", 1, 1000) for name in who] + [(name, "jam", 2, 1) for name in who[1:]]
    given = {"holding": accounts(), "member": members(**dict.fromkeys(who, 1))}
    sold = pl.DataFrame(
        schema={"category": pl.String, "amount": pl.Float64, "quantity": pl.Float64}
    )
    assert step_rows(BANDS, bought=lines(*rows), sold=sold, **given).is_empty()


def test_a_segment_that_buys_cheaper_is_found_by_its_customers() -> None:
    counts = pl.DataFrame(
        [
            {"segment_id": s, "measure": "purchases", "item": "tea", "band": b, "customers": c}
            | {"lines": 3 * c, "buyers": n, "usual_price": Decimal(b), "paid_by": c}
            | {"price_above": None, "price_to": None, "offered": None}
            for s, b, c, n in (
                (1, 1, 80, 100),
                (1, 2, 40, 100),
                (2, 1, 45, 100),
                (2, 2, 75, 100),
                (0, 1, 125, 200),
                (0, 2, 115, 200),
            )
        ]
    )
    row = of(price_rows(counts, 1), segment_id=1, band=1)
    z = (0.8 - 0.45) / (2 * 0.625 * 0.375 / 100) ** 0.5
    assert row["p_value"] == pytest.approx(2 * norm.sf(z))
    assert (row["demand_share"], row["base_share"]) == (pytest.approx(2 / 3), pytest.approx(0.375))
    assert row["offer_share"] is None, "no product has a unit price"


# -- bundles ----------------------------------------------------------------------------------


def test_bundles_are_of_baskets_and_of_what_customers_hold() -> None:
    who = people("c", 300)
    bought = []
    for n, name in enumerate(who):
        items = ("bread", "butter") if n % 3 == 0 else ("tea",)
        bought += [(name, item, 1, 1, f"b{n}") for item in items]
    owned = [(name, f"{item} 1", 9) for name in who[:60] for item in ("card", "loan")]
    world = {
        "bought": lines(*bought, *((name, "tea", -1, 1, f"b{n}") for n, name in enumerate(who))),
        "holding": accounts(*owned, *((name, "fund 1", 9) for name in who[60:90])),
        "member": members(**{name: 1 + (n % 2) for n, name in enumerate(who)}),
    }
    rows = step_rows(bundle_step(10), **world)
    bread = of(rows, segment_id=EVERYONE, measure="purchases")
    assert (bread["item"], bread["other_item"]) == ("bread", "butter")
    assert (bread["baskets"], bread["customers"]) == (100, 100)
    assert (bread["support"], bread["lift"]) == (pytest.approx(1 / 3, abs=1e-6), pytest.approx(3))
    assert {row["segment_id"] for row in rows.filter(measure="purchases").to_dicts()} == {0, 1, 2}
    loan = of(rows, segment_id=EVERYONE, measure="holdings")
    assert loan["support"] == pytest.approx(60 / 90, abs=1e-6), "of those who hold anything"
    assert step_rows(bundle_step(70), **world).filter(measure="holdings").is_empty()


def test_what_is_given_back_or_of_no_category_is_in_no_basket() -> None:
    found = step_rows(
        IN_BASKET,
        bought=lines(
            ("ann", "tea", 5, 1, "b1"),
            ("ann", "jam", -3, 1, "b1"),
            ("ann", None, 3, 1, "b1"),
            ("ann", "rice", 3, 1, None),
            ("ann", "oil", None, None, "b1"),
        ),
        holding=accounts(("ann", "fund 1", 10), ("ann", "fund 2", 5)),
        member=members(ann=1),
    )
    rows = found.select("is_held", "basket_id", "item").sort("item").rows()
    assert rows == [(True, "", "fund"), (False, "b1", "oil"), (False, "b1", "tea")]


def test_pairs_are_sought_among_the_items_of_most_baskets() -> None:
    names = pl.Series([f"{n:04}" for n in range(MOST_ITEMS + 1)])
    often = pl.Series([LEAST_BASKETS, *[LEAST_BASKETS + 1] * MOST_ITEMS])
    each = pl.DataFrame({"is_held": False, "item": names, "n": pl.int_ranges(often, eager=True)})
    found = step_rows(ITEM, in_basket=each.explode("n")).sort("place")
    assert found["item"].to_list() == names[1:].to_list(), "the first is in one basket less"
    assert found["place"].to_list() == list(range(MOST_ITEMS))


@pytest.mark.parametrize(("basket", "customers"), [(None, 100), ("b", 19)])
def test_without_enough_baskets_nothing_is_bought_together(
    basket: str | None, customers: int
) -> None:
    who = people("c", customers)
    rows = step_rows(
        bundle_step(1),
        bought=lines(*((name, item, 1, 1, basket) for name in who for item in ("tea", "jam"))),
        holding=accounts(),
        member=members(**dict.fromkeys(who, 1)),
    )
    assert rows.is_empty()


@pytest.mark.parametrize(("together", "bundles"), [(19, 0), (20, 1)])
def test_twenty_baskets_with_both_are_a_bundle(together: int, bundles: int) -> None:
    """Besides each is in ten baskets without the other, and oil in most."""
    who = people("c", 300)
    items = [("tea", "jam")] * together + [("tea",)] * 10 + [("jam",)] * 10
    items += [("oil",)] * (len(who) - len(items))
    bought = [(n, each, 1, 1, "b") for n, own in zip(who, items, strict=True) for each in own]
    rows = step_rows(
        bundle_step(1),
        bought=lines(*bought),
        holding=accounts(),
        member=members(**dict.fromkeys(who, 1)),
    )
    assert rows.filter(segment_id=EVERYONE).height == bundles


def test_counts_of_segments_are_made_one_at_a_time_and_add_up_to_those_of_all() -> None:
    """Two items together in as many baskets of a customer as the segment has in its number."""
    numbered = {10: 1, 20: 2, 30: 3}
    segments = {}
    for many, segment in numbered.items():
        basket = np.repeat(np.arange(many), 2)
        item, customer = np.tile([0, 1], many), np.full(2 * many, segment)
        segments[segment] = Baskets(basket, item, customer, customer)
    seen: list[weakref.ref[Counts]] = []
    baskets = {}
    for segment, counts in counts_by_segment(segments, 2):
        seen.append(weakref.ref(counts))
        assert sum(each() is not None for each in seen) <= 2, "it, and at most the one before"
        assert counts.both.sum() == counts.baskets.sum() == counts.single[1].sum()
        baskets[segment] = int(counts.both.sum())
        del counts
    assert baskets == {1: 10, 2: 20, 3: 30, EVERYONE: 60}
