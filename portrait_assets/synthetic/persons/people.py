"""The people of the synthetic bank: latent segment, and the traits that follow from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from portrait_assets.synthetic.common.randomness import Draws, Floats, Ints, Mask
from portrait_assets.synthetic.common.texts import REGIONS
from portrait_assets.synthetic.persons.segment_traits import CATEGORIES, CHANNELS, HOLDINGS, HOURS
from portrait_assets.synthetic.persons.segments import SEGMENT_CODES, SEGMENTS
from portrait_assets.synthetic.settings import Life

ELDER_CHANNELS = np.array([0.3, 0.3, 0.8, 1.6, 2.8, 3.0])
"""What the age of an elder does to the weight of each of CHANNELS."""
LITTLE = 0.2
"""Factor on what minors spend and save."""
CATEGORY_SPREAD = 0.38
CHANNEL_SPREAD = 0.34
RATE_SPREAD = 0.32
TICKET_SPREAD = 0.28
DEPOSIT_SPREAD = 0.75
WEALTH_SPREAD = 0.7


def _weights(values: dict[str, float], names: tuple[str, ...]) -> list[float]:
    return [values[name] for name in names]


CATEGORY_WEIGHTS = np.array([_weights(dict(s.categories), CATEGORIES) for s in SEGMENTS])
CHANNEL_WEIGHTS = np.array([_weights(dict(s.channels), CHANNELS) for s in SEGMENTS])
HOLDING_CHANCES = np.array([_weights(dict(s.holds), HOLDINGS) for s in SEGMENTS])
CATEGORY_WEIGHTS /= CATEGORY_WEIGHTS.sum(axis=1, keepdims=True)
CHANNEL_WEIGHTS /= CHANNEL_WEIGHTS.sum(axis=1, keepdims=True)
SHARES = np.array([s.share for s in SEGMENTS])
NEAR = np.array([SEGMENT_CODES.index(s.near) for s in SEGMENTS])
HOUR_HABIT = np.array([HOURS.index(s.hours) for s in SEGMENTS])
YOUNG = SEGMENT_CODES.index("young_digital")
RATE, TICKET = (np.array([getattr(s, n) for s in SEGMENTS]) for n in ("rate", "ticket"))
REGION_WEIGHTS: Floats = np.array([weight for _, weight in REGIONS], dtype=np.float64)
AGE = np.array([s.age for s in SEGMENTS], dtype=np.float64)


@dataclass(frozen=True)
class People:
    """Traits of a run of customers; every array has one entry (or row) per customer."""

    number: Ints
    draws: Draws
    segment: Ints
    is_blended: Mask
    lean: Floats
    """How far a blended customer leans to the neighbouring segment, 0 for the others."""
    is_prospect: Mask
    is_minor: Mask
    is_female: Mask
    age: Floats
    """Age in years at the start of the first month."""
    rate: Floats
    """Mean number of transactions a month when fully active."""
    ticket: Floats
    """Factor on the median ticket of every category."""
    category: Floats
    """Weights over CATEGORIES, shape (customers, 13)."""
    channel: Floats
    """Weights over CHANNELS, shape (customers, 6)."""
    holds: Mask
    """Whether each of HOLDINGS is held from the start, or as good as, shape (customers, 5)."""
    holding_chance: Floats
    """Probability with which `holds` was drawn."""
    deposit: Floats
    wealth: Floats
    """Amount of a term deposit, if held."""
    fund_factor: Floats
    """Amount of funds, if held, as a multiple of `wealth`."""
    flow: Floats
    """Mean monthly growth of what is held."""
    tenure: Floats
    """Months since joining when the first month begins; NaN where left to chance."""
    wealth_kind: Ints
    """Position in WEALTH_KINDS, -1 without kinds."""
    nested_kind: Ints
    """Position in NESTED, -1 for none."""
    income: Floats
    risk_appetite: Floats
    utilisation: Floats
    delinquency: Floats
    churn: Floats
    response: Floats
    """Logit of the customer's readiness to answer campaigns."""
    persuadable: Floats
    """Factor on the effect of being contacted, mean about 1."""
    discount: Floats
    market: Floats
    satisfaction: Floats
    salary_day: Ints
    """Position in SALARY_DAYS."""
    region: Ints
    branch: Ints

    def __len__(self) -> int:
        """Number of customers."""
        return len(self.number)


def blended(segment: Ints, lean: Floats, values: Floats) -> Floats:
    """A parameter per customer: the segment's own, moved towards its neighbour's by `lean`."""
    own, near = values[segment], values[NEAR[segment]]
    weight = lean if values.ndim == 1 else lean[:, None]
    moved: Floats = own + weight * (near - own)
    return moved


