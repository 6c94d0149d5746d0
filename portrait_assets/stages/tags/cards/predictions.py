"""What was predicted of one customer, as a card shows it beside the tags that rest on it.

Imports no frame library, as `card`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb

from portrait_assets.stages.tags.catalogue.inputs.predicted_names import PREFIX, names_of
from portrait_assets.storage.duckdb.connection import has_table

_PREDICTION = "predictions.prediction"
_VALUE = "predictions.customer_value"
_STAGE = "predictions.lifecycle_stage"
_RAISES = "+"
Labels = Mapping[str, tuple[str, str]]
"""The English and the Chinese name by feature."""


@dataclass(frozen=True)
class Reason:
    """A feature that raises a probability, or lowers it, with its names."""

    feature: str
    raises: bool
    en: str
    zh: str


@dataclass(frozen=True)
class CardPrediction:
    """The prediction of a target that a tag rests on.

    `basis` is model or baseline, and `version` which; `probability` is null, with the ends of its
    interval, while no rate is known. Reasons are of the customers on top of a model.
    """

    target: str
    basis: str
    version: str
    probability: float | None
    low: float | None
    high: float | None
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Predicted:
    """All that was predicted of a customer in a month.

    `values` are what tags may read of it, as text by their names.
    """

    by_target: Mapping[str, CardPrediction]
    values: Mapping[str, str]

    def of_inputs(self, names: Sequence[str]) -> tuple[CardPrediction, ...]:
        """The predictions that these inputs of a tag are of; of none that is there a baseline."""
        return tuple(
            each
            for target, each in self.by_target.items()
            if any(name in names for name, _ in names_of(target))
        )


def predicted_of(
    con: duckdb.DuckDBPyConnection, customer_id: str, month: date, labels: Labels
) -> Predicted:
    """What was predicted of the customer; nothing in files of versions without predictions.

    Args:
        con: a connection to the published file or the warehouse; only read.
        customer_id: the customer, as the file calls them.
        month: the month's last day.
        labels: names of features.
    """
    if not has_table(con, _PREDICTION):
        return Predicted({}, {})
    rows = con.execute(
        "SELECT target, basis, model_version, score, low, high, band, reason_1, reason_2, reason_3 "
        f"FROM {_PREDICTION} WHERE as_of = ? AND customer_id = ? ORDER BY target",
        [month, customer_id],
    ).fetchall()
    by_target: dict[str, CardPrediction] = {}
    values: dict[str, str] = {}
    for target, basis, version, score, low, high, band, *reasons in rows:
        found = tuple(_reason(each, labels) for each in reasons if each)
        by_target[target] = CardPrediction(target, basis, version, score, low, high, found)
        numbers = {"score": score, "low": low, "high": high, "band": band}
        for name, column in names_of(target):
            if numbers[column] is not None:
                values[name] = _text(numbers[column])
    return Predicted(by_target, values | _others(con, customer_id, month))


def is_predicted(label: str) -> bool:
    """Whether evidence is a number of a prediction, which has a sentence of its own."""
    return label.startswith(PREFIX)


def _others(con: duckdb.DuckDBPyConnection, customer_id: str, month: date) -> dict[str, str]:
    """Values and the stage of the life cycle, by the names that tags give them."""
    selected = (
        (
            _VALUE,
            "SELECT expected_purchases AS expected_purchases_3m, "
            "expected_spend AS expected_spend_3m, spend_low AS expected_spend_3m_low, "
            "spend_high AS expected_spend_3m_high, p_alive AS probability_alive "
            f"FROM {_VALUE} WHERE as_of = ? AND customer_id = ?",
        ),
        (
            _STAGE,
            "SELECT stage AS lifecycle, entered_on AS lifecycle_since "
            f"FROM {_STAGE} WHERE as_of = ? AND customer_id = ? AND left_on IS NULL",
        ),
    )
    found: dict[str, str] = {}
    for table, sql in selected:
        if not has_table(con, table):
            continue
        cursor = con.execute(sql, [month, customer_id])
        names = [column[0] for column in cursor.description or ()]
        for row in cursor.fetchall():
            named = zip(names, row, strict=True)
            found |= {name: _text(value) for name, value in named if value is not None}
    return found


def _reason(text: str, labels: Labels) -> Reason:
    feature = text[1:]
    en, zh = labels.get(feature, (feature, feature))
    return Reason(feature, text.startswith(_RAISES), en, zh)


def _text(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
