"""What contracts are worth: the chance that each is still there, times balance, times margin.

P. Fader, B. Hardie (2007), "How to project customer retention": retention rises with tenure, as
those who leave easily leave first, so that a hazard by tenure is used and no constant one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from portrait_assets.core.arrays import Floats
from portrait_assets.methods.lifetime.errors import LifetimeError

Months = npt.NDArray[np.int64]

FEWEST_AT_RISK = 100
"""Contracts that a month of tenure needs for a hazard of its own; later months are pooled."""
MONTHS_OF_YEAR = 12


@dataclass(frozen=True)
class TenureHazard:
    """Chance that a contract ends in a month, by its tenure in whole months at the month's start.

    The last entry is of its own and all later months.
    """

    hazard: Floats

    def at(self, tenure_months: Months) -> Floats:
        """The hazard by tenure, an array of any shape."""
        return self.hazard[np.minimum(tenure_months, len(self.hazard) - 1)]


def tenure_hazard(
    entered_months: Months,
    tenure_months: Months,
    ended: npt.NDArray[np.bool_],
    least: int = 1,
) -> TenureHazard:
    """The actuarial hazard of contracts by month of tenure.

    Contracts count from the tenure at which they were first observed (left truncation), and those
    that go on until the tenure at which they were last observed (right censoring): E. Kaplan,
    P. Meier (1958), "Nonparametric estimation from incomplete observations".

    Args:
        entered_months: whole months of tenure when observation began, 0 for new contracts.
        tenure_months: when it ended, at least as many; a contract that ends in its month k + 1 has
            k and `ended`.
        ended: whether the contract ended then, or was there still.
        least: contracts at risk that each hazard rests on at least, where that of all does.

    Raises:
        LifetimeError: when arrays differ in length, a tenure is below 0 or before its entry, or
            nothing was at risk.
    """
    if not len(entered_months) == len(tenure_months) == len(ended):
        raise LifetimeError("Entries, tenures and ends must be of the same contracts.")
    if ((entered_months < 0) | (tenure_months < entered_months)).any():
        raise LifetimeError("A contract's tenure must be 0 or more, and no less than at its entry.")
    # Who ends in month k was at risk in it; who goes on at tenure k was at risk in months below k.
    exposed_until = tenure_months + ended
    months = int(exposed_until.max(initial=0))
    if months == 0 or (exposed_until == entered_months).all():
        raise LifetimeError("No contract was observed for a whole month, so no hazard is known.")
    begun = np.bincount(entered_months, minlength=months + 1)
    gone = np.bincount(exposed_until)
    at_risk = np.cumsum(begun - gone)[:months]
    ends = np.bincount(tenure_months[ended], minlength=months)[:months]
    enough = at_risk >= max(FEWEST_AT_RISK, least)
    own = months if enough.all() else int(np.argmin(enough))
    if own and own < months and at_risk[own] < least:
        own = max(own - 1, 0)
    hazard = ends[:own] / np.maximum(at_risk[:own], 1)
    later = at_risk[own:].sum()
    if later > 0:
        hazard = np.append(hazard, ends[own:].sum() / later)
    return TenureHazard(hazard)


def contractual_value(
    hazard: TenureHazard,
    tenure_months: Months,
    balance: Floats,
    margin_rate: Floats,
    horizon_months: int,
    yearly_discount: float = 0.0,
) -> Floats:
    """Expected margin of each contract in the months ahead, in the money of the balance.

    The margin of a month is earned where the contract is still there at its end. The balance is
    taken to stay.

    Args:
        hazard: chance to end by tenure.
        tenure_months: whole months so far, by contract.
        balance: as of now.
        margin_rate: what the product earns in a year, as a share of the balance.
        horizon_months: how many months ahead, at least 1.
        yearly_discount: rate by which what comes a year later is worth less.

    Raises:
        LifetimeError: when the horizon is below 1.
    """
    return (
        balance
        * margin_rate
        / MONTHS_OF_YEAR
        * expected_months(hazard, tenure_months, horizon_months, yearly_discount)
    )


def expected_months(
    hazard: TenureHazard, tenure_months: Months, horizon_months: int, yearly_discount: float = 0.0
) -> Floats:
    """Expected months at whose end each contract is still there, discounted; as above."""
    if horizon_months < 1:
        raise LifetimeError(f"The horizon must be at least 1 month, not {horizon_months}.")
    different, places = np.unique(tenure_months, return_inverse=True)
    ahead = np.arange(horizon_months)
    survival = np.cumprod(1 - hazard.at(different[:, None] + ahead), axis=1)
    discount = (1 + yearly_discount) ** (-(ahead + 1) / MONTHS_OF_YEAR)
    return np.asarray((survival @ discount)[places])
