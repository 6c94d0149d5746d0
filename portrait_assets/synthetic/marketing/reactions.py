"""Response groups: who answers anyway, who can be persuaded, who never answers, who is put off.

The four groups are those of uplift modelling (Kane, Lo, Zheng 2014; Devriendt, Moldovan, Verbeke
2018). A customer belongs to one of them for each kind of campaign, for good; segment, use of
discounts, satisfaction and the readiness to answer decide how probable each is, so that groups show
in what customers do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from portrait_assets.synthetic.common.randomness import Floats, Ints
from portrait_assets.synthetic.marketing.offers import Kind
from portrait_assets.synthetic.persons.people import People
from portrait_assets.synthetic.persons.segments import SEGMENT_CODES
from portrait_assets.synthetic.settings import Reactions

GROUPS = ("sure_thing", "persuadable", "lost_cause", "sleeping_dog")
SURE_THING, PERSUADABLE, LOST_CAUSE, SLEEPING_DOG = range(len(GROUPS))
BASELINE = np.array([1.0, -3.2, -3.9, -1.8])
"""Logit of answering without contact, by group."""
READINESS = 0.35
"""What a point of the customer's readiness to answer adds to that logit."""
LEAST_OF_DOGS = 0.055
"""A sleeping dog's least probability of answering, so that contact can take something off it."""
MOST = 0.95
"""No probability of answering exceeds this."""


@dataclass(frozen=True)
class Reaction:
    """How a run of customers reacts to one kind of campaign; one entry per customer."""

    group: Ints
    """Position in GROUPS."""
    logit: Floats
    """Logit of answering without contact."""
    effect: Floats
    """What a first contact adds to the probability of answering; negative for sleeping dogs."""

    def without(self, rows: Ints, shift: Floats | float) -> Floats:
        """Probability that these customers answer without contact, with a shift of its logit."""
        probability = 1 / (1 + np.exp(-(self.logit[rows] + shift)))
        least = np.where(self.group[rows] == SLEEPING_DOG, LEAST_OF_DOGS, 0.0)
        bounded: Floats = np.clip(probability, least, MOST)
        return bounded


def likes(people: People, kind: Kind) -> Floats:
    """How much each customer's segment likes this kind of campaign, 1 for an average one."""
    return np.array([kind.likes.get(code, 1.0) for code in SEGMENT_CODES])[people.segment]


def react(people: People, kind: Kind, rates: Reactions) -> Reaction:
    """How these people react to this kind of campaign."""
    draws = people.draws.child(f"reaction to {kind.code}", np.zeros(len(people), dtype=np.int64))
    weights = np.stack(
        [
            rates.sure_thing * np.exp(0.5 * people.response),
            rates.persuadable * likes(people, kind) * np.exp(2.0 * (people.discount - 0.2)),
            np.full(len(people), rates.lost_cause),
            rates.sleeping_dog * np.exp(0.4 * (7.5 - people.satisfaction)),
        ],
        axis=1,
    )
    bounds = np.cumsum(weights, axis=1)
    point = draws.uniform("group")[:, None] * bounds[:, -1:]
    group: Ints = (point >= bounds[:, :-1]).sum(axis=1)
    harm = rates.least_harm + (rates.most_harm - rates.least_harm) * draws.uniform("harm")
    gain = kind.effect * np.clip(people.persuadable, 0.6, 1.5)
    effect = np.where(group == PERSUADABLE, gain, np.where(group == SLEEPING_DOG, -harm, 0.0))
    return Reaction(
        group=group,
        logit=BASELINE[group] + kind.baseline + READINESS * people.response,
        effect=effect * rates.strength,
    )
