"""A model of who is in a seed audience, by attributes that are known of prospects too.

What tells the members of the seed from the other customers of a month is learned, and scores who is
no customer (B. Dalessandro and others 2014, "Scalable hands-free transfer learning for online
advertising"; Q. Ma and others 2016, "Score look-alike audiences").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import expit, logit

from portrait_assets.core.arrays import Bools, Floats
from portrait_assets.methods.lookalike.similarity import similarity
from portrait_assets.methods.prediction.calibration import fit_curve
from portrait_assets.methods.prediction.errors import PredictionError
from portrait_assets.methods.prediction.evidence.proof import Proof, proof_folds, prove
from portrait_assets.methods.prediction.families.parameters import PARAMETERS, Parameters
from portrait_assets.methods.prediction.fitting import fit
from portrait_assets.methods.prediction.inputs.leaks import Leak, leaks
from portrait_assets.methods.prediction.model import PredictionModel
from portrait_assets.methods.prediction.reasons import reasons
from portrait_assets.methods.statistics.discrimination.paired import auc_gain, auc_interval
from portrait_assets.methods.statistics.distributions.binning import TENTHS
from portrait_assets.methods.statistics.resampling import Interval

SMALLEST_SEED = 100
"""Members below which a seed says more of single persons than of what they have in common."""
MOST_ROWS = 200_000
"""Customers that are learned from; of more all members, up to half of these, and others by lot."""


@dataclass(frozen=True)
class Lookalike:
    """What was learned of a seed, and how good it is on customers that it has not seen.

    `members` and `others` are the customers of the base in the seed and not in it, `others_share`
    the share of the others that were learned from over that of the members. `of_similarity` is the
    AUC of the nearest members alone, and `gain` what the model has more, each with a 95 %
    interval. `telling` are attributes that alone nearly decide who is in the seed.
    """

    model: PredictionModel
    proof: Proof
    of_similarity: Interval
    gain: Interval
    members: int
    others: int
    others_share: float
    telling: tuple[Leak, ...]

    @property
    def attributes(self) -> tuple[str, ...]:
        """The attributes that the model reads."""
        return tuple(each.feature for each in self.model.encoding.features)


def learn(
    customers: pl.DataFrame,
    is_seed: Bools,
    *,
    seed: int = 0,
    parameters: Parameters = PARAMETERS,
) -> Lookalike:
    """Learn what tells the members of a seed from the other customers.

    Logistic regression, or boosted trees where they are surely better; cross-validated, and from
    20,000 customers on judged by a fifth of them. Probabilities are calibrated on unseen customers.

    Args:
        customers: attributes of the customers of a month, a row each.
        is_seed: who is in the seed, shape (rows,).
        seed: of the parts, and of the lot where customers are drawn.
        parameters: of the models.

    Raises:
        PredictionError: when the seed has fewer than `SMALLEST_SEED` members or is all customers
            but ten, or no attribute has two values.
    """
    members, others = int(is_seed.sum()), int((~is_seed).sum())
    if members < SMALLEST_SEED:
        raise PredictionError(
            f"the seed has {members:,} of these customers, and what its members have in common "
            f"shows from {SMALLEST_SEED} on: choose a larger one"
        )
    rows = _drawn(is_seed, seed)
    learned, outcome = customers[rows], is_seed[rows].astype(np.float64)
    proof = prove(learned, outcome, seed=seed, parameters=parameters)
    fitted = fit(learned, outcome, proof.family, seed=seed, parameters=parameters)
    scores = proof.scores[proof.family]
    near = _similar(learned, outcome, seed, parameters)
    happened = proof.outcome > 0.5
    drawn = outcome.mean(), is_seed.mean()
    return Lookalike(
        model=fitted.with_curve(fit_curve(scores, proof.outcome)),
        proof=proof,
        of_similarity=auc_interval(near, happened),
        gain=auc_gain(scores, near, happened),
        members=members,
        others=others,
        others_share=float(np.exp(logit(drawn[1]) - logit(drawn[0]))),
        telling=tuple(leaks(learned, outcome)),
    )


def _drawn(is_seed: Bools, seed: int) -> npt.NDArray[np.int64]:
    """Places of the customers that are learned from, in order."""
    if len(is_seed) <= MOST_ROWS:
        return np.arange(len(is_seed))
    rng = np.random.default_rng(seed)
    members, others = np.flatnonzero(is_seed), np.flatnonzero(~is_seed)
    of_members = min(len(members), max(MOST_ROWS // 2, MOST_ROWS - len(others)))
    parts = ((members, of_members), (others, MOST_ROWS - of_members))
    drawn = [rng.choice(kind, min(many, len(kind)), replace=False) for kind, many in parts]
    return np.sort(np.concatenate(drawn))


def _similar(learned: pl.DataFrame, outcome: Floats, seed: int, parameters: Parameters) -> Floats:
    """The similarity of the rows that `prove` judges, in the same parts and order."""
    folds = proof_folds(outcome, False, seed, None, parameters)
    happened = outcome > 0.5
    return np.concatenate(
        [
            similarity(learned[known], happened[known], learned[unseen], seed)
            for known, unseen in folds
        ]
    )


def score(found: Lookalike, prospects: pl.DataFrame) -> pl.DataFrame:
    """How much prospects resemble the seed.

    Args:
        found: what `learn` gave.
        prospects: their attributes, a row each; those that are not known are null.

    Returns:
        In order: `score` (the share of customers of such attributes who are in the seed), `rank`
        (1 resembles it most; equals share one), `band` (tenths of the prospects by rank, 1 the
        highest), `reason_1` to `reason_3` (`+` an attribute that raises the score, `-` that lowers
        it, the largest first) and `not_known` (attributes without a value, with commas; null where
        all are known).

    Raises:
        PredictionError: when an attribute is absent.
    """
    margin = found.model.margin(prospects)
    probability = expit(logit(found.model.probability(prospects)) + np.log(found.others_share))
    # Calibration has levels; by the margin prospects of one level are in order too.
    rank = pl.Series("rank", margin.round(9)).rank("min", descending=True).cast(pl.Int64)
    band = (rank - 1) * TENTHS // max(len(rank), 1) + 1
    missing = [pl.when(pl.col(name).is_null()).then(pl.lit(name)) for name in found.attributes]
    listed = pl.concat_str(missing, separator=", ", ignore_nulls=True)
    not_known = prospects.select(not_known=pl.when(listed.str.len_bytes() > 0).then(listed))
    scores = pl.DataFrame({"score": probability, "rank": rank, "band": band})
    return pl.concat([scores, reasons(found.model, prospects), not_known], how="horizontal")