def make_people(
    seed: int, number: Ints, life: Life, region_weights: Floats, segment: Ints | None = None
) -> People:
    """The customers with these numbers, of a segment that is given or drawn."""
    draws = Draws.of(seed, "person", number)
    if segment is None:
        segment = draws.pick("segment", SHARES)
    is_blended = draws.chance("blended", life.blended)
    lean = np.where(is_blended, 0.3 + 0.3 * draws.uniform("lean"), 0.0)
    is_prospect = (segment == YOUNG) & draws.chance("prospect", life.prospects / SHARES[YOUNG])

    is_minor = (
        draws.chance("minor", life.minors / SHARES[YOUNG]) & (segment == YOUNG) & ~is_prospect
    )
    little = np.where(is_minor, LITTLE, 1.0)

    def trait(name: str) -> Floats:
        return blended(segment, lean, np.array([float(getattr(s, name)) for s in SEGMENTS]))

    def lognormal(name: str, spread: float) -> Floats:
        medians = np.log([float(getattr(s, name)) for s in SEGMENTS])
        log = blended(segment, lean, medians) + spread * draws.normal(name)
        grown: Floats = np.exp(log)
        return grown

    age = _ages(draws, segment, lean, is_prospect)
    age = np.where(is_minor, 6 + 10 * draws.uniform("minor age"), age)
    category = blended(segment, lean, CATEGORY_WEIGHTS) * np.exp(
        CATEGORY_SPREAD * np.stack([draws.normal(f"likes {c}") for c in CATEGORIES], axis=1)
    )
    channel = blended(segment, lean, CHANNEL_WEIGHTS) * np.exp(
        CHANNEL_SPREAD * np.stack([draws.normal(f"uses {c}") for c in CHANNELS], axis=1)
    )
    # Seniors have an elder's channels already; elders of other segments are moved towards them.
    elder = (age >= life.elder_age) & (segment != SEGMENT_CODES.index("senior"))
    channel = np.where(elder[:, None], channel * ELDER_CHANNELS, channel)

    never = draws.chance("never active", life.never_active) | draws.chance("never", trait("never"))
    # The mean of a lognormal exceeds its median by exp(spread^2 / 2); the table states means.
    rate = lognormal("rate", RATE_SPREAD) * np.exp(-(RATE_SPREAD**2) / 2)
    chances = blended(segment, lean, HOLDING_CHANCES)
    holds = np.stack([draws.uniform(f"holds {name}") for name in HOLDINGS], axis=1) < chances
    holds &= ~is_minor[:, None]
    used = np.log(trait("utilisation") / (1 - trait("utilisation")))
    used = used + 0.7 * draws.normal("utilisation")
    region = draws.pick("region", region_weights)
    return People(
        number=number,
        draws=draws,
        segment=segment,
        is_blended=is_blended,
        lean=lean,
        is_prospect=is_prospect,
        is_minor=is_minor,
        is_female=draws.chance("female", 0.5),
        age=age,
        rate=np.where(never, 0.0, rate),
        ticket=lognormal("ticket", TICKET_SPREAD) * little,
        category=category,
        channel=channel,
        holds=holds,
        holding_chance=chances * ~is_minor[:, None],
        deposit=lognormal("deposit", DEPOSIT_SPREAD) * little,
        wealth=lognormal("wealth", WEALTH_SPREAD),
        fund_factor=np.full(len(number), 1.1),
        flow=np.zeros(len(number)),
        tenure=np.full(len(number), np.nan),
        wealth_kind=np.full(len(number), -1),
        nested_kind=np.full(len(number), -1),
        income=lognormal("income", 0.4) * np.where(is_minor, 0.0, 1.0),
        risk_appetite=np.clip(trait("risk_appetite") + 0.6 * draws.normal("risk appetite"), 1, 5),
        utilisation=1 / (1 + np.exp(-used)),
        delinquency=np.minimum(lognormal("delinquency", 0.9), 0.3),
        churn=trait("churn") * np.exp(0.4 * draws.normal("churn")),
        response=trait("response") + 0.9 * draws.normal("response"),
        persuadable=np.exp(0.5 * draws.normal("persuadable") - 0.125),
        discount=np.clip(trait("discount") * np.exp(0.4 * draws.normal("discount")), 0.0, 0.9),
        market=trait("market") * np.exp(0.5 * draws.normal("market")),
        satisfaction=trait("satisfaction") + 1.0 * draws.normal("satisfaction"),
        salary_day=draws.pick("salary day", [3, 4, 4, 2]),
        region=region,
        branch=region * 7 + draws.whole("branch", 0, 6),
    )


def _ages(draws: Draws, segment: Ints, lean: Floats, is_prospect: Mask) -> Floats:
    mean, spread = blended(segment, lean, AGE[:, 0]), blended(segment, lean, AGE[:, 1])
    lowest = np.minimum(AGE[segment, 2], AGE[NEAR[segment], 2])
    highest = np.maximum(AGE[segment, 3], AGE[NEAR[segment], 3])
    own = lean == 0
    lowest = np.where(own, AGE[segment, 2], lowest)
    highest = np.where(own, AGE[segment, 3], highest)
    age = np.clip(mean + spread * draws.normal("age"), lowest, highest + 0.99)
    # A clipped age would pile up on the bound; a fraction of a year spreads it out again.
    age = age + draws.uniform("age within year") * (age < highest)
    return np.where(is_prospect, 18 + 6 * draws.uniform("prospect age"), age)
