"""The numbers that decide what a model is, with the reason for each."""

from __future__ import annotations

from dataclasses import dataclass

MOST_LEAVES = 64
"""Bits of the masks by which trees are scored."""


@dataclass(frozen=True)
class Parameters:
    """What is set before a model sees data; nothing else is tuned by hand.

    Sources: J. Friedman (2001), "Greedy function approximation: a gradient boosting machine", for
    small steps and small trees; P. Peduzzi and others (1996), "A simulation study of the number of
    events per variable in logistic regression analysis", for the least number of events.
    """

    least_events: int = 10
    """Fewer of either outcome say nothing of one feature, let alone of many."""
    folds: int = 5
    """Parts that settings are tried on where there is no order of time, and few rows."""
    one_split_from: int = 20_000
    """From so many rows on one part of a fifth measures the loss to the third digit."""
    trial_rows: int = 40_000
    """Rows that settings are tried on, and as many that they are judged by, so that a fit of
    200,000 takes no longer than a minute."""
    stopping_rows: int = 10_000
    """Of twice as many rows as settings are tried on, and more, so many are left out of the trees
    and say when no further one helps: the right number grows with the rows."""
    strengths: tuple[float, ...] = (0.001, 0.01, 0.1, 1.0, 10.0)
    """Variance of the prior of a coefficient: from almost none to almost free, in steps by ten,
    between which the loss hardly changes."""
    learning_rate: float = 0.1
    """A step of boosting: half of it takes twice the trees for the same loss, twice of it loses."""
    most_trees: int = 200
    """Scoring a million rows by so many small ones takes some five seconds of a processor."""
    leaves: tuple[int, ...] = (8, 31)
    """Leaves of a tree to choose from: of few thousand rows small trees predict better, of many
    large ones. `MOST_LEAVES` at the most."""
    least_in_leaf: int = 20
    """Rows behind the value of a leaf; fewer give extreme values by chance."""
    bins: int = 255
    """Parts of equal size that a column's values fall into, between which trees split."""
    leaf_penalty: float = 1.0
    """Added to the curvature of a leaf, so that values of small leaves are drawn to 0."""
    most_features: int | None = None
    """Features that a model of an outcome has at most, those that alone tell most; any number where
    None. Of few events further ones add more chance than they tell."""
    patience: int = 10
    """Trees without a smaller loss on unseen rows after which no more are grown."""

    def __post_init__(self) -> None:
        if max(self.leaves) > MOST_LEAVES:
            raise ValueError(f"trees of more than {MOST_LEAVES} leaves cannot be scored")


PARAMETERS = Parameters()
