"""Credit risk: falling behind with payments, catching up, and default."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from portrait_assets.synthetic.common.randomness import Floats, Ints, Mask
from portrait_assets.synthetic.persons.lifecycle import NEVER, Lifecycle
from portrait_assets.synthetic.persons.people import People
from portrait_assets.synthetic.persons.segment_traits import HOLDINGS

CARD, LOAN = HOLDINGS.index("card"), HOLDINGS.index("loan")
CATCHES_UP = (0.0, 0.7, 0.5, 0.3)
"""Probability of paying up in the next month, by months behind."""
DEFAULT_AT = 4
"""Months behind at which a borrower is in default: more than 90 days past due."""
LONGEST = 12


@dataclass(frozen=True)
class Borrowing:
    """The credit history of a run of customers."""

    is_borrower: Mask
    months_behind: Ints
    """Shape (customers, months); 0 for on time."""
    days_past_due: Ints
    """Shape (customers, months)."""
    default_month: Ints
    """Month in which default is reached, NEVER for none."""
    hazard: Floats
    """Monthly probability that the customer, on time so far, falls behind."""
    default_probability: Floats
    """True probability of default within 12 months of a borrower who is on time."""


def make_borrowing(people: People, lives: Lifecycle) -> Borrowing:
    """Monthly states of all customers; only borrowers ever fall behind."""
    is_borrower: Mask = people.holds[:, CARD] | people.holds[:, LOAN]
    hazard = np.clip(people.delinquency * (0.4 + 1.2 * people.utilisation), 0.0, 0.5)
    hazard = np.where(is_borrower, hazard, 0.0)
    catches_up = np.concatenate([CATCHES_UP, np.zeros(LONGEST)])
    behind = np.zeros(len(people), dtype=np.int64)
    default_month = np.full(len(people), NEVER)
    months = lives.activity.shape[1]
    history = np.zeros((len(people), months), dtype=np.int64)
    days = np.zeros_like(history)
    for month in range(months):
        draws = people.draws.child("credit", np.full(len(people), month))
        falls = draws.chance("falls behind", hazard)
        pays = draws.chance("pays up", catches_up[behind])
        behind = np.where(
            behind == 0, falls.astype(np.int64), np.where(pays, 0, np.minimum(behind + 1, LONGEST))
        )
        behind = np.where(lives.is_customer(month), behind, 0)
        default_month = np.where(
            (behind >= DEFAULT_AT) & (default_month == NEVER), month, default_month
        )
        history[:, month] = behind
        days[:, month] = np.where(behind > 0, behind * 30 - draws.whole("days", 0, 29), 0)
    return Borrowing(
        is_borrower=is_borrower,
        months_behind=history,
        days_past_due=days,
        default_month=default_month,
        hazard=hazard,
        default_probability=default_within(hazard, 12),
    )


def default_within(hazard: Floats, months: int) -> Floats:
    """Probability that a borrower who is on time defaults within that many months."""
    states = np.zeros((DEFAULT_AT + 1, len(hazard)))
    states[0] = 1.0
    for _ in range(months):
        after = np.zeros_like(states)
        after[DEFAULT_AT] = states[DEFAULT_AT]
        after[0] += states[0] * (1 - hazard)
        after[1] += states[0] * hazard
        for behind in range(1, DEFAULT_AT):
            after[0] += states[behind] * CATCHES_UP[behind]
            after[behind + 1] += states[behind] * (1 - CATCHES_UP[behind])
        states = after
    reached: Floats = states[DEFAULT_AT]
    return reached
