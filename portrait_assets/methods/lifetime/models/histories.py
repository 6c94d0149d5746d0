"""Customers' histories, each different one once: a likelihood costs what differs, not who buys."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.core.arrays import Floats

Places = npt.NDArray[np.int64]

FITTED_AT_MOST = 40_000
"""Different histories that a model is fitted to; of more, an even sample by their order is taken.

At so many the sampling error of a total is below 1 %, and a fit takes seconds.
"""


@dataclass(frozen=True)
class Histories:
    """Different histories, and how many customers have each; arrays of one length.

    `x` counts purchases after the first, `t_x` and `age` (T) are weeks since the first: to the last
    purchase, and to the day as of which the history is known.
    """

    x: Floats
    t_x: Floats
    age: Floats
    customers: Floats

    @property
    def total(self) -> float:
        """How many customers there are."""
        return float(self.customers.sum())

    def sample(self, at_most: int = FITTED_AT_MOST) -> Histories:
        """An even sample of so many customers where more histories differ; itself otherwise.

        It takes every k-th customer in the order of the histories, so that equal histories give
        equal samples.
        """
        if len(self.x) <= at_most:
            return self
        ends = np.cumsum(self.customers)
        places = (np.arange(at_most) + 0.5) * (ends[-1] / at_most)
        drawn, counts = np.unique(np.searchsorted(ends, places), return_counts=True)
        return Histories(self.x[drawn], self.t_x[drawn], self.age[drawn], counts.astype(np.float64))


def grouped(summary: pl.DataFrame) -> tuple[Histories, Places]:
    """The different histories of a summary, and the place of each customer's among them.

    Args:
        summary: columns `x`, `t_x` and `T`, a row per customer.
    """
    keys = summary.select("x", "t_x", "T")
    different = keys.group_by("x", "t_x", "T").len("customers").sort("T", "x", "t_x")
    place = different.drop("customers").with_row_index("place")
    places = keys.join(place, on=["x", "t_x", "T"], how="left", maintain_order="left")["place"]
    columns = (different[name].cast(pl.Float64).to_numpy() for name in different.columns)
    return Histories(*columns), places.cast(pl.Int64).to_numpy()
