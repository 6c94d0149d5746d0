"""Bounds that tell segments apart of which the vocabulary says the same."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

import polars as pl

from portrait_assets.stages.clusters.names.words import (
    EVERYONE,
    MAX_Q_VALUE,
    TRUE_OF,
    Claim,
    Label,
    Word,
    true_shares,
)

PERCENT = ("share", "0 to 1")
DAYS, DAYS_ZH = "days", "天"


class Scale(NamedTuple):
    """What a number is called, and its unit."""

    label: Label
    unit: str | None


def bounds_of_segments(
    features: pl.DataFrame,
    assignment: pl.DataFrame,
    profile: pl.DataFrame,
    scales: Mapping[str, Scale],
) -> dict[int, list[Word]]:
    """By segment the bounds that most of its customers keep and fewer of all, the clearest first.

    A bound lies halfway between the mean of the segment and that of all customers, in two digits,
    so that it tells no more of a customer than the profile does.

    Args:
        features: the feature matrix of all customers of a month.
        assignment: their customer_id and segment_id.
        profile: of these segments, as `profile_segments` gives it.
        scales: of the numbers that a bound may be of.
    """
    lines = profile.filter(
        pl.col("level").is_null()
        & pl.col("segment_mean").is_not_null()
        & (pl.col("q_value").fill_null(1.0) <= MAX_Q_VALUE)
        & pl.col("feature").is_in(list(scales))
    ).sort("segment_id", pl.col("std_difference").abs(), "feature", descending=[False, True, False])
    words = [
        (row["segment_id"], _bound(row, scales[row["feature"]]))
        for row in lines.iter_rows(named=True)
    ]
    claims = [word.claim for _, word in words]
    shares = true_shares(features, assignment, claims)
    of_all = true_shares(features, assignment.with_columns(segment_id=EVERYONE), claims)
    found: dict[int, list[Word]] = {}
    for segment, word in words:
        share = shares.get((segment, word.claim), 0.0)
        if share >= TRUE_OF > of_all[EVERYONE, word.claim]:
            found.setdefault(segment, []).append(word._replace(share=share))
    return found


def _bound(line: Mapping[str, float | str], scale: Scale) -> Word:
    of_segment, of_all = float(line["segment_mean"]), float(line["base_mean"])
    digits, is_high = Decimal(f"{(of_segment + of_all) / 2:.2g}"), of_segment > of_all
    number = f"{(100 * digits).normalize():,f}%" if scale.unit in PERCENT else f"{digits:,f}"
    is_bare = scale.unit == DAYS and DAYS not in scale.label.en
    en = f"{scale.label.en} {'from' if is_high else 'up to'} {number}{' days' if is_bare else ''}"
    is_bare = scale.unit == DAYS and DAYS_ZH not in scale.label.zh
    zh = f"{scale.label.zh}{number}{DAYS_ZH if is_bare else ''}{'以上' if is_high else '以下'}"
    feature = str(line["feature"])
    return Word(feature, en, zh, Claim(feature, None, is_high, float(digits)), 0.0)
