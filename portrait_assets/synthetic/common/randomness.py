"""Random numbers that are functions of what they are for, not of when they are drawn.

Every number is a hash of the seed, the item (a customer, a transaction) and a label. So a
chunk, a thread or a larger bank changes nothing for the items that were there before. The hash
is the finaliser of SplitMix64 (Steele, Lea, Flood 2014), which passes the usual batteries.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_U11, _U27, _U30, _U31 = (np.uint64(shift) for shift in (11, 27, 30, 31))


def mix(words: Words) -> Words:
    """SplitMix64's finaliser: a bijection on 64-bit words whose results look independent."""
    mixed = words ^ (words >> _U30)
    mixed *= _FIRST
    mixed ^= mixed >> _U27
    mixed *= _SECOND
    mixed ^= mixed >> _U31
    return mixed


@lru_cache(maxsize=4096)
def label_word(label: str) -> np.uint64:
    """A 64-bit word for a label."""
    digest = hashlib.blake2b(label.encode(), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "little"))


@lru_cache(maxsize=1)
def normal_quantiles() -> Floats:
    """65,536 equally likely values of the standard normal distribution, ascending."""
    inverse = NormalDist().inv_cdf
    return np.array([inverse((i + 0.5) / 65_536) for i in range(65_536)])


def to_uniform(words: Words) -> Floats:
    """Numbers in [0, 1) from words."""
    uniform: Floats = (words >> _U11).astype(np.float64) * 2.0**-53
    return uniform


def to_poisson(uniform: Floats, mean: Floats) -> Ints:
    """Poisson counts by inversion, one per mean; means up to a few hundred.

    Steps through the probabilities only for the items that are not settled yet.
    """
    mean = np.minimum(mean, 600.0)
    count = np.zeros(len(mean), dtype=np.int64)
    probability = np.exp(-mean)
    cumulative = probability.copy()
    open_items = np.flatnonzero(uniform > cumulative)
    left = uniform[open_items]
    mean, probability = mean[open_items], probability[open_items]
    cumulative = cumulative[open_items]
    value = 0
    while len(open_items) and value < 900:
        value += 1
        probability = probability * mean / value
        cumulative = cumulative + probability
        count[open_items] = value
        still = left > cumulative
        open_items, left = open_items[still], left[still]
        mean, probability, cumulative = mean[still], probability[still], cumulative[still]
    return count


@dataclass(frozen=True)
class Draws:
    """Random numbers for a row of items; `words` holds one hashed word per item."""

    words: Words

    @classmethod
    def of(cls, seed: int, kind: str, numbers: Ints) -> Draws:
        """Draws for the items with these numbers; `kind` keeps kinds of items apart."""
        start = label_word(f"{seed}/{kind}")
        return cls(mix(numbers.astype(np.uint64) * GOLDEN + start))

    def __getitem__(self, rows: Ints | Mask) -> Draws:
        """Draws for some of the items."""
        return Draws(self.words[rows])

    def child(self, label: str, numbers: Ints) -> Draws:
        """Draws for sub-items: the word of each item together with a number."""
        start = self.words + label_word(label)
        return Draws(mix(start + numbers.astype(np.uint64) * GOLDEN))

    def word(self, label: str) -> Words:
        """64 random bits per item."""
        return mix(self.words + label_word(label))

    def uniform(self, label: str) -> Floats:
        """Uniform in [0, 1)."""
        return to_uniform(self.word(label))

    def normal(self, label: str) -> Floats:
        """Standard normal, within about 4.2 standard deviations."""
        return normal_quantiles()[(self.word(label) >> np.uint64(48)).astype(np.int64)]

    def chance(self, label: str, probability: Floats | float) -> Mask:
        """True with that probability."""
        chosen: Mask = self.uniform(label) < probability
        return chosen

    def whole(self, label: str, low: int, high: int) -> Ints:
        """Whole numbers from low to high, both included."""
        return low + (self.uniform(label) * (high - low + 1)).astype(np.int64)

    def pick(self, label: str, weights: npt.ArrayLike) -> Ints:
        """Positions in `weights`, each as likely as its weight."""
        cumulative = np.cumsum(np.asarray(weights, dtype=np.float64))
        found = np.searchsorted(cumulative / cumulative[-1], self.uniform(label), side="right")
        return np.minimum(found, len(cumulative) - 1)

    def poisson(self, label: str, mean: Floats) -> Ints:
        """Poisson counts with these means."""
        return to_poisson(self.uniform(label), mean)


def lookup_by_weight(weights: Floats, slots: int) -> npt.NDArray[np.uint8]:
    """A table that turns `slots` equally likely slots into weighted choices.

    Args:
        weights: shape (items, choices), not negative, each row with a positive sum.
        slots: number of slots per item.

    Returns:
        Shape (items, slots): the choice that each slot stands for.
    """
    bounds = np.cumsum(weights, axis=1)
    bounds = np.rint(bounds / bounds[:, -1:] * slots)
    position = np.arange(slots)
    table = np.zeros((len(weights), slots), dtype=np.uint8)
    for choice in range(weights.shape[1] - 1):
        table += position >= bounds[:, choice : choice + 1]
    return table
