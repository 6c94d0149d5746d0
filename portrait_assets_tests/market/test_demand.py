"""What is in demand: sums by segment and item, the year before, seasons and trends."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from portrait_assets.core.months import month_range, next_month
from portrait_assets.stages.market.columns import EVERYONE
from portrait_assets.stages.market.demand.contract import ITEM_MONTH
from portrait_assets.stages.market.demand.items import ITEM_MONTH as ITEMS
from portrait_assets.stages.market.demand.listing import (
    demand_rows,
    history_step,
    listed_items,
    with_vanished,
)
from portrait_assets.stages.market.demand.series import seasons, series_of, trends
from portrait_assets.stages.market.shown import shown
from portrait_assets_tests.market.world import MONTH, accounts, lines, members, people, step_rows

SIZES = pl.DataFrame({"segment_id": [0, 1, 2], "size": [4, 2, 2]})


def item_month(**inputs: pl.DataFrame) -> pl.DataFrame:
    rows = step_rows(ITEMS, **inputs)
    return rows.select(ITEM_MONTH.column_names).cast(ITEM_MONTH.polars_schema)


def of(rows: pl.DataFrame, segment: int, item: str, **more: object) -> dict[str, object]:
    return rows.filter(segment_id=segment, item=item, **more).row(0, named=True)


def test_what_is_bought_is_net_of_returns_and_counted_by_segment() -> None:
    rows = item_month(
        bought=lines(
            ("ann", "tea", 10, 2),
            ("ann", "tea", -4, 1),
            ("bob", "tea", 5, 1),
            ("cat", "jam", 3),
            ("cat", None, 7),
            ("dan", "tea", -2, 1),
            ("stranger", "tea", 100, 1),
        ),
        holding=accounts(),
        member=members(ann=1, bob=1, cat=2, dan=2),
    )
    tea = of(rows, EVERYONE, "tea")
    assert (tea["amount"], tea["quantity"], tea["lines"]) == (Decimal("9.00"), Decimal(1), 0)
    assert tea["customers"] == 2, "who only gave back bought nothing"
    assert of(rows, EVERYONE, "tea 1")["customers"] == 2, "nor the product"
    assert of(rows, 2, "tea")["amount"] == Decimal("-2.00")
    assert of(rows, EVERYONE, "all")["amount"] == Decimal("19.00"), "without a category, too"
    assert of(rows, 2, "jam")["quantity"] is None, "where a line states none"


def test_an_amount_in_a_currency_without_a_rate_is_counted_and_not_added() -> None:
    rows = item_month(
        bought=lines(("ann", "tea", 10, 2), ("bob", "tea", None, 3)),
        holding=accounts(),
        member=members(ann=1, bob=1),
    )
    tea = of(rows, EVERYONE, "tea")
    assert (tea["amount"], tea["quantity"], tea["lines"]) == (Decimal(10), Decimal(2), 1)
    assert (tea["customers"], tea["without_amount"]) == (2, 1)


def test_what_is_held_is_counted_by_category_and_product() -> None:
    rows = item_month(
        bought=lines(),
        holding=accounts(("ann", "fund 1", 10), ("ann", "fund 2", 30), ("bob", "fund 1", -5)),
        member=members(ann=1, bob=2),
    )
    assert of(rows, EVERYONE, "fund")["customers"] == 2
    assert of(rows, EVERYONE, "fund 1")["amount"] == Decimal(5)
    assert of(rows, EVERYONE, "fund 1")["category"] == "fund"
    assert rows.filter(item_kind="all").is_empty(), "assets and debts are not added up"


def history(values: dict[str, list[float]], month: str = "2024-12") -> pl.DataFrame:
    """Takings of categories in the months up to this one."""
    return pl.DataFrame(
        [
            {"month": next_month(month, 1 + n - len(own)), "measure": "purchases"}
            | {"item_kind": "category", "item": item, "category": item}
            | {"amount": Decimal(f"{value:.2f}")}
            for item, own in values.items()
            for n, value in enumerate(own)
        ],
        schema_overrides={"amount": pl.Decimal(18, 2)},
    )


NOW = pl.DataFrame(
    [
        ("2024-12", s, "purchases", "category", i, i, n, n, None, Decimal(amount), 0)
        for s, i, n, amount in ((0, "tea", 4, "60"), (1, "tea", 2, "20"), (2, "tea", 2, "40"))
    ],
    schema=ITEM_MONTH.polars_schema,
    orient="row",
)


def test_products_that_sell_most_of_all_are_counted_and_every_category(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By what all customers buy: in segments the same product would be named again."""
    monkeypatch.setattr("portrait_assets.stages.market.demand.items.PRODUCTS_BOUGHT", 2)
    rows = item_month(
        bought=lines(("ann", "tea", 10, 1), ("bob", "jam", 9, 1), ("bob", "oil", 8, 1)),
        holding=accounts(("ann", "fund 1", 1), ("ann", "bond 1", 1), ("bob", "gold 1", 1)),
        member=members(ann=1, bob=2),
    ).filter(segment_id=EVERYONE)
    bought = rows.filter(measure="purchases", item_kind="product")
    assert bought["item"].sort().to_list() == ["jam 1", "tea 1"]
    assert rows.filter(measure="purchases", item_kind="category").height == 3
    assert rows.filter(measure="holdings", item_kind="product").height == 3


