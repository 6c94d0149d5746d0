"""Who takes a product that they do not have: boosted trees for the products most taken, what goes
with what they have for the others, and which of a category by who holds which and dealt with which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
from scipy import sparse
from scipy.special import expit

from portrait_assets.core.arrays import Bools, Floats, Indexes
from portrait_assets.core.machine.threads import in_threads
from portrait_assets.methods.prediction.calibration import calibrated
from portrait_assets.methods.prediction.errors import PredictionError
from portrait_assets.methods.prediction.families.encoding import (
    Encoding,
    NumberEncoding,
    fit_encoding,
)
from portrait_assets.methods.prediction.families.parameters import PARAMETERS
from portrait_assets.methods.prediction.fitting import fit
from portrait_assets.methods.prediction.model import PredictionModel
from portrait_assets.methods.recommendation.products.choices import Choices, fit_choices
from portrait_assets.methods.recommendation.products.companions import Companions, fit_companions
from portrait_assets.methods.recommendation.products.dealings import (
    Dealings,
    Dealt,
    dealt_with,
    fit_dealings,
    with_days,
)
from portrait_assets.methods.recommendation.products.traits import Traits, fit_traits
from portrait_assets.methods.recommendation.shrinkage import shrunk_rates

TREES, COMPANIONS, SEGMENT = "boosted trees", "companions", "segment"
MOST_PRODUCTS = 20
"""Scoring a million customers costs some seconds of a processor for each."""
_MARGIN = NumberEncoding(COMPANIONS, unit=0.0, fill=0.0, centre=0.0, scale=1.0, has_missing=False)
"""What goes with what customers have, as an input of trees: the last of all."""
LEAST_TAKINGS = 20
LEAST_HOLDERS = 20
"""Holders of a product below which nothing is known of what goes with it."""
MOST_TAKINGS = 500
"""Takings of a window that are learned from."""
MOST_EXPECTED = 20_000
"""Customers of whom takings are expected by both, so that choices agree with takings."""
OTHERS_PER_TAKING = 10
"""Rows without a taking that are learned from, for each with one: more say hardly more."""
LEAST_OTHERS = 2_000
FEW_TAKINGS = replace(
    PARAMETERS,
    leaves=(8,),
    learning_rate=0.05,
    least_in_leaf=10,
    leaf_penalty=5.0,
    folds=3,
    bins=63,
)
"""Small trees in small steps: takings are rare. A quarter of the bins, for there are many fits."""


@dataclass(frozen=True)
class Window:
    """What was known of customers before a window that is over, and what they took within it.

    `features` has a row per customer; `owned` (what they had, as ones) and `taken` are by customer
    and product; `segment` numbers their segments from 0. `dealt` has the days with transactions
    with each product; None where none are known.
    """

    features: pl.DataFrame
    owned: sparse.csr_matrix
    taken: sparse.csr_matrix
    segment: Indexes
    dealt: sparse.csr_matrix | None = None


@dataclass(frozen=True)
class Kinds:
    """The category of each product, None where none is known, and the features that last: what a
    customer is, whatever they hold.
    """

    category: Sequence[str | None]
    lasting: Sequence[str]


@dataclass(frozen=True)
class Takings:
    """What says how probably each product is taken; `basis` is by product.

    `encoding` is that of all trees, so that what is known of a customer is made numbers once.
    """

    trees: Mapping[int, PredictionModel]
    encoding: Encoding
    companions: Companions | None
    traits: Traits
    rates: Floats
    """By segment and product."""
    basis: tuple[str, ...]
    dealt: tuple[int, ...] = ()
    """Products whose dealings are features."""
    choices: Choices | None = None
    dealings: Dealings = field(default_factory=Dealings)

    def probabilities(
        self,
        features: pl.DataFrame,
        owned: sparse.csr_matrix,
        segment: Indexes,
        dealt: sparse.csr_matrix | None = None,
    ) -> Floats:
        """By customer and product; NaN where the customer has the product."""
        if dealt is not None:
            features = with_days(features, dealt, self.dealt)
        found = self.rates[segment]
        if self.companions is not None:
            margins = _margins(self.companions, _known(features, owned, self.traits))
            theirs = [at for at, basis in enumerate(self.basis) if basis == COMPANIONS]
            found[:, theirs] = expit(self.companions.curve(margins[:, theirs]))
            if self.trees:
                design = self.encoding.design(_with(features, margins[:, 0]), scaled=False)
                for product, model in self.trees.items():
                    design[:, -1] = margins[:, product]
                    found[:, product] = model.probability_of(design)
        found[owned.toarray() > 0] = np.nan
        if self.choices is not None:
            found = self.choices.pooled(features, found)
        return found if dealt is None else self.dealings.pooled(found, dealt)


def most_taken(takings: Sequence[float]) -> list[int]:
    """The products taken most often, of those with LEAST_TAKINGS; of equal ones the first."""
    enough = [(-count, at) for at, count in enumerate(takings) if count >= LEAST_TAKINGS]
    return [at for _, at in sorted(enough)[:MOST_PRODUCTS]]


def fit_takings(
    windows: Sequence[Window], last_segment: int | None = None, kinds: Kinds | None = None
) -> Takings:
    """What says how probably each product is taken, from windows that are over.

    Trees learn from all windows but every second customer of the newest one, whose takings set
    their probabilities right. Rates, companions and choices are of the newest window.

    Args:
        windows: the newest first, all with the same columns and products.
        last_segment: the highest number of a segment; by default that of the newest window.
        kinds: what products are of one category, if that is known.
    """
    newest = windows[0]
    dealt = () if newest.dealt is None else dealt_with(newest.dealt)
    model = replace(_fit_each([_described(w, dealt) for w in windows], last_segment), dealt=dealt)
    if kinds is None:
        return model
    step = max(1, newest.features.height // MOST_EXPECTED)
    some = np.arange(0, newest.features.height, step)
    features, owned = newest.features[some], sparse.csr_matrix(newest.owned[some])
    days = None if newest.dealt is None else sparse.csr_matrix(newest.dealt[some])
    expected = model.probabilities(features, owned, newest.segment[some], days)
    lasting = features.select(kinds.lasting)
    choices = fit_choices(lasting, owned, kinds.category, expected)
    before = [Dealt(w.dealt, w.owned, w.taken) for w in windows if w.dealt is not None]
    return replace(model, choices=choices, dealings=fit_dealings(before, kinds.category))


def _described(window: Window, dealt: Sequence[int]) -> Window:
    """The window with dealings among its features."""
    if window.dealt is None:
        return window
    return replace(window, features=with_days(window.features, window.dealt, dealt))


def _fit_each(windows: Sequence[Window], last_segment: int | None) -> Takings:
    """By each product's own takings."""
    newest = windows[0]
    taken = [_new(window) for window in windows]
    count = sum(np.asarray(each.sum(axis=0)).ravel() for each in taken)
    most = most_taken(np.asarray(count).tolist())
    traits = fit_traits(newest.features)
    holders = np.asarray(newest.owned.sum(axis=0)).ravel()
    is_other = np.ones(len(holders), dtype=np.bool_)
    is_other[most] = False
    known = _known(newest.features, newest.owned, traits)
    companions = fit_companions(known, newest.owned, taken[0], is_other)
    companions = companions or fit_companions(known, newest.owned, taken[0])
    del known
    trees: dict[int, PredictionModel] = {}
    encoding = fit_encoding(newest.features)
    encoding = replace(encoding, features=(*encoding.features, _MARGIN))
    if companions is not None:
        # Window by window, for what is known takes more room than all that follows.
        margins = [_margins(companions, _known(w.features, w.owned, traits)) for w in windows]

        def fitted(product: int) -> PredictionModel | None:
            of_product = [each[:, product] for each in margins]
            return _trees_of(windows, taken, of_product, product, encoding)

        found = zip(most, in_threads(fitted, most), strict=True)
        trees = {product: model for product, model in found if model is not None}
        is_known = companions.is_known & (holders >= LEAST_HOLDERS)
    else:
        is_known = np.zeros(len(holders), dtype=np.bool_)
    basis = tuple(
        TREES if at in trees else COMPANIONS if is_known[at] else SEGMENT
        for at in range(len(holders))
    )
    rates = _rates(newest, taken[0], last_segment)
    return Takings(trees, encoding, companions, traits, rates, basis)


