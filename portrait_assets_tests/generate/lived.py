"""Customers who live through their months without a file being written, and simple oracles."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from portrait_assets.synthetic.common.randomness import Floats, Mask
from portrait_assets.synthetic.common.seasons import Calendar
from portrait_assets.synthetic.economy.market import Market, make_market
from portrait_assets.synthetic.holdings.balances import Holdings, make_holdings
from portrait_assets.synthetic.marketing.campaigns import Contacted
from portrait_assets.synthetic.marketing.course import Course, run_course
from portrait_assets.synthetic.marketing.plans import make_campaigns
from portrait_assets.synthetic.persons.lifecycle import Lifecycle, make_lifecycle
from portrait_assets.synthetic.persons.people import REGION_WEIGHTS, People, make_people
from portrait_assets.synthetic.settings import Settings

SEED = 3


@dataclass(frozen=True)
class Lived:
    """Customers, and what their months brought."""

    people: People
    undisturbed: Lifecycle
    holdings: Holdings
    market: Market
    course: Course
    settings: Settings

    def all_of(self, give: Callable[[Contacted], np.ndarray]) -> np.ndarray:
        """One array of something of every campaign."""
        return np.concatenate([give(contact) for contact in self.course.contacts])


def live(
    customers: int = 40_000,
    months: int = 24,
    settings: Settings | None = None,
    campaigns: int | None = None,
    change: Callable[[Market], Market] = lambda market: market,
) -> Lived:
    """Let customers live through months; `change` may plant something in the market."""
    settings = settings or Settings()
    calendar = Calendar("2023-01", months)
    market = change(make_market(SEED, calendar))
    people = make_people(SEED, np.arange(1, customers + 1), settings.life, REGION_WEIGHTS)
    lives = make_lifecycle(people, calendar, settings.life)
    holdings = make_holdings(people, lives, calendar, suitability=settings.suitability)
    planned = make_campaigns(calendar, campaigns, settings.flaws)
    course = run_course(people, lives, holdings, market, planned, settings)
    return Lived(people, lives, holdings, market, course, settings)


@dataclass(frozen=True)
class Difference:
    """A difference of two shares, and its standard error."""

    value: float
    error: float

    @property
    def score(self) -> float:
        """The difference in standard errors."""
        return self.value / self.error

    def is_near(self, truth: float, errors: float = 4.0) -> bool:
        """Whether it is within so many standard errors of a value."""
        return abs(self.value - truth) < errors * self.error


def difference(happened: Mask, treated: Mask) -> Difference:
    """Share of those treated to whom it happened less that of the others."""
    one, other = happened[treated], happened[~treated]
    variance = one.var() / len(one) + other.var() / len(other)
    return Difference(float(one.mean() - other.mean()), float(np.sqrt(variance)) or 1e-9)


def correlation(one: Floats, other: Floats) -> float:
    """Pearson's coefficient."""
    return float(np.corrcoef(one, other)[0, 1])


def by_kind(contacts: Iterable[Contacted]) -> dict[str, list[Contacted]]:
    """The campaigns of each kind."""
    found: dict[str, list[Contacted]] = {}
    for contact in contacts:
        found.setdefault(contact.campaign.kind.code, []).append(contact)
    return found
