"""What is tested against what: which tag claims to foretell which outcome."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    """What happened in the months after."""

    SILENCE = "silence"  # no purchase
    RETURN = "return"  # a purchase, of those who had been away for a month
    PURCHASE = "purchase"  # a purchase
    SPEND = "spend"  # the amount; a hit is the top fifth of it
    RESPONSE = "response"  # a response, of those a campaign reached
    ANSWER = "answer"  # an outcome of the source's own, of those it is known of
    SATISFACTION = "satisfaction"  # the mean survey score; a hit is the upper half
    STICKINESS = "stickiness"  # the share of active months; a hit is every month


@dataclass(frozen=True)
class Claim:
    """A tag and what it claims.

    `order` are its values, the one to which the outcome should happen most first; empty for a
    number, of which more means likelier (less where `falls`). Values without a natural order
    are put in the order in which the outcome happened to them before (`learned`).
    `is_probability` marks a number that says how likely the outcome is in one month. The
    thresholds of what `is_tunable` are there to foretell; those of other tags say what a value
    means (a week is a week), and are not moved to fit an outcome.
    """

    tag: str
    outcome: Outcome
    order: tuple[str, ...] = field(default=())
    falls: bool = False
    learned: bool = False
    is_probability: bool = False
    is_tunable: bool = False

    @property
    def name(self) -> str:
        """What the test is called."""
        return f"{self.tag} / {self.outcome}"


CLAIMS: tuple[Claim, ...] = (
    Claim("lapse_risk", Outcome.SILENCE, ("high", "medium", "low"), is_tunable=True),
    Claim("recency_band", Outcome.SILENCE, ("longer", "quarter", "month", "week")),
    Claim(
        "lifecycle_stage",
        Outcome.SILENCE,
        ("lost", "dormant", "declining", "new", "steady", "growing"),
    ),
    Claim("days_since_purchase", Outcome.RETURN, falls=True),
    Claim("purchase_probability_30d", Outcome.PURCHASE, is_probability=True),
    Claim("purchase_outlook", Outcome.PURCHASE, ("likely", "open", "unlikely"), is_tunable=True),
    Claim("value_tier", Outcome.SPEND, ("high", "medium", "low")),
    Claim("expected_spend_30d", Outcome.SPEND),
    Claim(
        "coupon_response",
        Outcome.RESPONSE,
        ("high", "medium", "not_contacted", "low"),
        is_tunable=True,
    ),
    Claim("expected_response_rate", Outcome.RESPONSE),
    Claim("regularity", Outcome.STICKINESS, ("every_month", "most_months", "some_months")),
    Claim("segment_id", Outcome.SILENCE, learned=True),
    Claim("segment_id", Outcome.SPEND, learned=True),
    Claim("segment_id", Outcome.RESPONSE, learned=True),
    Claim("segment_id", Outcome.SATISFACTION, learned=True),
    *(
        Claim(tag, Outcome.ANSWER, learned=True)
        for tag in (
            "segment_id",
            "occupation_recorded",
            "education_level",
            "marriage",
            "generation",
            "housing",
            "balance_level",
            "coupon_response",
        )
    ),
)
