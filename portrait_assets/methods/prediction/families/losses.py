"""What a model is to make small: the logistic loss of outcomes, the squared one of numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from portrait_assets.core.arrays import Floats


@dataclass(frozen=True)
class Loss:
    """The loss of scores: log odds where it is logistic, and otherwise the number itself."""

    is_logistic: bool

    def mean(self, margin: Floats, outcome: Floats) -> float:
        """The mean loss: of log odds in nats, of numbers half the squared error."""
        if not self.is_logistic:
            return float(0.5 * ((margin - outcome) ** 2).mean())
        return float((np.logaddexp(0.0, margin) - outcome * margin).mean())

    def constant(self, outcome: Floats) -> float:
        """The score that has the least loss when it is given to all rows."""
        mean = float(outcome.mean())
        return float(np.log(mean / (1 - mean))) if self.is_logistic else mean


LOGISTIC, SQUARED = Loss(True), Loss(False)
