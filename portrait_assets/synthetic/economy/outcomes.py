"""What is to be predicted: defaults, leavings, and answers to the term deposit offers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa

from portrait_assets.synthetic.common.columns import canonical, codes, dates
from portrait_assets.synthetic.common.randomness import Floats, Ints
from portrait_assets.synthetic.common.seasons import Calendar
from portrait_assets.synthetic.holdings.borrowing import Borrowing
from portrait_assets.synthetic.marketing.campaigns import Contacted
from portrait_assets.synthetic.persons.lifecycle import Lifecycle
from portrait_assets.synthetic.persons.people import People

OUTCOMES = ("churn", "default", "term_deposit")
CHURN, DEFAULT, TERM_DEPOSIT = range(len(OUTCOMES))


def outcomes_table(
    people: People,
    lives: Lifecycle,
    borrowing: Borrowing,
    contacts: Sequence[Contacted],
    calendar: Calendar,
    customer_ids: pa.Array,
) -> pa.Table:
    """The canonical `outcomes`.

    `churn` and `default` are 1 on the day that it happened; who was spared has a 0 on the bank's
    last day, every customer for `churn`, every borrower for `default`, and again on the last day
    of each month that continues the bank. `term_deposit` is 1 or 0 on the last day of a month with
    such offers for everybody chosen for one, control included.
    """
    parts: list[tuple[Ints, int, Ints, Floats]] = []
    for before, end in pairwise([0, *range(calendar.horizon, calendar.count + 1)]):
        last = int(calendar.starts[end]) - 1
        joined = lives.join_month < end
        rows = np.flatnonzero(joined & (lives.leave_month >= before))
        leave = np.minimum(lives.leave_month[rows], end)
        left_on = calendar.starts[leave] + lives.leave_day[rows] - 1
        left = leave < end
        parts.append((rows, CHURN, np.where(left, left_on, last), left.astype(np.float64)))
        rows = np.flatnonzero(borrowing.is_borrower & joined & (borrowing.default_month >= before))
        default = np.minimum(borrowing.default_month[rows], end)
        failed = default < end
        failed_on = calendar.starts[np.minimum(default + 1, end)] - 1
        parts.append((rows, DEFAULT, np.where(failed, failed_on, last), failed.astype(np.float64)))
    offers = [contact for contact in contacts if contact.campaign.kind.code == "term_deposit"]
    for month in sorted({contact.campaign.month for contact in offers}):
        chosen, answered = (np.zeros(len(people), dtype=np.bool_) for _ in range(2))
        for contact in (offer for offer in offers if offer.campaign.month == month):
            chosen[contact.chosen] = True
            answered[contact.chosen] |= contact.answered
        rows = np.flatnonzero(chosen)
        end = np.full(len(rows), int(calendar.starts[month + 1]) - 1)
        parts.append((rows, TERM_DEPOSIT, end, answered[rows].astype(np.float64)))
    customer = np.concatenate([part[0] for part in parts])
    outcome = np.concatenate([np.full(len(part[0]), part[1]) for part in parts])
    observed, value = (np.concatenate([part[i] for part in parts]) for i in (2, 3))
    order = np.lexsort((observed, outcome, customer))
    return canonical(
        "outcomes",
        {
            "customer_id": codes(customer[order], customer_ids),
            "outcome": codes(outcome[order], OUTCOMES),
            "observed_on": dates(observed[order]),
            "value": pa.array(value[order], pa.float64()),
        },
        len(customer),
    )
