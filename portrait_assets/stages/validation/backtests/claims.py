"""Which tag is tested against which outcome."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from portrait_assets.schema.table import Column, Table, Type
from portrait_assets.stages.features.contract import PROFILING_ALLOWED
from portrait_assets.stages.tags.catalogue.inputs.predicted import rests_on, targets_of
from portrait_assets.stages.tags.catalogue.inputs.segments import SEGMENT_COLUMNS
from portrait_assets.stages.tags.catalogue.tag import Catalogue, Tag
from portrait_assets.stages.tags.contract import portrait_matrix_table
from portrait_assets.stages.targets.declared.outcome import Baseline, Outcome
from portrait_assets.stages.targets.declared.outcomes import OUTCOMES, outcome


class Buckets(StrEnum):
    """By what customers are counted."""

    VALUES = "values"  # each value
    LEVELS = "levels"  # each frequent value, the rarer ones together
    BINS = "bins"  # equally many by the order of a number or day


@dataclass(frozen=True)
class Claim:
    """A tag and the outcome that it is to predict.

    `order` are its values, the likeliest first; empty for a number, of which more means likelier
    (less where `falls`). A tag that only describes (`learned`) has its values put in the order of
    their rates, in an earlier window or among other customers, and is compared with the base rate.
    `is_probability` marks a number that is the probability of the
    outcome in one month. The thresholds of a tag that `is_tunable` serve the prediction; those of
    other tags define what a value means (a week is a week), and are not moved to fit an outcome.
    A tag whose values are levels of a prediction of the outcome (`is_scored`) is compared by the
    calibrated score and not by the levels.
    """

    tag: str
    outcome: Outcome
    order: tuple[str, ...] = field(default=())
    falls: bool = False
    learned: bool = False
    is_probability: bool = False
    is_tunable: bool = False
    is_scored: bool = False
    buckets: Buckets | None = None

    @property
    def name(self) -> str:
        """The name of the test."""
        return f"{self.tag} / {self.outcome}"

    @property
    def counted_by(self) -> Buckets:
        """By what its customers are counted."""
        if self.buckets is not None:
            return self.buckets
        return Buckets.VALUES if self.order or self.learned else Buckets.BINS

    @property
    def baselines(self) -> tuple[Baseline, ...]:
        """The rules of one line that it is compared with; none for a tag that only describes."""
        return () if self.learned else self.outcome.baselines


_OF_TAGS: tuple[Claim, ...] = (
    Claim("lapse_risk", outcome("silence"), ("high", "medium", "low"), is_tunable=True),
    Claim("recency_band", outcome("silence"), ("longer", "quarter", "month", "week")),
    Claim(
        "lifecycle_stage",
        outcome("silence"),
        (
            *("churn", "lost", "dormancy", "dormant", "introduction", "new", "declining"),
            *("growth", "growing", "steady", "maturity"),
        ),
    ),
    Claim("days_since_purchase", outcome("return"), falls=True),
    Claim("purchase_probability_30d", outcome("purchase"), is_probability=True),
    Claim("purchase_outlook", outcome("purchase"), ("likely", "open", "unlikely"), is_tunable=True),
    Claim("value_tier", outcome("spend"), ("high", "medium", "low")),
    Claim("expected_spend_30d", outcome("spend")),
    Claim(
        "campaign_response",
        outcome("response"),
        ("high", "medium", "not_contacted", "low"),
        is_tunable=True,
    ),
    Claim("expected_response_rate", outcome("response"), is_probability=True),
    Claim("regularity", outcome("stickiness"), ("every_month", "most_months", "some_months")),
)
_SCALED = frozenset(
    {Type.INTEGER, Type.NUMBER, Type.MONEY, Type.QUANTITY, Type.DATE, Type.TIMESTAMP}
)
_SEGMENT = "segment_id"
_NO_TAGS = frozenset(
    {"customer_id", "customer_no", PROFILING_ALLOWED.name, *(c.name for c in SEGMENT_COLUMNS)}
)


def claims_of(declared: Iterable[Outcome], matrix: Table | None = None) -> tuple[Claim, ...]:
    """The claims about these outcomes.

    Args:
        declared: the outcomes.
        matrix: the contract of the portrait matrix: each of its tags, and the segment, is tested
            on whatever outcome the source reports.
    """
    by_code = {each.code: each for each in declared}
    of_segments = (
        Claim(_SEGMENT, each, learned=True)
        for each in by_code.values()
        if each.is_of_segments and not each.is_of_source
    )
    of_source = (
        Claim(column.name, each, learned=True, buckets=_buckets(column))
        for each in by_code.values()
        if each.is_named_by_source and matrix is not None
        for column in _described_by(matrix)
    )
    # A source may declare a target of the package's otherwise.
    listed = (
        replace(claim, outcome=by_code[claim.outcome.code])
        for claim in _OF_TAGS
        if claim.outcome.code in by_code
    )
    return (*listed, *of_segments, *of_source)


def claims_of_catalogue(catalogue: Catalogue) -> tuple[Claim, ...]:
    """The claims about the declared outcomes, with those of tags that name one as their target."""
    matrix = portrait_matrix_table(catalogue)
    tested = catalogue.targets.tested
    claims = tuple(_scored(claim, catalogue) for claim in claims_of(tested, matrix))
    listed = {(claim.tag, claim.outcome.code) for claim in claims}
    by_code = {each.code: each for each in tested if not each.is_of_source}
    targeted = (
        _scored(
            Claim(
                tag.code,
                by_code[tag.target],
                tuple(value.value for value in tag.values) or _order(tag),
            ),
            catalogue,
        )
        for tag in catalogue.published
        if tag.target in by_code and (tag.code, tag.target) not in listed
    )
    return (*claims, *targeted)


def _scored(claim: Claim, catalogue: Catalogue) -> Claim:
    """The claim, by the score where the tag names the outcome and its values rest on it."""
    tag = next((each for each in catalogue.published if each.code == claim.tag), None)
    if tag is None or not claim.order or tag.target != claim.outcome.code:
        return claim
    reads = {each.code: each.inputs for each in catalogue.published}
    on = rests_on(reads, catalogue.predicted)[tag.code]
    targets = {target for target, _ in targets_of(on, catalogue.predicted)}
    return replace(claim, is_scored=claim.outcome.code in targets)


def _order(tag: Tag) -> tuple[str, ...]:
    return ("true", "false") if tag.type is Type.BOOLEAN else ()


def _described_by(matrix: Table) -> Iterator[Column]:
    """The segment and every tag."""
    for column in matrix.columns:
        if column.name == _SEGMENT or column.name not in _NO_TAGS:
            yield column


def _buckets(column: Column) -> Buckets:
    if column.name == _SEGMENT or column.type is Type.BOOLEAN:
        return Buckets.VALUES
    if column.type in _SCALED:
        return Buckets.BINS
    is_listed = column.type is Type.TEXT and column.allowed is not None
    return Buckets.VALUES if is_listed else Buckets.LEVELS


CLAIMS = claims_of(OUTCOMES)
"""The claims about what the package itself derives from the source's tables."""
