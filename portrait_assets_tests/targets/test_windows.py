"""Targets of a window belong to the month that closes it and are never written again."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any

import polars as pl
import pytest

from portrait_assets.stages.cleaned.contract import CLEANED
from portrait_assets.stages.features.contract import CUSTOMER_MONTH, FEATURE_MATRIX
from portrait_assets.stages.targets import contract
from portrait_assets.stages.targets.adding import base, target_steps
from portrait_assets.stages.targets.declared.outcome import HORIZONS
from portrait_assets.stages.targets.declared.outcomes import packaged_targets
from portrait_assets.stages.targets.windows import (
    Lag,
    Window,
    base_months,
    closed_by,
    closing_months,
)
from portrait_assets.storage.steps import EVER, Scope, Span, spans_read
from portrait_assets.testing.steps import run_step
from portrait_assets.testing.worlds.features import World, day, sale

TARGET, SOURCE_OUTCOME, *_ = target_steps(packaged_targets())
BASE = base(HORIZONS)
MONTHS = ["2024-01", "2024-02", "2024-03", "2024-04"]
SALES = [
    sale("ann", "2024-01-05", 10),
    sale("ann", "2024-02-05", 20),
    sale("ann", "2024-02-06", 5),
    sale("ann", "2024-04-07", 40),
    sale("bob", "2024-03-08", 7),
]
FEEDBACK = [
    {
        "customer_id": who,
        "occurred_at": sale("", on, 0)["occurred_at"],
        "kind": kind,
        "score": score,
    }
    for who, on, kind, score in (
        ("ann", "2024-03-01", "survey", 4.0),
        ("ann", "2024-04-01", "survey", 5.0),
        ("bob", "2024-04-02", "complaint", None),
    )
]


@cache
def shop(last: str) -> World:
    """The world of these months, which tests only read."""
    return world(last)


def world(last: str, **more: Any) -> World:
    """The sales and feedback of the months up to the last."""
    sales = [each for each in SALES if f"{each['occurred_at']:%Y-%m}" <= last]
    feedback = [each for each in FEEDBACK if f"{each['occurred_at']:%Y-%m}" <= last]
    return World(last, transactions=sales, interactions=feedback, **more)


def targets(built: World, month: str, known: list[str] = MONTHS) -> pl.DataFrame:
    """The month's rows, where these months have a feature matrix."""
    base = pl.DataFrame({"base_month": [each for each in known if each < month]})
    rows = run_step(TARGET, Scope(month), {BASE: base}, built.con)
    return rows.select(contract.TARGET.column_names).cast(contract.TARGET.polars_schema)


def of(rows: pl.DataFrame, customer: str, *names: str) -> dict[int, tuple[Any, ...]]:
    """These facts of a customer, by horizon."""
    own = rows.filter(pl.col("customer_id") == customer)
    return {row[0]: row[1:] for row in own.select("horizon", *names).iter_rows()}


def test_purchases_and_spend_are_added_up_over_the_window():
    rows = targets(shop("2024-04"), "2024-04")
    assert of(rows, "ann", "purchases", "active_months", "spend") == {
        1: (1, 1, Decimal("40.00")),
        2: (1, 1, Decimal("40.00")),
        3: (3, 2, Decimal("65.00")),
    }
    assert dict(rows.select("horizon", "base_month").unique().rows()) == {
        1: "2024-03",
        2: "2024-02",
        3: "2024-01",
    }
    assert set(rows["month"]) == {"2024-04"}


def test_a_purchase_cancelled_within_the_window_was_none_and_its_amount_counts_where_it_fell():
    later = [
        sale("ann", "2024-02-05", 20, transaction_id="T"),
        sale("ann", "2024-03-05", 7, transaction_id="U"),
        sale("ann", "2024-04-05", -20, cancels="T"),
        sale("ann", "2024-04-05", -7, cancels="U"),
    ]
    facts = ("purchases", "active_months", "spend")
    april = targets(World("2024-04", transactions=later), "2024-04")
    assert of(april, "ann", *facts) == {
        1: (0, 0, Decimal("-27.00")),
        2: (0, 0, Decimal("-20.00")),
        3: (0, 0, Decimal("0.00")),
    }
    march = targets(World("2024-04", transactions=later), "2024-03")
    assert of(march, "ann", *facts) == {1: (1, 1, Decimal("7.00")), 2: (2, 2, Decimal("27.00"))}


