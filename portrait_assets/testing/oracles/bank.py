"""What is true of a generated bank's customers at a month's end: how probably they will default,
fall behind and leave.

The oracle knows the generator's laws, each customer's own traits (how easily he falls behind or
leaves, how often he pays, what he keeps in his accounts) and all that the bank has seen of him, but
no draw of chance that is still to come. Of what is then left to chance nobody can know more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.stats import norm

from portrait_assets.core.arrays import Floats
from portrait_assets.synthetic.common.seasons import Calendar
from portrait_assets.synthetic.economy.events import make_happenings
from portrait_assets.synthetic.economy.market import make_market
from portrait_assets.synthetic.economy.transactions import expected_counts
from portrait_assets.synthetic.holdings.balances import make_holdings
from portrait_assets.synthetic.holdings.borrowing import CATCHES_UP, DEFAULT_AT, make_borrowing
from portrait_assets.synthetic.holdings.products import PRODUCT_IDS
from portrait_assets.synthetic.marketing.campaigns import (
    ABOUT_TO_LEAVE,
    MORE_OF_DECLINING,
    Contacted,
)
from portrait_assets.synthetic.marketing.course import run_course
from portrait_assets.synthetic.marketing.plans import make_campaigns
from portrait_assets.synthetic.marketing.reactions import PERSUADABLE, SLEEPING_DOG, likes
from portrait_assets.synthetic.persons.kinds import people_of
from portrait_assets.synthetic.persons.lifecycle import (
    BEFORE_LEAVING,
    NEVER,
    WHILE_NEW,
    WHILE_PAUSING,
    make_lifecycle,
)
from portrait_assets.synthetic.persons.people import REGION_WEIGHTS, blended
from portrait_assets.synthetic.persons.segments import SEGMENTS
from portrait_assets.synthetic.recipe import Recipe

Ints = npt.NDArray[np.int64]

ORACLE, SEEN = "oracle", "what can be seen of the oracle's"
AHEAD = 3
"""Months within which a customer leaves, as the source's target `churn` has it."""
LOOKED_BACK = 4
"""Months of which transactions and balances are weighed: in so many a leaver does less."""
OVERDUE_DAYS = 30
DELINQUENCY_SPREAD = 0.9
"""Of the logarithm of how easily customers of a segment fall behind (`persons.people`)."""
CURRENT_SPREAD, FUND_SPREAD = 0.25, 0.02
"""Of the logarithms of a current account's balance, by the month, and of a fund's (rounding)."""
ODD_SHARE, ODD_DENSITY = 0.05, 0.2
"""Balances that something else has moved, such as an offer, and their density."""
SILENT = 1e-9
CURRENT, FUND = "0", "2"
OFFERED = ("5", "6")
"""Last digits of accounts: what is paid into offered ones comes in part from the current one."""
PAUSES = (3, 4, 5, 6, 7)
"""Months that a pause may last, each as probable."""
LEAVES_IN = (1, 2, 3, 4, None)
"""Months in which a customer may leave, and None for later."""
Probability = Callable[[Floats, Ints, int], Floats]


