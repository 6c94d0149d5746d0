"""Fitting a model of one family: the same rows for equal data, in whatever order they come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeAlias, cast

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.core.arrays import Floats, Indexes
from portrait_assets.core.machine.threads import one_thread
from portrait_assets.methods.disclosure.holders import Holders, holders_of
from portrait_assets.methods.prediction.binned.fitting import Weighed, weighed
from portrait_assets.methods.prediction.binned.screening import OTHERS_TELL_MORE, strongest
from portrait_assets.methods.prediction.errors import PredictionError
from portrait_assets.methods.prediction.families.boosted.growing import fit_trees
from portrait_assets.methods.prediction.families.boosted.pruned import of_enough
from portrait_assets.methods.prediction.families.boosted.trees import Trees
from portrait_assets.methods.prediction.families.columns import Term
from portrait_assets.methods.prediction.families.encoding import Dropped, Encoding, fit_encoding
from portrait_assets.methods.prediction.families.folds import Fold, trial_folds
from portrait_assets.methods.prediction.families.linear import Linear, fit_linear
from portrait_assets.methods.prediction.families.losses import LOGISTIC, SQUARED, Loss
from portrait_assets.methods.prediction.families.parameters import PARAMETERS, Parameters
from portrait_assets.methods.prediction.inputs.checking import (
    check_lengths,
    check_monotone,
    checked_events,
)
from portrait_assets.methods.prediction.model import Family, PredictionModel
from portrait_assets.methods.prediction.rows import rounded


def fit(
    frame: pl.DataFrame,
    outcome: npt.NDArray[np.generic],
    family: str,
    *,
    seed: int = 0,
    monotone: Mapping[str, int] | None = None,
    order: npt.NDArray[np.generic] | None = None,
    parameters: Parameters = PARAMETERS,
    encoding: Encoding | None = None,
    groups: npt.NDArray[np.generic] | None = None,
) -> PredictionModel:
    """A model of how probable an outcome is, learned from rows whose outcome is known.

    Rows are first put in the order of their contents, so that equal data give equal rows of the
    model; rows with equal contents may change places. Features are encoded without the outcome;
    those without a value, or with one only, are dropped.

    Args:
        frame: features; numbers, booleans, text and dates.
        outcome: 0 and 1, shape (rows,).
        family: `binned` (weights of bins), `logistic` (ridge) or `trees` (boosted).
        seed: of the parts that settings are tried on.
        monotone: by feature 1 where the score must not fall when it grows, -1 where not rise.
        order: the moment of each row, such as the month: settings are then chosen on the newest,
            and otherwise on parts drawn by lot.
        parameters: what is set before a model sees data.
        encoding: of the features, where several models share it; by default their own. Bins, which
            look at the outcome, are always their own.
        groups: what rows are of, such as the customer of whom they are months: a bin's weight is
            judged by other groups' rows, and nothing is kept of fewer than ten groups. Every row is
            its own when None.

    Raises:
        PredictionError: for outcomes of one kind, fewer than ten of either, a family or a monotone
            feature that is not known, lengths that differ, or no feature that says anything.
    """
    events = checked_events(outcome, frame.height, parameters)
    if family not in ("binned", "logistic", "trees"):
        raise PredictionError(f"{family} is no family of models: ask for binned, logistic or trees")
    if family == "binned" and monotone:
        raise PredictionError(
            "the directions of bins follow from the outcome: ask for logistic or trees"
        )
    return _fit(
        _Request(
            frame, events, family, seed, monotone, order, parameters, LOGISTIC, encoding, groups
        )
    )


def fit_number(
    frame: pl.DataFrame,
    outcome: npt.NDArray[np.generic],
    family: str,
    *,
    seed: int = 0,
    order: npt.NDArray[np.generic] | None = None,
    parameters: Parameters = PARAMETERS,
) -> PredictionModel:
    """A model of the expected value of a number; arguments as of `fit`.

    Args:
        frame: features; numbers, booleans, text and dates.
        outcome: numbers, shape (rows,).
        family: `linear` (ridge) or `trees` (boosted), both of least squares.
        seed: as of `fit`.
        order: as of `fit`.
        parameters: as of `fit`.

    Raises:
        PredictionError: for numbers that are all the same, missing or infinite, fewer than twenty
            rows, and for what `fit` raises it.
    """
    numbers = np.asarray(outcome, dtype=np.float64)
    check_lengths(len(numbers), frame.height)
    if not np.isfinite(numbers).all():
        raise PredictionError("a number to learn from is missing or infinite: leave its row out")
    least = 2 * parameters.least_events
    if len(numbers) < least:
        raise PredictionError(
            f"the number is known of {len(numbers)} rows, and a model needs {least} at least"
        )
    if numbers.min() == numbers.max():
        raise PredictionError(
            f"the number is {numbers[0]:g} in every row that has one: there is nothing to learn"
        )
    if family not in ("linear", "trees"):
        raise PredictionError(f"{family} is no family of models: ask for linear or trees")
    return _fit(_Request(frame, numbers, family, seed, None, order, parameters, SQUARED))


class _Request(NamedTuple):
    frame: pl.DataFrame
    outcome: Floats
    family: str
    seed: int
    monotone: Mapping[str, int] | None
    order: npt.NDArray[np.generic] | None
    parameters: Parameters
    loss: Loss
    encoding: Encoding | None = None
    groups: npt.NDArray[np.generic] | None = None


def _fit(asked: _Request) -> PredictionModel:
    check_monotone(asked.frame, asked.monotone or {})
    encoding = asked.encoding or fit_encoding(asked.frame, enough=holders_of(asked.groups).enough)
    if not encoding.features:
        raise PredictionError(
            "no column says anything of the outcome: each has no value, or one value only"
        )
    asked = _in_order_of_contents(_of_features(asked, encoding))
    holders = holders_of(asked.groups)
    folds = trial_folds(
        asked.outcome, asked.order, asked.loss.is_logistic, asked.parameters, asked.seed
    )
    outcome = asked.outcome
    facts = {
        "fitted_rows": float(len(outcome)),
        "base_rate": float(outcome.mean()),
        "seed": float(asked.seed),
    }
    if asked.loss.is_logistic:
        facts["events"] = float(outcome.sum())
    else:
        facts |= {"least": float(outcome.min()), "most": float(outcome.max())}
    found = _binned if asked.family == "binned" else _scorer
    # One thread, so that sums are the same each time, and other load does not stall the others.
    with one_thread():
        encoding, scorer, chosen = found(asked, encoding, folds, holders)
    return PredictionModel(
        family=cast(Family, asked.family),
        is_number=not asked.loss.is_logistic,
        encoding=encoding,
        scorer=scorer,
        facts=facts | chosen,
    )


_Found: TypeAlias = tuple[Encoding, Linear | Trees, dict[str, float]]
"""What reads rows, what scores them, and what was chosen."""


def _scorer(asked: _Request, encoding: Encoding, folds: Sequence[Fold], holders: Holders) -> _Found:
    encoding = _screened(asked, encoding, holders)
    is_scaled = asked.family != "trees"
    terms = encoding.terms(is_scaled)
    signs = _signs(terms, asked.monotone or {})
    design = encoding.design(asked.frame, is_scaled)
    if is_scaled:
        linear = fit_linear(
            design, asked.outcome, terms, signs, folds, asked.loss, asked.parameters
        )
        return encoding, linear.scorer, {"strength": linear.strength, "loss": linear.loss}
    trees = fit_trees(
        design, asked.outcome, terms, signs, folds, asked.loss, asked.parameters, asked.seed
    )
    scorer = of_enough(trees.scorer, design[trees.rows], holders.taken(trees.rows))
    return (
        encoding,
        scorer,
        {"trees": float(trees.trees), "leaves": float(trees.leaves), "loss": trees.loss},
    )


def _weighed(asked: _Request, holders: Holders) -> Weighed:
    """The features with weights that the outcome's model may have, those that alone tell most."""
    found = weighed(asked.frame, asked.outcome, holders.of, asked.parameters.folds, asked.seed)
    most = asked.parameters.most_features
    return found if most is None else strongest(found, asked.outcome, most)


