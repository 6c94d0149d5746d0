"""Which features alone tell most of an outcome.

Of a rare outcome few events stand against more than a hundred features, most of which seem to say
something by chance: a model of those that alone tell most is off by less (J. Fan, J. Lv 2008, "Sure
independence screening for ultrahigh dimensional feature space").
"""

from __future__ import annotations

import numpy as np

from portrait_assets.core.arrays import Floats
from portrait_assets.methods.prediction.binned.fitting import Weighed
from portrait_assets.methods.prediction.families.losses import LOGISTIC

OTHERS_TELL_MORE = "others alone tell more"
DIGITS = 9


def strongest(found: Weighed, outcome: Floats, most: int) -> Weighed:
    """The features whose crosswise weights lower the loss most, each by itself, in their order.

    Weights come from other rows, so that those of a feature of chance lower nothing. Of equals the
    first are taken.

    Args:
        found: features with their weights.
        outcome: 0 and 1, shape (rows,); both kinds.
        most: how many are taken at most.
    """
    if len(found.features) <= most:
        return found
    constant = LOGISTIC.constant(outcome)
    losses = [LOGISTIC.mean(constant + each, outcome) for each in found.crosswise.T]
    order = np.argsort(np.round(losses, DIGITS), kind="stable")
    places = np.sort(order[:most])
    features = tuple(found.features[at] for at in places)
    return Weighed(features, np.asfortranarray(found.crosswise[:, places]))
