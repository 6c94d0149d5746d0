"""Names that last: a segment keeps its name while its profile is what it was when it was named."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import NamedTuple

import polars as pl

from portrait_assets.stages.clusters.names.bounds import Scale, bounds_of_segments
from portrait_assets.stages.clusters.names.naming import distinct_names, name_of
from portrait_assets.stages.clusters.names.words import (
    MIN_DIFFERENCE,
    Label,
    Shares,
    Word,
    true_shares,
    words_of_segments,
)

RENAMED_AT = MIN_DIFFERENCE
"""A segment is named anew when its profile has moved by more than this many standard deviations:
as far as a feature must differ from all customers to name a segment."""
STILL_TRUE_OF = 0.50
"""And when a word of its name is true of a smaller share of its customers than this."""
LINE = ("feature", "level")
DIGITS = 6


class Named(NamedTuple):
    """A segment's derived name: its words, since when, and the profile that it was given for.

    `profile` has the feature, level and std_difference of the segment's lines on `named_on`;
    `distance` is how far the profile has moved since, None in the month of the name.
    """

    words: tuple[Word, ...]
    named_on: date
    profile: pl.DataFrame
    distance: float | None = None

    @property
    def name(self) -> Label:
        """The name in English and Chinese."""
        return name_of(self.words)


class Moved(NamedTuple):
    """Why a segment is named anew: how far its profile moved, and a word no longer true.

    With neither, a person gave its name to another.
    """

    distance: float
    untrue: Word | None


class Naming(NamedTuple):
    """The names of a month's segments, and why those that had another were named anew."""

    names: dict[int, Named]
    moved: dict[int, Moved]


def profile_distance(before: pl.DataFrame, now: pl.DataFrame) -> float:
    """How far a segment's profile has moved, in standard deviations of all customers.

    The root mean square change of the difference to all customers, over the features and levels
    that set the segment apart before or now. 0 where none does.

    Args:
        before: feature, level and std_difference of the segment's lines at one time.
        now: the same at another; a line of only one of them differed by nothing at the other.
    """
    both = before.select(*LINE, pl.col("std_difference").alias("before")).join(
        now.select(*LINE, "std_difference"),
        on=LINE,
        how="full",
        coalesce=True,
        nulls_equal=True,
    )
    was, is_now = pl.col("before").fill_null(0.0), pl.col("std_difference").fill_null(0.0)
    apart = both.filter((was.abs() >= MIN_DIFFERENCE) | (is_now.abs() >= MIN_DIFFERENCE))
    if apart.is_empty():
        return 0.0
    squares = apart.sort(LINE, nulls_last=True).select(((is_now - was) ** 2).mean().sqrt())
    return round(float(squares.item()), DIGITS)


def name_segments(
    features: pl.DataFrame,
    assignment: pl.DataFrame,
    profile: pl.DataFrame,
    as_of: date,
    before: Mapping[int, Named] | None = None,
    given: Mapping[int, Mapping[str, str]] | None = None,
    scales: Mapping[str, Scale] | None = None,
    few: Collection[int] = (),
) -> Naming:
    """The derived names of the segments of a month, those of the month before where they hold.

    Args:
        features: the feature matrix of all customers of the month.
        assignment: their customer_id and segment_id.
        profile: of the segments, as `profile_segments` gives it; those without a line have none.
        as_of: the month's last day.
        before: the names of the month before.
        given: names by segment and language that people gave, which no other segment may have.
        scales: of the features: what they are called without an entry in the vocabulary, and the
            units of bounds.
        few: segments of so few customers that nothing is said of these: what is known of their
            names stays as it was.
    """
    before, given, scales = before or {}, given or {}, scales or {}
    labels = {feature: scale.label for feature, scale in scales.items()}
    candidates = words_of_segments(features, assignment, profile, labels)
    bounds = bounds_of_segments(features, assignment, profile, scales)
    for segment in assignment["segment_id"].unique().to_list():
        candidates.setdefault(segment, [])
    lines = {
        segment: profile.filter(pl.col("segment_id") == segment).select(*LINE, "std_difference")
        for segment in candidates
    }
    claims = [word.claim for named in before.values() for word in named.words]
    shares = true_shares(features, assignment, claims)
    moved = {
        segment: _moved(segment, named, lines[segment], shares)
        for segment, named in before.items()
        if segment in candidates and segment not in few
    }
    by_people = {segment: names.get("en", "") for segment, names in given.items()}
    kept = {
        segment: tuple(w._replace(share=shares[segment, w.claim]) for w in before[segment].words)
        for segment, why in moved.items()
        if why.distance <= RENAMED_AT and why.untrue is None
    }
    kept |= {segment: before[segment].words for segment in few if segment in before}
    kept = {s: own for s, own in kept.items() if before[s].name.en not in by_people.values()}
    # Of few only the name is known to be gone; how far they moved is not known.
    moved |= {
        s: Moved(before[s].distance or 0.0, None) for s in few if s in before and s not in kept
    }
    taken = {segment: named.name for segment, named in before.items() if segment not in kept}
    # A name that a person gave is no derived one, not even of the same segment.
    taken |= {-segment: Label(name, "") for segment, name in by_people.items()}
    words = distinct_names(candidates, kept, taken, bounds)
    names = {
        segment: _lasting(before[segment], own, moved.get(segment))
        if segment in kept
        else Named(own, as_of, lines[segment])
        for segment, own in words.items()
    }
    return Naming(names, {segment: why for segment, why in moved.items() if segment not in kept})


def _lasting(before: Named, words: tuple[Word, ...], moved: Moved | None) -> Named:
    return before if moved is None else before._replace(words=words, distance=moved.distance)


def _moved(segment: int, named: Named, now: pl.DataFrame, shares: Shares) -> Moved:
    untrue = (
        word._replace(share=shares.get((segment, word.claim), 0.0))
        for word in named.words
        if shares.get((segment, word.claim), 0.0) < STILL_TRUE_OF
    )
    return Moved(profile_distance(named.profile, now), next(untrue, None))
