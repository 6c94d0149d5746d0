"""A scorecard for any table in a file: the service behind `portrait scorecard`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from portrait_assets.core.arrays import Floats
from portrait_assets.core.errors import listed, suggestion
from portrait_assets.methods.scorecard.card.model import Scorecard
from portrait_assets.methods.scorecard.card.reasons import scores
from portrait_assets.methods.scorecard.card.sql import scores_sql
from portrait_assets.methods.scorecard.errors import ScorecardError
from portrait_assets.methods.scorecard.fitting.fit import Fitted, fit
from portrait_assets.methods.scorecard.fitting.looking import CardRules
from portrait_assets.methods.scorecard.judging.crossvalidation import Judged, cross_validate
from portrait_assets.methods.typing.identifying import identifies_rows
from portrait_assets.storage.duckdb.connection import literal, scratch_database
from portrait_assets.storage.files.reading import read_table
from portrait_assets.storage.files.writing import check_targets, table_bytes, write_files

_TRUE = ("1", "1.0", "true", "yes", "y", "t", "bad", "是")
_NOT_KNOWN = (None, "", "nan")
_FALSE = ("0", "0.0", "false", "no", "n", "f", "good", "否")


@dataclass(frozen=True)
class ScoredFile:
    """What `portrait scorecard` found: the card, how good it is, and how many rows it scored.

    `identifying` are the columns that number the rows, and are no inputs.
    """

    fitted: Fitted
    judged: Judged
    rows: int
    identifying: tuple[str, ...]


@dataclass(frozen=True)
class Asked:
    """Of what a card is asked for.

    `outcome` is the column of what happened, `event` the value of it that is not to happen, where
    it is not 1 or a word such as yes, and `leave_out` are columns that are no inputs.
    """

    outcome: str
    event: str | None = None
    leave_out: Sequence[str] = ()


@dataclass(frozen=True)
class Outputs:
    """Where scores go, and the card as rows and as SQL where they are asked for.

    Tables are CSV where the name ends so, and Parquet otherwise.
    """

    scores: Path
    card: Path | None = None
    sql: Path | None = None


def scorecard_file(file: Path, asked: Asked, to: Outputs, rules: CardRules) -> ScoredFile:
    """Fit a card to a table in a file, judge it, and write a score for every row, in order.

    Args:
        file: the table, as `storage.files.reading.open_table` reads it.
        asked: the outcome, and what is no input.
        to: what is written, all of it or nothing.
        rules: how to fit.

    Raises:
        TableFileError: when a file cannot be read or written.
        ScorecardError: when a column or the outcome cannot be used.
    """
    check_targets(file, *(each for each in (to.scores, to.card, to.sql) if each is not None))
    table = read_table(file)
    named = [
        *asked.leave_out,
        *rules.keep,
        *rules.directions,
        *(name for name in rules.codes if name is not None),
    ]
    for name in (asked.outcome, *named):
        _check_column(table, name, file)
    values = outcome_of(table[asked.outcome], asked.event)
    frame = table.drop(asked.outcome, *asked.leave_out)
    numbering = tuple(
        column.name
        for column in frame.iter_columns()
        if column.name not in rules.keep and identifies_rows(column)
    )
    frame = frame.drop(numbering)
    if not frame.width:
        besides = listed((asked.outcome, *numbering))
        raise ScorecardError(f"'{file.name}' has no column besides {besides} to score by.")
    fitted = fit(frame, values, rules)
    if not fitted.inputs:
        why = "; ".join(f"{each.feature}: {each.reason}" for each in fitted.left_out[:5])
        raise ScorecardError(f"No column of '{file.name}' can be an input of a card ({why}).")
    judged = cross_validate(frame.select(fitted.inputs), values, rules)
    contents = {to.scores: table_bytes(scores(fitted.card, frame), to.scores)}
    if to.card is not None:
        contents[to.card] = table_bytes(fitted.card.rows(), to.card)
    if to.sql is not None:
        _check_sql(fitted.card, frame, file)
        query = scores_sql(fitted.card, literal(file.name), asked.leave_out)
        contents[to.sql] = f"{query};\n".encode()
    write_files(contents)
    return ScoredFile(fitted, judged, table.height, numbering)


def outcome_of(column: pl.Series, event: str | None = None) -> Floats:
    """0 and 1 of a column of numbers, booleans or words such as yes and no; NaN where null.

    Args:
        column: what happened.
        event: the value that is 1, all others being 0; by default the column tells.

    Raises:
        ScorecardError: when no row has the value, or the column does not tell.
    """
    if column.dtype == pl.Null:
        return np.full(len(column), np.nan)
    words = column.cast(pl.String).str.strip_chars().str.to_lowercase()
    if event is not None:
        return _events(column, words, event)
    values = words.replace_strict(
        {**dict.fromkeys(_TRUE, 1.0), **dict.fromkeys(_FALSE, 0.0), **dict.fromkeys(_NOT_KNOWN)},
        default=-1.0,
        return_dtype=pl.Float64,
    )
    others = column.filter(values == -1.0).unique().sort()
    if len(others):
        raise ScorecardError(
            f"The outcome {column.name} holds values other than 0 and 1 "
            f"({listed(map(str, others), most=4)}); name the one that is not to happen, such as "
            f"--event {others[0]}."
        )
    return values.fill_null(float("nan")).to_numpy()


def _events(column: pl.Series, words: pl.Series, event: str) -> Floats:
    """1 where a row has the value, which may be written as 2 or 2.0, and 0 where another."""
    known = ~words.is_in(["", "nan"]).fill_null(True)
    is_event = words == event.strip().lower()
    if column.dtype.is_numeric():
        number = pl.Series([event]).cast(pl.Float64, strict=False)
        is_event = column.cast(pl.Float64).is_in(number.drop_nulls().implode())
    if not is_event.any():
        there = [str(value) for value in column.filter(known).unique().sort().head(8)]
        raise ScorecardError(
            f"The outcome {column.name} is {event} in no row{suggestion(event, there)}; it has "
            f"{listed(there, most=4)}."
        )
    return (
        pl.select(pl.when(known).then(is_event.cast(pl.Float64)))
        .to_series()
        .fill_null(float("nan"))
        .to_numpy()
    )


def _check_column(table: pl.DataFrame, name: str, file: Path) -> None:
    if name not in table.columns:
        raise ScorecardError(
            f"'{file.name}' has no column {name}{suggestion(name, table.columns)}; it has "
            f"{listed(table.columns)}."
        )


def _check_sql(card: Scorecard, frame: pl.DataFrame, file: Path) -> None:
    """Check that DuckDB, which reads text in its own way, finds the same points in the file."""
    with scratch_database() as con:
        try:
            scored = con.sql(scores_sql(card, literal(file))).pl()["score"]
        except duckdb.Error:
            scored = None
    if scored is None or not np.array_equal(scored.to_numpy(), card.points(frame)):
        raise ScorecardError(
            f"DuckDB reads '{file.name}' in another way than it was read here, so that the query "
            "would give other points; save the table as Parquet and score that, or leave out --sql."
        )
