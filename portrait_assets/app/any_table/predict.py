"""Predictions for any table in a file: the function behind `portrait predict`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from portrait_assets.app.any_table.percents import percent
from portrait_assets.methods.prediction.evidence.proof import Proof
from portrait_assets.methods.prediction.table.features import by_reason
from portrait_assets.methods.prediction.table.predictions import (
    Part,
    Request,
    TablePredictions,
    predict_table,
)
from portrait_assets.methods.prediction.trials.choice import Comparison
from portrait_assets.methods.statistics.resampling import Interval
from portrait_assets.storage.files.reading import read_table
from portrait_assets.storage.files.writing import check_targets, write_table

NAMES = {
    "binned": "weights of bins",
    "logistic": "logistic regression",
    "linear": "ridge regression",
    "trees": "boosted trees",
    "both": "the mean of both",
}


def predict_file(path: Path, to: Path, asked: Request) -> TablePredictions:
    """Read a table in a file and write a prediction for every row, in order.

    Args:
        path: the table, as `storage.files.reading.open_table` reads it.
        to: where the predictions go, CSV by its ending, packed or not, and otherwise Parquet.
        asked: the outcome, and what to do with the columns.

    Raises:
        TableFileError: when the file cannot be read or written.
        PredictionError: for what `methods.prediction.table.predictions.predict_table` raises it.
    """
    check_targets(path, to)
    found = predict_table(read_table(path), asked)
    write_table(found.rows, to)
    return found


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
    for names, reason in by_reason(found.dropped):
        yield f"not used: {names} ({reason})"


def _of_part(part: Part, is_class: bool) -> Iterator[str]:
    proof = part.proof
    which = f"{part.name}: " if is_class else ""
    yield f"{which}{NAMES[proof.family]}; {_why(proof)}"
    measure = "explained variance" if proof.is_of_number else "AUC"
    how = "of the newest" if proof.is_by_time else "of unseen"
    best = f"the best single column, {proof.baseline_feature}, {_interval(proof.of_baseline)}"
    sure = "surely better" if proof.is_surely_better else "not surely better"
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
    is_one = name.endswith(("regression", "both"))
    if found.candidate == winner:
        name = "it" if is_one else "they"
    are = "is" if is_one else "are"
    gain = f"{found.gain.low:+.4g} to {found.gain.high:+.4g} {unit}"
    if found.is_surely_better:
        return f"{name} {are} surely better than {NAMES[found.against]} ({gain})"
    return f"{name} {are} not surely better ({gain})"


def _interval(of: Interval) -> str:
    return f"{of.value:.3f} ({of.low:.3f} to {of.high:.3f})"
