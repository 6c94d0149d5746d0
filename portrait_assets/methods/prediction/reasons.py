"""Why a row has its score: what its features, or groups of them, add to the mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl

from portrait_assets.core.arrays import Floats
from portrait_assets.methods.prediction.blended import Blend, mean_of
from portrait_assets.methods.prediction.model import CHUNK, PredictionModel

NOTHING = 1e-9
"""A part of the margin that is no reason."""


class Contributions(NamedTuple):
    """What each group adds to `expected`, shape (rows, groups); with it the sum is the margin."""

    groups: tuple[str, ...]
    values: Floats
    expected: float


def contributions(
    model: PredictionModel | Blend, frame: pl.DataFrame, groups: Mapping[str, str] | None = None
) -> Contributions:
    """What each feature, or group of them, adds to the margin of each row, before calibration.

    Of linear models a coefficient times the distance of the value from its mean, which is the
    Shapley value where features are independent (E. Strumbelj, I. Kononenko 2014, "Explaining
    prediction models and individual predictions with feature contributions"); of trees the moves
    of the mean along the path (`boosted.trees.Trees.contributions`). Both sum to the margin, and
    so does the mean of both to that of a blend.

    Args:
        model: of any family.
        frame: the rows.
        groups: by feature the group that it counts to; features that it does not name count alone.

    Raises:
        PredictionError: when a feature is absent from the frame.
    """
    if isinstance(model, Blend):
        return _mean(*(contributions(each, frame, groups) for each in (model.line, model.trees)))
    named = groups or {}
    terms = [named.get(term.feature, term.feature) for term in model.terms]
    names = tuple(dict.fromkeys(terms))
    places = {name: at for at, name in enumerate(names)}
    numbers = [places[name] for name in terms]
    parts = [
        model.scorer.contributions(model.design(frame.slice(start, CHUNK)), numbers)
        for start in range(0, frame.height, CHUNK)
    ]
    values = np.concatenate(parts) if parts else np.zeros((0, len(names)))
    return Contributions(names, values, model.scorer.expected)


def _mean(one: Contributions, other: Contributions) -> Contributions:
    """Of two models; a group that one does not have adds nothing there."""
    names = tuple(dict.fromkeys([*one.groups, *other.groups]))
    spread = []
    for each in (one, other):
        values = np.zeros((len(each.values), len(names)))
        values[:, [names.index(name) for name in each.groups]] = each.values
        spread.append(values)
    return Contributions(names, mean_of(*spread), (one.expected + other.expected) / 2)


def reasons(
    model: PredictionModel | Blend,
    frame: pl.DataFrame,
    groups: Mapping[str, str] | None = None,
    top: int = 3,
) -> pl.DataFrame:
    """The features, or groups, that move a row's score most from the mean.

    Columns `reason_1` to `reason_3`, the largest first: `+spend_3m` raises the score, `-tenure`
    lowers it; null where nothing further moves it. Of equals the first column of the frame that
    the model was fitted on comes first. Costs of trees as much again as the score, so that it is
    meant for the rows that somebody looks at.

    Args:
        model: of any family.
        frame: the rows.
        groups: by feature the group that it counts to; features that it does not name count alone.
        top: how many reasons.

    Raises:
        PredictionError: when a feature is absent from the frame.
    """
    parts = [
        _largest(contributions(model, frame.slice(start, CHUNK), groups), top)
        for start in range(0, frame.height, CHUNK)
    ]
    schema = {f"reason_{at + 1}": pl.String() for at in range(top)}
    return pl.concat([pl.DataFrame(schema=schema), *parts])


def _largest(found: Contributions, top: int) -> pl.DataFrame:
    # The last name is none: of rows that nothing further moves.
    names = pl.Series([*(f"+{n}" for n in found.groups), *(f"-{n}" for n in found.groups), None])
    rows = np.arange(len(found.values))
    # What is equal but for the last digit is no different, so that the order of sums is no reason.
    sizes = np.abs(found.values).round(9)
    columns: dict[str, pl.Series] = {}
    for at in range(top):
        name = f"reason_{at + 1}"
        if at >= len(found.groups):
            columns[name] = pl.Series([None] * len(rows), dtype=pl.String)
            continue
        largest = sizes.argmax(axis=1)
        falls = found.values[rows, largest] < 0
        code = largest + falls * len(found.groups)
        code[sizes[rows, largest] <= NOTHING] = 2 * len(found.groups)
        columns[name] = names[code]
        sizes[rows, largest] = -1.0
    return pl.DataFrame(columns, schema={name: pl.String() for name in columns})
