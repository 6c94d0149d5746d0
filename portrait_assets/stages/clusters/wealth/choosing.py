"""Which model of wealth segments holds in a month: the one so far, or one that beat it."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import polars as pl

from portrait_assets.methods.clustering.asked.model import FIT_ROWS, AskedModel, fit_asked
from portrait_assets.methods.clustering.asked.support import depth
from portrait_assets.methods.clustering.preparation.sampling import canonical_sample
from portrait_assets.stages.clusters.champions.tracking import match_segments, measure_overlap
from portrait_assets.stages.clusters.rule import RULE
from portrait_assets.stages.clusters.wealth.inputs import TRAITS, Wealth

MARGIN = 0.05
"""So much deeper must the valleys between a challenger's segments be."""


class Chosen(NamedTuple):
    """The model that holds, None where none can be made; who won, and why.

    `fitted` is the model that was fitted to the month's customers, None where none was.
    """

    model: AskedModel | None
    winner: str
    reason: str
    fitted: AskedModel | None = None


def chosen(
    wealth: Wealth, months_of_history: int, champion: AskedModel | None, asked: int
) -> Chosen:
    """The model of a month: a pure function of its customers and of the model before.

    The first is fitted once a quarter has passed and there are customers for it, and one anew
    whenever another number is asked for, or its inputs are not read any more. At the end of each
    quarter a model fitted anew challenges it, and wins where the valleys between its segments are
    deeper by a margin, in its own space. Segments that are the same keep their numbers.

    Args:
        wealth: the customers of the month.
        months_of_history: months of the source up to and with this one.
        champion: the model of the month before; None for the first.
        asked: how many segments.
    """
    quarter = RULE.challenge.refit_months
    if champion is None and months_of_history < quarter:
        return Chosen(None, "none", "segments are made once a quarter has passed")
    is_outdated = champion is not None and not _is_of_inputs(champion)
    is_due = champion is None or champion.segments != asked or is_outdated
    if not is_due and months_of_history % quarter != 0:
        return Chosen(champion, "champion", "a model is fitted anew at quarter's ends")
    challenger = fit_asked(wealth.features, wealth.amounts, TRAITS, asked)
    if challenger is None:
        few = f"{wealth.features.height} customers are too few, or too much alike, for {asked}"
        return Chosen(None if is_due else champion, "none" if is_due else "champion", few)
    if champion is None:
        return Chosen(challenger, "first", "there was no model before", challenger)
    if champion.segments != asked:
        why = f"{asked} segments are asked for, and not {champion.segments} any more"
    elif is_outdated:
        why = "the model before was made from inputs that are not read any more"
    else:
        sample = canonical_sample(wealth.features, FIT_ROWS)
        old, new = (_depth(challenger, model, sample) for model in (champion, challenger))
        valleys = f"the valleys between segments are {new:.2f} deep"
        why = f"{valleys}, against {old:.2f} of the champion's"
        if new < old + MARGIN:
            return Chosen(champion, "champion", f"{why}: not deeper by {MARGIN:g}", challenger)
    return Chosen(_tracked(champion, challenger, wealth.features), "challenger", why, challenger)


def _is_of_inputs(model: AskedModel) -> bool:
    """Whether a model's traits are inputs still; those of an older version need not be."""
    return all(axis.name in TRAITS for axis in model.space.axes if axis.unit == 0)


def _depth(space_of: AskedModel, model: AskedModel, sample: pl.DataFrame) -> float:
    labels = model.assign(sample)["segment_id"].to_numpy()
    return depth(space_of.space.points(sample), labels)


def _tracked(champion: AskedModel, challenger: AskedModel, features: pl.DataFrame) -> AskedModel:
    """The challenger with the numbers of the champion's segments where they are the same."""
    overlap = measure_overlap(champion.assign(features), challenger.assign(features))
    matches = match_segments(overlap, champion.next_id)
    lines = {line["new_id"]: line for line in matches.iter_rows(named=True)}
    ids, status, origins, free = [], [], [], max([champion.next_id, *(matches["segment_id"] + 1)])
    for number in challenger.ids:
        line = lines.get(number)
        # A segment without customers has no match and takes a number after all others.
        ids.append(int(line["segment_id"]) if line else free)
        status.append(str(line["status"]) if line else "new")
        origins.append(tuple(line["old_ids"]) if line else ())
        free += line is None
    return replace(
        challenger,
        ids=tuple(ids),
        status=tuple(status),
        next_id=free,
        origins=tuple(origins),
    )
