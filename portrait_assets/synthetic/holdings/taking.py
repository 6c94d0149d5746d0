"""Which products customers come to hold by themselves, and how probable that is.

Customers open most accounts when they join. The others they open later, in one of two ways: some
of what they were to hold from the start comes late, and whoever was not to hold a term deposit or
a fund takes one with a monthly probability of his own, which his habits show in part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from portrait_assets.synthetic.common.randomness import Floats, Ints
from portrait_assets.synthetic.persons.lifecycle import NEVER, Lifecycle
from portrait_assets.synthetic.persons.people import HOLDING_CHANCES, SHARES, People
from portrait_assets.synthetic.persons.segment_traits import HOLDINGS
from portrait_assets.synthetic.settings import Events

OPENS_LATER = 0.08
"""Share of what is held from the start that is opened later, in any month as likely."""
SHOWN_BY = {"term": "uses branch", "fund": "likes wealth"}
"""What of a customer's habits goes with taking the product."""
BY_SEGMENT, BY_HABIT, BY_TASTE = 0.5, 0.8, 0.5
"""How the logarithm of the probability grows with the segment's chance of holding the product
(its logarithm), with the habit and with what nothing shows (standard normal both)."""
HIGHEST = 0.2


def monthly_probability(people: People, name: str, rates: Events) -> Floats:
    """Probability of taking the product in a month of whoever was not to hold it."""
    position = HOLDINGS.index(name)
    if name not in SHOWN_BY:
        return np.zeros(len(people))
    typical = float((SHARES * HOLDING_CHANCES[:, position] ** BY_SEGMENT).sum())
    score = BY_HABIT * people.draws.normal(SHOWN_BY[name])
    score += BY_TASTE * people.draws.normal(f"taste for {name}")
    score -= (BY_HABIT**2 + BY_TASTE**2) / 2
    level = people.holding_chance[:, position] ** BY_SEGMENT / typical
    return np.clip(rates.taking * level * np.exp(score), 0.0, HIGHEST)


def month_of_taking(people: People, lives: Lifecycle, name: str, rates: Events) -> Ints:
    """Month in which the product is taken by who was not to hold it; NEVER for not at all.

    Nobody takes it in the month of joining or in the bank's first.
    """
    probability = monthly_probability(people, name, rates)
    left = np.log1p(-people.draws.uniform(f"takes {name}"))
    with np.errstate(divide="ignore", invalid="ignore"):
        waits = np.where(probability > 0, left / np.log1p(-probability), float(NEVER))
    waits = np.minimum(waits, float(NEVER)).astype(np.int64)
    month: Ints = np.minimum(np.maximum(lives.join_month, 0) + 1 + waits, NEVER)
    return month


@dataclass(frozen=True)
class Window:
    """The months after a month's end, as positions: as_of is before the first of them."""

    as_of: int
    months: int


def last_window(horizon: int) -> Window:
    """The bank's last half year, less in a short bank, none in one of one month."""
    months = min(6, horizon // 2)
    return Window(horizon - 1 - months, months)


def taking_probability(
    people: People, lives: Lifecycle, name: str, horizon: int, window: Window, rates: Events
) -> Floats:
    """Probability of opening the account within the window, of who has none and stays.

    Bayes' rule over the two ways in which an account is opened later.
    """
    was_to_hold = people.holding_chance[:, HOLDINGS.index(name)]
    late = np.maximum(lives.join_month, 0)
    passed = np.maximum(window.as_of - late, 0)
    open_months = np.maximum(horizon - late, 1)
    still_to_open = was_to_hold * OPENS_LATER * (1 - (passed + 1) / open_months)
    opens = was_to_hold * OPENS_LATER * window.months / open_months
    stays_without = 1 - monthly_probability(people, name, rates)
    not_taken = (1 - was_to_hold) * stays_without**passed
    takes = not_taken * (1 - stays_without**window.months)
    without = still_to_open + not_taken
    probability: Floats = (opens + takes) / np.where(without > 0, without, 1.0)
    return probability
