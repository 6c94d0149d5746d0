"""Boosted trees grown by scikit-learn, as many and as large as lose least on unseen rows.

Gradient boosting of J. Friedman (2001), "Greedy function approximation", on histograms (G. Ke and
others 2017, "LightGBM").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from portrait_assets.core.arrays import Floats, Indexes
from portrait_assets.core.machine.threads import one_thread
from portrait_assets.methods.prediction.families.boosted.trees import Trees, nodes_of, trees_from
from portrait_assets.methods.prediction.families.columns import Term
from portrait_assets.methods.prediction.families.folds import Fold
from portrait_assets.methods.prediction.families.losses import Loss
from portrait_assets.methods.prediction.families.parameters import Parameters

Booster: TypeAlias = HistGradientBoostingClassifier | HistGradientBoostingRegressor


@dataclass(frozen=True)
class TreesFit:
    """A fitted scorer, how many trees of how many leaves it has, and the loss on unseen rows.

    `rows` are the places of those that it was grown on.
    """

    scorer: Trees
    trees: int
    leaves: int
    loss: float
    rows: Indexes


def fit_trees(
    design: Floats,
    outcome: Floats,
    terms: Sequence[Term],
    signs: Indexes,
    folds: Sequence[Fold],
    loss: Loss,
    parameters: Parameters,
    seed: int,
) -> TreesFit:
    """Trees, as many and as large as have the least loss on unseen rows, grown on all rows.

    With one thread: two threads beside other load took twenty times as long as one, and sums of
    one thread are the same each time.

    Args:
        design: shape (rows, terms), NaN where a value is missing.
        outcome: 0 and 1, or numbers, shape (rows,).
        terms: what the columns are.
        signs: 1 where the score must not fall with the column, -1 where not rise, 0 otherwise.
        folds: rows to learn from and rows to judge by; at least one.
        loss: logistic or squared.
        parameters: of the trees.
        seed: of the thresholds that are tried, where there are more than 200,000 rows.
    """
    grown_on = np.arange(len(design))
    if not len(terms):
        return TreesFit(trees_from(loss.constant(outcome), terms, []), 0, 1, float("nan"), grown_on)

    def booster(leaves: int, trees: int | None = None) -> Booster:
        """A model to fit: of so many trees, or of those before unseen rows lose."""
        kind = HistGradientBoostingClassifier if loss.is_logistic else HistGradientBoostingRegressor
        return kind(
            learning_rate=parameters.learning_rate,
            max_iter=trees or parameters.most_trees,
            max_leaf_nodes=leaves,
            min_samples_leaf=parameters.least_in_leaf,
            l2_regularization=parameters.leaf_penalty,
            max_bins=parameters.bins,
            monotonic_cst=signs,
            early_stopping=trees is None,
            n_iter_no_change=parameters.patience,
            random_state=seed,
        )

    def tried() -> tuple[float, int, int]:
        """The least loss of the sizes, the number of trees that has it, and their leaves."""
        sizes = parameters.leaves
        found = [(*_unseen_loss(booster(n), design, outcome, folds), n) for n in sizes]
        # The first of equals has the smaller trees.
        return min(found, key=lambda each: each[0])

    with one_thread():
        if len(design) < 2 * parameters.trial_rows:
            least, trees, leaves = tried()
            grown = booster(leaves, trees).fit(_filled(design), outcome)
        else:
            leaves = tried()[-1] if len(parameters.leaves) > 1 else parameters.leaves[0]
            grown = booster(leaves)
            fold = _stopping(folds[0], len(design), parameters.stopping_rows)
            least, trees = _unseen_loss(grown, design, outcome, [fold])
            grown_on = fold.learned
    return TreesFit(_exported(grown, terms, trees), trees, leaves, least, grown_on)


def _stopping(fold: Fold, rows: int, most: int) -> Fold:
    """Some of a fold's unseen rows, and all others to learn from."""
    unseen = fold.unseen[:most]
    is_learned = np.ones(rows, dtype=bool)
    is_learned[unseen] = False
    return Fold(np.flatnonzero(is_learned), unseen)


def _unseen_loss(
    booster: Booster, design: Floats, outcome: Floats, folds: Sequence[Fold]
) -> tuple[float, int]:
    """The mean of the folds' least loss on unseen rows, and the median number of trees with it."""
    losses, counts = [], []
    for learned, unseen in folds:
        booster.fit(
            _filled(design[learned]), outcome[learned], X_val=design[unseen], y_val=outcome[unseen]
        )
        by_trees = -np.asarray(booster.validation_score_)
        losses.append(float(by_trees.min()))
        counts.append(int(by_trees.argmin()))
    # At least one: without any the score is the base rate, which is no model of its own.
    return float(np.mean(losses)), max(1, round(float(np.median(counts))))


def _filled(design: Floats) -> Floats:
    """The design with a column of zeros in the place of each without a value.

    scikit-learn cannot find thresholds of a column that has none, as within a part of the rows.
    """
    empty = np.isnan(design).all(axis=0)
    if empty.any():
        design = design.copy()
        design[:, empty] = 0.0
    return design


def _exported(grown: Booster, terms: Sequence[Term], trees: int) -> Trees:
    """The nodes of the first trees of scikit-learn's; those of one leaf add to the intercept."""
    intercept = float(np.ravel(grown._baseline_prediction)[0])
    parts: list[tuple[npt.NDArray[np.generic], ...]] = []
    for (predictor,) in grown._predictors[:trees]:
        nodes = predictor.nodes
        is_leaf = nodes["is_leaf"].astype(bool)
        if len(nodes) == 1:
            intercept += float(nodes["value"][0])
            continue
        parts.append(
            (
                np.full(len(nodes), len(parts)),
                np.arange(len(nodes)),
                np.where(is_leaf, -1, nodes["feature_idx"]),
                np.where(is_leaf, np.inf, nodes["num_threshold"]),
                np.where(is_leaf, -1, nodes["left"].astype(np.int64)),
                np.where(is_leaf, -1, nodes["right"].astype(np.int64)),
                np.where(is_leaf, False, nodes["missing_go_to_left"].astype(bool)),
                np.where(is_leaf, nodes["value"], 0.0),
                nodes["count"],
            )
        )
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return Trees(tuple(terms), nodes_of(columns), intercept)