def test_feedback_is_added_up_over_the_window():
    rows = targets(shop("2024-04"), "2024-04")
    assert of(rows, "ann", "surveys", "survey_points") == {
        1: (1, Decimal("5.000")),
        2: (2, Decimal("9.000")),
        3: (2, Decimal("9.000")),
    }
    assert of(rows, "bob", "complaints") == {1: (1,), 2: (1,), 3: (1,)}


def test_who_did_nothing_in_a_window_has_no_row():
    rows = targets(shop("2024-03"), "2024-03")
    assert of(rows, "ann", "purchases") == {1: (0,), 2: (2,)}, "a survey answer in March"
    assert of(rows, "bob", "purchases") == {1: (1,), 2: (1,)}
    assert of(targets(shop("2024-02"), "2024-02"), "bob", "purchases") == {}


def test_a_window_begins_where_there_is_a_feature_matrix():
    """Months before the first are not known, so no window may span them."""
    april = targets(shop("2024-04"), "2024-04", known=["2024-03"])
    assert april["horizon"].unique().to_list() == [1]
    assert targets(shop("2024-01"), "2024-01").is_empty()


def test_a_window_that_is_not_over_has_no_row():
    april = shop("2024-04")
    for month in MONTHS:
        for window in targets(april, month).select("base_month", "horizon").unique().iter_rows():
            assert Window(*window).month == month
    assert [window.month for window in closed_by("2024-03")] == ["2024-03"] * 3


@pytest.mark.parametrize("month", MONTHS[:-1])
def test_later_months_change_no_partition(month: str):
    assert targets(shop(month), month).equals(targets(shop("2024-04"), month))


def test_nothing_after_the_closing_month_is_read():
    read = spans_read(TARGET, SOURCE_OUTCOME)
    assert set(read) == {
        *(CUSTOMER_MONTH, FEATURE_MATRIX, CLEANED["outcomes"], CLEANED["transactions"])
    }
    assert {span.last >= 0 for spans in read.values() for span in spans} == {True}
    assert EVER not in [span for spans in read.values() for span in spans], (
        "no more than the longest window"
    )


def test_of_what_the_source_reports_the_greatest_value_counts():
    reported = [
        {"customer_id": "ann", "outcome": "churn", "observed_on": day(on), "value": value}
        | {"month": on[:7]}
        for on, value in (("2024-03-09", 1.0), ("2024-04-09", 0.0), ("2024-04-10", None))
    ]
    base = pl.DataFrame({"base_month": MONTHS})
    unknown = {"customer_id": "bob", "outcome": "churn", "observed_on": day("2024-04-09")}
    reported.append(unknown | {"value": None, "month": "2024-04"})
    reporting = world("2024-04", outcomes=reported)
    rows = run_step(SOURCE_OUTCOME, Scope("2024-04"), {BASE: base}, reporting.con)
    assert of(rows, "ann", "outcome", "value") == {
        1: ("churn", 0.0),
        2: ("churn", 1.0),
        3: ("churn", 1.0),
    }
    assert set(rows["customer_id"]) == {"ann"}, "a value that is not known is no outcome"


def test_a_lag_is_a_window_seen_from_a_later_month():
    window = Window("2023-11", 2)
    assert window.month == "2024-01"
    assert window.before("2024-03") == Lag(ago=2, horizon=2)
    assert Lag(ago=2, horizon=2).of("2024-03") == window
    lags = [Lag(0, 3), Lag(1, 1)]
    assert base_months(lags) == Span(3, 2)
    assert closing_months(lags) == Span(1, 0)
