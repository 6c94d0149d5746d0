"""Which tag is tested against which outcome."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from portrait_assets.stages.targets import outcomes
from portrait_assets.stages.targets.outcomes import OUTCOMES, Outcome


@dataclass(frozen=True)
class Claim:
    """A tag and the outcome that it is to predict.

    `order` are its values, the likeliest first; empty for a number, of which more means likelier
    (less where `falls`). Values without a natural order are put in the order of their rates in an
    earlier window (`learned`). `is_probability` marks a number that is the probability of the
    outcome in one month. The thresholds of a tag that `is_tunable` serve the prediction; those of
    other tags define what a value means (a week is a week), and are not moved to fit an outcome.
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
        """The name of the test."""
        return f"{self.tag} / {self.outcome}"


_OF_TAGS: tuple[Claim, ...] = (
    Claim("lapse_risk", outcomes.SILENCE, ("high", "medium", "low"), is_tunable=True),
    Claim("recency_band", outcomes.SILENCE, ("longer", "quarter", "month", "week")),
    Claim(
        "lifecycle_stage",
        outcomes.SILENCE,
        ("lost", "dormant", "declining", "new", "steady", "growing"),
    ),
    Claim("days_since_purchase", outcomes.RETURN, falls=True),
    Claim("purchase_probability_30d", outcomes.PURCHASE, is_probability=True),
    Claim("purchase_outlook", outcomes.PURCHASE, ("likely", "open", "unlikely"), is_tunable=True),
    Claim("value_tier", outcomes.SPEND, ("high", "medium", "low")),
    Claim("expected_spend_30d", outcomes.SPEND),
    Claim(
        "campaign_response",
        outcomes.RESPONSE,
        ("high", "medium", "not_contacted", "low"),
        is_tunable=True,
    ),
    Claim("expected_response_rate", outcomes.RESPONSE),
    Claim("regularity", outcomes.STICKINESS, ("every_month", "most_months", "some_months")),
)
_ANSWERED_BY = (
    "segment_id",
    "occupation_recorded",
    "education_level",
    "marriage",
    "generation",
    "housing",
    "balance_level",
    "campaign_response",
)


def claims_of(declared: Iterable[Outcome]) -> tuple[Claim, ...]:
    """The claims about these outcomes: those listed here, and those of segments and source."""
    outcomes_declared = tuple(declared)
    of_segments = (
        Claim("segment_id", outcome, learned=True)
        for outcome in outcomes_declared
        if outcome.is_of_segments and not outcome.is_named_by_source
    )
    of_source = (
        Claim(tag, outcome, learned=True)
        for outcome in outcomes_declared
        if outcome.is_named_by_source
        for tag in _ANSWERED_BY
    )
    listed = (claim for claim in _OF_TAGS if claim.outcome in outcomes_declared)
    return (*listed, *of_segments, *of_source)


CLAIMS = claims_of(OUTCOMES)
