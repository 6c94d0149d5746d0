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
    minors: float = 0.004
    """Children, from 6 to 15 years old on the first day; they hold a current account only."""
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
    mix_shift: float = 0.2
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
class Reactions:
    """How customers react to contact, and what it changes.

    Shares are those of the response groups before a customer's segment and traits move them.
    """

    sure_thing: float = 0.18
    persuadable: float = 0.38
    lost_cause: float = 0.40
    sleeping_dog: float = 0.16
    strength: float = 1.0
    """Factor on all that contact adds to the probability of answering, and on spending."""
    least_harm: float = 0.02
    most_harm: float = 0.05
    """What contact takes off a sleeping dog's probability of answering, at least and at most."""
    fatigue: float = 0.8
    """Factor on what contact adds, by each contact in the days before."""
    fatigue_days: int = 60
    annoyance: float = 4.0
    """Points of satisfaction that a sleeping dog who is contacted loses for two months."""
    drives_away: float = 0.02
    """Probability that a contact has a sleeping dog leave within three months."""
    stays: float = 0.9
    """Probability that a persuadable customer about to leave stays after a retention call."""
    stays_months: int = 18
    """Months by which leaving is put off at most; at least six."""
    opens: float = 1.0
    """Share of the answers to an offer that open what was offered."""
    own_money: float = 0.5
    """Share of a deposit or fund opened that comes from the customer's current account."""
    moves_at_rise: float = 0.15
    """Probability of opening a deposit unasked, per rise of the deposit rate by a point."""
    keeps_redeemed: float = 0.6
    """Share of a withdrawn fund that goes to the current account; the rest leaves the bank."""
    withdrawal_drives_away: float = 0.05
    """Probability that who redeems a withdrawn fund leaves within three months."""


@dataclass(frozen=True)
class Flaws:
    """Campaigns that are not what a campaign should be, one of each in every 24 of a bank's."""

    broken_split: bool = True
    """The share held out as control depends on the customer's age."""
    contaminated: bool = True
    """Part of the control group is contacted all the same."""
    no_effect: bool = True
    harmful: bool = True
    contaminated_share: float = 0.4
    """Share of the contaminated campaign's control group that is contacted."""
    split_age: int = 45
    split_control: float = 0.12
    """Share held out from this age on, where the split is broken; younger ones as planned."""
    harmful_contacted: float = 0.4
    """Share of customers chosen for the harmful campaign."""


@dataclass(frozen=True)
class Delivery:
    """What contacts cost, in CNY, and what becomes of them, as shares of the contacts."""

    cost: tuple[tuple[str, float], ...] = (("app", 0.05), ("phone", 6.0), ("branch", 15.0))
    bounced: tuple[tuple[str, float], ...] = (("app", 0.03), ("phone", 0.08), ("branch", 0.01))
    refused: tuple[tuple[str, float], ...] = (("app", 0.0), ("phone", 0.05), ("branch", 0.02))
    unsubscribed: float = 0.003
    opened: float = 0.45
    """Of those who do not answer; who answers has opened it."""
    more_of_sleeping_dogs: float = 6.0
    """Factor on a sleeping dog's probabilities of refusing and unsubscribing."""
    fixed_cost: float = 2_000.0
    """Cost of a campaign beside its contacts."""
    budget_margin: float = 1.1
    """Budget of a campaign over the expected cost of it."""


@dataclass(frozen=True)
class Suitability:
    """What is recorded of what suits customers, and whom it is wrongly sold to.

    Shares are of customers unless stated; who holds a fund is always assessed beforehand.
    """

    assessed: float = 0.15
    """Customers without a fund whose risk tolerance was assessed."""
    valid_days: int = 365
    """Days for which an assessment counts."""
    renewing: float = 0.6
    """Assessments that are renewed on the day that they expire; the others expire."""
    changed: float = 0.25
    """Renewed assessments that find another tolerance, a step lower or higher."""
    professional: float = 0.05
    """Fund holders of large means who are professional investors."""
    extra_care: float = 0.01
    """Customers recorded as needing extra care; five times as many from the age of 70 on."""
    insurance_assessed: float = 0.08
    """Customers without insurance whose needs were assessed; holders always were."""
    unsuitable_elder: float = 0.2
    """Fund holders over 65 to whom a fund of the grade R4 was sold, against their tolerance.

    No other customer over 65 holds one (`truth/unsuitable.parquet`).
    """


@dataclass(frozen=True)
class Privacy:
    """What customers agree to, withdraw and ask for.

    Shares are of customers; the first five are of those who agree on joining, by purpose.
    """

    profiling: float = 0.8
    marketing: float = 0.75
    """For each channel by itself."""
    credit: float = 0.1
    """Of those who owe nothing; borrowers' data are processed for their contract."""
    sharing: float = 0.25
    later: float = 0.2
    """Of those who did not agree on joining: who does within the bank's months."""
    withdrawing: float = 0.008
    """Monthly probability that a consent is withdrawn."""
    again: float = 0.15
    """Withdrawn consents that are granted again within half a year."""
    guardian: float = 0.7
    """Minors for whom a guardian agreed; the others' consents are their own, and count nothing."""
    erasure: float = 0.15
    """Of those who left: who asks within two months that everything be erased."""
    objection: float = 0.012
    """Who objects, half of them to profiling and half to marketing, some by one channel only."""
    access: float = 0.006
    correction: float = 0.003


@dataclass(frozen=True)
class Prospects:
    """Who is listed as a prospect, and on what it depends whether he joins."""

    listed: float = 0.06
    """Prospects, as a share of the bank's customers."""
    known: float = 0.1
    """Of those listed: who is a customer already, under another spelling."""
    agreed: float = 0.7
    """Of those listed: who agreed to be approached."""
    baseline: float = -2.0
    """Logit of joining for whoever has average attributes."""
    lookalike: float = 1.0
    """Factor on what attributes add to that logit; with 0 all are as likely to join."""


@dataclass(frozen=True)
class Settings:
    """All rates of a synthetic bank."""

    dirt: Dirt = Dirt()
    life: Life = Life()
    journeys: Journeys = Journeys()
    events: Events = Events()
    kinds: Kinds = Kinds()
    reactions: Reactions = Reactions()
    flaws: Flaws = Flaws()
    delivery: Delivery = Delivery()
    suitability: Suitability = Suitability()
    privacy: Privacy = Privacy()
    prospects: Prospects = Prospects()