class Truth:
    """A bank as it was generated; customers in the order of their numbers."""

    def __init__(self, folder: Path) -> None:
        recipe = Recipe.read(folder)
        self.folder, self.settings = folder, recipe.settings
        settings = recipe.settings
        number = np.arange(1, recipe.customers + 1)
        self.calendar = Calendar(recipe.first_month, recipe.months)
        self.market = make_market(recipe.seed, self.calendar)
        self.people = people_of(recipe.seed, number, settings.life, REGION_WEIGHTS, settings.kinds)
        undisturbed = make_lifecycle(self.people, self.calendar, settings.life)
        happenings = make_happenings(settings.events, self.calendar, recipe.seed)
        holdings = make_holdings(
            self.people, undisturbed, self.calendar, happenings, settings.suitability
        )
        campaigns = make_campaigns(self.calendar, recipe.campaigns, settings.flaws)
        course = run_course(self.people, undisturbed, holdings, self.market, campaigns, settings)
        self.lives, self.contacts = course.lives, course.contacts
        self.borrowing = make_borrowing(self.people, self.lives)

    @cached_property
    def names(self) -> pl.Series:
        """The customers as the bank's files name them."""
        return pl.Series("customer_id", [f"C{each:07d}" for each in self.people.number.tolist()])

    def probabilities(self, target: str, month: str, ahead: int) -> pl.DataFrame:
        """By customer what is true at the month's end, `oracle`, and what can be seen of it.

        Of who does not borrow, or has left, a probability means nothing.
        """
        at = self.calendar.names.index(month)
        if target == "churn":
            # Imported late, as it continues this class.
            from portrait_assets.testing.oracles.bank_seen import Seen

            seen = Seen(self, at).leaving(at)
            return pl.DataFrame({"customer_id": self.names, ORACLE: self.leaving(at), SEEN: seen})
        within = {"default": default_within, "overdue": overdue_within}[target]
        return pl.DataFrame(
            {
                "customer_id": self.names,
                ORACLE: within(self.borrowing.hazard, self._behind(at), ahead),
                SEEN: self._seen(within, at, ahead),
            }
        )

    # -- credit ----------------------------------------------------------------------------

    def _behind(self, month: int) -> Ints:
        """Months behind at the month's end: by 30 days each, so that days past due show them."""
        return self.borrowing.months_behind[:, month]

    def _seen(self, probability: Probability, month: int, ahead: int) -> Floats:
        """The mean over all hazards that a customer of the segment may have, weighed by how well
        each explains in which months he fell behind and in which not (Bayes's rule).
        """
        medians = np.log([each.delinquency for each in SEGMENTS])
        middle = blended(self.people.segment, self.people.lean, medians)
        there = np.stack([self.lives.is_customer(each) for each in range(month + 1)], axis=1)
        behind = self.borrowing.months_behind[:, : month + 1]
        before = np.hstack([np.zeros((len(behind), 1), dtype=np.int64), behind[:, :-1]])
        may_fall = (before == 0) & there
        falls, stays = ((may_fall & (behind == each)).sum(axis=1) for each in (1, 0))
        total, weights = np.zeros(len(behind)), np.zeros(len(behind))
        for point in np.linspace(-3, 3, 31):
            trait = np.minimum(np.exp(middle + DELINQUENCY_SPREAD * point), 0.3)
            hazard = np.clip(trait * (0.4 + 1.2 * self.people.utilisation), SILENT, 0.5)
            weight = norm.pdf(point) * hazard**falls * (1 - hazard) ** stays
            total += weight * probability(hazard, self._behind(month), ahead)
            weights += weight
        return total / weights

    # -- leaving ---------------------------------------------------------------------------

    def leaving(self, month: int) -> Floats:
        """How probably each customer leaves within `AHEAD` months, by Bayes's rule.

        Of each month in which he may leave: how probable that was beforehand, and with it what he
        paid and kept with the bank lately, and the retention campaigns that he was chosen for.
        """
        scale = self._log_likelihood(month, None, None)
        weights = np.zeros((len(self.people), LOOKED_BACK + 1))
        for turned_in, prior in self._beforehand(month):
            likelihood = np.stack(
                [self._log_likelihood(month, turned_in, each) for each in LEAVES_IN], axis=1
            )
            weights += prior * np.exp(likelihood - scale[:, None])
        found: Floats = weights[:, :AHEAD].sum(axis=1) / weights.sum(axis=1)
        return found

    def _beforehand(self, month: int) -> Iterator[tuple[int | None, Floats]]:
        """By the month in which leaving was decided, None for long ago, the probability to leave in
        each of the next four months, and later; shape (customers, 5).
        """
        settings = self.settings.reactions
        hazard, start = np.minimum(self.people.churn, 0.5), np.maximum(self.lives.join_month, 0)

        def outlasts(until: int) -> Floats:
            since = until - start
            stays: Floats = np.where(since < 2, 1.0, (1 - hazard) ** np.maximum(since, 0))
            return stays

        survival = np.stack([outlasts(month + each) for each in range(LOOKED_BACK + 1)], axis=1)
        prior = np.hstack([survival[:, :-1] - survival[:, 1:], survival[:, -1:]])
        for contact in self._contacts_of(month, AHEAD - 1):
            since = month - contact.campaign.month
            dogs = self._reached(contact, SLEEPING_DOG, -1)
            driven = np.zeros_like(prior)
            places = np.arange(ABOUT_TO_LEAVE - since)
            share = settings.drives_away * dogs / ABOUT_TO_LEAVE
            last = contact.campaign.month + ABOUT_TO_LEAVE
            driven[:, places] = (share * outlasts(last))[:, None]
            is_later = np.arange(1, LOOKED_BACK + 2) > ABOUT_TO_LEAVE - since
            prior = prior * (1 - settings.drives_away * dogs[:, None] * is_later)
            if contact.campaign.kind.code == "retention":
                stays = settings.stays * self._reached(contact, PERSUADABLE, 1)
                prior = prior * (1 - stays[:, None] * ~is_later)
            yield contact.campaign.month, driven
        yield None, prior

    def _contacts_of(self, month: int, back: int) -> list[Contacted]:
        return [each for each in self.contacts if 0 <= month - each.campaign.month <= back]

    def _reached(self, contact: Contacted, group: int, sign: int) -> Floats:
        """1 for whom a campaign reached who reacts to it in this way."""
        found = np.zeros(len(self.people))
        reacts = contact.reached & (contact.group == group) & (contact.effect * sign > 0)
        found[contact.chosen[reacts]] = 1.0
        return found

    def _log_likelihood(self, month: int, turned_in: int | None, ahead: int | None) -> Floats:
        """Of what was seen of customers who leave in so many months, None for later."""
        found = np.zeros(len(self.people))
        lasting = np.zeros(len(self.people))
        for at in range(max(month - LOOKED_BACK + 1, 0), month + 1):
            is_decided = ahead is not None and (turned_in is None or at > turned_in)
            left = month + (ahead or 0) - at if is_decided else NEVER
            level = BEFORE_LEAVING[left] if left <= 4 else 1.0
            found += self._of_balances(at, 0.6 * np.log(level))
            lasting += self._of_payments(at, level)
            if turned_in is None:
                found += self._of_choices(at, left <= ABOUT_TO_LEAVE)
        if ahead is None:
            lasting = np.logaddexp(lasting, self._of_pauses(month))
        return found + lasting

    def _of_payments(self, month: int, level: float) -> Floats:
        counts, expected = self._counts[:, month], self._expected[:, month]
        there = self.lives.join_month <= month
        mean = np.maximum(expected * level, SILENT)
        # Of a Poisson distribution, less what is the same whatever is expected.
        likely: Floats = np.where(there, counts * np.log(mean) - mean, 0.0)
        return likely

    def _of_pauses(self, month: int) -> Floats:
        """Log of the probability of what was paid, and of a pause, over all pauses there may be."""
        life, found = self.settings.life, np.full(len(self.people), -np.inf)
        each = np.log(life.pausing / (self.calendar.horizon - 1) / len(PAUSES))
        months = range(max(month - LOOKED_BACK + 1, 0), month + 1)
        for first in range(max(month - PAUSES[-1], 1), month + 1):
            for length in PAUSES:
                if first + length <= months[0]:
                    continue
                paid = np.zeros(len(self.people))
                for at in months:
                    is_pause = first <= at < first + length
                    paid += self._of_payments(at, WHILE_PAUSING if is_pause else 1.0)
                found = np.logaddexp(found, paid + each)
        return found

    def _of_balances(self, month: int, shift: float) -> Floats:
        current, fund = self._balances[month]
        found = np.zeros(len(self.people))
        for apart, spread in ((current, CURRENT_SPREAD), (fund, FUND_SPREAD)):
            usual = norm.pdf(apart, shift, spread)
            density = (1 - ODD_SHARE) * usual + ODD_SHARE * ODD_DENSITY
            found += np.log(np.where(np.isnan(apart), 1.0, density))
        return found

    def _of_choices(self, month: int, is_declining: bool) -> Floats:
        """Of whom the month's retention campaigns chose: five times as many of the declining."""
        found = np.zeros(len(self.people))
        for contact in self._contacts_of(month, 0):
            if contact.campaign.kind.code != "retention":
                continue
            wanted = np.clip(0.5 + 0.5 * likes(self.people, contact.campaign.kind), 0.4, 1.8)
            share = self.settings.life.contacted * wanted
            share = np.minimum(share * (MORE_OF_DECLINING if is_declining else 1.0), 1 - SILENT)
            chosen = np.zeros(len(self.people), dtype=bool)
            chosen[contact.chosen] = True
            may_be = (self.lives.join_month < month) & ~self.people.is_minor
            found += np.where(may_be, np.log(np.where(chosen, share, 1 - share)), 0.0)
        return found

    # -- what the bank saw -----------------------------------------------------------------

    @cached_property
    def _expected(self) -> Floats:
        """Payments to expect of who neither pauses nor leaves, shape (customers, months)."""
        months = np.arange(self.calendar.count)
        since = months[None, :] - self.lives.join_month[:, None]
        level = np.where(since > 2, 1.0, WHILE_NEW[np.clip(since, 0, 2)]) * (since >= 0)
        staying = np.full(len(self.people), NEVER)
        lives = replace(self.lives, activity=level, leave_month=staying)
        return expected_counts(self.people, lives, self.market, self.contacts)

    @cached_property
    def _counts(self) -> Floats:
        """Payments by customer and month."""
        found = np.zeros((len(self.people), self.calendar.count))
        for at, name in enumerate(self.calendar.names):
            lines = pl.scan_parquet(self.folder / "transactions" / f"{name}.parquet")
            counted = lines.group_by("customer_id").len().collect()
            found[_places(counted), at] = counted["len"]
        return found

    @cached_property
    def _balances(self) -> list[tuple[Floats, Floats]]:
        """By month, logarithms of balance / expected balance of current accounts and of funds."""
        return [self._balances_of(at) for at in range(self.calendar.count)]

    def _balances_of(self, month: int) -> tuple[Floats, Floats]:
        people = self.people
        path = self.folder / "balances" / f"{self.calendar.names[month]}.parquet"
        rows = pl.read_parquet(path).with_columns(
            pl.col("balance").cast(pl.Float64), pl.col("account_id").str.slice(-1).alias("slot")
        )
        growth = np.exp((0.008 * people.draws.normal("saving") + people.flow) * month)

        def amount_in(*slots: str) -> Floats:
            own = (
                rows.filter(pl.col("slot").is_in(slots))
                .group_by("customer_id")
                .agg(pl.col("balance").sum())
            )
            found = np.zeros(len(people))
            found[_places(own)] = own["balance"]
            return found

        current = amount_in(CURRENT) + self.settings.reactions.own_money * amount_in(*OFFERED)
        funds = rows.filter(pl.col("slot") == FUND)
        values = dict(zip(PRODUCT_IDS, self.market.net_value[month], strict=True))
        value = np.ones(len(people))
        value[_places(funds)] = [values[each] for each in funds["product_id"]]
        with np.errstate(divide="ignore"):
            return (
                _finite(np.log(current / (people.deposit * growth))),
                _finite(
                    np.log(amount_in(FUND) / (people.wealth * people.fund_factor * growth * value))
                ),
            )


