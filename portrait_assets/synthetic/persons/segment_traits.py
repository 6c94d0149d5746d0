"""What a latent segment of the synthetic bank states, and the words in which it does.

Weights are relative within a segment; amounts are CNY; rates are per month.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CATEGORIES = (
    "dining",
    "grocery",
    "online_shopping",
    "transport",
    "travel",
    "utilities",
    "health",
    "education",
    "entertainment",
    "cash",
    "transfer",
    "wealth",
    "insurance",
)
CHANNELS = ("app", "web", "pos", "atm", "branch", "phone")
TICKET_MEDIAN = (58, 66, 110, 18, 820, 150, 160, 620, 75, 800, 900, 6000, 1300)
TICKET_SPREAD = (0.6, 0.65, 0.8, 0.6, 0.8, 0.5, 0.9, 0.8, 0.7, 0.6, 1.1, 0.9, 0.5)
HOLDINGS = ("term", "fund", "card", "loan", "insurance")
HOURS = ("office", "day", "evening", "night")


@dataclass(frozen=True)
class Segment:
    """One latent segment. Medians are those of a lognormal distribution over its customers."""

    code: str
    zh: str
    share: float
    near: str
    """The segment that its blended customers lean to."""
    age: tuple[float, float, int, int]
    """Mean, standard deviation, lowest and highest, in years."""
    rate: float
    """Mean number of transactions a month."""
    ticket: float
    """Factor on the median ticket of every category."""
    categories: Mapping[str, float]
    channels: Mapping[str, float]
    holds: Mapping[str, float]
    """Probability of holding each kind of product beside the current account."""
    deposit: float
    """Median current account balance."""
    wealth: float
    """Median amount in each of term deposit and funds, for those who hold them."""
    income: float
    """Median yearly income."""
    risk_appetite: float
    """Mean risk grade of the funds held, 1 to 5."""
    utilisation: float
    """Mean share of the credit limit in use."""
    delinquency: float
    """Monthly probability that a borrower falls behind."""
    churn: float
    """Monthly probability of leaving."""
    response: float
    """Logit added to the probability of answering a campaign."""
    discount: float
    """Share of purchases made with a discount."""
    weekend: float
    """Weight of a weekend day against a working day."""
    hours: str
    market: float
    """Relative change of activity per 100 % change of the stock index the month before."""
    satisfaction: float
    """Mean survey score, 0 to 10."""
    occupations: Mapping[str, float] = field(default_factory=dict)
    never: float = 0.0
    """Further share of customers who never transact."""
