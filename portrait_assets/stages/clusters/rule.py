"""The selection rule of a portrait: when segments are chosen anew, and which stay the same."""

from __future__ import annotations

from dataclasses import dataclass, field

from portrait_assets.methods.clustering.selection_rule import SelectionRule
from portrait_assets.methods.statistics.distributions.stability import STRONG_SHIFT


@dataclass(frozen=True)
class Challenge:
    """When a challenger is fitted, and when it replaces the champion.

    Attributes:
        refit_months: the champion moved to the newest month is the challenger so often: often
            enough to follow customers, seldom enough for a segment to mean something.
        choice_months: segments are chosen anew so often, on features that look back a year.
        drift_limit: population stability index of the mix above which they are chosen at once;
            0.25 is the usual limit of a large shift.
        drift_rows: customers that the mix is taken over.
        least_share: a segment without customers counts as this in that index, which has no
            value for zero.
        margin: silhouette by which a challenger must beat the champion: chance is smaller.
        most_relabelled: share of customers that a moved champion may relabel, as it is to keep
            segments as they are.
        compared_rows: customers that silhouettes are taken over; their distances need memory by
            the square of it.
        refit_rows: customers that the champion's prototypes move over,
        refit_rounds: in so many of Lloyd's steps at most; they start near their end.
        retest_limit: agreement of the same customers' segments in the month before, below which
            separate segments are not taken. Real ones reached 0.90 to 0.96, others about 0.
        retest_rows: customers that it is taken over.
    """

    refit_months: int = 3
    choice_months: int = 12
    drift_limit: float = STRONG_SHIFT
    drift_rows: int = 20_000
    least_share: float = 0.0005
    margin: float = 0.02
    most_relabelled: float = 0.05
    compared_rows: int = 2_000
    refit_rows: int = 200_000
    refit_rounds: int = 10
    retest_limit: float = 0.8
    retest_rows: int = 20_000


@dataclass(frozen=True)
class Tracking:
    """Which segment of a new model is which of the one before.

    Attributes:
        matched_rows: customers that segments are matched on.
        centre_weight: part of the closeness of centres in the matching, which decides where
            customers do not; the rest is shared customers.
        kept_overlap: a matched segment is the same one when this share of both together is
            shared: only one can have half.
        most: a group belongs to a segment when more than this share of it does.
        part_share: an old segment is split when at least two new ones take this share of it; one
            that gives a new one less than this is not part of a merger.
    """

    matched_rows: int = 200_000
    centre_weight: float = 0.25
    kept_overlap: float = 0.5
    most: float = 0.5
    part_share: float = 0.2


@dataclass(frozen=True)
class SegmentRule(SelectionRule):
    """All that decides which segments there are, in a month and from one to the next."""

    challenge: Challenge = field(default_factory=Challenge)
    tracking: Tracking = field(default_factory=Tracking)


RULE = SegmentRule()
"""The rule that is used unless another is given."""
