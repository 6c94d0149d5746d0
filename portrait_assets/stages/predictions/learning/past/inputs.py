"""What a model may learn from: of a target of credit nothing that is protected."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from portrait_assets.methods.scorecard.refused import refusals
from portrait_assets.stages.features.described.protected import protected_features
from portrait_assets.stages.predictions.learning.past.labels import INPUTS


def inputs_of(learned: pl.DataFrame, is_credit: bool) -> pl.DataFrame:
    """The features that a model of a target is fitted to.

    Of a target of credit those are left out that stand for a protected attribute by their name, by
    the columns that they are computed from, or by the words in them; see
    `methods.scorecard.refused` for the laws.

    Args:
        learned: all features of the customer-months.
        is_credit: whether the target is one of credit.
    """
    inputs = learned.select(INPUTS)
    if not is_credit:
        return inputs
    by_words = {refusal.feature for refusal in refusals(inputs)}
    return inputs.drop(sorted(by_words | protected_features().keys() & set(INPUTS)))


def are_refused(features: Iterable[str | None]) -> bool:
    """Whether a model of these features may not be one of a target of credit."""
    return not protected_features().keys().isdisjoint(features)