def _screened(asked: _Request, encoding: Encoding, holders: Holders) -> Encoding:
    """The encoding without features of which there are too many for the outcome."""
    if asked.parameters.most_features is None or not asked.loss.is_logistic:
        return encoding
    names = [each.feature for each in _weighed(asked, holders).features]
    if not names:
        return encoding
    others = [name for name in asked.frame.columns if name not in names]
    dropped = [Dropped(name, OTHERS_TELL_MORE) for name in others]
    kept = encoding.of(asked.frame.select(names))
    return replace(kept, dropped=(*encoding.dropped, *dropped))


def _binned(asked: _Request, encoding: Encoding, folds: Sequence[Fold], holders: Holders) -> _Found:
    """A regression on weights of bins, none of which counts against its own evidence."""
    found = _weighed(asked, holders)
    terms = Encoding(found.features).terms(True)
    signs = np.ones(len(terms), dtype=np.int64)
    linear = fit_linear(
        found.crosswise, asked.outcome, terms, signs, folds, asked.loss, asked.parameters
    )
    coefficients = linear.scorer.coefficients
    kept = Encoding(tuple(each for each, c in zip(found.features, coefficients, strict=True) if c))
    used = {each.feature for each in kept.features}
    names = [name for name in asked.frame.columns if name not in used]
    nothing = [Dropped(name, "adds nothing to the others") for name in names]
    scorer = Linear(
        terms=tuple(kept.terms(True)),
        coefficients=coefficients[coefficients != 0],
        means=rounded(kept.design(asked.frame, True).mean(axis=0)),
        intercept=linear.scorer.intercept,
    )
    chosen = {"strength": linear.strength, "loss": linear.loss}
    return replace(kept, dropped=(*encoding.dropped, *nothing)), scorer, chosen


def _of_features(asked: _Request, encoding: Encoding) -> _Request:
    """The same without columns that no feature is made of: to sort by them, too, takes long."""
    names = dict.fromkeys(each.feature for each in encoding.features)
    return asked._replace(frame=asked.frame.select(*names))


def _in_order_of_contents(asked: _Request) -> _Request:
    """The rows sorted by all that is in them: those that remain in no order are the same."""
    keys = asked.frame.select(pl.selectors.exclude(pl.List, pl.Array, pl.Struct, pl.Object))
    # Codes of categories are numbered as they come.
    keys = keys.cast({pl.Categorical: pl.String})
    columns = [pl.Series("outcome", asked.outcome), *keys.iter_columns()]
    if asked.order is not None:
        columns.insert(0, pl.Series("order", np.asarray(asked.order)))
    sorted_by = pl.DataFrame([column.alias(f"c{at}") for at, column in enumerate(columns)])
    places = sorted_by.select(pl.arg_sort_by(sorted_by.columns)).to_series()
    at = places.to_numpy()
    return asked._replace(
        frame=asked.frame[places],
        outcome=asked.outcome[at],
        order=None if asked.order is None else np.asarray(asked.order)[at],
        groups=None if asked.groups is None else np.asarray(asked.groups)[at],
    )


def _signs(terms: Sequence[Term], monotone: Mapping[str, int]) -> Indexes:
    signs = [monotone.get(t.feature, 0) if t.kind == "number" else 0 for t in terms]
    return np.array(signs, dtype=np.int64)
