"""Transactions to purchases, histories and outcomes."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from portrait_assets.methods.lifetime.transactions import (
    Purchases,
    outcome,
    purchases,
    summary,
)
from portrait_assets_tests.methods.lifetime.worlds import transactions

SALES = transactions(
    [
        ("a", "2024-01-01", 10.0),
        ("a", "2024-01-01", 5.0),  # The same day: one purchase.
        ("a", "2024-01-08", 20.0),
        ("a", "2024-01-15", 40.0),
        ("a", "2024-01-20", -15.0),  # A fifth of the 75 comes back.
        ("a", "2024-02-02", 9.0),  # After the last day that counts.
        ("b", "2024-01-10", 7.0),
        ("b", "2024-01-17", 30.0),  # Given back on the same day: no purchase.
        ("b", "2024-01-17", -30.0),
        ("c", "2024-01-03", None),  # Purchases of unknown amount, and for nothing.
        ("c", "2024-01-17", 0.0),
        ("c", "2024-01-18", None),
        ("d", "2024-01-05", -8.0),  # Nothing but a return of what was bought before.
        ("e", "2024-02-01", 8.0),
    ]
)
UNTIL = date(2024, 1, 31)


def test_the_mean_amount_is_of_purchases_up_to_the_day():
    days: list[tuple[str, str, float | None]] = [
        ("a", "2024-01-10", 10.0),
        ("a", "2024-01-31", 30.0),
        ("a", "2024-02-01", 99.0),
    ]
    of = Purchases(purchases(transactions(days)))
    assert of.mean_amount(UNTIL) == 20.0
    assert np.isnan(of.mean_amount(date(2024, 1, 1)))


def test_a_history_is_counted_in_days_with_a_purchase_and_in_weeks():
    known = summary(purchases(SALES), UNTIL, 15).collect()
    assert known["customer_id"].to_list() == ["a", "b", "c"]
    assert known["x"].to_list() == [2, 0, 2]
    assert known["t_x"].to_list() == pytest.approx([2.0, 0.0, 15 / 7])
    assert known["T"].to_list() == pytest.approx([30 / 7, 3.0, 4.0])
    # a: 80 % of the mean of 20 and 40. c: what is known of its amounts is 0.
    assert known["mean_spend"].to_list() == [pytest.approx(24.0), None, 0.0]
    # The last 15 days begin on the 17th.
    assert known["recent"].to_list() == [0, 0, 2]


def test_a_window_repeats_purchases_after_the_first():
    known = summary(purchases(SALES), UNTIL, 24).collect()  # From the 8th on.
    assert known["recent"].to_list() == [2, 0, 2]
    assert known["recent_spend"].to_list() == [pytest.approx(48.0), 0.0, 0.0]


def test_an_outcome_has_a_row_for_every_customer_in_order():
    bought = purchases(SALES)
    known = summary(bought, date(2024, 1, 14), 7)
    done = outcome(bought, known, date(2024, 1, 14), UNTIL).collect()
    assert done["customer_id"].to_list() == ["a", "b", "c"]
    assert done["purchases"].to_list() == [1, 0, 2]
    assert done["spend"].to_list() == [25.0, 0.0, 0.0]


def test_the_last_day_of_a_window_counts_and_the_day_before_its_first_does_not():
    days = ["2024-01-01", "2024-01-16", "2024-01-17", "2024-01-31", "2024-02-01"]
    bought = purchases(transactions([("a", day, 8.0) for day in days]))
    known = summary(bought, UNTIL, 15).collect()
    assert known.select("x", "recent", "recent_spend").row(0) == (3, 2, 16.0)
    done = outcome(bought, known.lazy(), date(2024, 1, 16), UNTIL).collect()
    assert done.select("purchases", "spend").row(0) == (2, 16.0)


def test_who_gave_back_more_than_was_bought_kept_nothing():
    given_back: list[tuple[str, str, float | None]] = [
        ("a", "2024-01-01", 10.0),
        ("a", "2024-01-02", 5.0),
        ("a", "2024-01-09", -40.0),
    ]
    known = summary(purchases(transactions(given_back)), UNTIL, 31).collect()
    assert known.select("mean_spend", "recent_spend").row(0) == (0.0, 0.0)
