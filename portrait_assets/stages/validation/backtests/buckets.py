"""By what customers are counted: twentieths of a number, and the frequent values of a text.

Each column of a base month is encoded once, as the number of each customer's bucket: whatever is
tested on it then only counts small integers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.methods.statistics.distributions.binning import Codes, bins_by_rank
from portrait_assets.schema.table import Column, Type
from portrait_assets.stages.validation.backtests.claims import Buckets
from portrait_assets.storage.duckdb.connection import quote

BINS = 20  # Of a predicted number; ties within one blur an area under the curve by about 0.002.
LEAST_LEVEL = 0.02  # Of the customers with a value; rarer values are counted together.
OTHERS = "(others)"
UNKNOWN = -1
_NUMBERS = frozenset({Type.INTEGER, Type.NUMBER, Type.MONEY, Type.QUANTITY})
_TIMES = frozenset({Type.DATE, Type.TIMESTAMP})


@dataclass(frozen=True)
class Encoded:
    """The number of each customer's bucket among the sorted `labels`; UNKNOWN without a value."""

    labels: tuple[str, ...]
    codes: npt.NDArray[np.int32]


def bucket_sql(column: Column, kind: Buckets) -> str:
    """What a column is encoded from, as SQL over a row p of its table: a number or a text."""
    name = f"p.{quote(column.name)}"
    if kind is Buckets.BINS:
        if column.type in _TIMES:
            return f"epoch({name})"
        if column.type in _NUMBERS:
            return f"{name}::DOUBLE"
        return f"CASE WHEN {name} IS NOT NULL THEN dense_rank() OVER (ORDER BY {name})::DOUBLE END"
    if kind is Buckets.LEVELS and column.type is Type.TEXTS:
        return f"nullif(array_to_string(list_sort({name}), ' + '), '')"
    return f"{name}::VARCHAR"


def encoded(values: pl.Series, kind: Buckets) -> Encoded:
    """The buckets of a column: numbers for BINS, texts for the others; null has none."""
    if kind is Buckets.BINS:
        is_known = values.is_not_null().to_numpy()
        return _numbered(bins_by_rank(values.drop_nulls().to_numpy(), BINS), is_known)
    counts = values.drop_nulls().value_counts(name="customers")
    share = counts["customers"] / counts["customers"].sum()
    is_kept = share >= LEAST_LEVEL if kind is Buckets.LEVELS else share > 0
    kept = sorted(counts.filter(is_kept)[values.name])
    labels = _labels(kept if is_kept.all() else [*kept, OTHERS])
    codes = np.where(values.is_null().to_numpy(), UNKNOWN, _place(labels, OTHERS))
    if kept:
        number = values.cast(pl.Enum(kept), strict=False).to_physical()
        place = np.array([_place(labels, each) for each in kept])
        is_one = number.is_not_null().to_numpy()
        codes[is_one] = place[number.drop_nulls().to_numpy()]
    return Encoded(labels, codes.astype(np.int32))


def _place(labels: Sequence[str], label: str) -> int:
    return labels.index(label) if label in labels else UNKNOWN


def _labels(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))


def _numbered(bins: Codes, is_known: npt.NDArray[np.bool_]) -> Encoded:
    """The bins of those of whom one is known, as labels and codes of all."""
    name = [str(float(number)) for number in range(BINS)]
    labels = _labels(name)
    place = np.array([labels.index(each) for each in name], dtype=np.int32)
    codes = np.full(len(is_known), UNKNOWN, dtype=np.int32)
    codes[is_known] = place[bins]
    return Encoded(labels, codes)
