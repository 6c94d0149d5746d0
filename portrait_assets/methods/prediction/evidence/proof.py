"""What a model is worth on rows that it has not seen, beside the best single feature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import expit

from portrait_assets.core.arrays import Floats, Indexes
from portrait_assets.methods.prediction.blended import BOTH, mean_of
from portrait_assets.methods.prediction.calibration import fit_curve
from portrait_assets.methods.prediction.evidence.lone import best_lone_feature
from portrait_assets.methods.prediction.families.folds import (
    STRATA,
    Fold,
    folds_by_lot,
    folds_by_time,
)
from portrait_assets.methods.prediction.families.parameters import PARAMETERS, Parameters
from portrait_assets.methods.prediction.trials.choice import Choice, choose
from portrait_assets.methods.prediction.trials.rare import Rarity
from portrait_assets.methods.prediction.trials.trials import trials_of
from portrait_assets.methods.statistics.discrimination.paired import (
    auc_gain,
    auc_interval,
    mean_gain,
)
from portrait_assets.methods.statistics.distributions.binning import TENTHS
from portrait_assets.methods.statistics.intervals import wilson
from portrait_assets.methods.statistics.resampling import Interval

CALIBRATION_PARTS = 5


@dataclass(frozen=True)
class Proof:
    """How good each family was on rows that it had not seen.

    `judged` are the places of those rows; `scores` (margins, or expected numbers) and `baseline`
    are of them. `quality` is the chosen family's AUC, or the share of the variance that it
    explains; `of_baseline` that of the single feature `baseline_feature`, and `gain` the
    difference, each with a 95 % interval.
    """

    judged: Indexes
    outcome: Floats
    is_of_number: bool
    is_by_time: bool
    scores: Mapping[str, Floats]
    choice: Choice
    baseline_feature: str
    quality: Interval
    of_baseline: Interval
    gain: Interval

    @property
    def family(self) -> str:
        """The family that was chosen."""
        return self.choice.winner

    @property
    def is_surely_better(self) -> bool:
        """Whether it beats the single feature, and a guess without any, beyond chance."""
        of_guess = 0.0 if self.is_of_number else 0.5
        return self.gain.low > 0 and self.quality.low > of_guess

    def probabilities(self, seed: int = 0) -> Floats:
        """Calibrated probabilities of the judged rows, each by a curve of the other rows."""
        margins = self.scores[self.family]
        found = np.empty(len(margins))
        rng = np.random.default_rng(seed)
        for others, rows in folds_by_lot(self.outcome.astype(np.int64), CALIBRATION_PARTS, rng):
            curve = fit_curve(margins[others], self.outcome[others])
            found[rows] = expit(curve(margins[rows]))
        return found


def prove(
    frame: pl.DataFrame,
    outcome: Floats,
    *,
    is_of_number: bool = False,
    seed: int = 0,
    order: npt.NDArray[np.generic] | None = None,
    parameters: Parameters = PARAMETERS,
    rarity: Rarity | None = None,
    blends: bool = False,
) -> Proof:
    """Fit the families on some rows and judge them by others, and choose.

    Every row is judged once by models of the other parts (M. Stone 1974, "Cross-validatory choice
    and assessment of statistical predictions"); of many rows a fifth is judged; with an order, the
    newest moments that hold a fifth of the rows.

    Args:
        frame: features, as of `fitting.fit`.
        outcome: 0 and 1, or numbers, shape (rows,).
        is_of_number: whether the outcome is a number.
        seed: of the parts.
        order: the moment of each row.
        parameters: as of `fitting.fit`.
        rarity: when the outcome is rare, and is learned by bins and small trees as well; never
            when None.
        blends: tries the mean of a line and of trees as well, unless the outcome is rare.

    Raises:
        PredictionError: when a model cannot be fitted.
    """
    folds = proof_folds(outcome, is_of_number, seed, order, parameters)
    # Of the fewest events that all rows may have, a part has fewer.
    parts = parameters.folds
    parameters = replace(parameters, least_events=parameters.least_events * (parts - 1) // parts)
    tried = trials_of(outcome, is_of_number, parameters, rarity)
    judged = np.concatenate([fold.unseen for fold in folds])
    scores: dict[str, list[Floats]] = {family: [] for family in tried.families}
    baseline: list[Floats] = []
    for learned, unseen in folds:
        rows, happened = frame[learned], outcome[learned]
        moments = None if order is None else np.asarray(order)[learned]
        for family in tried.families:
            model = tried.fit(rows, happened, family, seed=seed, order=moments)
            score = model.expected if is_of_number else model.margin
            scores[family].append(score(frame[unseen]))
        lone = best_lone_feature(rows, happened, is_of_number=is_of_number)
        if lone is None:
            baseline.append(np.zeros(len(unseen)))
        else:
            baseline.append(_between(lone.score(frame[lone.feature][unseen]), is_of_number))
    best = best_lone_feature(frame, outcome, is_of_number=is_of_number)
    together = {family: np.concatenate(parts) for family, parts in scores.items()}
    if blends and tried.may_blend:
        together[BOTH] = mean_of(*together.values())
    of_judged = outcome[judged]
    choice = choose(together, of_judged, is_number=is_of_number)
    winner, alone = together[choice.winner], np.concatenate(baseline)
    measure = _explained if is_of_number else _areas
    quality, of_baseline, gain = measure(winner, alone, of_judged)
    return Proof(
        judged=judged,
        outcome=of_judged,
        is_of_number=is_of_number,
        is_by_time=order is not None,
        scores=together,
        choice=choice,
        baseline_feature="" if best is None else best.feature,
        quality=quality,
        of_baseline=of_baseline,
        gain=gain,
    )


def proof_folds(
    outcome: Floats,
    is_of_number: bool,
    seed: int,
    order: npt.NDArray[np.generic] | None,
    parameters: Parameters,
) -> Sequence[Fold]:
    """The rows that are learned from and judged, as `prove` takes them."""
    rng = np.random.default_rng(seed)
    if order is not None:
        moments = np.unique(np.asarray(order), return_inverse=True)[1].astype(np.int64)
        return [folds_by_time(moments, rng)]
    ranks = np.argsort(np.argsort(outcome, kind="stable"), kind="stable")
    strata = ranks * STRATA // max(len(ranks), 1) if is_of_number else outcome.astype(np.int64)
    folds = folds_by_lot(strata, parameters.folds, rng)
    return folds[:1] if len(outcome) >= parameters.one_split_from else folds


def _between(score: Floats, is_of_number: bool) -> Floats:
    """Of outcomes, where among a part's rows a score lies: parts may have different features."""
    if is_of_number or not len(score):
        return score
    _, places, counts = np.unique(score, return_inverse=True, return_counts=True)
    below = np.cumsum(counts) - counts
    found: Floats = (below + counts / 2)[places] / len(score)
    return found


def _areas(score: Floats, alone: Floats, outcome: Floats) -> tuple[Interval, Interval, Interval]:
    happened = outcome > 0.5
    areas = (auc_interval(each, happened) for each in (score, alone))
    quality, of_baseline = areas
    return quality, of_baseline, auc_gain(score, alone, happened)


def _explained(
    score: Floats, alone: Floats, outcome: Floats
) -> tuple[Interval, Interval, Interval]:
    losses = [(each - outcome) ** 2 for each in (score, alone)]
    constant = (outcome - outcome.mean()) ** 2
    whole = max(float(constant.mean()), 1e-300)

    def share(of: Floats, beside: Floats) -> Interval:
        gain = mean_gain(of, beside)
        return Interval(gain.value / whole, gain.low / whole, gain.high / whole)

    return share(losses[0], constant), share(losses[1], constant), share(losses[0], losses[1])


def by_tenth(predicted: Floats, outcome: Floats, is_of_number: bool = False) -> pl.DataFrame:
    """What was predicted beside what happened, by tenth of the prediction, the highest first.

    Columns tenth (from 1), rows, predicted and happened (means), low and high (the 95 % interval of
    what happened: E. Wilson's of a rate, Gosset's of a mean).
    """
    order = np.argsort(-predicted, kind="stable")
    tenth = np.empty(len(order), dtype=np.int64)
    tenth[order] = np.arange(len(order)) * TENTHS // len(order)
    rows = pl.DataFrame({"tenth": tenth + 1, "predicted": predicted, "outcome": outcome})
    value = pl.col("outcome")
    table = (
        rows.group_by("tenth")
        .agg(
            pl.len().cast(pl.Int64).alias("rows"),
            pl.col("predicted").mean(),
            value.mean().alias("happened"),
            value.sum().alias("sum"),
            (1.96 * value.std() / pl.len().sqrt()).fill_null(0.0).alias("half"),
        )
        .sort("tenth")
    )
    if is_of_number:
        ends = table["happened"] - table["half"], table["happened"] + table["half"]
    else:
        low, high = wilson(table["sum"].cast(pl.Int64).to_numpy(), table["rows"].to_numpy())
        ends = pl.Series(low), pl.Series(high)
    return table.select("tenth", "rows", "predicted", "happened", low=ends[0], high=ends[1])