def _known(features: pl.DataFrame, owned: sparse.csr_matrix, traits: Traits) -> sparse.csr_matrix:
    return sparse.csr_matrix(sparse.hstack([owned, traits.columns(features)], format="csr"))


def _margins(companions: Companions, known: sparse.csr_matrix) -> Floats:
    return companions.margins(known).astype(np.float64)


def _with(features: pl.DataFrame, margin: Floats) -> pl.DataFrame:
    """The features, and what goes with what customers have."""
    return features.with_columns(pl.Series(COMPANIONS, margin))


def _new(window: Window) -> sparse.csr_matrix:
    """What was taken by who did not have it."""
    return sparse.csr_matrix(window.taken - window.taken.multiply(window.owned > 0))


def _rates(window: Window, taken: sparse.csr_matrix, last: int | None) -> Floats:
    """Rates of the segments, each of the customers without the product."""
    count = (int(window.segment.max(initial=0)) if last is None else last) + 1
    customers = len(window.segment)
    members = sparse.csr_matrix(
        (np.ones(customers), (window.segment, np.arange(customers))), shape=(count, customers)
    )
    sizes = members.sum(axis=1) - (members @ (window.owned > 0)).toarray()
    return shrunk_rates(np.asarray((members @ taken).toarray()), np.asarray(sizes))


def _trees_of(
    windows: Sequence[Window],
    taken: Sequence[sparse.csr_matrix],
    margins: Sequence[Floats],
    product: int,
    encoding: Encoding,
) -> PredictionModel | None:
    """Trees of one product; None where too few take it for any."""
    frames, outcomes, judged = [], [], None
    for at, (window, took, margin) in enumerate(zip(windows, taken, margins, strict=True)):
        may = np.flatnonzero(window.owned[:, [product]].toarray().ravel() == 0)
        hit = took[:, [product]].toarray().ravel()[may] > 0
        if at == 0:
            later, judged_hit = may[1::2], hit[1::2]
            judged = _with(window.features[later], margin[later]), judged_hit
            may, hit = may[::2], hit[::2]
        chosen = _learned(hit, LEAST_OTHERS // len(windows))
        rows = may[chosen]
        frames.append(_with(window.features[rows], margin[rows]))
        outcomes.append(hit[chosen])
    assert judged is not None
    try:
        model = fit(
            pl.concat(frames),
            np.concatenate(outcomes),
            "trees",
            parameters=FEW_TAKINGS,
            encoding=encoding,
        )
        return calibrated(model, *judged)
    except PredictionError:
        return None


def _learned(taken: Bools, least: int) -> Indexes:
    """The places of the rows to learn from: those with a taking, and others, evenly spaced."""
    hits, others = np.flatnonzero(taken), np.flatnonzero(~taken)
    hits = _evenly(hits, MOST_TAKINGS)
    return np.sort(
        np.concatenate([hits, _evenly(others, max(OTHERS_PER_TAKING * len(hits), least))])
    )


def _evenly(places: Indexes, most: int) -> Indexes:
    count = min(most, len(places))
    return places[np.arange(count) * len(places) // max(count, 1)]
