"""A column's sensitivity class: the highest of what it is computed from, unless declared lower.

Classes are those of JR/T 0171-2020. What lowers a class is an operation, such as a band, a count or
a share over many customers, and it is declared where the operation is, with its reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from portrait_assets.schema.table import Sensitivity


@dataclass(frozen=True)
class Lowered:
    """A class below that of the inputs, and what of them is no longer in the result."""

    to: Sensitivity
    because: str


_ORDER = list(Sensitivity)


def highest(classes: Iterable[Sensitivity]) -> Sensitivity:
    """The highest of the classes; C1 where there is none."""
    return max(classes, default=Sensitivity.C1, key=_ORDER.index)


def derived(inputs: Iterable[Sensitivity], lowered: Lowered | None = None) -> Sensitivity:
    """The class of what is computed from inputs of these classes."""
    of_inputs = highest(inputs)
    return min(lowered.to, of_inputs, key=_ORDER.index) if lowered else of_inputs
