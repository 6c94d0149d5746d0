"""Rates of groups, each drawn towards the rate of all as far as it rests on few.

Empirical Bayes with a beta distribution of the groups' rates, whose mean and spread are those of
the groups (J. Kleinman 1973, "Proportions with extraneous variance: single and independent
samples").
"""

from __future__ import annotations

import numpy as np

from portrait_assets.core.arrays import Floats

MOST_PRIOR = 1e6
"""What the rate of all counts at most, in customers: where groups do not differ beyond chance."""


def shrunk_rates(hits: Floats, sizes: Floats) -> Floats:
    """The rate of each group for each item, within what the groups and all together show.

    Args:
        hits: customers of the group whom it happened to, shape (groups, items).
        sizes: customers of the group, of shape (groups, 1) or that of `hits`.

    Returns:
        Rates of the shape of `hits`; 0 for an item that nobody took, the rate of all for a group
        without customers.
    """
    sizes = np.broadcast_to(np.asarray(sizes, dtype=np.float64), hits.shape)
    total = sizes.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        overall = np.where(total > 0, hits.sum(axis=0) / total, 0.0)
        rates = np.where(sizes > 0, hits / sizes, overall)
        # Weighted variance between groups, less what chance alone gives (Kleinman's moments).
        spread = (sizes * (rates - overall) ** 2).sum(axis=0)
        groups = (sizes > 0).sum(axis=0)
        noise = overall * (1 - overall)
        room = total - (sizes**2).sum(axis=0) / total
        between = (spread - np.maximum(groups - 1, 0) * noise) / room
        prior = np.where(between > 0, noise / between - 1, MOST_PRIOR)
    prior = np.clip(np.nan_to_num(prior, nan=MOST_PRIOR, posinf=MOST_PRIOR), 1.0, MOST_PRIOR)
    found: Floats = (hits + prior * overall) / (sizes + prior)
    return found
