"""What gives back is no purchase, and what is cancelled is none from that month on."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import polars as pl
import pytest

from portrait_assets.schema.table import POLARS_TYPES, Type
from portrait_assets.stages.features.contract import CUSTOMER_MONTH
from portrait_assets.testing.worlds.features import World, sale

SHOWN = ("purchases_12m", "spend_12m", "recency_days")
FEBRUARY, MARCH, APRIL = "2024-02", "2024-03", "2024-04"


def known(world: World, month: str, who: str = "a", names: Sequence[str] = SHOWN) -> list[Any]:
    row = world.customer(who, month)
    return [float(row[name]) if row[name] is not None else None for name in names]


def world(*sales: dict[str, Any], **more: Any) -> World:
    return World(APRIL, first="2024-01", transactions=list(sales), **more)


def test_a_negative_line_is_no_purchase_and_lowers_the_spend_of_its_month():
    then = world(sale("a", "2024-02-10", 30), sale("a", "2024-03-20", -10))
    assert known(then, FEBRUARY) == [1, 30, 19]
    assert known(then, MARCH) == [1, 20, 50]
    assert known(then, MARCH, names=("spend_1m", "average_ticket_12m")) == [-10, 30]
    assert known(then, MARCH, names=("active_month_share_12m", "purchase_days_12m")) == [0.5, 1]


@pytest.mark.parametrize("kind", ["return", "cancellation"])
def test_a_line_of_such_a_kind_gives_back_even_where_nothing_is_paid(kind: str):
    then = world(sale("a", "2024-02-10", 0), sale("a", "2024-02-20", 0, kind=kind))
    assert known(then, FEBRUARY) == [1, None, 19], "of a source without amounts no spend is known"


def test_who_only_gave_back_is_a_customer_who_never_purchased():
    then = world(sale("a", "2024-02-10", -30))
    assert known(then, FEBRUARY) == [0, -30, None]


def test_a_purchase_cancelled_in_its_month_was_none():
    then = world(
        sale("a", "2024-02-01", 5),
        sale("a", "2024-02-10", 30, transaction_id="T"),
        sale("a", "2024-02-12", -30, cancels="T"),
    )
    assert known(then, FEBRUARY) == [1, 5, 28]


def test_a_purchase_cancelled_later_counts_until_then():
    sales = [
        sale("a", "2024-01-20", 5),
        sale("a", "2024-02-10", 30, transaction_id="T"),
        sale("a", "2024-04-02", -30, cancels="T"),
    ]
    then = world(*sales)
    assert known(then, FEBRUARY) == [2, 35, 19]
    assert known(then, MARCH) == [2, 35, 50]
    assert known(then, APRIL) == [1, 5, 101]
    unaware = World(MARCH, first="2024-01", transactions=sales[:2])
    assert unaware.matrix(MARCH).equals(then.matrix(MARCH)), "what came later changes no month"


def test_a_partly_cancelled_purchase_stays_with_what_is_left_until_nothing_is():
    then = world(
        sale("a", "2024-02-10", 100, transaction_id="T"),
        sale("a", "2024-03-05", -30, cancels="T"),
        sale("a", "2024-04-05", -70, cancels="T"),
    )
    tickets = ("purchases_12m", "largest_ticket_12m", "average_ticket_12m", "spend_12m")
    assert known(then, FEBRUARY, names=tickets) == [1, 100, 100, 100]
    assert known(then, MARCH, names=tickets) == [1, 70, 70, 70]
    assert known(then, APRIL, names=tickets) == [0, None, None, 0]


def test_a_reference_may_name_a_basket_or_one_of_its_lines():
    basket = [
        sale("a", "2024-02-10", 60, transaction_id="T1", basket_id="B"),
        sale("a", "2024-02-10", 40, transaction_id="T2", basket_id="B"),
    ]
    one = world(*basket, sale("a", "2024-03-05", -40, cancels="T2"))
    whole = world(*basket, sale("a", "2024-03-05", -100, cancels="B"))
    assert known(one, MARCH) == [1, 60, 50]
    assert known(whole, MARCH) == [0, 0, None]


def test_of_equal_names_the_newest_purchase_of_the_same_customer_is_meant():
    then = world(
        sale("a", "2024-01-10", 30, transaction_id="T"),
        sale("a", "2024-02-10", 30, transaction_id="T"),
        sale("b", "2024-02-20", 30, transaction_id="T"),
        sale("a", "2024-03-05", -30, cancels="T"),
    )
    assert known(then, MARCH) == [1, 30, 81]
    assert known(then, MARCH, "b") == [1, 30, 40]


def test_of_purchases_of_one_moment_and_name_the_greatest_is_meant():
    then = world(
        *(sale("a", "2024-01-10 10:00", paid, transaction_id="T") for paid in (20, 30, 10)),
        sale("a", "2024-03-05", -20, cancels="T"),
    )
    assert known(then, MARCH, names=("purchases_12m", "largest_ticket_12m")) == [3, 20]


def test_a_reference_names_a_line_before_a_basket_and_what_gives_back_never():
    line = sale("a", "2024-02-10", 30, transaction_id="X")
    then = world(
        line,
        sale("a", "2024-02-20", 50, basket_id="X"),
        sale("a", "2024-03-05", -30, cancels="X"),
    )
    assert known(then, MARCH) == [1, 50, 40]
    returned = sale("a", "2024-03-01", -5, transaction_id="X")
    then = world(line, returned, sale("a", "2024-03-05", -30, cancels="X"))
    assert known(then, MARCH, names=("purchases_12m", "spend_12m")) == [0, -5]


def test_a_basket_of_which_one_amount_has_no_rate_has_no_ticket():
    unknown = sale("a", "2024-02-10", None, basket_id="B", amount_original=9, currency="USD")  # type: ignore[arg-type]
    then = world(sale("a", "2024-02-10", 20, basket_id="B"), unknown, sale("a", "2024-02-11", 7))
    names = ("purchases_12m", "average_ticket_12m", "spend_12m")
    assert known(then, FEBRUARY, names=names) == [2, 7, 27]


def test_a_reference_to_nothing_known_is_a_return_by_sign():
    then = world(sale("a", "2024-02-10", 30), sale("a", "2024-02-12", -30, cancels="?"))
    assert known(then, FEBRUARY) == [1, 0, 19]


@pytest.mark.parametrize(
    ("back", "purchases"), [(-5, 1), (-20, 0), (-25, 0)], ids=["part", "all", "more"]
)
def test_a_basket_is_a_purchase_as_long_as_something_of_it_is_left(back: float, purchases: int):
    then = world(
        sale("a", "2024-02-10", 20, basket_id="B"), sale("a", "2024-02-10", back, basket_id="B")
    )
    assert known(then, FEBRUARY, names=("purchases_12m", "spend_12m")) == [purchases, 20 + back]


def test_a_basket_was_bought_when_its_lines_were_that_give_nothing_back():
    lines = ((-5, "05"), (30, "10"), (-5, "20"))
    then = world(*(sale("a", f"2024-02-{on} 10:00", paid, basket_id="B") for paid, on in lines))
    times = then.table(CUSTOMER_MONTH).select("first_at", "last_at", "purchase_days", "purchases")
    bought_at = datetime(2024, 2, 10, 10)
    assert times.rows() == [(bought_at, bought_at, 1, 1)]
    assert known(then, FEBRUARY) == [1, 20, 19]


def test_a_free_basket_is_a_purchase():
    assert known(world(sale("a", "2024-02-10", 0, basket_id="B")), FEBRUARY) == [1, None, 19]


def test_a_purchase_of_which_the_amount_has_no_rate_counts_and_has_no_ticket():
    then = world(
        sale("a", "2024-02-10", 20),
        sale("a", "2024-02-20", None, amount_original=9, currency="USD"),  # type: ignore[arg-type]
        sale("a", "2024-02-25", None, amount_original=-9, currency="USD"),  # type: ignore[arg-type]
    )
    assert known(then, FEBRUARY) == [2, 20, 9]
    assert known(then, FEBRUARY, names=("average_ticket_12m", "lines_12m")) == [20, 3]


def test_a_cancellation_under_a_former_identifier_reaches_the_person_s_purchase():
    sales = [
        sale("alias", "2024-01-20", 30, transaction_id="T"),
        sale("a", "2024-03-20", -30, cancels="T"),
    ]
    then = world(*sales, merged=[("2024-02", "alias", "a")])
    assert known(then, FEBRUARY) == [1, 30, 40]
    assert known(then, MARCH) == [0, 0, None]


def test_a_returned_category_is_not_chosen_again():
    bought = {"category": "tea"}
    then = world(
        sale("a", "2024-02-10", 30, **bought),
        sale("a", "2024-03-05", -30, **bought),
        sale("b", "2024-02-10", 30, **bought),
        sale("b", "2024-03-10", 30, **bought),
    )
    lines = ("category_lines_12m",)
    assert (known(then, MARCH, "a", lines), known(then, MARCH, "b", lines)) == ([1], [2])
    repeated = ("repeat_rate_12m",)
    assert known(then, MARCH, "a", repeated) < known(then, MARCH, "b", repeated)


@pytest.mark.slow
def test_invoices_and_cancelling_invoices_equal_a_polars_oracle():
    rng = random.Random(21)
    invoices: list[dict[str, Any]] = []
    for number in range(120):
        day = f"2024-0{rng.randint(1, 4)}-{rng.randint(1, 28):02d}"
        lines = [rng.randint(1, 900) / 100 for _ in range(rng.randint(1, 3))]
        sold = [sale(f"c{number % 9}", day, paid, basket_id=f"{number}") for paid in lines]
        invoices += sold
        if rng.random() < 0.4:
            later = f"2024-{rng.randint(int(day[5:7]), 4):02d}-28"
            kept = rng.choice([0, 0, 1])
            back = -round(sum(lines[kept:]), 2)
            reference = f"{number}" if rng.random() < 0.7 else None
            if back:
                where = {"basket_id": f"C{number}", "cancels": reference}
                invoices.append(sale(f"c{number % 9}", later, back, **where))
    found = world(*invoices)
    rows = pl.DataFrame(invoices, infer_schema_length=None).with_columns(
        pl.col("amount").cast(POLARS_TYPES[Type.MONEY]),
        pl.col("occurred_at").cast(pl.Date).alias("day"),
    )
    for month, as_of in ((FEBRUARY, date(2024, 2, 29)), (APRIL, date(2024, 4, 30))):
        so_far = rows.filter(pl.col("day") <= as_of)
        invoice = pl.coalesce("cancels", "basket_id").alias("invoice")
        net = so_far.group_by("customer_id", invoice).agg(
            pl.col("amount").sum().alias("left"),
            pl.col("day").filter(pl.col("amount") > 0).max(),
        )
        oracle = (
            net.group_by("customer_id")
            .agg(
                (pl.col("left") > 0).sum().cast(pl.Int64).alias("purchases_12m"),
                pl.col("left").sum().alias("spend_12m"),
                (as_of - pl.col("day").filter(pl.col("left") > 0).max())
                .dt.total_days()
                .alias("recency_days"),
                pl.col("left").max().alias("largest_ticket_12m"),
            )
            .sort("customer_id")
        )
        matrix = found.matrix(month).select(oracle.columns).sort("customer_id")
        assert matrix.rows() == oracle.rows()
