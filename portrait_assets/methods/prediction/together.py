"""Several models on the same rows: a column that more than one of them reads is computed once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.core.arrays import Floats
from portrait_assets.methods.prediction.families.encoding import (
    Encoding,
    FeatureEncoding,
    NumberEncoding,
)
from portrait_assets.methods.prediction.families.linear import Linear
from portrait_assets.methods.prediction.model import PredictionModel

ROWS = 16_384
"""Rows whose columns are held at a time."""


class _Shared(NamedTuple):
    """The columns of several models, and the places of each model's own."""

    encoding: Encoding
    columns: list[npt.NDArray[np.int64]]


def margins(models: Sequence[PredictionModel], frame: pl.DataFrame) -> list[Floats]:
    """The score of every row by each of the models, as `PredictionModel.margin` gives it.

    Raises:
        PredictionError: when a feature is absent from the frame.
    """
    found = [np.empty(frame.height) for _ in models]
    _fill_linear([each for each in zip(models, found, strict=True) if each[0].is_scaled], frame)
    _fill_trees([each for each in zip(models, found, strict=True) if not each[0].is_scaled], frame)
    return found


def _fill_linear(of: Sequence[tuple[PredictionModel, Floats]], frame: pl.DataFrame) -> None:
    if not of:
        return
    shared = _shared([model.encoding for model, _ in of], scaled=True)
    weights = np.zeros((shared.encoding.width(True), len(of)))
    for at, ((model, _), columns) in enumerate(zip(of, shared.columns, strict=True)):
        assert isinstance(model.scorer, Linear)
        weights[columns, at] = model.scorer.coefficients
    for start in range(0, frame.height, ROWS):
        rows = slice(start, min(start + ROWS, frame.height))
        sums = shared.encoding.design(frame[rows], True) @ weights
        for at, (model, margin) in enumerate(of):
            assert isinstance(model.scorer, Linear)
            margin[rows] = model.scorer.margin_of(sums[:, at])


def _fill_trees(of: Sequence[tuple[PredictionModel, Floats]], frame: pl.DataFrame) -> None:
    if not of:
        return
    shared = _shared([model.encoding for model, _ in of], scaled=False)
    for start in range(0, frame.height, ROWS):
        rows = slice(start, min(start + ROWS, frame.height))
        by_column = shared.encoding.design(frame[rows], False).T
        for (model, margin), columns in zip(of, shared.columns, strict=True):
            margin[rows] = model.scorer.margin(by_column[columns].T)


def _shared(encodings: Sequence[Encoding], scaled: bool) -> _Shared:
    """All of these encodings, each way of a feature once."""
    starts: dict[FeatureEncoding, int] = {}
    width = 0
    for each in (_as_read(feature, scaled) for of in encodings for feature in of.features):
        if each not in starts:
            starts[each] = width
            width += each.width(scaled)
    columns = [
        np.array(
            [
                starts[each] + at
                for each in (_as_read(feature, scaled) for feature in of.features)
                for at in range(each.width(scaled))
            ],
            dtype=np.int64,
        )
        for of in encodings
    ]
    return _Shared(Encoding(tuple(starts)), columns)


def _as_read(feature: FeatureEncoding, scaled: bool) -> FeatureEncoding:
    """Trees read numbers as they are, however they would be scaled."""
    if scaled or not isinstance(feature, NumberEncoding):
        return feature
    return NumberEncoding(feature.feature, 0.0, 0.0, 0.0, 1.0, False)
