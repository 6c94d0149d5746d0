"""The numbers that decide when a model is fitted, judged and replaced, with the reason for each."""

from __future__ import annotations

from dataclasses import dataclass, replace

from portrait_assets.methods.prediction.families.parameters import PARAMETERS as METHOD
from portrait_assets.methods.prediction.families.parameters import Parameters
from portrait_assets.methods.prediction.trials.rare import (
    BINNED,
    LOGISTIC,
    TREES,
    Rarity,
    for_bins,
    small_trees,
)


@dataclass(frozen=True)
class PredictionRule(Rarity):
    """What is set beforehand; a change of it changes the version of every model."""

    most_rows: int = 200_000
    """Customer-months that a model is fitted on."""
    window_rows: int = 66_000
    """Customers that are drawn of a month: a model is judged on those of the recent windows."""
    read_together: int = 50_000
    """Customer-months up to which all are read at once: of few customers a statement costs more
    than rows that are not asked for."""
    kept_rows: int = 500_000
    """Customer-months up to which all that are drawn are kept from one month to the next, at most
    half a gigabyte: of more, what a month asks for is read again."""
    fitted_at_once: int = 2
    """Targets whose models are fitted at a time where all that are drawn are kept: each has a line
    and trees, and a fit works by one thread."""
    most_windows: int = 24
    """Closed windows that are looked back on: two of every season."""
    least_rows: int = 500
    """Customer-months below which no fit is tried."""
    least_events: int = 50
    """Of either outcome in the windows that a model is fitted on."""
    least_judged: int = 10
    """Of either outcome in the window that it is judged and calibrated on."""
    refit_months: int = 3
    """Months from one fit to the next."""
    first_year: int = 12
    """Months of history up to which every month is looked at for enough events to begin with."""
    recent_windows: int = 3
    """Closed windows whose mean a probability is held against: a quarter evens out one campaign."""
    bins: int = 10
    """Bins of the score: for intervals, for calibration and for the shift of the distribution."""
    most_of_a_kind: int = 5
    """Of a target that stands for several, such as kinds of campaigns, so many are predicted: those
    that happened most often."""
    kinds_from: int = 200
    """Customers from which on targets by kind are predicted: of fewer there are a handful each."""
    most_categories: int = 20
    """Categories of product beyond which none is predicted by itself: which of hundreds somebody
    buys next is a recommendation."""
    suspicious_auc: float = 0.97
    """The area from which on it is looked for features that give the outcome away: with one of
    them a model would have as much."""
    leak_rows: int = 3_000
    """Customer-months among which features are looked for that give the outcome away."""
    placebos: int = 20
    """Times that outcomes are shuffled in a backtest."""


RULE = PredictionRule()
FEW = replace(
    METHOD,
    strengths=(0.01, 0.1),
    trial_rows=5_000,
    stopping_rows=2_000,
    most_trees=100,
    leaves=(15,),
    learning_rate=0.15,
    patience=4,
)
"""Smaller trees and fewer settings to choose from than for a single table: each target is fitted
every quarter, and on a year of a shop the area in the next month was the same to the second
digit, as it was of trees on two years of a bank, in two fifths of the time."""
SMALL, BINS = small_trees(FEW), for_bins(FEW)
"""Of rare outcomes."""


def families_for(rows: int, events: int) -> tuple[str, ...]:
    """The families that are tried for so many customer-months with so many events, in order."""
    if RULE.is_rare(rows, events):
        return RULE.families(events)
    return (LOGISTIC, TREES) if events >= RULE.trees_from else (LOGISTIC,)


def parameters_for(family: str, rows: int, events: int) -> Parameters:
    """What is set before a model of the family sees so many customer-months with so many events."""
    if RULE.is_rare(rows, events):
        return parameters_of_rare(family)
    return FEW if family == TREES or rows <= RULE.few_until else METHOD


def parameters_of_rare(family: str) -> Parameters:
    """What is set before one sees a rare outcome: of a line a finer choice of strengths pays."""
    return {BINNED: BINS, TREES: SMALL}.get(family, METHOD)
