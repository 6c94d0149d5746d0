"""Which product of a category customers choose, by who holds which.

Few take a product in a quarter, and many hold one. How probably anything of a category is taken is
left to what learns from takings; which product it is then is a choice among those of the category
(D. McFadden 1978, "Modelling the choice of residential location"), and all holders have made it.
What they chose is predicted by what lasts, their attributes: habits and balances come of the
product. Both views are pooled by the geometric mean of the shares (C. Genest, J. Zidek 1986,
"Combining probability distributions", logarithmic pooling).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import sparse

from portrait_assets.core.arrays import Floats
from portrait_assets.methods.prediction.errors import PredictionError
from portrait_assets.methods.prediction.families.encoding import Encoding, fit_encoding
from portrait_assets.methods.prediction.fitting import fit
from portrait_assets.methods.prediction.model import PredictionModel

MOST_HOLDERS = 5_000
"""Holders of a category who are learned from; of more every k-th."""
ROUNDS = 20
"""Iterations, each of which halves what expected takings are off."""
_LEAST = 1e-12


@dataclass(frozen=True)
class Choices:
    """The categories whose holders say which product is chosen, each as the places of its products.

    `weights` are by product: how much more often it is taken now than its holders would say, so
    that as many are expected to take it as without them.
    """

    encoding: Encoding
    among: tuple[tuple[int, ...], ...]
    models: Mapping[int, PredictionModel]
    weights: Mapping[int, float]

    def pooled(self, features: pl.DataFrame, probabilities: Floats) -> Floats:
        """The probabilities, by customer and product, with shares within each category that
        holders agree with; their sum over the category stays, where none would pass 1. NaN and 0
        stay too.
        """
        found = probabilities.copy()
        if not self.among:
            return found
        design = self.encoding.design(features, scaled=True)
        for places in self.among:
            base = np.nan_to_num(probabilities[:, places])
            weight = np.array([self.weights[at] for at in places])
            mixed = np.minimum(_mixed(base, _odds(design, places, self.models), weight), 1.0)
            found[:, places] = np.where(np.isnan(probabilities[:, places]), np.nan, mixed)
        return found


def fit_choices(
    features: pl.DataFrame,
    owned: sparse.csr_matrix,
    category: Sequence[str | None],
    probabilities: Floats,
) -> Choices:
    """What holders say of the products of each category that has two with enough holders.

    Args:
        features: attributes that last, a row per customer.
        owned: what each has, as ones; by customer and product.
        category: of each product; None is a category of its own.
        probabilities: of taking each, by what learns from takings; NaN where it is had already.
    """
    encoding = fit_encoding(features)
    among: list[tuple[int, ...]] = []
    models: dict[int, PredictionModel] = {}
    for name in sorted({each for each in category if each is not None}):
        places = [at for at, each in enumerate(category) if each == name]
        chosen = _of_category(features, owned, places, encoding)
        if len(chosen) > 1:
            models |= chosen
            among.append(tuple(chosen))
    weights: dict[int, float] = {}
    if among:
        design = encoding.design(features, scaled=True)
    for each in among:
        found = _weights(_odds(design, each, models), np.nan_to_num(probabilities[:, each]))
        weights |= dict(zip(each, found, strict=True))
    return Choices(encoding, tuple(among), models, weights)


def _of_category(
    features: pl.DataFrame, owned: sparse.csr_matrix, places: Sequence[int], encoding: Encoding
) -> dict[int, PredictionModel]:
    """By product what tells its holders from those of the others; of some holders of any."""
    has = owned[:, places].toarray() > 0
    holders = np.flatnonzero(has.any(axis=1))
    count = min(MOST_HOLDERS, len(holders))
    rows = holders[np.arange(count) * len(holders) // max(count, 1)]
    known, found = features[rows], {}
    for column, place in enumerate(places):
        try:
            found[place] = fit(known, has[rows, column], "logistic", encoding=encoding)
        except PredictionError:
            # Too few of its holders, or of the others: takings alone say who takes it.
            continue
    return found


def _odds(design: Floats, places: Sequence[int], models: Mapping[int, PredictionModel]) -> Floats:
    """Probabilities of holding each of these, of who holds one: as odds of choosing it."""
    return np.column_stack([models[at].probability_of(design) for at in places])


def _mixed(base: Floats, odds: Floats, weight: Floats) -> Floats:
    """Geometric means, with the sums over the category of `base`."""
    share = np.sqrt(base * odds * weight)
    scale = base.sum(axis=1) / np.maximum(share.sum(axis=1), _LEAST)
    found: Floats = share * scale[:, None]
    return found


def _weights(odds: Floats, base: Floats) -> list[float]:
    """By product, what makes as many takings of it expected as by `base` alone."""
    wanted, weight = base.sum(axis=0), np.ones(odds.shape[1])
    for _ in range(ROUNDS):
        weight *= wanted / np.maximum(_mixed(base, odds, weight).sum(axis=0), _LEAST)
        weight /= max(weight.max(), _LEAST)
    return [float(each) for each in weight]
