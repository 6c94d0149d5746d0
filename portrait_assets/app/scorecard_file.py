"""A scorecard for any table in a file: the service behind `portrait scorecard`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from portrait_assets.core.errors import suggestion
from portrait_assets.core.files import replace_files
from portrait_assets.methods.scorecard.card.reasons import scores
from portrait_assets.methods.scorecard.card.sql import scores_sql
from portrait_assets.methods.scorecard.errors import ScorecardError
from portrait_assets.methods.scorecard.fitting.fit import Fitted, fit
from portrait_assets.methods.scorecard.fitting.looking import CardRules
from portrait_assets.methods.scorecard.judging.crossvalidation import Judged, cross_validate
from portrait_assets.schema.csv_text import neutralized

Floats = npt.NDArray[np.float64]

NULLS = ["", "NA", "N/A", "NULL", "null", "NaN", "nan"]
_SEPARATORS = ",;\t|"
_TRUE = ("1", "1.0", "true", "yes", "y", "t", "是")
_NOT_KNOWN = (None, "", "nan")
_FALSE = ("0", "0.0", "false", "no", "n", "f", "否")


@dataclass(frozen=True)
class ScoredFile:
    """What `portrait scorecard` found: the card, how good it is, and how many rows it scored."""

    fitted: Fitted
    judged: Judged
    rows: int


@dataclass(frozen=True)
class Outputs:
    """Where scores go, and the card as rows and as SQL where they are asked for.

    Tables are CSV where the name ends so, and Parquet otherwise.
    """

    scores: Path
    card: Path | None = None
    sql: Path | None = None


def scorecard_file(
    file: Path, outcome: str, to: Outputs, leave_out: Sequence[str], rules: CardRules
) -> ScoredFile:
    """Fit a card to a table in a file, judge it, and write a score for every row, in order.

    Args:
        file: Parquet, or CSV with any usual separator.
        outcome: the column of 0, 1 and nothing where it is not known yet.
        to: what is written, all of it or nothing.
        leave_out: columns that are no inputs, such as identifiers.
        rules: how to fit.

    Raises:
        ScorecardError: when the file, a column or the outcome cannot be used.
    """
    files = [path.resolve() for path in (file, to.scores, to.card, to.sql) if path is not None]
    if twice := next((path for path in files if files.count(path) > 1), None):
        raise ScorecardError(f"'{twice.name}' would be written over; name another file to write.")
    table = read_table(file)
    named = [
        *leave_out,
        *rules.keep,
        *rules.directions,
        *(name for name in rules.codes if name is not None),
    ]
    for name in (outcome, *named):
        _check_column(table, name, file)
    frame = table.drop(outcome, *leave_out)
    if not frame.width:
        raise ScorecardError(f"'{file.name}' has no column besides {outcome} to score by.")
    values = outcome_of(table[outcome])
    fitted = fit(frame, values, rules)
    if not fitted.inputs:
        why = "; ".join(f"{each.feature}: {each.reason}" for each in fitted.left_out[:5])
        raise ScorecardError(f"No column of '{file.name}' can be an input of a card ({why}).")
    judged = cross_validate(frame.select(fitted.inputs), values, rules)
    contents = {to.scores: table_bytes(scores(fitted.card, frame), to.scores)}
    if to.card is not None:
        contents[to.card] = table_bytes(fitted.card.rows(), to.card)
    if to.sql is not None:
        query = scores_sql(fitted.card, _quoted_path(file), leave_out)
        contents[to.sql] = f"{query};\n".encode()
    replace_files(contents)
    return ScoredFile(fitted, judged, table.height)


def outcome_of(column: pl.Series) -> Floats:
    """0 and 1 of a column of numbers, booleans or words such as yes and no; NaN where null.

    Raises:
        ScorecardError: when it holds anything else.
    """
    if column.dtype == pl.Null:
        return np.full(len(column), np.nan)
    words = column.cast(pl.String).str.strip_chars().str.to_lowercase()
    values = words.replace_strict(
        {**dict.fromkeys(_TRUE, 1.0), **dict.fromkeys(_FALSE, 0.0), **dict.fromkeys(_NOT_KNOWN)},
        default=-1.0,
        return_dtype=pl.Float64,
    )
    others = column.filter(values == -1.0).n_unique()
    if others:
        raise ScorecardError(
            f"The outcome {column.name} holds {others:,} values other than 0 and 1; it must hold "
            "1 for what is not to happen, 0 for what is, and nothing where it is not known yet."
        )
    return values.fill_null(float("nan")).to_numpy()


def read_table(file: Path) -> pl.DataFrame:
    """A table from a Parquet file, or a CSV file with commas, semicolons, tabs or bars.

    Raises:
        ScorecardError: when it cannot be read or has no row.
    """
    if not file.is_file():
        raise ScorecardError(f"There is no file '{file}'; name a CSV or Parquet table.")
    try:
        table = pl.read_parquet(file) if file.suffix.lower() == ".parquet" else _read_csv(file)
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ScorecardError(f"'{file.name}' cannot be read: {reason}.") from None
    if not table.height:
        raise ScorecardError(f"'{file.name}' has no row, so there is nothing to score.")
    return table


def table_bytes(table: pl.DataFrame, path: Path) -> bytes:
    """The table as a file of the kind that the path's name ends in: CSV, or else Parquet."""
    written = BytesIO()
    if path.suffix.lower() == ".csv":
        neutralized(table).write_csv(written)
    else:
        table.write_parquet(written)
    return written.getvalue()


def columns_of(listed: Iterable[str]) -> list[str]:
    """The names in options that each list some, separated by commas."""
    return [name.strip() for each in listed for name in each.split(",") if name.strip()]


def _read_csv(file: Path) -> pl.DataFrame:
    header = pl.read_csv(file, has_header=False, n_rows=1, separator="\x01", infer_schema=False)
    line = str(header.item(0, 0)) if header.width and header.height else ""
    separator = max(_SEPARATORS, key=line.count)
    table = pl.read_csv(
        file,
        separator=separator,
        null_values=NULLS,
        infer_schema_length=None,
        try_parse_dates=True,
    )
    return table.rename({name: name.strip() for name in table.columns})


def _check_column(table: pl.DataFrame, name: str, file: Path) -> None:
    if name not in table.columns:
        shown = ", ".join(table.columns[:10]) + (", ..." if table.width > 10 else "")
        raise ScorecardError(
            f"'{file.name}' has no column {name}{suggestion(name, table.columns)}; it has {shown}."
        )


def _quoted_path(file: Path) -> str:
    return "'" + file.name.replace("'", "''") + "'"