def test_demand_has_shares_the_year_before_and_what_vanished() -> None:
    whole = NOW.filter(segment_id=EVERYONE).with_columns(
        item_kind=pl.lit("all"), item=pl.lit("all"), category=None, amount=pl.col("amount") * 2
    )
    now = pl.concat([NOW, whole.cast(ITEM_MONTH.polars_schema)])
    year_ago = NOW.with_columns(
        month=pl.lit("2023-12"),
        amount=pl.col("amount") / 2,
        customers=pl.Series([19, 9, 10]),
    )
    past = history({"tea": [60] * 3, "jam": [5, 5]}, "2024-12").filter(
        (pl.col("item") == "tea") | (pl.col("month") < "2024-12")
    )
    rows = demand_rows(MONTH, with_vanished(now, past), year_ago, SIZES, {}, 1)
    tea = of(rows, EVERYONE, "tea")
    assert (tea["reach"], tea["amount_share"], tea["year_on_year"]) == (1.0, 0.5, 1.0)
    assert of(rows, 2, "tea")["reach"] == 1.0
    before = {segment: of(rows, segment, "tea")["amount_year_before"] for segment in (1, 2)}
    assert before == {1: None, 2: Decimal(20)}, "of nine then it is not counted again"
    jam = of(rows, EVERYONE, "jam")
    assert (jam["customers"], jam["amount"]) == (0, Decimal(0)), "a category that vanished"


def test_an_amount_of_nothing_before_has_no_year_on_year() -> None:
    before = NOW.with_columns(amount=pl.lit(Decimal("-1.00")))
    rows = demand_rows(MONTH, NOW, before.cast(ITEM_MONTH.polars_schema), SIZES, {}, 1)
    assert rows["year_on_year"].to_list() == [None] * 3


def test_an_item_that_once_had_enough_customers_keeps_all_its_months() -> None:
    def row(month: str, segment: int, item: str, customers: int) -> dict[str, object]:
        return {"month": month, "segment_id": segment, "item": item, "customers": customers} | {
            **{"measure": "purchases", "item_kind": "category", "amount": Decimal(1)}
        }

    items = pl.DataFrame(
        [
            *(row(f"2024-{n:02}", EVERYONE, "tea", 3 * n) for n in (1, 2, 4)),
            *(row(f"2024-{n:02}", EVERYONE, "jam", 9) for n in (1, 2)),
            row("2024-01", 1, "jam", 50),
        ],
        schema=ITEM_MONTH.polars_schema,
    )
    found = step_rows(history_step(10), items=items)
    assert sorted(found.select("month", "item").rows()) == [
        (f"2024-{n:02}", "tea") for n in (1, 2, 4)
    ]


def test_seasons_and_the_adjusted_amount_are_of_24_months() -> None:
    year = [100.0 + 40 * (month == 12) for month in month_range_numbers()]
    series = series_of(history({"tea": [*year, *year], "jam": year}), "2024-12")
    (tea,) = seasons(MONTH, series).filter(month_of_year=12).to_dicts()
    level = sum(year) / 12
    assert tea["item"] == "tea", "jam is known for a year only"
    assert tea["index"] == pytest.approx(140 / level, abs=1e-6)
    assert tea["is_seasonal"]
    rows = demand_rows(MONTH, NOW, NOW.clear(), SIZES, series, 1)
    found = of(rows, EVERYONE, "tea")
    assert found["seasonal_index"] == pytest.approx(140 / level, abs=1e-6)
    assert float(str(found["adjusted_amount"])) == pytest.approx(60 - (140 - level), abs=0.01)


def month_range_numbers() -> list[int]:
    return [int(month[5:]) for month in month_range("2023-01", "2023-12")]


def test_a_trend_is_that_of_what_is_left_without_the_season() -> None:
    rng = np.random.default_rng(1)
    months = np.arange(24)
    seasonal = 200 + 60 * (months % 12 == 11) + 2.0 * months + rng.normal(size=24)
    quiet = 200 + rng.normal(size=24)
    values = {"tea": [*seasonal], "jam": [*quiet], "new": [1.0] * 5, "owed": [-5.0] * 24}
    found = {
        row["item"]: row for row in trends(MONTH, series_of(history(values), "2024-12")).to_dicts()
    }
    tea = found["tea"]
    assert (tea["direction"], tea["is_adjusted"], tea["months"]) == ("rising", True, 24)
    assert tea["trend"] == pytest.approx(2 / np.median(seasonal), rel=0.1)
    assert tea["trend_low"] < tea["trend"] < tea["trend_high"]
    assert found["jam"]["direction"] == "none is sure"
    assert found["new"]["direction"] == found["owed"]["direction"] == "unknown"


def test_a_month_without_a_row_is_one_of_no_takings() -> None:
    gap = history({"tea": [5.0] * 12}).filter(pl.col("month") != "2024-06")
    (series,) = series_of(gap, "2024-12").values()
    assert series.values.tolist() == [5.0] * 5 + [0.0] + [5.0] * 6