def expected_auc(order: Floats, probability: Floats) -> float:
    """The area under the curve where each row is a hit as often as its true probability says."""
    _, place = np.unique(order, return_inverse=True)
    hits, others = (np.bincount(place, weights=each) for each in (probability, 1 - probability))
    below = np.cumsum(others) - others
    return float((hits * (below + others / 2)).sum() / (hits.sum() * others.sum()))


def default_within(hazard: Floats, behind: Ints, months: int) -> Floats:
    """How probably a borrower so many months behind defaults within these months."""
    states = np.zeros((DEFAULT_AT + 1, len(hazard)))
    states[np.minimum(behind, DEFAULT_AT), np.arange(len(hazard))] = 1.0
    for _ in range(months):
        after = np.zeros_like(states)
        after[DEFAULT_AT] = states[DEFAULT_AT]
        after[0] = states[0] * (1 - hazard)
        after[1] = states[0] * hazard
        for at in range(1, DEFAULT_AT):
            after[0] += states[at] * CATCHES_UP[at]
            after[at + 1] += states[at] * (1 - CATCHES_UP[at])
        states = after
    reached: Floats = states[DEFAULT_AT]
    return reached


def overdue_within(hazard: Floats, behind: Ints, months: int) -> Floats:
    """How probably a borrower who is at most a month behind is 30 days past due at the end of one
    of these months: who falls behind is so by 1 to 30 days, each as probable.
    """
    on_time, late = (behind == 0).astype(np.float64), (behind > 0).astype(np.float64)
    for _ in range(months):
        falls = on_time * hazard * (1 - 1 / OVERDUE_DAYS)
        on_time, late = on_time * (1 - hazard) + late * CATCHES_UP[1], falls
    reached: Floats = 1 - on_time - late
    return reached


def _places(rows: pl.DataFrame) -> Ints:
    """The places of the rows' customers: second records have no accounts."""
    places: Ints = rows["customer_id"].str.slice(1).cast(pl.Int64).to_numpy() - 1
    return places


def _finite(values: Floats) -> Floats:
    found: Floats = np.where(np.isfinite(values), values, np.nan)
    return found
