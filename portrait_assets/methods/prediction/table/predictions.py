"""Predictions for every row of a table from the rows whose outcome is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np
import polars as pl

from portrait_assets.core.arrays import Floats, Indexes
from portrait_assets.core.errors import listed, suggestion
from portrait_assets.methods.prediction.blended import BOTH, Blend
from portrait_assets.methods.prediction.calibration import fit_curve
from portrait_assets.methods.prediction.errors import PredictionError
from portrait_assets.methods.prediction.evidence.proof import Proof, by_tenth, prove
from portrait_assets.methods.prediction.families.encoding import Dropped
from portrait_assets.methods.prediction.families.parameters import PARAMETERS, Parameters
from portrait_assets.methods.prediction.inputs.leaks import Leak, leaks
from portrait_assets.methods.prediction.model import PredictionModel
from portrait_assets.methods.prediction.reasons import reasons
from portrait_assets.methods.prediction.table.features import by_reason, moments, usable_features
from portrait_assets.methods.prediction.table.outcome import Outcome, read_outcome
from portrait_assets.methods.prediction.trials.rare import RARITY, Rarity
from portrait_assets.methods.prediction.trials.trials import trials_of
from portrait_assets.methods.statistics.distributions.binning import TENTHS
from portrait_assets.schema.probability import stored

MOST_ROWS = 200_000
"""Rows that are learned from; of more as many are drawn by lot."""


@dataclass(frozen=True)
class Request:
    """What is asked of a table.

    `outcome` is the column to predict, `event` the value of it whose probability is asked for, and
    `as_classes` says that its numbers are classes;
    `leave_out` are columns that are not to be used, `keep` those that are to be used although they
    seem to give the outcome away or to identify rows, and `order` the column of moments, of which
    the newest judge. `parameters` are those of the models, and `rarity` says when an outcome is
    rare.
    """

    outcome: str
    event: str | None = None
    as_classes: bool = False
    leave_out: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    order: str | None = None
    seed: int = 0
    parameters: Parameters = PARAMETERS
    rarity: Rarity = RARITY


@dataclass(frozen=True)
class Part:
    """The model of the outcome, of one class or of the number, and what it is worth.

    `tenths` is what was predicted beside what happened (`evidence.proof.by_tenth`), on rows that
    the model that predicted had not seen.
    """

    name: str
    model: PredictionModel | Blend
    proof: Proof
    tenths: pl.DataFrame


@dataclass(frozen=True)
class TablePredictions:
    """A prediction of every row, in order, and how it came about.

    `rows` has `probability` (of a number `expected`; of several classes `predicted` and
    `probability_CLASS` of each), `rank` (1 is the highest; equal scores share it) and `band`
    (tenths of the rows by rank, 1 the highest), which classes have not, and `reason_1` to
    `reason_3`.
    `left_out` are those of the `leaks` that were not learned from.
    """

    rows: pl.DataFrame
    outcome: Outcome
    parts: tuple[Part, ...]
    fitted_rows: int
    dropped: tuple[Dropped, ...]
    leaks: tuple[Leak, ...]
    left_out: tuple[str, ...]


def predict_table(table: pl.DataFrame, asked: Request) -> TablePredictions:
    """Learn from the rows whose outcome is known, and predict all.

    Columns that alone give the outcome away are left out unless they are to be kept, and so are
    those that identify rows. The simpler family wins unless another, or the mean of a line and of
    trees, is surely better on rows that none has seen; of a rare outcome weights of bins are tried
    first (`trials.rare`). Probabilities are calibrated on such rows. Of several classes each is
    predicted against the rest (R. Rifkin, A. Klautau 2004, "In defense of one-vs-all
    classification"), and the probabilities of a row are divided by their sum.

    Raises:
        PredictionError: when the request names what is not in the table, or nothing can be learned.
    """
    outcome = read_outcome(table, asked.outcome, asked.event, asked.as_classes)
    if asked.order is not None and asked.order not in table.columns:
        near = suggestion(asked.order, table.columns)
        raise PredictionError(f"the table has no column {asked.order} to order rows by{near}")
    not_used = [asked.outcome, *asked.leave_out, *([asked.order] if asked.order else [])]
    features, dropped = usable_features(table, not_used, asked.keep)
    some = _sample(int(outcome.known.sum()), asked.seed)
    rows = np.flatnonzero(outcome.known)[some]
    order = moments(table[asked.order], rows) if asked.order else None
    values = [(name, numbers[some]) for name, numbers in _values(outcome)]
    found = _leaks(features[rows], [numbers for _, numbers in values], outcome)
    away = [leak.feature for leak in found if leak.gives_away and leak.feature not in asked.keep]
    learned = features[rows].drop(away)
    if not learned.width:
        why = [f"{listed(away)} alone gives it away (--keep uses it)"] if away else []
        why += [f"{names}: {reason} (--keep uses it)" for names, reason in by_reason(dropped)]
        reasons_of = "; ".join(why) or "there is none"
        raise PredictionError(f"no column is left to predict {asked.outcome} from: {reasons_of}")
    parts = tuple(_part(*each, learned, outcome.kind == "number", order, asked) for each in values)
    return TablePredictions(
        rows=_scored(features, outcome, parts),
        outcome=outcome,
        parts=parts,
        fitted_rows=len(rows),
        dropped=(*dropped, *parts[0].model.dropped),
        leaks=tuple(found),
        left_out=tuple(away),
    )


def _sample(known: int, seed: int) -> Indexes:
    if known <= MOST_ROWS:
        return np.arange(known)
    return np.sort(np.random.default_rng(seed).choice(known, MOST_ROWS, replace=False))


def _values(outcome: Outcome) -> list[tuple[str, Floats]]:
    """What is learned, by name: the number, the event, or each class against the rest."""
    if outcome.kind == "number":
        return [(outcome.column, outcome.numbers)]
    names = outcome.classes[-1:] if outcome.kind == "outcome" else outcome.classes
    return [(name, outcome.events(name)) for name in names]


def _leaks(features: pl.DataFrame, values: Sequence[Floats], outcome: Outcome) -> list[Leak]:
    """Of several classes only what gives away each: one of them may well follow from a column."""
    found: dict[str, Leak] = {}
    for at, numbers in enumerate(values):
        leaking = leaks(features, numbers, is_of_number=outcome.kind == "number")
        by_name = {leak.feature: leak for leak in leaking}
        if not at:
            found = by_name
        found = {
            name: min(leak, by_name[name], key=attrgetter("auc"))
            for name, leak in found.items()
            if name in by_name
        }
    return list(found.values())


def _part(
    name: str,
    numbers: Floats,
    learned: pl.DataFrame,
    is_number: bool,
    order: Floats | None,
    asked: Request,
) -> Part:
    seed, parameters = asked.seed, asked.parameters
    rarity = asked.rarity
    proof = prove(
        learned,
        numbers,
        is_of_number=is_number,
        seed=seed,
        order=order,
        parameters=parameters,
        rarity=rarity,
        blends=True,
    )
    tried = trials_of(numbers, is_number, parameters, rarity)
    fitted: PredictionModel | Blend
    if proof.family == BOTH:
        fitted = tried.fit_both(learned, numbers, seed=seed, order=order)
    else:
        fitted = tried.fit(learned, numbers, proof.family, seed=seed, order=order)
    if is_number:
        return Part(name, fitted, proof, by_tenth(proof.scores[proof.family], proof.outcome, True))
    model = fitted.with_curve(fit_curve(proof.scores[proof.family], proof.outcome))
    return Part(name, model, proof, by_tenth(proof.probabilities(asked.seed), proof.outcome))


def _scored(features: pl.DataFrame, outcome: Outcome, parts: Sequence[Part]) -> pl.DataFrame:
    if outcome.kind == "classes":
        return _scored_classes(features, parts)
    (part,) = parts
    expected = part.model.expected(features)
    rank = pl.Series(expected).rank("min", descending=True).cast(pl.Int64)
    is_number = outcome.kind == "number"
    shown = {"expected": expected} if is_number else {"probability": stored(expected)}
    scores = pl.DataFrame({**shown, "rank": rank})
    band = (pl.col("rank") - 1) * TENTHS // max(features.height, 1) + 1
    return scores.with_columns(band.alias("band")).hstack(reasons(part.model, features))


def _scored_classes(features: pl.DataFrame, parts: Sequence[Part]) -> pl.DataFrame:
    each = np.column_stack([part.model.probability(features) for part in parts])
    most = each.argmax(axis=1)
    each = stored(each)
    shares = stored(each / each.sum(axis=1, keepdims=True))
    names = [part.name for part in parts]
    scores = pl.DataFrame(
        {
            "predicted": pl.Series(names)[most],
            **{f"probability_{name}": shares[:, at] for at, name in enumerate(names)},
        }
    )
    # A row's reasons are those for the class that is predicted of it.
    why, places = [], []
    for at, part in enumerate(parts):
        rows = np.flatnonzero(most == at)
        why.append(reasons(part.model, features[rows]))
        places.append(rows)
    back = np.argsort(np.concatenate(places), kind="stable")
    return scores.hstack(pl.concat(why)[back])
