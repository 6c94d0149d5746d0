"""Boosted trees on the columns of a card: what a card is compared with, never what decides."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.core.arrays import Floats
from portrait_assets.core.machine.threads import one_thread
from portrait_assets.methods.scorecard.columns import Form, form_of, numbers, texts
from portrait_assets.methods.statistics.distributions.binning import by_frequency

MOST_LEVELS = 100
_ROUNDS = 100
_RATE = 0.1
_LEAVES = 15


def matrix_of(frame: pl.DataFrame) -> tuple[Floats, list[bool]]:
    """Columns as numbers, and which of them are categories, by falling frequency.

    Columns that are neither numbers, days nor text, or have fewer than two values, are left out.
    """
    columns, are_text = [], []
    for column in frame.iter_columns():
        form = form_of(column)
        if form is None or column.n_unique() < 2:
            continue
        is_text = form is Form.TEXT
        columns.append(_levels(column) if is_text else _finite(numbers(column, form)))
        are_text.append(is_text)
    if not columns:
        return np.zeros((frame.height, 0)), []
    return np.column_stack(columns), are_text


def trees(
    matrix: Floats, are_text: list[bool], bads: npt.NDArray[np.bool_], others: Floats, seed: int
) -> Floats:
    """The probability of 1 of other rows, by trees boosted on these (J. Friedman 2001).

    scikit-learn's histogram gradient boosting on one thread: more of them take longer beside
    other load. Columns without a known value among the rows are left out.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    has_values = ~np.isnan(matrix).all(axis=0)
    if not has_values.any():
        return np.full(len(others), bads.mean())
    model = HistGradientBoostingClassifier(
        max_iter=_ROUNDS,
        learning_rate=_RATE,
        max_leaf_nodes=_LEAVES,
        categorical_features=np.array(are_text)[has_values],
        early_stopping=False,
        random_state=seed,
    )
    with one_thread():
        model.fit(matrix[:, has_values], bads)
        found: Floats = model.predict_proba(others[:, has_values])[:, 1]
    return found


def _finite(values: Floats) -> Floats:
    """Infinite values as the largest and smallest of the others; trees cannot bin them."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return np.full(len(values), np.nan)
    return np.clip(values, finite.min(), finite.max())


def _levels(column: pl.Series) -> Floats:
    codes = texts(column).rank("dense").fill_null(0).cast(pl.Int64).to_numpy() - 1
    return by_frequency(codes, MOST_LEVELS).astype(np.float64)
