"""Predictions for any table in a file: the function behind `portrait predict`."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import polars as pl

from portrait_assets.app.percents import percent
from portrait_assets.core.files import replace_files
from portrait_assets.methods.prediction.choice import Comparison
from portrait_assets.methods.prediction.errors import PredictionError
from portrait_assets.methods.prediction.evidence.proof import Proof
from portrait_assets.methods.prediction.table.features import listed
from portrait_assets.methods.prediction.table.predictions import (
    Part,
    Request,
    TablePredictions,
    predict_table,
)
from portrait_assets.methods.statistics.resampling import Interval
from portrait_assets.schema.csv_text import neutralized

MISSING_CODES = ("", "NA", "N/A", "NaN", "nan", "NULL", "null", "None", "?", "-", ".")
"""What files write in a column of numbers where there is none."""
SEPARATORS = ",;\t|"
NAMES = {
    "binned": "weights of bins",
    "logistic": "logistic regression",
    "linear": "ridge regression",
    "trees": "boosted trees",
}


def predict_file(path: Path, to: Path, asked: Request) -> TablePredictions:
    """Read a Parquet or CSV table and write a prediction for every row, in order.

    Args:
        path: the table; CSV by its ending, which may be packed (`.csv.gz`), separated by commas,
            semicolons, tabs or bars.
        to: where the predictions go, CSV by its ending, packed or not, and otherwise Parquet.
        asked: the outcome, and what to do with the columns.

    Raises:
        PredictionError: when the file cannot be read or written, and for what
            `methods.prediction.table.predictions.predict_table` raises it.
    """
    if not to.absolute().parent.is_dir():
        raise PredictionError(f"there is no folder {to.parent} to write {to.name} to: make it")
    found = predict_table(read_table(path), asked)
    content = BytesIO()
    if _is_csv(to):
        neutralized(found.rows).write_csv(content)
    else:
        found.rows.write_parquet(content)
    written = content.getvalue()
    if _is_csv(to) and _is_packed(to):
        written = gzip.compress(written, mtime=0)  # Equal rows give an equal file.
    try:
        replace_files({to: written})
    except OSError as error:
        raise PredictionError(
            f"{to} cannot be written ({error.strerror or error}): choose another place"
        ) from error
    return found


def read_table(path: Path) -> pl.DataFrame:
    """A Parquet or CSV table; columns of CSV are numbers or dates where all that is known is.

    Raises:
        PredictionError: when there is no such file, or it is no table with a row.
    """
    if not path.is_file():
        raise PredictionError(f"there is no file {path}: name a CSV or Parquet table")
    try:
        table = _read_csv(path) if _is_csv(path) else pl.read_parquet(path)
    except UnicodeDecodeError as error:
        raise PredictionError(f"{path} is not text in UTF-8: save it as CSV in UTF-8") from error
    except (pl.exceptions.PolarsError, OSError, EOFError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        kind = "CSV" if _is_csv(path) else "Parquet"
        raise PredictionError(
            f"{path} is not a readable {kind} table ({first}): save it as CSV or Parquet"
        ) from error
    if table.is_empty():
        raise PredictionError(f"{path} has no row: there is nothing to learn from")
    return table


def _is_csv(path: Path) -> bool:
    name = path.with_suffix("") if _is_packed(path) else path
    return name.suffix.lower() in (".csv", ".tsv", ".txt")


def _is_packed(path: Path) -> bool:
    return path.suffix.lower() == ".gz"


def _read_csv(path: Path) -> pl.DataFrame:
    with (gzip.open if _is_packed(path) else open)(path, "rt", encoding="utf-8-sig") as file:
        header = file.readline()
    separator = max(SEPARATORS, key=header.count)
    table = pl.read_csv(path, separator=separator, infer_schema_length=None, try_parse_dates=True)
    return table.rename({name: name.strip() for name in table.columns}).with_columns(
        _numbers(column).alias(column.name.strip())
        for column in table.iter_columns()
        if column.dtype == pl.String
    )


def _numbers(column: pl.Series) -> pl.Series:
    """The text as numbers where all but codes for a missing value are; otherwise as it is."""
    text = column.str.strip_chars()
    numbers = text.cast(pl.Float64, strict=False)
    is_other = numbers.is_null() & ~text.is_in(MISSING_CODES).fill_null(True)
    return column if is_other.any() or numbers.is_null().all() else numbers


def sentences(found: TablePredictions) -> Iterator[str]:
    """What was learned and from what, which family was chosen and why, and what was not used."""
    outcome = found.outcome
    known = int(outcome.known.sum())
    learned = "" if found.fitted_rows == known else f", {found.fitted_rows:,} drawn to learn from"
    yield f"{found.rows.height:,} rows, {known:,} with a value of {outcome.column}{learned}"
    if outcome.kind == "number":
        yield f"expected: the number {outcome.column}"
    elif outcome.kind == "classes":
        yield f"predicted: which of {len(outcome.classes)} classes {outcome.column} is"
    else:
        event = outcome.classes[-1]
        share = float(outcome.events(event).mean())
        shown = percent(share, digits=1)
        yield f"probability: that {outcome.column} is {event}, as in {shown}% of them"
    for part in found.parts:
        yield from _of_part(part, outcome.kind == "classes")
    for leak in found.leaks:
        what = "explains" if outcome.kind == "number" else "has an AUC of"
        is_out = leak.feature in found.left_out
        then = f"left out (--keep {leak.feature} uses it)" if is_out else "is used"
        why = f"{leak.feature} alone {what} {leak.auc:.3f}: it may be known only afterwards"
        yield f"{why}; {then}" if is_out else f"{why}; it {then} (--leave-out {leak.feature})"
    reasons: dict[str, list[str]] = {}
    for feature, reason in found.dropped:
        reasons.setdefault(reason, []).append(feature)
    for reason, features in reasons.items():
        yield f"not used: {listed(features)} ({reason})"


def _of_part(part: Part, is_class: bool) -> Iterator[str]:
    proof = part.proof
    which = f"{part.name}: " if is_class else ""
    yield f"{which}{NAMES[proof.family]}; {_why(proof)}"
    measure = "explained variance" if proof.is_of_number else "AUC"
    how = "of the newest" if proof.is_by_time else "of unseen"
    best = f"the best single column, {proof.baseline_feature}, {_interval(proof.of_baseline)}"
    sure = "surely better" if proof.gain.low > 0 else "not surely better"
    yield (
        f"{which}{measure} {_interval(proof.quality)} {how} {len(proof.judged):,} rows; {best}; "
        f"gain {_interval(proof.gain)}: {sure}"
    )


def _why(proof: Proof) -> str:
    unit = "of squared error" if proof.is_of_number else "of AUC"
    return ", ".join(_compared(each, proof.family, unit) for each in proof.choice.comparisons)


def _compared(found: Comparison, winner: str, unit: str) -> str:
    """Such as `boosted trees are not surely better (-0.002 to +0.018 of AUC)`."""
    name = NAMES[found.candidate]
    is_one = name.endswith("regression")
    if found.candidate == winner:
        name = "it" if is_one else "they"
    are = "is" if is_one else "are"
    gain = f"{found.gain.low:+.4g} to {found.gain.high:+.4g} {unit}"
    if found.is_surely_better:
        return f"{name} {are} surely better than {NAMES[found.against]} ({gain})"
    return f"{name} {are} not surely better ({gain})"


def _interval(of: Interval) -> str:
    return f"{of.value:.3f} ({of.low:.3f} to {of.high:.3f})"
