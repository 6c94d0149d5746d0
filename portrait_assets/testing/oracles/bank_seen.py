"""What a generated bank's files show of who is about to leave, to one who knows its laws.

The oracle knows how often each customer pays, what he keeps in his accounts, and whom of those that
a campaign reached it drives away or keeps. None of that is in the files: here it is the customer's
own mean of a year, and the share of those reached. How easily he leaves stays known, so that no
model will rank better by much.
"""

from __future__ import annotations

import numpy as np

from portrait_assets.core.arrays import Floats
from portrait_assets.synthetic.marketing.campaigns import Contacted
from portrait_assets.testing.oracles.bank import LOOKED_BACK, Truth

USUAL_MONTHS = 12
"""Months before those looked at whose mean is taken for usual."""


class Seen(Truth):
    """The bank as its files show it at the end of one month."""

    def __init__(self, truth: Truth, month: int) -> None:
        self._truth, self._month = truth, month
        self.settings, self.calendar, self.market = truth.settings, truth.calendar, truth.market
        self.people, self.lives, self.contacts = truth.people, truth.lives, truth.contacts

    def _reached(self, contact: Contacted, group: int, sign: int) -> Floats:
        """How probably whom a campaign reached reacts to it in this way: as often as others."""
        found, reached = np.zeros(len(self.people)), contact.chosen[contact.reached]
        reacts = self._truth._reached(contact, group, sign)
        found[reached] = reacts.sum() / max(len(reached), 1)
        return found

    @property
    def _usual(self) -> slice:
        """The months whose mean is usual; the first one where there are none before."""
        until = max(self._month - LOOKED_BACK + 1, 1)
        return slice(max(until - USUAL_MONTHS, 0), until)

    @property
    def _counts(self) -> Floats:
        return self._truth._counts

    @property
    def _expected(self) -> Floats:
        """The own mean of payments a month, as if one more had been as of all customers."""
        months = np.arange(self.calendar.count)[self._usual]
        there = self.lives.join_month[:, None] <= months
        paid = np.where(there, self._counts[:, self._usual], 0.0).sum(axis=1)
        known = there.sum(axis=1)
        of_all = paid.sum() / max(known.sum(), 1)
        rate = (paid + of_all) / (known + 1)
        return np.repeat(rate[:, None], self.calendar.count, axis=1)

    @property
    def _balances(self) -> list[tuple[Floats, Floats]]:
        """Logarithms of balances less their own mean; of expected balances nothing is known."""
        of_truth = self._truth._balances
        usual = [_means([each[kind] for each in of_truth[self._usual]]) for kind in (0, 1)]
        return [(current - usual[0], fund - usual[1]) for current, fund in of_truth]


def _means(months: list[Floats]) -> Floats:
    """The mean of the months that are known; NaN where none is."""
    values = np.stack(months)
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = np.where(known, values, 0.0).sum(axis=0) / known.sum(axis=0)
    return found
