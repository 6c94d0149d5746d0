"""The column of a table that is to be predicted: an outcome, one of several classes or a number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.core.arrays import Floats
from portrait_assets.core.errors import listed, suggestion
from portrait_assets.methods.prediction.errors import PredictionError
from portrait_assets.methods.prediction.families.parameters import PARAMETERS

Kind = Literal["outcome", "classes", "number"]

AFFIRMATIVE = ("yes", "true", "y", "t", "是", "有")
MOST_CLASSES = 20
"""Texts beyond so many different ones are no classes, but names or notes."""


@dataclass(frozen=True)
class Outcome:
    """What is to be predicted of the rows where it is not known.

    `known` says of every row whether it is; `values` are the classes of the known rows as text, or
    numbers as Float64. `classes` are the classes in order, with the one whose probability is
    predicted last where there are two.
    """

    column: str
    kind: Kind
    known: npt.NDArray[np.bool_]
    values: pl.Series
    classes: tuple[str, ...] = ()

    def events(self, name: str) -> Floats:
        """1.0 where a known row is of the class, otherwise 0.0."""
        return (self.values == name).to_numpy().astype(np.float64)

    @property
    def numbers(self) -> Floats:
        """The numbers of the known rows."""
        return self.values.to_numpy()


def read_outcome(
    table: pl.DataFrame, name: str, event: str | None = None, as_classes: bool = False
) -> Outcome:
    """What a column holds: two different values are an outcome, more texts classes, else numbers.

    More than two numbers are classes too where that is asked for.

    Of two values the one that is predicted is the larger number, what affirms (true, yes), or the
    rarer text (of equally many the last in order), or the one that is asked for.

    Raises:
        PredictionError: when there is no such column or value, no row is known, all are the same,
            there are too many classes, or a class with fewer than ten rows.
    """
    if name not in table.columns:
        near = suggestion(name, table.columns)
        has = "" if near else f": it has {listed(table.columns)}"
        raise PredictionError(f"the table has no column {name}{near}{has}")
    column = table[name]
    if column.dtype.is_nested() or column.dtype.is_temporal():
        raise PredictionError(
            f"{name} is of the type {column.dtype}, which is not predicted: give a column of "
            "numbers, text or booleans"
        )
    is_number = column.dtype.is_numeric()
    plain = _finite(column) if is_number else column.cast(pl.String)
    known = plain.is_not_null().to_numpy()
    values = plain.drop_nulls()
    if values.is_empty():
        raise PredictionError(
            f"{name} has no value in any row: some rows must have one to learn from"
        )
    different = values.n_unique()
    if different == 1:
        raise PredictionError(
            f"{name} is {_shown(values[0])} in every row that has a value: a model needs rows "
            "with another"
        )
    if is_number and different > 2 and event is None and not as_classes:
        return Outcome(name, "number", known, values)
    texts = _as_text(values) if is_number else values
    return _of_classes(name, known, texts, event, is_number or column.dtype == pl.Boolean)


def _of_classes(
    name: str, known: npt.NDArray[np.bool_], texts: pl.Series, event: str | None, ordered: bool
) -> Outcome:
    counts = pl.DataFrame({"value": texts}).group_by("value").len("rows").sort("rows", "value")
    classes = counts["value"].to_list()
    if event is not None:
        if event not in classes:
            near = suggestion(event, classes)
            raise PredictionError(f"{name} is {event} in no row{near}: it has {listed(classes)}")
        other = f"not {event}"
        texts = pl.select(pl.when(texts == event).then(pl.lit(event)).otherwise(pl.lit(other)))[
            :, 0
        ]
        counts = pl.DataFrame({"value": texts}).group_by("value").len("rows").sort("rows", "value")
        classes = [other, event]
    elif len(classes) == 2:
        last = max(classes, key=_order) if ordered else _predicted(counts)
        classes = [*(each for each in classes if each != last), last]
    else:
        classes = sorted(classes)
    if len(classes) > MOST_CLASSES:
        raise PredictionError(
            f"{name} has {len(classes):,} different values, and at most {MOST_CLASSES} are taken "
            "for classes: pool them, or name the one to predict with --event"
        )
    fewest, few = counts["value"][0], int(counts["rows"][0])
    if few < PARAMETERS.least_events:
        raise PredictionError(
            f"{name} is {fewest} in only {few} of {len(texts):,} rows with a value, and a model "
            f"needs {PARAMETERS.least_events} of each: give more rows, or leave these out"
        )
    kind: Kind = "outcome" if len(classes) == 2 else "classes"
    return Outcome(name, kind, known, texts, tuple(classes))


def _predicted(counts: pl.DataFrame) -> str:
    """Which of two texts is predicted; their counts come by rising rows."""
    affirmed = [value for value in counts["value"] if value.strip().lower() in AFFIRMATIVE]
    if len(affirmed) == 1:
        return str(affirmed[0])
    is_rarer = counts["rows"][0] < counts["rows"][1]
    return str(counts["value"][0] if is_rarer else counts["value"].max())


def _as_text(numbers: pl.Series) -> pl.Series:
    is_whole = bool((numbers == numbers.round()).all())
    return (numbers.cast(pl.Int64) if is_whole else numbers).cast(pl.String)


def _finite(column: pl.Series) -> pl.Series:
    numbers = column.cast(pl.Float64)
    return pl.select(pl.when(numbers.is_finite()).then(numbers)).to_series().rename(column.name)


def _order(value: str) -> tuple[float, str]:
    try:
        return float(value), value
    except ValueError:
        return 0.0, value


def _shown(value: float | str) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str(value)
