"""A challenger: fitted on earlier closed windows, chosen and calibrated on the newest one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.core.arrays import Bools, Floats
from portrait_assets.core.machine.bounds import every_kth
from portrait_assets.core.machine.threads import in_threads
from portrait_assets.methods.disclosure.holders import codes_of, holders_of, names_in
from portrait_assets.methods.prediction.calibration import fit_curve
from portrait_assets.methods.prediction.errors import PredictionError
from portrait_assets.methods.prediction.families.encoding import Encoding, fit_encoding
from portrait_assets.methods.prediction.fitting import fit
from portrait_assets.methods.prediction.inputs.leaks import leaks
from portrait_assets.methods.prediction.model import PredictionModel
from portrait_assets.methods.prediction.together import margins
from portrait_assets.methods.prediction.trials.choice import choose
from portrait_assets.methods.prediction.trials.rare import LOGISTIC
from portrait_assets.methods.statistics.discrimination.paired import auc
from portrait_assets.methods.statistics.rates import events_of
from portrait_assets.stages.predictions.asked import Asked
from portrait_assets.stages.predictions.learning.active import Active, Trained
from portrait_assets.stages.predictions.learning.past.inputs import inputs_of
from portrait_assets.stages.predictions.learning.past.known import Past
from portrait_assets.stages.predictions.rule import RULE, families_for, parameters_for

Key = tuple[bool, bytes, bytes]


class Challenger(NamedTuple):
    """A model that was fitted, or why there is none; features that gave the outcome away."""

    model: Active | None
    fault: str | None
    leaking: tuple[str, ...] = ()

    def opposite(self) -> Challenger:
        """The same of the opposite outcome."""
        assert self.model is not None
        assert isinstance(self.model.learned, PredictionModel)
        return self._replace(model=replace(self.model, learned=self.model.learned.opposite()))


def has_enough_rows(past: Past, asked: Asked) -> bool:
    """Whether there are so many customer-months to learn from that events are worth a look."""
    if not past.closed(asked.horizon):
        return False
    return past.rows(past.learned_from(asked.horizon)) >= RULE.least_rows


def has_enough_events(learned: pl.DataFrame, judged: pl.DataFrame) -> bool:
    """Whether both outcomes happened often enough to be learned, and to be judged by."""
    return _has_both(learned, RULE.least_events) and can_be_judged(judged)


def can_be_judged(judged: pl.DataFrame) -> bool:
    """Whether both outcomes happened often enough to be judged by."""
    return _has_both(judged, RULE.least_judged)


def _has_both(frame: pl.DataFrame, least: int) -> bool:
    return events_of(frame["hit"].to_numpy()) >= least


@dataclass(frozen=True)
class Question:
    """What a challenger is asked for by; arguments as of `challenger`."""

    learned: pl.DataFrame
    judged: pl.DataFrame
    month: str
    is_credit: bool = False
    encoding: Encoding | None = None

    @cached_property
    def keys(self) -> tuple[Key, Key]:
        """What equal questions have in common, and what those of the opposite outcome have."""
        rows = pl.concat(
            each.select("base_month", "customer_id", "hit") for each in (self.learned, self.judged)
        )
        hit = rows["hit"].to_numpy()
        # The rows themselves would be kept for the whole month.
        customers = sha256(rows.drop("hit").hash_rows().to_numpy().tobytes()).digest()
        same, other = (
            (self.is_credit, customers, np.packbits(each).tobytes()) for each in (hit, ~hit)
        )
        return same, other

    def answer(self) -> Challenger:
        """The challenger."""
        return challenger(self.learned, self.judged, self.month, self.is_credit, self.encoding)


class Challengers:
    """The challengers of a month, of which one is fitted for targets that ask the same.

    That somebody buys and that nobody does is one question: of the same customer-months one model
    answers both, and their probabilities add up to 1.
    """

    def __init__(self) -> None:
        self._tried: dict[Key, Challenger] = {}

    def of(self, question: Question) -> Challenger:
        """Its challenger, or what it was for the same outcomes, or for the opposite ones."""
        same, other = question.keys
        if same in self._tried:
            return self._tried[same]
        opposite = self._tried.get(other)
        if opposite is not None and opposite.model is not None:
            return opposite.opposite()
        self._tried[same] = question.answer()
        return self._tried[same]

    def of_each(self, several: Iterable[Question], at_once: int) -> Iterator[Challenger]:
        """`of` each of several questions, in their order; so many are held and fitted at once."""
        begun = {*self._tried}

        def marked() -> Iterator[tuple[Question, bool]]:
            for question in several:
                yield question, begun.isdisjoint(question.keys)
                begun.add(question.keys[0])

        def answered(marked: tuple[Question, bool]) -> tuple[Question, Challenger | None]:
            question, is_new = marked
            return question, question.answer() if is_new else None

        for question, found in in_threads(answered, marked(), at_once):
            if found is not None:
                self._tried[question.keys[0]] = found
            yield self.of(question)


def challenger(
    learned: pl.DataFrame,
    judged: pl.DataFrame,
    month: str,
    is_credit: bool = False,
    encoding: Encoding | None = None,
) -> Challenger:
    """The simplest model that no other surely beats, with probabilities as in the newest window.

    Args:
        learned: customer-months of the earlier closed windows: features and `hit`.
        judged: those of the newest closed window.
        month: the month of the fit.
        is_credit: no protected attribute may be an input, nor what is computed from one.
        encoding: of the inputs; by default fitted to those of the earlier windows.
    """
    inputs, happened = inputs_of(learned, is_credit), judged["hit"].to_numpy()
    leaking: tuple[str, ...] = ()
    try:
        scores, models = _fitted(inputs, learned, judged, encoding)
        if max(auc(each, happened) for each in scores.values()) >= RULE.suspicious_auc:
            leaking = _leaking(inputs, learned["hit"].to_numpy())
        if leaking:
            scores, models = _fitted(inputs.drop(leaking), learned, judged, encoding)
        winner = choose(scores, happened).winner
        curve = fit_curve(scores[winner], happened.astype(np.float64))
    except PredictionError as error:
        return Challenger(None, str(error).rstrip("."), leaking)
    model = models[winner].with_curve(curve)
    months = learned["base_month"]
    trained = Trained(
        months.min(),  # type: ignore[arg-type]
        months.max(),  # type: ignore[arg-type]
        judged["base_month"].max(),  # type: ignore[arg-type]
        month,
    )
    return Challenger(Active(model, trained), None, leaking)


def _fitted(
    inputs: pl.DataFrame,
    learned: pl.DataFrame,
    judged: pl.DataFrame,
    encoding: Encoding | None = None,
) -> tuple[dict[str, Floats], dict[str, PredictionModel]]:
    """A model of each family, the simplest first, and its margins in the newest window."""
    months = codes_of(learned["base_month"])
    order = months if months.max() > 0 else None
    hit = learned["hit"].to_numpy()
    events = events_of(hit)
    names = names_in(learned)
    own = (encoding or fit_encoding(inputs, enough=holders_of(names).enough)).of(inputs)
    families = families_for(len(hit), events)

    def fitted(family: str) -> PredictionModel:
        rows = _fitted_rows(family, hit)
        return fit(
            inputs[rows],
            hit[rows],
            family,
            order=None if order is None else order[rows],
            parameters=parameters_for(family, len(hit), events),
            encoding=own,
            groups=None if names is None else names[rows],
        )

    models = dict(zip(families, in_threads(fitted, families), strict=True))
    found = margins([*models.values()], judged)
    return dict(zip(models, found, strict=True)), models


def _fitted_rows(family: str, hit: Bools) -> npt.NDArray[np.int64]:
    """The places of the rows that a family is fitted on."""
    if family == LOGISTIC:
        return np.arange(len(hit))[:: every_kth(len(hit), RULE.most_rows)]
    return RULE.learned_rows(hit)


def _leaking(inputs: pl.DataFrame, outcome: Bools) -> tuple[str, ...]:
    """The features that alone give the outcome away, on some of the rows."""
    places = slice(None, None, max(1, -(-inputs.height // RULE.leak_rows)))
    found = leaks(inputs[places], outcome[places])
    return tuple(leak.feature for leak in found if leak.gives_away)
