"""The words that are true of each segment: of most of its customers, and of few other segments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import polars as pl

from portrait_assets.stages.clusters.names.values import words_of_value
from portrait_assets.stages.clusters.names.vocabulary import Business, Term, Words, words_for
from portrait_assets.stages.clusters.profile import MISSING_SHOWN

MIN_DIFFERENCE = 0.30
"""A feature names a segment when it differs by at least this many standard deviations."""
MAX_Q_VALUE = 0.01
TRUE_OF = 0.60
"""A word is given to a segment of whose customers at least this share make it true."""
WORD_LETTERS = 4
"""A value of so many letters is a word, such as an occupation; a shorter one may be a code."""
EVERYONE = 0
"""Stands for a segment of all customers."""
BANK_FEATURES = ("total_balance", "owed_balance")
"""A source that has one of these is a bank's."""


class Label(NamedTuple):
    """What a feature is called, in English and Chinese."""

    en: str
    zh: str


class Claim(NamedTuple):
    """What a customer must be for a word to be true of them.

    With a `level` the feature has that value. Otherwise it is at least (`is_high`) or at most the
    `threshold`, or beyond the median of all customers where there is none. Without a feature it is
    true of everyone.
    """

    feature: str | None
    level: str | None
    is_high: bool
    threshold: float | None

    def holds(self) -> pl.Expr:
        """Whether it is true of each customer of a frame of all; unknown is not."""
        if self.feature is None:
            return pl.lit(True)
        if self.level is not None:
            return (pl.col(self.feature).cast(pl.String) == self.level).fill_null(False)
        value = pl.col(self.feature).cast(pl.Float64)
        value = pl.when(value.is_finite()).then(value)
        if self.threshold is not None:
            true = value >= self.threshold if self.is_high else value <= self.threshold
        else:
            true = value > value.median() if self.is_high else value < value.median()
        return true.fill_null(False)


class Word(NamedTuple):
    """A word of a name, what it claims, and the share of the segment's customers it is true of."""

    theme: str
    en: str
    zh: str
    claim: Claim
    share: float


Shares = Mapping[tuple[int, Claim], float]
"""By segment and claim, the share of the segment's customers of whom it is true."""


def true_shares(
    features: pl.DataFrame, assignment: pl.DataFrame, claims: Iterable[Claim]
) -> Shares:
    """Of each segment the share of its customers of whom each claim is true.

    Args:
        features: the feature matrix of all customers of a month.
        assignment: their customer_id and segment_id.
        claims: about features of the matrix; one about another feature is true of nobody.
    """
    asked = [c for c in dict.fromkeys(claims) if c.feature in (None, *features.columns)]
    claimed = features.select(
        "customer_id", *(claim.holds().alias(f"claim {n}") for n, claim in enumerate(asked))
    )
    means = (
        claimed.join(assignment.select("customer_id", "segment_id"), on="customer_id")
        .group_by("segment_id")
        .agg(pl.col(f"claim {n}").mean().round(6) for n in range(len(asked)))
    )
    return {
        (row["segment_id"], claim): row[f"claim {n}"]
        for row in means.iter_rows(named=True)
        for n, claim in enumerate(asked)
    }


