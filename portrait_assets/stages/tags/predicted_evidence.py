"""The predictions in the view of tags' evidence: numbers, what gave them, and reasons."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from portrait_assets.schema.table import Table
from portrait_assets.stages.predictions.contract import BASES, PREDICTION
from portrait_assets.stages.predictions.lifecycle.contract import LIFECYCLE_STAGE
from portrait_assets.stages.predictions.value.contract import CUSTOMER_VALUE
from portrait_assets.stages.tags.catalogue.inputs.predicted import PredictedColumn, targets_of
from portrait_assets.stages.tags.catalogue.inputs.predicted_names import PREFIX, names_of
from portrait_assets.storage.duckdb.connection import literal, quote

_REASONS = ("reason_1", "reason_2", "reason_3")
_ROWS = "{row} ON {row}.as_of = t.decided_as_of AND {row}.customer_id = t.customer_id"
_OF_VALUE = ("method", "expected_spend", "spend_low", "spend_high", "p_alive")
_OF_STAGE = ("stage", "entered_on", "basis")


@dataclass(frozen=True)
class PredictedEvidence:
    """What a tag's evidence says of the predictions that its rules read.

    Args:
        inputs: what the tag reads.
        columns: as `predicted_columns` gives them.
    """

    inputs: Collection[str]
    columns: Mapping[str, PredictedColumn]

    @property
    def entries(self) -> list[tuple[str, str]]:
        """Names of evidence, each with its SQL."""
        return [
            *self._of_targets(),
            *self._of(CUSTOMER_VALUE, "value", _OF_VALUE),
            *self._of(LIFECYCLE_STAGE, "lifecycle", _OF_STAGE),
        ]

    @property
    def joins(self) -> str:
        """The joins of the tables of predictions to the row t of the tag table."""
        found = [
            f"LEFT JOIN {PREDICTION.full_name} AS {_ROWS.format(row=_row(target))} "
            f"AND {_row(target)}.target = {literal(target)} "
            f"AND {_row(target)}.horizon = {horizon} "
            for target, horizon in self._targets
        ]
        for table, row in ((CUSTOMER_VALUE, "v"), (LIFECYCLE_STAGE, "l")):
            if where := self._where(table):
                rows = f"(FROM {table.full_name} WHERE {where})"
                found.append(f"LEFT JOIN {rows} AS {_ROWS.format(row=row)} ")
        return "".join(found)

    @property
    def _targets(self) -> tuple[tuple[str, int], ...]:
        return targets_of((name for name in self.inputs if name in self.columns), self.columns)

    def _where(self, table: Table) -> str:
        """The condition on the table's rows; empty where the tag reads none."""
        read = (self.columns[name] for name in self.inputs if name in self.columns)
        return next((each.where for each in read if each.table is table), "")

    def _of_targets(self) -> Iterator[tuple[str, str]]:
        for target, _ in self._targets:
            row = _row(target)
            yield from ((name, f"{row}.{field}") for name, field in names_of(target))
            baseline = literal(BASES[1])
            yield f"{PREFIX}{target}_basis", f"coalesce({row}.basis::VARCHAR, {baseline})"
            yield f"{PREFIX}{target}_model", f"{row}.model_version"
            reasons = ", ".join(f"{row}.{each}" for each in _REASONS)
            yield f"{PREFIX}{target}_reasons", f"nullif(concat_ws(', ', {reasons}), '')"

    def _of(self, table: Table, name: str, fields: Collection[str]) -> Iterator[tuple[str, str]]:
        if self._where(table):
            row = name[0]
            yield from ((f"{name}_{field}", f"{row}.{quote(field)}") for field in fields)


def _row(target: str) -> str:
    return quote(f"p_{target}")
