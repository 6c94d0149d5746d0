"""How dirty and how lively a synthetic bank is: every rate in one place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Dirt:
    """How often bad values are planted, each as a share of the rows of its table.

    `truth/bad_values.parquet` lists every one of them; `duplicate_person` is the share of
    customers who have a second record from another system (`truth/duplicates.parquet`).
    """

    duplicate_person: float = 0.02
    repeated_transaction: float = 1e-4
    missing_attribute: float = 0.03
    sentinel: float = 0.003
    impossible_date: float = 0.001
    unusual_date_form: float = 0.004
    money_in_words: float = 0.004
    wrong_check_digit: float = 0.001
    unusual_characters: float = 0.003
    unreadable_time: float = 1e-5
    future_time: float = 1e-5
    missing_amount: float = 1e-5
    absurd_amount: float = 1e-6
    unknown_channel: float = 1e-3
    missing_category: float = 2e-3
    negative_days_past_due: float = 1e-4
    score_sentinel: float = 1e-3
    response_before_contact: float = 1e-3


@dataclass(frozen=True)
class Life:
    """Shares and rates of what happens to customers.

    Shares are of all customers, probabilities per event; months are calendar months.
    """

    blended: float = 0.03
    """Customers whose habits lie between those of two segments."""
    never_active: float = 0.001
    """Customers who hold accounts and never transact."""
    joining: float = 0.1
    """Customers who join within the months of the bank, evenly over them."""
    prospects: float = 0.03
    """Young people who are known before they hold an account; some join, some never do."""
    pausing: float = 0.02
    """Customers who fall silent for three to seven months and come back."""
    moving: float = 0.02
    """Customers whose address or telephone number changes, recorded in a second row."""
    refund: float = 0.008
    """Transactions that are refunds, with a negative amount."""
    pareto_tail: float = 0.01
    """Transactions whose amount is multiplied by a Pareto variable."""
    pareto_exponent: float = 2.2
    control: float = 0.3
    """Customers chosen for a campaign who are held out at random."""
    contacted: float = 0.12
    """Share of customers chosen for one campaign."""
    elder_age: int = 60
    """From this age on customers use branch, telephone and cash machines more."""


@dataclass(frozen=True)
class Journeys:
    """Rates of journeys, and what is planted in them; 0 plants nothing of its kind."""

    excess: float = 0.08
    """Added at a breakpoint to the share of journeys abandoned after its step."""
    complaint: float = 0.01
    """Abandoned journeys that lead to a complaint about their last step."""
    complaint_at_breakpoint: float = 0.15
    theme: float = 0.6
    """Complaints of a breakpoint that are about its theme; the others are about any topic."""
    calls: float = 0.015
    """Mean number of journeys by telephone a month, of a customer who calls as often as most."""
    handover: float = 0.12
    """Journeys that would go on in another channel, if they are not abandoned before."""
    travelling: float = 0.04
    """Customers who are in another region for one to three months."""


@dataclass(frozen=True)
class Events:
    """What happens in the market, and how many customers follow; 0 leaves it out."""

    launch: float = 0.3
    """Holders of an old fund who change to the new one."""
    rate_rise: float = 0.6
    """Points by which a competitor raises its rate on term deposits, give or take 15 %."""
    sensitive: float = 0.35
    """Customers who move their deposits to where they bear more."""
    outflow: float = 0.3
    """Share of their term deposits that they move."""
    mix_shift: float = 0.3
    """Share of a segment's purchases in one category that are made in another from a month on."""
    season: float = 0.2
    """The same share in the months of a season."""
    taking: float = 0.0025
    """Mean monthly probability of taking a term deposit or a fund, of who was not to hold one."""


@dataclass(frozen=True)
class Kinds:
    """Which wealth kinds customers are drawn from."""

    number: int | None = None
    """Number of wealth kinds; None for latent segments alone."""
    differing: float = 1.0
    """How far nested kinds differ, as the power of their factors; 0 makes them all alike."""


@dataclass(frozen=True)
class Settings:
    """All rates of a synthetic bank."""

    dirt: Dirt = Dirt()
    life: Life = Life()
    journeys: Journeys = Journeys()
    events: Events = Events()
    kinds: Kinds = Kinds()