def words_of_segments(
    features: pl.DataFrame,
    assignment: pl.DataFrame,
    profile: pl.DataFrame,
    labels: Mapping[str, Label] | None = None,
    terms: Mapping[str, Words] | None = None,
    business: Business | None = None,
) -> dict[int, list[Word]]:
    """The words for each segment of the profile, of the greatest difference first, one per theme.

    A feature earns a word where it differs by `MIN_DIFFERENCE`, significantly, and where the word
    is true of `TRUE_OF` of the segment's customers, and not of as many of all.

    Args:
        features: the feature matrix of all customers of a month.
        assignment: their customer_id and segment_id.
        profile: of these segments, as `profile_segments` gives it.
        labels: the words for features without an entry in the vocabulary.
        terms: the words for features that the vocabulary is not asked about.
        business: of the source; by default what its features tell.
    """
    business = business or business_of(profile)
    lines = [
        (row["segment_id"], _options(row, business, labels or {}, terms or {}))
        for row in _distinctive(profile).iter_rows(named=True)
    ]
    claims = [word.claim for _, options in lines for word in options]
    shares = true_shares(features, assignment, claims)
    of_all = true_shares(features, assignment.with_columns(segment_id=EVERYONE), claims)
    found: dict[int, dict[str, Word]] = {
        segment: {} for segment in sorted(profile["segment_id"].unique().to_list())
    }
    for segment, options in lines:
        for option in options:
            share = shares.get((segment, option.claim), 0.0)
            if share >= TRUE_OF > of_all[EVERYONE, option.claim]:
                found[segment].setdefault(option.theme, option._replace(share=share))
                break
    return {segment: list(by_theme.values()) for segment, by_theme in found.items()}


def business_of(profile: pl.DataFrame) -> Business:
    """What customers are to the source, by the features of a profile of its segments."""
    is_bank = profile["feature"].is_in(BANK_FEATURES).any()
    return Business.BANK if is_bank else Business.SHOP


def _distinctive(profile: pl.DataFrame) -> pl.DataFrame:
    """The lines that may name their segment, by segment, the greatest difference first."""
    return profile.filter(
        (pl.col("std_difference").abs() >= MIN_DIFFERENCE)
        & (pl.col("q_value").fill_null(1.0) <= MAX_Q_VALUE)
        # A level that a segment lacks is less informative than one that it has, and what is not
        # known of customers says nothing about them.
        & (pl.col("level").is_null() | (pl.col("std_difference") > 0))
        & pl.col("level").ne_missing(MISSING_SHOWN)
    ).sort(
        "segment_id",
        pl.col("std_difference").abs(),
        "feature",
        "level",
        descending=[False, True, False, False],
    )


def _options(
    line: Mapping[str, object],
    business: Business,
    labels: Mapping[str, Label],
    own: Mapping[str, Words],
) -> list[Word]:
    """The words for a line of a profile, the first that is true counts."""
    feature, level = str(line["feature"]), line["level"]
    is_high = float(str(line["std_difference"])) > 0
    label = labels.get(feature, Label(feature.replace("_", " "), feature.replace("_", " ")))
    if level is not None:
        return [_of_value(feature, str(level), label)]
    compared = Claim(feature, None, is_high, None)
    words = own.get(feature) or words_for(feature, business)
    if words is None:
        en, zh = ("high", "高") if is_high else ("low", "低")
        return [Word(feature, f"{en} {label.en}", f"{zh}{label.zh}", compared, 0.0)]
    term = words.high if is_high else words.low
    return [] if term is None else _terms(words.theme, term, compared)


def _of_value(feature: str, level: str, label: Label) -> Word:
    """The word for a value: a word of its own stands alone, and a code behind the label."""
    claim, own = Claim(feature, level, True, None), words_of_value(feature, level)
    if own is not None:
        return Word(*own, claim, 0.0)
    en = level.replace("_", " ")
    alone = len(level) >= WORD_LETTERS and en.replace(" ", "").isalpha()
    return Word(feature, en if alone else f"{label.en} {level}", f"{label.zh}{level}", claim, 0.0)


def _terms(theme: str, term: Term, compared: Claim) -> list[Word]:
    if not term.is_absolute:
        return [Word(theme, term.en, term.zh, compared, 0.0)]
    is_least = term.at_least is not None
    threshold = term.at_least if is_least else term.at_most
    found = [Word(theme, term.en, term.zh, Claim(compared.feature, None, is_least, threshold), 0.0)]
    if term.otherwise is not None:
        found.append(Word(theme, *term.otherwise, compared, 0.0))
    return found
