"""Which model of wealth segments holds in a month: the one so far, or one that beat it."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import polars as pl
from sklearn.metrics import silhouette_score

from portrait_assets.methods.clustering.asked.model import AskedModel, fit_asked
from portrait_assets.methods.clustering.preparation.sampling import canonical_sample
from portrait_assets.methods.clustering.selection_rule import RULE
from portrait_assets.stages.clusters.tracking import match_segments, measure_overlap
from portrait_assets.stages.clusters.wealth.inputs import TRAITS, Wealth


class Chosen(NamedTuple):
    """The model that holds, None where none can be made; who won, and why.

    `is_looked_at` says whether another was fitted in the month.
    """

    model: AskedModel | None
    winner: str
    reason: str
    is_looked_at: bool


def chosen(
    wealth: Wealth, months_of_history: int, champion: AskedModel | None, asked: int
) -> Chosen:
    """The model of a month: a pure function of its customers and of the model before.

    The first is fitted once a quarter has passed and there are customers for it, and one anew
    whenever another number is asked for. At the end of each quarter a model fitted anew challenges
    it, and wins by a silhouette (P. Rousseeuw 1987) that is better by a margin in its own space.
    Segments that are the same keep their numbers.

    Args:
        wealth: the customers of the month.
        months_of_history: months of the source up to and with this one.
        champion: the model of the month before; None for the first.
        asked: how many segments.
    """
    quarter = RULE.challenge.refit_months
    if champion is None and months_of_history < quarter:
        return Chosen(None, "none", "segments are made once a quarter has passed", False)
    is_due = champion is None or champion.segments != asked
    if not is_due and months_of_history % quarter != 0:
        return Chosen(champion, "champion", "a model is fitted anew at quarter's ends", False)
    challenger = fit_asked(wealth.features, wealth.amounts, TRAITS, asked)
    if challenger is None:
        few = f"{wealth.features.height} customers are too few, or too much alike, for {asked}"
        return Chosen(None if is_due else champion, "none" if is_due else "champion", few, True)
    if champion is None:
        return Chosen(challenger, "first", "there was no model before", True)
    if champion.segments != asked:
        why = f"{asked} segments are asked for, and not {champion.segments} any more"
        return Chosen(_tracked(champion, challenger, wealth.features), "challenger", why, True)
    margin = RULE.challenge.margin
    sample = canonical_sample(wealth.features, RULE.challenge.compared_rows)
    old, new = (_silhouette(challenger, model, sample) for model in (champion, challenger))
    if new is not None and (old is None or new >= old + margin):
        why = f"the challenger's silhouette is better by at least {margin:g}"
        return Chosen(_tracked(champion, challenger, wealth.features), "challenger", why, True)
    return Chosen(champion, "champion", f"no gain in silhouette of at least {margin:g}", True)


def _silhouette(space_of: AskedModel, model: AskedModel, sample: pl.DataFrame) -> float | None:
    labels = model.assign(sample)["segment_id"].to_numpy()
    if not 1 < len(np.unique(labels)) < len(labels):
        return None
    return round(float(silhouette_score(space_of.space.points(sample), labels)), 6)


def _tracked(champion: AskedModel, challenger: AskedModel, features: pl.DataFrame) -> AskedModel:
    """The challenger with the numbers of the champion's segments where they are the same."""
    overlap = measure_overlap(champion.assign(features), challenger.assign(features))
    matches = match_segments(overlap, champion.next_id)
    lines = {line["new_id"]: line for line in matches.iter_rows(named=True)}
    ids, status, free = [], [], max([champion.next_id, *(matches["segment_id"] + 1)])
    for number in challenger.ids:
        line = lines.get(number)
        # A segment without customers has no match and takes a number after all others.
        ids.append(int(line["segment_id"]) if line else free)
        status.append(str(line["status"]) if line else "new")
        free += line is None
    return replace(challenger, ids=tuple(ids), status=tuple(status), next_id=free)
