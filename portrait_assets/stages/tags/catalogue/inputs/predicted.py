"""The columns of predictions that tags may read, and which of them each tag rests on.

They are the target's probability with the ends of its interval and its band; what a customer is
expected to buy and spend; and the stage of the life cycle. Risks of credit are left out: these are
scored for those who allow it, in `predictions.credit_score`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from portrait_assets.core.errors import PortraitError
from portrait_assets.schema.table import Column, Table
from portrait_assets.stages.predictions.contract import PREDICTION
from portrait_assets.stages.predictions.lifecycle.contract import LIFECYCLE_STAGE
from portrait_assets.stages.predictions.value.comparing import HORIZON_MONTHS
from portrait_assets.stages.predictions.value.contract import CUSTOMER_VALUE
from portrait_assets.stages.tags.catalogue.inputs.predicted_names import names_of
from portrait_assets.stages.targets.declared.outcome import Outcome
from portrait_assets.stages.targets.declared.outcomes import Targets
from portrait_assets.stages.targets.declared.permitted import PROFILING

OF_STAGES = {"lifecycle": "stage", "lifecycle_since": "entered_on"}
"""The columns of the life cycle by the name that tags give them."""
_OF_VALUES = {
    f"expected_purchases_{HORIZON_MONTHS}m": "expected_purchases",
    f"expected_spend_{HORIZON_MONTHS}m": "expected_spend",
    f"expected_spend_{HORIZON_MONTHS}m_low": "spend_low",
    f"expected_spend_{HORIZON_MONTHS}m_high": "spend_high",
    "probability_alive": "p_alive",
}


@dataclass(frozen=True)
class PredictedColumn:
    """A column of a table of predictions as tags read it.

    Args:
        column: with the name that tags give it.
        table: the table that it stands in.
        field: its name there.
        needs: the cleaned table without which nobody has a value.
        of: the target and its horizon in months; None where the table has no targets.
        where: the condition on the rows of a customer of which there is then one.
    """

    column: Column
    table: Table
    field: str
    needs: str
    of: tuple[str, int] | None = None
    where: str = "true"


def predicted_columns(targets: Targets) -> dict[str, PredictedColumn]:
    """All of them by the name that tags give them.

    Raises:
        PortraitError: when two targets would give the same name.
    """
    found: dict[str, PredictedColumn] = {}
    for each in (*_of_targets(targets), *_of_values(), *_of_stages()):
        name = each.column.name
        if name in found:
            raise PortraitError(
                f"Two targets would both be called {name} in rules of tags, one of them "
                f"{each.of[0] if each.of else each.field}; rename it in targets.yaml."
            )
        found[name] = each
    return found


def _of_targets(targets: Targets) -> Iterator[PredictedColumn]:
    for outcome in targets.outcomes:
        # A tag is computed for a purpose of its own, of all customers.
        if outcome.is_credit or outcome.is_several or outcome.purpose != PROFILING:
            continue
        # Of a target that a source has not predicted the columns are there, and null.
        horizon = outcome.prediction_horizon or 0
        for name, field in names_of(outcome.code):
            column = _renamed(PREDICTION.column(field), name, outcome)
            yield PredictedColumn(column, PREDICTION, field, outcome.needs, (outcome.code, horizon))


def _renamed(column: Column, name: str, outcome: Outcome) -> Column:
    return replace(
        column,
        name=name,
        en=f"{column.en} ({outcome.en})",
        zh=f"{column.zh}（{outcome.zh}）",
        nullable=True,
    )


def _of_values() -> Iterator[PredictedColumn]:
    for name, field in _OF_VALUES.items():
        column = replace(CUSTOMER_VALUE.column(field), name=name, nullable=True)
        yield PredictedColumn(column, CUSTOMER_VALUE, field, "transactions")


def _of_stages() -> Iterator[PredictedColumn]:
    for name, field in OF_STAGES.items():
        column = replace(LIFECYCLE_STAGE.column(field), name=name, nullable=True)
        where = "left_on IS NULL"
        yield PredictedColumn(column, LIFECYCLE_STAGE, field, "transactions", where=where)


def rests_on(
    reads: Mapping[str, Collection[str]], columns: Mapping[str, PredictedColumn]
) -> dict[str, frozenset[str]]:
    """By code the columns of predictions that a tag reads, also by way of other tags.

    Args:
        reads: what each tag reads.
        columns: as `predicted_columns` gives them.
    """

    def of(code: str, seen: frozenset[str]) -> Iterator[str]:
        for name in reads[code]:
            if name in columns:
                yield name
            elif name in reads and name not in seen:
                yield from of(name, seen | {name})

    return {code: frozenset(of(code, frozenset({code}))) for code in reads}


def targets_of(
    names: Iterable[str], columns: Mapping[str, PredictedColumn]
) -> tuple[tuple[str, int], ...]:
    """The targets, with their horizons, of which these are the predictions, in order."""
    return tuple(sorted({of for name in names if (of := columns[name].of) is not None}))