def test_an_item_of_few_customers_is_hidden_with_another_that_would_give_it_away() -> None:
    cells = {"tea": (30, 12), "jam": (3, 20), "ham": (40, 15)}
    frame = pl.DataFrame(
        [
            {"segment_id": segment, "item": item, "customers": count}
            for item, counts in cells.items()
            for segment, count in enumerate((sum(counts), *counts))
        ]
    )
    left = shown(frame, ["customers"], 10).filter(pl.col("segment_id") > 0)
    hidden = {item: 2 - left.filter(item=item).height for item in cells}
    assert hidden["jam"] == 2, "by the other segment it would be computed"
    assert sum(hidden.values()) == 4, "and so it would by the other items"
    assert shown(frame, ["customers"], 1).equals(frame)


def test_which_of_equal_cells_is_hidden_does_not_hang_on_the_order_of_rows() -> None:
    """With jam one of tea and rice goes, of which as many customers are."""
    cells = {"tea": (20, 20), "jam": (3, 20), "rice": (20, 20)}
    frame = pl.DataFrame(
        [
            {"segment_id": segment, "item": item, "customers": count}
            for item, counts in cells.items()
            for segment, count in enumerate(counts, 1)
        ]
    )
    key = ("segment_id", "item")
    left = shown(frame, ["customers"], 10).sort(key)
    assert 0 < left.height < frame.height - 1
    for seed in range(5):
        shuffled = frame.sample(fraction=1, shuffle=True, seed=seed)
        assert shown(shuffled, ["customers"], 10).sort(key).equals(left)


def test_a_row_is_as_small_as_the_smallest_of_its_counts_but_for_none() -> None:
    frame = pl.DataFrame(
        {
            "segment_id": EVERYONE,
            "item": ["tea", "jam", "rice"],
            "customers": [50, 50, 60],
            "takers": [4, 0, 30],
        }
    )
    left = shown(frame, ["customers", "takers"], 10)["item"].to_list()
    assert left == ["jam"], "tea has few takers, and rice would tell of them"
    untaken = frame.with_columns(customers=pl.Series([4, 50, 9]), takers=pl.lit(0))
    assert shown(untaken, ["customers", "takers"], 10)["item"].to_list() == ["jam"]
    assert shown(frame, ["customers"], 10).equals(frame)


def test_what_few_gave_back_and_nobody_bought_is_hidden_as_what_few_bought() -> None:
    """One of them may be all who did; what nobody has any more tells of nobody."""
    rows = pl.DataFrame(
        [
            ("2024-12", s, "purchases", "category", i, i, n, lines, None, Decimal(lines), unknown)
            for i, s, n, lines, unknown in (
                *(("tea", 1, 40, 50, 0), ("tea", 2, 0, -1, 0), ("tea", 3, 15, 20, 0)),
                *(("jam", 1, 30, 40, 0), ("jam", 2, 20, 20, 0), ("jam", 3, 11, 10, 0)),
                *(("rye", 1, 0, 0, 0), ("rye", 2, 50, 60, 0), ("rye", 3, 12, 12, 0)),
            )
        ],
        schema=ITEM_MONTH.polars_schema,
        orient="row",
    )
    left = listed_items(rows, 10)
    assert left.columns == rows.columns
    assert left.filter(item="tea")["segment_id"].to_list() == [1], "and with it the next smallest"
    assert left.filter(item="rye", segment_id=1).height == 1
    of_other_currency = rows.with_columns(
        pl.when(item="tea", segment_id=2).then(0).otherwise("lines").alias("lines"),
        pl.when(item="tea", segment_id=2).then(1).otherwise(0).alias("without_amount"),
    )
    assert listed_items(of_other_currency, 10).filter(item="tea").height == 1
    assert listed_items(rows, 1).equals(rows)


def test_products_are_hidden_within_their_category() -> None:
    def row(kind: str, item: str, customers: int) -> tuple[object, ...]:
        return ("2024-12", 0, "holdings", kind, item, "fund", customers, 1, None, Decimal(1), 0)

    rows = pl.DataFrame(
        [
            row("category", "fund", 60),
            *(row("product", f"P{n}", size) for n, size in enumerate((40, 20, 4))),
        ],
        schema=ITEM_MONTH.polars_schema,
        orient="row",
    )
    assert listed_items(rows, 10)["item"].to_list() == ["fund", "P0"]


def test_equal_inputs_in_another_order_give_equal_rows() -> None:
    who = people("c", 40)
    bought = lines(*((name, f"i{n % 7}", n + 0.25, n + 1) for n, name in enumerate(who * 3)))
    member = members(**{name: 1 + n % 3 for n, name in enumerate(who)})
    shuffled = [bought.sample(fraction=1.0, shuffle=True, seed=seed) for seed in range(3)]
    found = [item_month(bought=each, holding=accounts(), member=member) for each in shuffled]
    assert all(one.equals(other) for one, other in pairwise(found))
    assert found[0]["month"].unique().to_list() == ["2024-12"]
    assert date(2024, 12, 31) == MONTH.as_of
