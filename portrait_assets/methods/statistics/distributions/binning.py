"""Numbers put into bins, and codes put into an order."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.core.arrays import Floats

Counts = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int64]

PERCENTILES = np.arange(1, 100) / 100
TENTHS = 10


def counts_by_tenth(reference: Floats, current: Floats) -> pl.DataFrame:
    """Columns `reference` and `current`: how many of each lie in the tenths of the reference.

    The last row counts what is missing (NaN); tenths that fall together are one row.
    """
    known = reference[~np.isnan(reference)]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, TENTHS + 1)[1:-1]))
    counted = {}
    for name, values in (("reference", reference), ("current", current)):
        bins = np.searchsorted(edges, values[~np.isnan(values)], side="right")
        counts = np.bincount(bins, minlength=len(edges) + 1)
        counted[name] = np.append(counts, np.isnan(values).sum())
    return pl.DataFrame(counted)


def counts_by_value(reference: Floats, current: Floats) -> pl.DataFrame:
    """Columns `reference` and `current`: how many of each are a value, in the order of values.

    What is missing (NaN) is left out.
    """
    known = [values[~np.isnan(values)] for values in (reference, current)]
    values, at = np.unique(np.concatenate(known), return_inverse=True)
    ends = np.split(at, [len(known[0])])
    counted = (np.bincount(each, minlength=len(values)) for each in ends)
    return pl.DataFrame(dict(zip(("reference", "current"), counted, strict=True)))


def percentile_edges(ordered: Floats) -> Floats:
    """The distinct percentiles of values in rising order; none where there is no value."""
    if not len(ordered):
        return ordered
    return np.unique(ordered[(PERCENTILES * len(ordered)).astype(int)])


def counts_between(ordered: Floats, edges: Floats) -> Counts:
    """How many values, in rising order, lie up to each edge and above the last, shape (edges + 1,).

    A value on an edge lies below it.
    """
    below = np.searchsorted(ordered, edges, side="right")
    return np.diff(np.concatenate([[0], below, [len(ordered)]]))


def tenth_of_each(counts: Counts) -> Counts:
    """Into which tenth of the total, 0 to 9, each of the ordered bins of these counts reaches.

    0 for bins with nothing in or below them.
    """
    reached = np.cumsum(counts)
    return np.maximum(reached - 1, 0) * TENTHS // max(int(reached[-1]), 1)


def by_frequency(codes: Codes, most: int) -> Codes:
    """Codes from -1, numbered anew from 0 by falling frequency; from `most` on they are one."""
    if not len(codes):
        return codes
    counts = np.bincount(codes + 1)
    rank = np.empty_like(counts)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    return rank[codes + 1].clip(max=most)


def bins_by_rank(values: Floats, bins: int) -> Codes:
    """The bin from 0 of each value by the share of the others that are below it.

    Equal values have one bin, so that a bin may be empty where many are equal.
    """
    if not len(values):
        return np.empty(0, dtype=np.int64)
    ordered = np.sort(values)
    reached = np.floor(np.arange(len(values)) / max(len(values) - 1, 1) * bins).astype(np.int64)
    starts = np.searchsorted(reached, np.arange(bins))
    starts = starts[starts < len(values)]
    edges = ordered[starts]
    # A value that begins in the bin before is in that one, however many there are of it.
    is_first = np.searchsorted(ordered, edges) == starts
    starts = np.where(is_first, starts, np.searchsorted(ordered, edges, side="right"))
    starts = np.unique(starts[starts < len(values)])
    place = np.searchsorted(ordered[starts], values, side="right") - 1
    bin_of_each: Codes = np.minimum(reached[starts], bins - 1)[place]
    return bin_of_each
